"""This process as a member of a namespace: it makes the rings that it publishes into and finds those that it reads."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from typing import Any

from horus_runner._core.channel import Causality, Receiver, Sender
from horus_runner._core.clock import Doorbell
from horus_runner._core.ring import owner_parts
from horus_runner.errors import ForkedTopicError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import codec
from horus_runner.transport.names import default_namespace, new_run_id, process_segments
from horus_runner.transport.publishing import Publisher, RingChain, coercer
from horus_runner.transport.runs import find_run, unlink_run
from horus_runner.transport.segment import ProcessSegment
from horus_runner.transport.subscribing import RingFinder


class Participant:
    """A process's place in a run: the run's process segment, and which doorbell of it is this process's.

    A graph's node opens its graph's segment; a script or a bare topic makes one of its own.
    """

    def __init__(self, segment: ProcessSegment, index: int) -> None:
        self.segment = segment
        self.index = index
        self.namespace = segment.name.namespace
        self.doorbell = segment.doorbell(index)
        self.pid = os.getpid()
        self._publishers: dict[tuple[str, str, str], Publisher] = {}
        self._doorbells: dict[int, tuple[ProcessSegment, Doorbell]] = {}
        self._joins = 0

    def _check_process(self, topic: str) -> None:
        if os.getpid() != self.pid:
            raise ForkedTopicError(f"topic '{topic}'", self.pid)

    def publisher(
        self,
        topic: TopicPlan,
        name: str,
        namespace: str,
        declared: type[Any] | None,
        causality: Causality | None = None,
    ) -> Publisher:
        """What publishes on `topic` here. All publishers of that name in this process share one ring."""
        self._check_process(topic.name)
        key = (namespace, topic.name, name)
        publisher = self._publishers.get(key)
        if publisher is None:
            chain = RingChain(self, topic, name, namespace, declared)
            coerce = coercer(topic.name, declared)
            sender = Sender(topic.name, declared, chain.open_ring, coerce, codec.encode, causality)
            sender.ring = chain.resume()
            publisher = self._publishers[key] = Publisher(sender, chain, declared)
        return publisher

    def receiver(
        self,
        topic: TopicPlan,
        subscriber: str,
        namespace: str,
        declared: type[Any] | None,
        causality: Causality | None = None,
    ) -> Receiver:
        """A new subscriber of `topic`: it gets every message published after this call."""
        self._check_process(topic.name)
        finder = RingFinder(self, topic, subscriber, namespace, declared)
        receiver = Receiver(
            topic.name,
            self.segment.mapping,
            self.segment.epoch_offset,
            finder.rescan,
            finder.advance,
            codec.decode,
            causality,
            not topic.stale_ok,
        )
        receiver.has_message()
        return receiver

    def next_join(self) -> int:
        """A number for each row that this process claims."""
        self._joins += 1
        return self._joins

    def doorbell_of(self, owner: int) -> Doorbell | None:
        """The doorbell of the process that an owner word names, None when its run is gone."""
        run, index, _ = owner_parts(owner)
        if run == self.segment.run_number:
            return self.segment.doorbell(index) if index < self.segment.nodes else None
        known = self._doorbells.get(owner >> 20)
        if known is None:
            name = find_run(f"{run:08x}")
            if name is None:
                return None
            try:
                segment = ProcessSegment.open(name.namespace, name.run_id)
            except FileNotFoundError:
                return None
            if index >= segment.nodes:
                return None
            known = self._doorbells[owner >> 20] = (segment, segment.doorbell(index))
        return known[1]

    def announce(self, namespace: str) -> None:
        """Rings of this process came or went: tell every process in the namespace."""
        for run in list(process_segments()):
            if run.namespace != namespace:
                continue
            if run.run_id == self.segment.name.run_id:
                self.segment.bump_epoch()
                continue
            try:
                ProcessSegment.open(run.namespace, run.run_id).bump_epoch()
            except FileNotFoundError:
                continue


class _BareParticipant(Participant):
    """A script's own run: made at the first use of a bare topic, gone with the process."""

    def __init__(self, namespace: str) -> None:
        super().__init__(ProcessSegment.create(namespace, new_run_id(), [_script_name()], _script_name()), 0)
        atexit.register(self.leave)

    def leave(self) -> None:
        """Remove this process's segments and tell the others; what they have not read yet stays readable to them."""
        if os.getpid() != self.pid:
            return
        self.segment.close()
        unlink_run(self.segment.name.run_id)
        self.announce(self.namespace)


def _script_name() -> str:
    return Path(sys.argv[0] if sys.argv and sys.argv[0] else "python").name[:80]


_bare: dict[tuple[str, int], _BareParticipant] = {}


def bare_participant(namespace: str | None = None) -> Participant:
    """This process in `namespace` (default: HORUS_NAMESPACE, else ``default``), for topics outside of any graph."""
    key = (namespace or default_namespace(), os.getpid())
    if key not in _bare:
        _bare[key] = _BareParticipant(key[0])
    return _bare[key]
