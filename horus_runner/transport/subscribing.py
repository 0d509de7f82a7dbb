"""Finding the rings of a topic, checking that they carry what the subscriber reads, and following their generations."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.mapping import Descriptor, Mapping
from horus_runner._core.receiver import Receiver
from horus_runner._core.records import Record, layout_of
from horus_runner._core.ring import RingReader
from horus_runner._core.table import HEADER_BYTES, describe_ring, owner_word
from horus_runner.errors import LayoutMismatchError, MessageTypeError
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
        self._looked = False
        self._done: set[tuple[str, str, str]] = set()  # rings of publishers that are gone
        self._digest = digest(topic.name)
        self._reading: dict[RingReader, RingName] = {}

    def rescan(self, receiver: Receiver) -> None:
        """Rings came or went: read those that are new, drop those whose publisher is gone and that are read to the end.

        A ring that the first look did not find was made since: it is read from its beginning. Raises MessageTypeError
        or LayoutMismatchError when a publisher sends something else than is declared here.
        """
        for reader, name in list(self._reading.items()):
            if reader.exhausted and not _is_there(name):
                reader.close()
                del self._reading[reader]
                self._done.add(name.chain)
        followed = {name.chain for name in self._reading.values()}
        oldest: dict[tuple[str, str, str], RingName] = {}
        for ring in ring_segments(self._namespace, self._digest):
            if (
                ring.chain not in followed
                and ring.chain not in self._done
                and (ring.chain not in oldest or ring.generation < oldest[ring.chain].generation)
            ):
                oldest[ring.chain] = ring
        for name in oldest.values():
            if self._looked or not _is_orphan(name):  # whoever began and ended in between can still be read
                self._join(name, from_base=self._looked)
            else:
                self._done.add(name.chain)
        self._looked = True
        receiver.rings = tuple(self._reading)

    def advance(self, reader: RingReader) -> RingReader | None:
        """The reader of the generation after `reader`'s, None when that is gone with its run."""
        name = self._reading.pop(reader)
        return self._join(name.next_generation(), from_base=True)

    def ahead(self, reader: RingReader) -> bool:
        """Whether the generation after `reader`'s has messages."""
        opened = _open_ring(self._reading[reader].next_generation())
        return opened is not None and opened[1]["head"] > opened[1]["base"]

    def _join(self, name: RingName, *, from_base: bool) -> RingReader | None:
        """Read a ring from its beginning, or from now on: then the generation in use is meant, not an ended one."""
        opened = _open_ring(name)
        while opened is not None and not from_base and opened[1]["successor"]:
            name = name.next_generation()
            opened = _open_ring(name)
        if opened is None or opened[1]["topic"] != self._topic.name:
            return None
        file, about = opened
        reader = self._claim(file, about, self._record_type(about), about["base"] if from_base else None)
        self._reading[reader] = name
        return reader

    def _claim(
        self, file: Descriptor, about: dict[str, Any], record_type: type[Any] | None, start: int | None
    ) -> RingReader:
        size, fixed, payload = about["total_bytes"], about["descriptors_offset"], about["payload_offset"]
        slot_bytes = about["slot_bytes"]
        control = Mapping(file.number, fixed, writable=True)
        view = Mapping(file.number, size - fixed, fixed)
        participant = self._participant
        owner = owner_word(participant.segment.run_number, participant.index, participant.next_join())

        def open_private(slot: int) -> Mapping:
            return Mapping(file.number, slot_bytes, payload + slot * slot_bytes, private=True)

        reclaim(control, size, owner)
        writer_bell = None
        if about["lossless"]:
            writer_bell = participant.doorbell_of(owner_word(about["run"], about["publisher_index"], 0))
        return RingReader(
            control, view, size, owner, self._subscriber, open_private, writer_bell, record_type, start=start
        )

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
    return _open_ring(name) is not None and not _is_orphan(name)


def _open_ring(name: RingName) -> tuple[Descriptor, dict[str, Any]] | None:
    """A ring and what its header says; None when it has gone, or is another user's.

    Raises HorusError when it is another version's.
    """
    try:
        file = Descriptor(open_segment(name.segment))
    except (FileNotFoundError, PermissionError):
        return None
    return file, describe_ring(Mapping(file.number, HEADER_BYTES), os.fstat(file.number).st_size)
