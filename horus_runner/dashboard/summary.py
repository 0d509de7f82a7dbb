"""The table at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from horus_runner.dashboard import quantities
from horus_runner.dashboard.columns import table
from horus_runner.dashboard.hints import hints
from horus_runner.dashboard.view import TOPIC_COLUMNS, node_columns
from horus_runner.metrics.snapshot import Snapshot

WIDTH_OF_A_FILE = 120  # columns, where standard output is no terminal


def summary(
    snapshot: Snapshot,
    width: int,
    cause: str | None = None,
    advice: Sequence[str] | None = None,
    ascii_only: bool = False,
) -> RenderableType:
    """Totals over the whole run, the first cause of its end if it was not the plan, and hints."""
    parts: list[RenderableType] = [
        Text.assemble((snapshot.graph, "bold"), f" ran for {quantities.elapsed(snapshot.elapsed_s)}"),
        Text(),
        table(node_columns(ascii_only), snapshot.nodes, width),
    ]
    if snapshot.topics:
        parts += [Text(), table(TOPIC_COLUMNS, snapshot.topics, width)]
    if cause:
        parts += [Text(), Text(f"ended because {cause}", style="bold red")]
    told = hints(snapshot) if advice is None else advice
    if told:
        parts += [Text(), *(Text(f"- {sentence}") for sentence in told)]
    return Group(*parts)


def print_summary(snapshot: Snapshot, cause: str | None = None) -> None:
    """Write the summary to standard output: without colour, and 120 columns wide, when that is no terminal."""
    console = Console(highlight=False)
    width = console.width if console.is_terminal else WIDTH_OF_A_FILE
    console.width = width
    console.print(summary(snapshot, width, cause, ascii_only=console.options.ascii_only))
