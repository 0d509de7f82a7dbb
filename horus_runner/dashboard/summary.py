"""The table at the end of a run."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from horus_runner.dashboard import quantities
from horus_runner.dashboard.columns import table
from horus_runner.dashboard.hints import hints
from horus_runner.dashboard.view import TOPIC_COLUMNS, node_columns
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.runtime.report import Report

WIDTH_OF_A_FILE = 120  # columns, where standard output is no terminal


def summary(
    snapshot: Snapshot,
    width: int,
    title: str = "ran for",
    cause: Text | None = None,
    advice: Sequence[str] = (),
    ascii_only: bool = False,
) -> RenderableType:
    """The totals of a run, the first cause of its end if that was not the plan, and advice."""
    parts: list[RenderableType] = [
        Text.assemble((snapshot.graph, "bold"), f" {title} {quantities.elapsed(snapshot.elapsed_s)}"),
        Text(),
        table(node_columns(ascii_only), snapshot.nodes, width),
    ]
    if snapshot.topics:
        parts += [Text(), table(TOPIC_COLUMNS, snapshot.topics, width)]
    if cause:
        parts += [Text(), cause]
    if advice:
        parts += [Text(), *(Text(f"- {sentence}") for sentence in advice)]
    return Group(*parts)


def print_summary(report: Report) -> None:
    """Write a run's summary, with hints, to standard output; without colour, and 120 columns wide, to a file."""
    style = "bold red" if report.exit_code else ""
    cause = None if report.cause is None else Text(f"ended because {report.cause}", style=style)
    _print(report.snapshot, "ran for", cause, hints(report.snapshot))


def print_snapshot(snapshot: Snapshot, title: str) -> None:
    """Write the figures of a run to standard output; `title` stands between its name and its time."""
    _print(snapshot, title, None, ())


def _print(snapshot: Snapshot, title: str, cause: Text | None, advice: Sequence[str]) -> None:
    console = Console(highlight=False)
    console.width = width = console.width if console.is_terminal else WIDTH_OF_A_FILE
    with console.capture() as text:  # rich would exit with 1 where nobody reads
        console.print(summary(snapshot, width, title, cause, advice, console.options.ascii_only))
    sys.stdout.write(text.get())
    sys.stdout.flush()
