"""Segments of shared memory: making, opening and filling them, and the process segment of a run.

A segment is filled under a name of its own and linked to its real one, so nobody meets a half-made one. This module
alone calls `multiprocessing.shared_memory`, and keeps it from starting a resource tracker, which would unlink segments
that other processes still use.
"""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from collections.abc import Callable, Sequence
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Any

from horus_runner._core.clock import Doorbell, monotonic_ns, realtime_ns
from horus_runner._core.mapping import Mapping, add_to_word, read_word, reserve, set_word_once
from horus_runner._core.meter import RECORD_BYTES, NodeRecord
from horus_runner.errors import HorusError
from horus_runner.transport.names import DIRECTORY, RunName, new_run_id, unfinished_segment

__all__ = ["ProcessSegment", "create_segment", "new_run_id", "open_segment"]

_HEADER = struct.Struct("<8sIIqqq112s112s")
_MAGIC = b"HRPROC01"
_EPOCH_OFFSET = 512
_GO_OFFSET = 576
_DOORBELLS_OFFSET = 4096


def _create_shared_memory(name: str, nbytes: int) -> None:
    if sys.version_info >= (3, 13):
        SharedMemory(name, create=True, size=nbytes, track=False).close()
        return
    register = resource_tracker.register

    def register_others(tracked: str, kind: str) -> None:
        if tracked.lstrip("/") != name:
            register(tracked, kind)

    module: Any = resource_tracker
    module.register = register_others
    try:
        SharedMemory(name, create=True, size=nbytes).close()
    finally:
        module.register = register


def create_segment(name: str, nbytes: int, run: RunName, fill: Callable[[int], None]) -> int:
    """Make segment `name` of `nbytes` bytes, mode 0600; returns its descriptor.

    `fill(descriptor)` writes it before anybody can see it. Raises FileExistsError when there is one of that name, and
    whatever `fill` raises; nothing is left then.
    """
    unfinished = unfinished_segment(run.namespace, run.run_id)
    _create_shared_memory(unfinished, nbytes)
    descriptor = -1
    try:
        descriptor = open_segment(unfinished)
        fill(descriptor)
        os.link(DIRECTORY / unfinished, DIRECTORY / name)
    except BaseException:
        if descriptor >= 0:
            os.close(descriptor)
        raise
    finally:
        (DIRECTORY / unfinished).unlink()
    return descriptor


