"""A publisher's rings: how large they are made, when the next generation follows, what a topic accepts."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.channel import Sender
from horus_runner._core.mapping import Mapping, reserve
from horus_runner._core.records import Record, layout_of
from horus_runner._core.ring import ARRAY, LAYOUT_BYTES, RECORD, RingWriter, describe_ring, ring_header
from horus_runner.errors import MessageTypeError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages.image import Image
from horus_runner.messages.registry import type_name
from horus_runner.messages.tensor import Tensor
from horus_runner.transport.names import RingName, digest, ring_segments
from horus_runner.transport.segment import create_segment, open_segment

if TYPE_CHECKING:
    from horus_runner.transport.participant import Participant

SMALL_CAPACITY = 1024
LARGE_CAPACITY = 3
ROWS = 32
LOANS = 4
EMBED_BYTES = 256
SMALL_SLOT_BYTES = 4096


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
        self._name = RingName(namespace, participant.segment.name.run_id, digest(topic.name), digest(publisher), -1)

    def resume(self) -> RingWriter | None:
        """The ring to publish into before the first message: the one that an earlier life of this publisher left, a new
        one when the declared type tells its size, else None."""
        left = [ring for ring in ring_segments(self._namespace, self._name.topic) if ring.chain == self._name.chain]
        if left:
            self._name = max(left, key=lambda ring: ring.generation)
            return self._adopt()
        if self._declared is not None and issubclass(self._declared, Record):
            return self.open_ring(RECORD, self._declared, 0)
        return None

    def _adopt(self) -> RingWriter:
        descriptor = open_segment(self._name.segment)
        mapping = Mapping(descriptor, os.fstat(descriptor).st_size, writable=True)
        typed = bool(describe_ring(mapping, mapping.nbytes)["layout_hash"])
        writer = self._writer(descriptor, mapping, self._declared if typed else None)
        writer.ring_everybody()
        return writer

    def _writer(self, descriptor: int, mapping: Mapping, record_type: type[Any] | None) -> RingWriter:
        self._newest = RingWriter(
            mapping,
            descriptor,
            f"topic '{self._topic.name}'",
            self._participant.doorbell_of,
            record_type,
            check=os.environ.get("HORUS_CHECK") == "1",
        )
        return self._newest

    def open_ring(self, kind: int, cls: type[Any] | None, nbytes: int) -> RingWriter:
        """Make the first generation, or the next one when messages of `nbytes` do not fit; mark the one before."""
        before = self._newest
        self._name = self._name.next_generation()
        layout = layout_of(cls) if kind == RECORD and cls is not None else None
        header, fixed, total = self._header(kind, cls, layout, nbytes, 0 if before is None else before.next, before)

        def fill(descriptor: int) -> None:
            reserve(descriptor, 0, fixed, f"topic '{self._topic.name}'")
            Mapping(descriptor, fixed, writable=True).write(0, header)

        descriptor = create_segment(self._name.segment, total, self._participant.segment.name, fill)
        writer = self._writer(descriptor, Mapping(descriptor, total, writable=True), cls if layout else None)
        if before is not None:
            before.mark_successor()
        self._participant.announce(self._namespace)
        return writer

    def _header(
        self, kind: int, cls: type[Any] | None, layout: Any, nbytes: int, base: int, before: RingWriter | None
    ) -> tuple[bytes, int, int]:
        topic = self._topic
        embed, slot = EMBED_BYTES, 0
        capacity = topic.capacity or SMALL_CAPACITY
        if layout is not None:
            embed = layout.size
        elif kind == ARRAY:
            embed, slot, capacity = 0, nbytes, topic.capacity or LARGE_CAPACITY
        else:
            slot = max(SMALL_SLOT_BYTES, nbytes + nbytes // 2 if before is not None else nbytes)
            if slot > SMALL_SLOT_BYTES:
                capacity = topic.capacity or LARGE_CAPACITY
        return ring_header(
            capacity=capacity,
            rows=ROWS,
            max_held=topic.max_held,
            loans=LOANS,
            slot_bytes=slot,
            embed_bytes=embed,
            generation=self._name.generation,
            base=base,
            layout_hash=0 if layout is None else layout.hash,
            run=self._participant.segment.run_number,
            publisher_index=self._participant.index,
            topic=topic.name,
            publisher=self._publisher,
            type="" if cls is None else type_name(cls),
            layout="" if layout is None else layout.describe()[:LAYOUT_BYTES],
        )

    def room_for(self, cls: type[ArrayMessage], nbytes: int) -> RingWriter:
        """The ring in use, or the next generation when its slots are smaller than `nbytes`."""
        if self._newest is not None and self._newest.slot_bytes >= nbytes:
            return self._newest
        return self.open_ring(ARRAY, cls, nbytes)


class Publisher:
    """One publisher on one topic: sends messages, lends slots."""

    def __init__(self, sender: Sender, chain: RingChain, declared: type[Any] | None) -> None:
        self.sender = sender
        self.send = sender.send
        self._chain = chain
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
        writer = self._chain.room_for(cls, plan.nbytes)
        self.sender.ring = writer
        return cls._on_block(writer.loan(), plan)


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
