"""What the measurements say, as plain values for JSON and as a table for a terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from horus_runner.bench.measure import Conditions, Timing

LEGEND = (
    "frames are 640 x 480 rgb8; between two processes, 1,000 messages a second to a receiver that sleeps\n"
    "page: the figures of the zero-copy page, on an i9-14900K\n"
    "noise: how much longer than the median the slowest tenth of equal loops took; a few percent on a quiet machine"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation: what it takes here, what the page says that it takes there, and what this machine needs anyway.

    `document_us` is the figure of the zero-copy page, measured on an i9-14900K; None where the page has none.
    `limit` is the bare minimum on this machine, measured in the same run, and `limit_is` says of what.
    """

    name: str
    timing: Timing
    document_us: float | None = None
    document_per_s: int | None = None
    limit: Timing | None = None
    limit_is: str | None = None

    @property
    def per_s(self) -> float:
        """Calls a second at the median."""
        return 1e9 / self.timing.p50_ns

    def to_dict(self) -> dict[str, Any]:
        """Durations in microseconds, what was not measured None."""
        return {
            "name": self.name,
            "p50_us": self.timing.p50_ns / 1e3,
            "best_us": self.timing.best_ns / 1e3,
            "p90_us": self.timing.p90_ns / 1e3,
            "samples": self.timing.count,
            "per_s": self.per_s,
            "document_us": self.document_us,
            "document_per_s": self.document_per_s,
            "limit_us": None if self.limit is None else self.limit.p50_ns / 1e3,
            "limit_best_us": None if self.limit is None else self.limit.best_ns / 1e3,
            "limit_is": self.limit_is,
        }


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All rows of one run, and what it ran on."""

    conditions: Conditions
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"machine": dataclasses.asdict(self.conditions), "rows": [row.to_dict() for row in self.rows]}


def render(report: BenchReport) -> Group:
    """The table, with the conditions above it and what its columns mean below."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("operation", overflow="fold")
    for heading in ("here p50", "best", "p90", "a second", "page", "page, a second", "limit"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in report.rows:
        table.add_row(
            row.name,
            _us(row.timing.p50_ns),
            _us(row.timing.best_ns),
            _us(row.timing.p90_ns),
            f"{row.per_s:,.0f}",
            "" if row.document_us is None else f"{row.document_us:.1f} us",
            "" if row.document_per_s is None else f"{row.document_per_s:,}",
            "" if row.limit is None else _us(row.limit.p50_ns),
        )
    below = Text(f"{LEGEND}\n{_limits(report.rows)}".rstrip(), style="dim")
    return Group(Text(report.conditions.sentence), Text(), table, Text(), below)


def _limits(rows: Sequence[Row]) -> str:
    """A line a kind of limit, with the operations that it holds for."""
    names: dict[str, list[str]] = {}
    for row in rows:
        if row.limit_is:
            names.setdefault(row.limit_is, []).append(row.name)
    return "\n".join(f"limit of {'; '.join(of)}: {limit}" for limit, of in names.items())


def _us(duration_ns: float) -> str:
    """Microseconds, with three digits that mean something."""
    us = duration_ns / 1e3
    return f"{us:.2f} us" if us < 10 else f"{us:.1f} us" if us < 100 else f"{us:.0f} us"