def open_segment(name: str) -> int:
    """A descriptor of a segment that is there; FileNotFoundError when it is not."""
    return os.open(DIRECTORY / name, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


_held_locks: set[int] = set()


def _drop_inherited_locks() -> None:
    """In a forked child: an flock lives as long as any copy of its descriptor, and the run must not look alive."""
    for descriptor in _held_locks:
        os.close(descriptor)
    _held_locks.clear()


os.register_at_fork(after_in_child=_drop_inherited_locks)


class ProcessSegment:
    """What the processes of one run share: doorbells, node records, the epoch that changes when rings come or go.

    Its maker holds an flock on it; the run is dead when that lock can be taken.
    """

    def __init__(self, name: RunName, descriptor: int, *, owner: bool) -> None:
        self.name = name
        self.owner = owner
        self._lock = descriptor if owner else -1
        size = os.fstat(descriptor).st_size
        self.mapping = Mapping(descriptor, size, writable=True)
        if not owner:
            os.close(descriptor)
        header = self.mapping.read(0, _HEADER.size)
        magic, nodes, self.owner_pid, self.started_ns, self.started_realtime_ns, _, graph, _ = _HEADER.unpack(header)
        if magic != _MAGIC or size < _records_offset(nodes) + nodes * RECORD_BYTES:
            raise HorusError(f"segment {name.segment} is not a process segment of this version")
        self.nodes: int = nodes
        self.graph: str = graph.rstrip(b"\0").decode()
        self.aliases: tuple[RunName, ...] = ()

    @classmethod
    def create(
        cls, namespace: str, run_id: str, node_names: Sequence[str], graph: str = "", aliases: Sequence[str] = ()
    ) -> ProcessSegment:
        """Make a run's segment and take its lock. In each namespace of `aliases` the same segment has a name too."""
        name = RunName(namespace, run_id)
        count = max(len(node_names), 1)
        size = _records_offset(count) + count * RECORD_BYTES

        def fill(descriptor: int) -> None:
            reserve(descriptor, 0, size, f"the process segment of '{graph or namespace}'")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            mapping = Mapping(descriptor, size, writable=True)
            mapping.write(
                0,
                _HEADER.pack(
                    _MAGIC,
                    count,
                    os.getpid(),
                    monotonic_ns(),
                    realtime_ns(),
                    0,
                    graph.encode()[:112],
                    namespace.encode()[:112],
                ),
            )
            for index, node in enumerate(node_names):
                NodeRecord(mapping, _records_offset(count) + index * RECORD_BYTES).describe(node, None, 0, 0, 0)

        descriptor = create_segment(name.segment, size, name, fill)
        _held_locks.add(descriptor)
        segment = cls(name, descriptor, owner=True)
        segment.aliases = tuple(RunName(alias, run_id) for alias in aliases if alias != namespace)
        for alias in segment.aliases:
            os.link(DIRECTORY / name.segment, DIRECTORY / alias.segment)
        return segment

    @classmethod
    def open(cls, namespace: str, run_id: str) -> ProcessSegment:
        """The segment of a run that is there. Raises FileNotFoundError when it is not."""
        name = RunName(namespace, run_id)
        return cls(name, open_segment(name.segment), owner=False)

    @property
    def run_number(self) -> int:
        """The run id as a 32-bit number, as owner words carry it."""
        return int(self.name.run_id, 16)

    def doorbell(self, index: int) -> Doorbell:
        """The bell of process `index` of the run."""
        if not 0 <= index < self.nodes:
            raise IndexError(f"run {self.name.run_id} has doorbells 0 to {self.nodes - 1}, not {index}")
        return Doorbell(self.mapping, _DOORBELLS_OFFSET + 64 * index)

    def record(self, index: int) -> NodeRecord:
        """The record of node `index` of the run."""
        if not 0 <= index < self.nodes:
            raise IndexError(f"run {self.name.run_id} has nodes 0 to {self.nodes - 1}, not {index}")
        return NodeRecord(self.mapping, _records_offset(self.nodes) + RECORD_BYTES * index)

    @property
    def epoch_offset(self) -> int:
        """Where in `mapping` the word is that changes when rings come or go."""
        return _EPOCH_OFFSET

    def bump_epoch(self) -> None:
        """Rings came or went: every process of the run looks again, the sleeping ones now."""
        add_to_word(self.mapping, _EPOCH_OFFSET, 1)
        self.ring_all()

    def ring_all(self) -> None:
        """Ring every process of the run."""
        for index in range(self.nodes):
            self.doorbell(index).ring()

    @property
    def go_ns(self) -> int:
        """When the nodes began to tick (t0 of their grids); 0 before."""
        return read_word(self.mapping, _GO_OFFSET)

    def go(self, at_ns: int) -> None:
        """Let all nodes tick from `at_ns` on; the first call decides."""
        if set_word_once(self.mapping, _GO_OFFSET, at_ns):
            self.ring_all()

    def close(self) -> None:
        """Let go of the lock: the run is over for everybody."""
        if self._lock in _held_locks:
            _held_locks.discard(self._lock)
            fcntl.flock(self._lock, fcntl.LOCK_UN)  # closing would not do: the mapping keeps the file open
            os.close(self._lock)
        self._lock = -1

    def unlink(self) -> None:
        """Remove the segment's names; who has it mapped keeps it."""
        for name in (*self.aliases, self.name):
            (DIRECTORY / name.segment).unlink(missing_ok=True)


def _records_offset(nodes: int) -> int:
    return _DOORBELLS_OFFSET + (64 * nodes + 4095) // 4096 * 4096
