"""Closing the subscriber rows of those who are gone."""

from __future__ import annotations

import os

from horus_runner._core.mapping import Mapping
from horus_runner._core.table import HEADER_BYTES, describe_ring, owner_parts, owner_word, retire_row, row_owners
from horus_runner.errors import HorusError
from horus_runner.transport.names import RingName, ring_segments
from horus_runner.transport.runs import find_run, is_dead
from horus_runner.transport.segment import open_segment


def retire(run_id: str, node_index: int) -> None:
    """Close the rows of a node's process, in every ring of every namespace; its ledgers stay in them.

    Only after waitpid or a pidfd has said that the process is gone.
    """
    run = int(run_id, 16)
    cleaner = owner_word(run, 0, 0)
    for ring in list(ring_segments()):
        opened = _open_table(ring)
        if opened is None:
            continue
        control, size = opened
        for row, owner in enumerate(row_owners(control, size)):
            owner_run, index, state = owner_parts(owner)
            # A row in clearing is one that the process was giving back when it ended.
            if state != "free" and (owner_run, index) == (run, node_index):
                retire_row(control, size, row, owner, cleaner)


def reclaim(control: Mapping, file_bytes: int, cleaner: int) -> int:
    """Close the rows of a ring whose owners' runs are dead; returns how many there were."""
    cleared = 0
    cleaner_run, _, _ = owner_parts(cleaner)
    for row, owner in enumerate(row_owners(control, file_bytes)):
        run, _, state = owner_parts(owner)
        if state == "free" or run == cleaner_run:
            continue
        name = find_run(f"{run:08x}")
        if name is None or is_dead(name):
            cleared += retire_row(control, file_bytes, row, owner, cleaner)
    return cleared


def _open_table(ring: RingName) -> tuple[Mapping, int] | None:
    """Header and table of a ring; None when it has gone, or is another user's or another version's."""
    try:
        descriptor = open_segment(ring.segment)
    except (FileNotFoundError, PermissionError):
        return None
    try:
        size = os.fstat(descriptor).st_size
        about = describe_ring(Mapping(descriptor, HEADER_BYTES), size)
        return Mapping(descriptor, about["descriptors_offset"], writable=True), size
    except HorusError:
        return None
    finally:
        os.close(descriptor)
