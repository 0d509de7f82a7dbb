"""A publisher's rings: how large they are made, when the next generation follows, what a topic accepts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.clock import monotonic_ns
from horus_runner._core.mapping import Descriptor, Mapping, reserve
from horus_runner._core.records import Record, layout_of
from horus_runner._core.ring import RingWriter
from horus_runner._core.sender import Sender
from horus_runner._core.table import ARRAY, LAYOUT_BYTES, RECORD, describe_ring, owner_word, ring_header
from horus_runner.errors import HorusNotFoundError, MessageTypeError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages.image import Image
from horus_runner.messages.registry import resolve_type, type_name
from horus_runner.messages.tensor import Tensor
from horus_runner.transport.names import RingName, digest, ring_segments
from horus_runner.transport.rows import reclaim
from horus_runner.transport.segment import create_segment, open_segment

if TYPE_CHECKING:
    from horus_runner.transport.participant import Participant

SMALL_CAPACITY = 1024
LARGE_CAPACITY = 3
ROWS = 32
LOANS = 4
EMBED_BYTES = 256
SMALL_SLOT_BYTES = 4096
PURGE_AFTER_NS = 10_000_000_000


class RingChain:
    """The generations of one publisher's ring on one topic."""

    def __init__(
        self, participant: Participant, topic: TopicPlan, publisher: str, namespace: str, declared: type[Any] | None
    ) -> None:
        self._participant = participant
        self._topic = topic
        self._publisher = publisher
        self._declared = declared
        self._namespace = namespace
        self._newest: RingWriter | None = None
        self._older: list[tuple[int, RingWriter]] = []  # (when it ended, ring): subscribers may still read it
        self._about: dict[str, Any] = {}
        self._name = RingName(namespace, participant.segment.name.run_id, digest(topic.name), digest(publisher), -1)

    def resume(self) -> RingWriter | None:
        """The ring to publish into before the first message: the one that an earlier life of this publisher left, a new
        one when the declared type tells its size, else None."""
        left = [ring for ring in ring_segments(self._namespace, self._name.topic) if ring.chain == self._name.chain]
        for name in sorted(left, key=lambda ring: ring.generation):
            before, self._newest = self._newest, self._adopt(name)
            if before is not None and not before.ended:  # the earlier life ended before it could mark this one
                self._newest.follow(before)
                before.ring_everybody()
            elif before is not None:
                self._newest.come_after(before)
        if self._newest is not None:
            self._newest.ring_everybody()
            if self._carries_declared(self._newest):
                return self._newest
        if self._declared is None or not issubclass(self._declared, Record):
            return None
        before, following = self._newest, self.open_ring(RECORD, self._declared, 0)
        if before is not None:
            following.follow(before)
            before.ring_everybody()
        return following

    def _adopt(self, name: RingName) -> RingWriter:
        self._name = name
        file = Descriptor(open_segment(name.segment))
        mapping = Mapping(file.number, os.fstat(file.number).st_size, writable=True)
        self._about = describe_ring(mapping, mapping.nbytes)
        return self._writer(file, mapping, self._record_type())

    def _record_type(self) -> type[Any] | None:
        """The class of the records in the ring that was adopted last, None when it carries none that are known here."""
        if not self._about["layout_hash"]:
            return None
        try:
            found = self._declared or resolve_type(self._about["type"])
        except HorusNotFoundError:
            return None
        return found if issubclass(found, Record) and layout_of(found).hash == self._about["layout_hash"] else None

    def _carries_declared(self, writer: RingWriter) -> bool:
        """Whether this life publishes in an adopted ring; it does not when the message has been redefined since."""
        if self._about["layout_hash"]:
            return writer.record_type is not None
        return self._declared is None or self._about["type"] == type_name(self._declared)

    def _writer(self, file: Descriptor, mapping: Mapping, record_type: type[Any] | None) -> RingWriter:
        label, resolve = f"topic '{self._topic.name}'", self._participant.doorbell_of
        return RingWriter(
            mapping,
            file,
            label,
            resolve,
            self._participant.doorbell,
            self._reclaim,
            record_type,
            check=os.environ.get("HORUS_CHECK") == "1",
            wait_ns=self._topic.full_timeout_ns,
        )

    def _reclaim(self, table: Mapping) -> None:
        """Close the rows of subscribers whose runs are dead."""
        participant = self._participant
        reclaim(table, table.nbytes, owner_word(participant.segment.run_number, participant.index, 0))

    def open_ring(self, kind: int, cls: type[Any] | None, nbytes: int) -> RingWriter:
        """Make the first generation, or the next one when messages of `nbytes` do not fit; that is to `follow` then."""
        self._participant.check_process(self._topic.name)
        before = self._newest
        name = self._name.next_generation()
        layout = layout_of(cls) if kind == RECORD and cls is not None else None
        header, fixed, total = self._header(kind, cls, layout, nbytes, name.generation, before)

        def fill(descriptor: int) -> None:
            first = min(total - fixed, (nbytes + 4095) // 4096 * 4096)  # no ring whose first message has no room
            reserve(descriptor, 0, fixed + first, f"topic '{self._topic.name}'")
            Mapping(descriptor, fixed, writable=True).write(0, header)

        file = Descriptor(create_segment(name.segment, total, self._participant.segment.name, fill))
        self._name = name
        self._participant.opened_ns = monotonic_ns()
        self._newest = self._writer(file, Mapping(file.number, total, writable=True), cls if layout else None)
        self._purge()
        if before is None:
            self._participant.announce(self._namespace)
        else:
            self._older.append((monotonic_ns(), before))
        return self._newest

    def _purge(self) -> None:
        """Give back the memory of generations that nobody reads; not at once, as a subscriber may be on its way."""
        since = monotonic_ns() - PURGE_AFTER_NS
        self._older = [(ended, ring) for ended, ring in self._older if ended > since or not ring.purge()]

    def _header(
        self, kind: int, cls: type[Any] | None, layout: Any, nbytes: int, generation: int, before: RingWriter | None
    ) -> tuple[bytes, int, int]:
        topic = self._topic
        embed, slot = EMBED_BYTES, 0
        # Messages that have outgrown one ring would soon outgrow the next.
        roomy = nbytes + nbytes // 2 if before is not None and before.slot_bytes else nbytes
        capacity = topic.capacity or SMALL_CAPACITY
        if layout is not None:
            embed = layout.size
        elif kind == ARRAY:
            embed, slot, capacity = 0, roomy, topic.capacity or LARGE_CAPACITY
        else:
            slot = max(SMALL_SLOT_BYTES, roomy)
            if slot > SMALL_SLOT_BYTES:
                capacity = topic.capacity or LARGE_CAPACITY
        return ring_header(
            capacity=capacity,
            rows=ROWS,
            max_held=topic.max_held,
            loans=LOANS,
            slot_bytes=slot,
            embed_bytes=embed,
            generation=generation,
            base=0 if before is None else before.next,
            layout_hash=0 if layout is None else layout.hash,
            run=self._participant.segment.run_number,
            publisher_index=self._participant.index,
            topic=topic.name,
            publisher=self._publisher,
            type="" if cls is None else type_name(cls),
            layout="" if layout is None else layout.describe()[:LAYOUT_BYTES],
            lossless=topic.on_full == "wait",
            expected=len(topic.subscribers),
        )


class Publisher:
    """One publisher on one topic: sends messages, lends slots."""

    def __init__(self, sender: Sender, declared: type[Any] | None) -> None:
        self.sender = sender
        self.send = sender.send
        self._declared = declared

    def loan(self, **measures: Any) -> Any:
        """An array message in a slot of the ring, to fill in place; sending it copies nothing.

        `measures` are what the topic's type plans by: ``height=, width=, encoding=`` or ``shape=, dtype=``. What the
        slot held before is still in it. Raises MessageTypeError when the topic carries no arrays, LoanLimitError.
        """
        cls: Any = self._declared
        if cls is None:
            cls = Image if "height" in measures else Tensor
        if not issubclass(cls, ArrayMessage):
            raise MessageTypeError(self.sender.topic, cls.__name__, "a loan: those are for arrays")
        plan = cls.plan(**measures)
        return cls._on_block(self.sender.loan(cls, plan.nbytes), plan)


def coercer(topic: str, declared: type[Any] | None) -> Callable[[Any], Any]:
    """What fits a message to its topic: returns a message object, or None for what goes as MessagePack.

    On a typed topic a dict becomes its message, an ndarray its array message; anything else of another type is a
    MessageTypeError. On an untyped one an ndarray becomes a Tensor.
    """

    def coerce_any(message: Any) -> Any:
        if isinstance(message, np.ndarray):
            return Tensor.from_numpy(message)
        return message if isinstance(message, (Record, ArrayMessage)) else None

    if declared is None:
        return coerce_any
    cls: Any = declared
    name = declared.__name__
    takes_arrays = issubclass(declared, ArrayMessage)
    fields = frozenset() if takes_arrays else frozenset(layout_of(declared).fields)

    def coerce_typed(message: Any) -> Any:
        if isinstance(message, cls):
            return message
        if takes_arrays and isinstance(message, np.ndarray):
            return cls.from_numpy(message)
        if not takes_arrays and isinstance(message, dict):
            return cls.from_dict(message) if fields.issuperset(message) else cls(**message)
        raise MessageTypeError(topic, name, type(message).__name__)

    return coerce_typed
