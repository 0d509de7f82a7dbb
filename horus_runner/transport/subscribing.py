"""Finding the rings of a topic, checking that they carry what the subscriber reads, and following their generations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.channel import Receiver
from horus_runner._core.clock import monotonic_ns
from horus_runner._core.mapping import Mapping
from horus_runner._core.records import Record, layout_of
from horus_runner._core.ring import HEADER_BYTES, RingReader, describe_ring, owner_word
from horus_runner.errors import HorusError, LayoutMismatchError, MessageTypeError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages.registry import resolve_type
from horus_runner.transport.names import RingName, digest, ring_segments
from horus_runner.transport.rows import reclaim
from horus_runner.transport.runs import find_run, is_dead
from horus_runner.transport.segment import open_segment

if TYPE_CHECKING:
    from horus_runner.transport.participant import Participant


class RingFinder:
    """One subscriber's view of who publishes on its topic."""

    def __init__(
        self, participant: Participant, topic: TopicPlan, subscriber: str, namespace: str, declared: type[Any] | None
    ) -> None:
        self._participant = participant
        self._topic = topic
        self._subscriber = subscriber
        self._namespace = namespace
        self._declared = declared
        self._since_ns = monotonic_ns()
        self._digest = digest(topic.name)
        self._reading: dict[RingReader, RingName] = {}

    def rescan(self, receiver: Receiver) -> None:
        """Rings came or went: read those that are new, drop those whose publisher is gone and that are read to the end.

        Raises MessageTypeError or LayoutMismatchError when a publisher sends something else than is declared here.
        """
        for reader, name in list(self._reading.items()):
            if reader.exhausted and not _is_there(name):
                reader.close()
                del self._reading[reader]
        followed = {name.chain for name in self._reading.values()}
        oldest: dict[tuple[str, str, str], RingName] = {}
        for ring in ring_segments(self._namespace, self._digest):
            if ring.chain not in followed and (
                ring.chain not in oldest or ring.generation < oldest[ring.chain].generation
            ):
                oldest[ring.chain] = ring
        for name in oldest.values():
            self._join(name)
        receiver.rings = tuple(self._reading)

    def advance(self, reader: RingReader) -> RingReader | None:
        """The reader of the generation after `reader`'s, None when that is gone with its run."""
        name = self._reading.pop(reader)
        return self._join(name.next_generation(), from_base=True)

    def _join(self, name: RingName, *, from_base: bool = False) -> RingReader | None:
        try:
            descriptor = open_segment(name.segment)
        except FileNotFoundError:
            return None
        size = os.fstat(descriptor).st_size
        about = describe_ring(Mapping(descriptor, HEADER_BYTES, writable=False), size)
        if about["topic"] != self._topic.name or _is_orphan(name):
            os.close(descriptor)
            return None
        record_type = self._record_type(about)
        if about["created_ns"] >= self._since_ns:
            from_base = True
        start = about["base"] if from_base else None
        reader = self._claim(name, descriptor, size, about, record_type, start)
        self._reading[reader] = name
        return reader

    def _claim(
        self,
        name: RingName,
        descriptor: int,
        size: int,
        about: dict[str, Any],
        record_type: type[Any] | None,
        start: int | None,
    ) -> RingReader:
        fixed, payload = about["descriptors_offset"], about["payload_offset"]
        slot_bytes = about["slot_bytes"]
        control = Mapping(descriptor, fixed, writable=True)
        view = Mapping(descriptor, size - fixed, fixed)
        participant = self._participant
        owner = owner_word(participant.segment.run_number, participant.index, participant.next_join())

        def open_private(slot: int) -> Mapping:
            return Mapping(descriptor, slot_bytes, payload + slot * slot_bytes, private=True)

        def claim() -> RingReader:
            return RingReader(control, view, size, owner, self._subscriber, open_private, record_type, start=start)

        try:
            return claim()
        except HorusError:
            if not reclaim(control, size, owner):
                raise
            return claim()

    def _record_type(self, about: dict[str, Any]) -> type[Any] | None:
        """The class of the ring's records, None when it carries MessagePack or arrays."""
        topic, theirs = self._topic.name, about["type"] or "messages of any type"
        declared = self._declared
        if not about["layout_hash"]:
            if declared is not None and (issubclass(declared, Record) or about["type"] != declared.__name__):
                raise MessageTypeError(topic, f"{theirs} (from '{about['publisher']}')", declared.__name__)
            return None
        found: Any = declared
        if declared is None:
            found = resolve_type(about["type"])
        elif issubclass(declared, ArrayMessage):
            raise MessageTypeError(topic, f"{theirs} (from '{about['publisher']}')", declared.__name__)
        layout = layout_of(found)
        if layout.hash != about["layout_hash"]:
            raise LayoutMismatchError(topic, layout.describe(), about["layout"])
        return found  # type: ignore[no-any-return]


def _is_orphan(ring: RingName) -> bool:
    """Whether the run that a ring belongs to is over. Its process segment may stand in another namespace."""
    run = find_run(ring.run_id)
    return run is None or is_dead(run)


def _is_there(name: RingName) -> bool:
    try:
        os.close(open_segment(name.segment))
    except FileNotFoundError:
        return False
    return not _is_orphan(name)
