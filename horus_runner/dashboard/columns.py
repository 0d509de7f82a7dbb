"""A table that fits: columns leave in order of their priority until no line is wider than the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.table import Table
from rich.text import Text

Row = TypeVar("Row")
GAP = 2
NARROWEST_NAME = 8


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """`priority` 0 stays at any width, the highest leaves first. `width` is kept even when the cells are narrower, so
    that a table does not twitch as its numbers change."""

    title: str
    priority: int
    width: int
    cell: Callable[[Row], Text]
    left: bool = False


def shortened(name: Text, width: int) -> Text:
    """`name` with its middle left out: what tells names apart is mostly at their ends."""
    if name.cell_len <= width:
        return name
    tail = (width - 1) // 2
    return Text(name.plain[: width - 1 - tail] + "…" + name.plain[len(name) - tail :], style=name.style)


def fitting(columns: Sequence[Column[Row]], widths: Sequence[int], width: int) -> list[int]:
    """The indices of the columns that fit into `width` together."""
    shown = list(range(len(columns)))
    while sum(widths[i] + GAP for i in shown) - GAP > width:
        last = max(shown, key=lambda i: (columns[i].priority, i))
        if columns[last].priority == 0:
            break
        shown.remove(last)
    return shown


def table(columns: Sequence[Column[Row]], rows: Sequence[Row], width: int) -> Table:
    """`rows` under the titles of as many columns as fit; what is still too wide is the first column, which is cut."""
    cells = [[column.cell(row) for row in rows] for column in columns]
    widths = [
        max(column.width, len(column.title), *(cell.cell_len for cell in cells[i]), 1)
        for i, column in enumerate(columns)
    ]
    # A long name costs the columns to its right only after it has given way itself.
    widths[0] = min(widths[0], max(NARROWEST_NAME, width // 4))
    shown = fitting(columns, widths, width)
    over = sum(widths[i] + GAP for i in shown) - GAP - width
    widths[0] = max(widths[0] - max(over, 0), 1)
    cells[0] = [shortened(cell, widths[0]) for cell in cells[0]]
    result = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold", width=None)
    for i in shown:
        result.add_column(
            Text(columns[i].title),
            justify="left" if columns[i].left else "right",
            width=widths[i],
            no_wrap=True,
            overflow="ellipsis",
        )
    for r in range(len(rows)):
        result.add_row(*(cells[i][r] for i in shown))
    return result
