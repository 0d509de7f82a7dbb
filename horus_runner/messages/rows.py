"""A list of messages inside a message: the packed records of one type, one after the other, in a field of bytes."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record

R = TypeVar("R", bound=Record)


def append_row(place: str, rows: NDArray[np.uint8], row: Record, kind: type[Record], most: int) -> NDArray[np.uint8]:
    """`rows` and one more. Raises TypeError for another type than `kind`, ValueError when `most` are there already."""
    if not isinstance(row, kind):
        raise TypeError(f"{place} takes a {kind.__name__}, not {type(row).__name__}")
    if rows.size >= most * layout_of(kind).size:
        raise ValueError(f"{place} holds up to {most} of {kind.__name__}, and has as many")
    return np.append(rows, np.frombuffer(row.to_numpy().tobytes(), np.uint8))


def count_rows(rows: NDArray[np.uint8], kind: type[Record]) -> int:
    """How many there are."""
    return int(rows.size) // layout_of(kind).size


def read_rows(place: str, rows: NDArray[np.uint8], kind: type[R]) -> list[R]:
    """Each of them, as a message of its own. Raises ValueError when the last one is not whole."""
    size = layout_of(kind).size
    if rows.size % size:
        raise ValueError(f"{place} has {rows.size} bytes: {kind.__name__} takes {size} each")
    return [kind.from_numpy(row) for row in np.frombuffer(rows.tobytes(), layout_of(kind).dtype)]
