"""This process as a member of a namespace: it makes the rings that it publishes into and finds those that it reads."""

from __future__ import annotations

import atexit
import os
import sys
from pathlib import Path
from typing import Any
from weakref import WeakSet

from horus_runner._core.clock import Doorbell, sleep_until
from horus_runner._core.receiver import Causality, Receiver
from horus_runner._core.sender import Sender
from horus_runner._core.table import owner_parts
from horus_runner.errors import ForkedTopicError, HorusError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import codec
from horus_runner.transport.names import RunName, default_namespace, new_run_id, process_segments
from horus_runner.transport.publishing import Publisher, RingChain, coercer
from horus_runner.transport.runs import find_run, unlink_run
from horus_runner.transport.segment import ProcessSegment
from horus_runner.transport.subscribing import RingFinder

_LINGER_NS = 200_000_000


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
        self._receivers: WeakSet[Receiver] = WeakSet()
        self._joins = 0
        self.opened_ns = 0  # when a ring was made here last

    def check_process(self, topic: str) -> None:
        """Raises ForkedTopicError in a fork of the process that this participant stands for."""
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
        self.check_process(topic.name)
        key = (namespace, topic.name, name)
        publisher = self._publishers.get(key)
        if publisher is None:
            chain = RingChain(self, topic, name, namespace, declared)
            coerce = coercer(topic.name, declared)
            sender = Sender(topic.name, declared, chain.open_ring, coerce, codec.encode, causality)
            sender.ring = chain.resume()
            publisher = self._publishers[key] = Publisher(sender, declared)
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
        self.check_process(topic.name)
        finder = RingFinder(self, topic, subscriber, namespace, declared)
        receiver = Receiver(
            topic.name,
            self.segment.mapping,
            self.segment.epoch_offset,
            finder.rescan,
            finder.advance,
            finder.ahead,
            codec.decode,
            causality,
            not topic.stale_ok,
        )
        receiver.has_message()
        self._receivers.add(receiver)
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
        name = find_run(f"{run:08x}")
        segment = None if name is None else _open_if_there(name)
        return segment.doorbell(index) if segment is not None and index < segment.nodes else None

    def announce(self, namespace: str) -> None:
        """Rings of this process came or went: tell every process in the namespace."""
        for run in list(process_segments()):
            if run.namespace != namespace:
                continue
            if run.run_id == self.segment.name.run_id:
                self.segment.bump_epoch()
                continue
            other = _open_if_there(run)
            if other is not None:
                other.bump_epoch()

    def leave(self) -> None:
        """Give back the rows of every subscriber that holds no message."""
        for receiver in list(self._receivers):
            receiver.close()


def _open_if_there(run: RunName) -> ProcessSegment | None:
    """A run's process segment; None when it has gone, or is another user's or another version's."""
    try:
        return ProcessSegment.open(run.namespace, run.run_id)
    except (FileNotFoundError, PermissionError, HorusError):
        return None


class _BareParticipant(Participant):
    """A script's own run: made at the first use of a bare topic, gone with the process."""

    def __init__(self, namespace: str) -> None:
        super().__init__(ProcessSegment.create(namespace, new_run_id(), [_script_name()], _script_name()), 0)
        atexit.register(self.leave)

    def leave(self) -> None:
        """Remove this process's segments and tell the others; what they have not read yet stays readable to them."""
        if os.getpid() != self.pid:
            return
        super().leave()
        self._linger()
        self.segment.close()
        unlink_run(self.segment.name.run_id)
        self.announce(self.namespace)

    def _linger(self) -> None:
        """Stay until the others have had the time to open a ring that was just made: a script that sends once and ends
        would else be gone before those who wait for its message have woken."""
        own = self.segment.name.run_id
        others = any(run.namespace == self.namespace and run.run_id != own for run in process_segments())
        if self.opened_ns and others:
            sleep_until(self.opened_ns + _LINGER_NS)


def _script_name() -> str:
    return Path(sys.argv[0] if sys.argv and sys.argv[0] else "python").name[:80]


_bare: dict[tuple[str, int], _BareParticipant] = {}


def bare_participant(namespace: str | None = None) -> Participant:
    """This process in `namespace` (default: HORUS_NAMESPACE, else ``default``), for topics outside of any graph."""
    key = (namespace or default_namespace(), os.getpid())
    if key not in _bare:
        _bare[key] = _BareParticipant(key[0])
    return _bare[key]
