"""The rings against a model made of lists: what arrives, in which order, what is counted, what held views say."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from horus_runner.errors import LoanLimitError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel, Tensor
from horus_runner.metrics.reader import RunReader
from horus_runner.transport import rows
from horus_runner.transport.names import new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment

LOANS = 4
Totals = tuple[int, int, int, int]


@dataclass
class Generation:
    base: int
    numbers: list[int] = field(default_factory=list)

    @property
    def head(self) -> int:
        return self.base + len(self.numbers)


@dataclass
class Edge:
    """What one subscriber has had of one publisher, in all its lives."""

    past: Totals = (0, 0, 0, 0)
    generation: int = -1  # -1: not joined
    position: int = 0
    delivered: int = 0
    lost: int = 0
    superseded: int = 0

    def totals(self, chain: list[Generation]) -> Totals:
        waiting = chain[self.generation].head - self.position if self.generation >= 0 else 0
        now = (self.delivered, self.lost, self.superseded, waiting)
        return tuple(a + b for a, b in zip(self.past, now, strict=True))  # type: ignore[return-value]

    def look(self, chain: list[Generation], capacity: int) -> int | None:
        """The number of the next message, after stepping over what was overwritten and into the next generation."""
        while True:
            generation = chain[self.generation]
            if self.position < generation.head - capacity:
                to = max(generation.head - (capacity + 1) // 2, self.position + 1)
                self.lost += to - self.position
                self.position = to
            elif self.position < generation.head:
                return generation.numbers[self.position - generation.base]
            elif self.generation + 1 < len(chain):
                self.generation += 1
                self.position = chain[self.generation].base
            else:
                return None

    def supersede(self, chain: list[Generation], capacity: int) -> None:
        """Step to the newest message."""
        while self.look(chain, capacity) is not None:
            head = chain[self.generation].head
            if self.generation + 1 == len(chain) or not chain[self.generation + 1].numbers:
                self.superseded += head - 1 - self.position
                self.position = head - 1
                return
            self.superseded += head - self.position
            self.position = head


@dataclass
class Subscriber:
    name: str
    member: Participant
    receiver: Any
    edges: dict[str, Edge]
    held: list[tuple[int, Any]] = field(default_factory=list)


@dataclass
class Publisher:
    name: str
    index: int
    sender: Any
    chain: list[Generation] = field(default_factory=list)
    loans: list[tuple[int, Any, Any, Any]] = field(default_factory=list)  # number, message, its pixels, its ring


class Rings(RuleBasedStateMachine):
    """Two publishers and up to three subscribers of one topic of one run."""

    declared: Any = None

    def make(self, number: int, size: int) -> Any:
        """Message `number`, of about `size` bytes."""
        raise NotImplementedError

    def said(self, message: Any) -> int:
        """The number in a message, after checking all of it."""
        raise NotImplementedError

    @initialize(capacity=st.integers(1, 6), max_held=st.integers(1, 3))
    def begin(self, capacity: int, max_held: int) -> None:
        self.run_id = new_run_id()
        self.namespace = f"model-{self.run_id}"
        self.segment = ProcessSegment.create(self.namespace, self.run_id, [f"n{n}" for n in range(5)])
        self.plan = TopicPlan("t", None, capacity, max_held=max_held)
        self.capacity = capacity
        self.number = 0
        self.graves: list[Subscriber] = []  # those who left, for what they counted
        self.subscribers: list[Subscriber] = []
        self.publishers = [Publisher(f"pub{n}", n, self._publish(n)) for n in range(2)]
        if self.declared is CmdVel:
            for publisher in self.publishers:
                publisher.chain.append(Generation(0))
        for _ in range(2):
            self.join()
        self.reader = RunReader(self.namespace, self.run_id)

    def teardown(self) -> None:
        if not hasattr(self, "run_id"):
            return
        for name in list(vars(self)):
            if name not in ("run_id", "segment"):
                delattr(self, name)
        gc.collect()
        self.segment.close()
        unlink_run(self.run_id)

    def _member(self, index: int) -> Participant:
        return Participant(ProcessSegment.open(self.namespace, self.run_id), index)

    def _publish(self, index: int) -> Any:
        return self._member(index).publisher(self.plan, f"pub{index}", self.namespace, self.declared)

    def _sent(self, publisher: Publisher, ring_before: Any) -> None:
        if publisher.sender.sender.ring is not ring_before or not publisher.chain:
            base = publisher.chain[-1].head if publisher.chain else 0
            publisher.chain.append(Generation(base))
        publisher.chain[-1].numbers.append(self.number)
        self.number += 1

    def _look(self, subscriber: Subscriber) -> dict[str, int]:
        """What each publisher's ring has for a subscriber; joins the rings that came since."""
        found = {}
        for publisher in self.publishers:
            edge = subscriber.edges[publisher.name]
            if not publisher.chain:
                continue
            if edge.generation < 0:
                edge.generation = edge.position = 0
            number = edge.look(publisher.chain, self.capacity)
            if number is not None:
                found[publisher.name] = number
        return found

    def _step(self, subscriber: Subscriber, name: str) -> None:
        subscriber.edges[name].delivered += 1
        subscriber.edges[name].position += 1

    def _take(self, subscriber: Subscriber, message: Any, *, hold: bool) -> int:
        number = self.said(message)
        if hold:
            subscriber.held = [*subscriber.held[-4:], (number, message)]
        return number

    @rule(which=st.integers(0, 1), size=st.sampled_from([0, 8, 200, 3_000, 5_000, 20_000]), times=st.integers(1, 9))
    def publish(self, which: int, size: int, times: int) -> None:
        publisher = self.publishers[which]
        for _ in range(times):
            before = publisher.sender.sender.ring
            publisher.sender.send(self.make(self.number, size))
            self._sent(publisher, before)

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data(), hold=st.booleans())
    def recv(self, data: st.DataObject, hold: bool) -> None:
        subscriber = data.draw(st.sampled_from(self.subscribers), "subscriber")
        found = self._look(subscriber)
        assert subscriber.receiver.has_message() == bool(found)
        message = subscriber.receiver.recv()
        if not found:
            assert message is None
            return
        name = min(found, key=lambda one: found[one])
        assert self._take(subscriber, message, hold=hold) == found[name]
        self._step(subscriber, name)

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data(), hold=st.booleans())
    def recv_all(self, data: st.DataObject, hold: bool) -> None:
        subscriber = data.draw(st.sampled_from(self.subscribers), "subscriber")
        expected = []
        while found := self._look(subscriber):
            name = min(found, key=lambda one: found[one])
            expected.append(found[name])
            self._step(subscriber, name)
        got = subscriber.receiver.recv_all()
        assert [self._take(subscriber, message, hold=hold) for message in got] == expected

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data(), hold=st.booleans())
    def latest(self, data: st.DataObject, hold: bool) -> None:
        subscriber = data.draw(st.sampled_from(self.subscribers), "subscriber")
        found = self._look(subscriber)
        message = subscriber.receiver.latest()
        if not found:
            assert message is None
            return
        for publisher in self.publishers:
            edge = subscriber.edges[publisher.name]
            if edge.generation >= 0:
                edge.supersede(publisher.chain, self.capacity)
        found = self._look(subscriber)
        name = max(found, key=lambda one: found[one])
        assert self._take(subscriber, message, hold=hold) == found.pop(name)
        self._step(subscriber, name)
        for other in found:
            subscriber.edges[other].superseded += 1
            subscriber.edges[other].position += 1

    @precondition(lambda self: any(s.held for s in self.subscribers))
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        subscriber = data.draw(st.sampled_from([s for s in self.subscribers if s.held]), "holder")
        subscriber.held.pop(data.draw(st.integers(0, len(subscriber.held) - 1), "which"))

    @precondition(lambda self: len(self.subscribers) < 3)
    @rule()
    def join(self) -> None:
        index = min({2, 3, 4} - {s.member.index for s in self.subscribers})
        before = next((s for s in self.graves if s.member.index == index), None)
        if before is not None:
            self.graves.remove(before)
        member = self._member(index) if before is None else before.member
        receiver = member.receiver(self.plan, f"sub{index}", self.namespace, self.declared)
        edges = {p.name: Edge() if before is None else Edge(before.edges[p.name].past) for p in self.publishers}
        for publisher in self.publishers:
            if publisher.chain:
                edges[publisher.name].generation = len(publisher.chain) - 1
                edges[publisher.name].position = publisher.chain[-1].head
        self.subscribers.append(Subscriber(f"sub{index}", member, receiver, edges))

    @precondition(lambda self: self.subscribers)
    @rule(data=st.data(), dies=st.booleans())
    def leave(self, data: st.DataObject, dies: bool) -> None:
        subscriber = data.draw(st.sampled_from(self.subscribers), "subscriber")
        self.subscribers.remove(subscriber)
        for publisher in self.publishers:
            edge = subscriber.edges[publisher.name]
            edge.past = edge.totals(publisher.chain)
        if dies:  # nothing of it is told: its process is known to be gone, leases and all
            rows.retire(self.run_id, subscriber.member.index)
        else:
            subscriber.held.clear()
            subscriber.receiver.close()
        subscriber.held.clear()
        self.graves.append(subscriber)

    @rule(which=st.integers(0, 1))
    def restart_publisher(self, which: int) -> None:
        publisher = self.publishers[which]
        publisher.loans.clear()
        publisher.sender = self._publish(publisher.index)

    @invariant()
    def held_messages_are_what_they_were(self) -> None:
        for subscriber in getattr(self, "subscribers", ()):
            for number, message in subscriber.held:
                assert self.said(message) == number

    @invariant()
    def every_message_is_accounted_for(self) -> None:
        if not hasattr(self, "reader"):
            return
        (topic,) = self.reader.snapshot().topics or (None,)
        edges = {} if topic is None else {(e.publisher, e.subscriber): e for e in topic.edges}
        for subscriber in [*self.graves, *self.subscribers]:
            for publisher in self.publishers:
                edge = subscriber.edges[publisher.name]
                alive = subscriber in self.subscribers
                seen = edges.get((publisher.name, subscriber.name))
                counted = (0,) * 4 if seen is None else (seen.delivered, seen.lost, seen.superseded, seen.in_flight)
                assert counted == (edge.totals(publisher.chain) if alive else edge.past)
        assert all(edge.balanced for edge in edges.values())


class RecordRings(Rings):
    declared = CmdVel

    def make(self, number: int, size: int) -> CmdVel:
        return CmdVel(float(number), float(-number), number)

    def said(self, message: CmdVel) -> int:
        assert message == CmdVel(float(message.timestamp_ns), float(-message.timestamp_ns), message.timestamp_ns)
        return message.timestamp_ns


class PackedRings(Rings):
    """Messages of any size, whose arrays are views of the ring."""

    def make(self, number: int, size: int) -> dict[str, Any]:
        return {"number": number, "body": np.full(size // 8, number)}

    def said(self, message: dict[str, Any]) -> int:
        assert (message["body"] == message["number"]).all()
        return int(message["number"])


class ArrayRings(Rings):
    """Arrays, and loans of their slots."""

    declared = Tensor

    def make(self, number: int, size: int) -> Any:
        return np.full(size // 8 + 1, number)

    def said(self, message: Tensor) -> int:
        pixels = message.numpy()
        assert (pixels == pixels[0]).all()
        return int(pixels[0])

    def _alive(self, publisher: Publisher) -> int:
        ring = publisher.sender.sender.ring
        return sum(1 for loan in publisher.loans if loan[3] is ring)

    @rule(which=st.integers(0, 1), size=st.sampled_from([1, 100, 2_000]))
    def loan(self, which: int, size: int) -> None:
        publisher = self.publishers[which]
        before = publisher.sender.sender.ring
        if before is not None and before.slot_bytes >= 256 + size * 8 and self._alive(publisher) == LOANS:
            with pytest.raises(LoanLimitError):
                publisher.sender.loan(shape=(size,), dtype=np.int64)
            return
        message = publisher.sender.loan(shape=(size,), dtype=np.int64)
        if publisher.sender.sender.ring is not before:
            publisher.chain.append(Generation(publisher.chain[-1].head if publisher.chain else 0))
        pixels = message.numpy()
        pixels[:] = -7
        publisher.loans.append((-7, message, pixels, publisher.sender.sender.ring))

    @precondition(lambda self: any(loan[0] == -7 for p in self.publishers for loan in p.loans))
    @rule(data=st.data())
    def send_loan(self, data: st.DataObject) -> None:
        publisher = data.draw(st.sampled_from([p for p in self.publishers if any(n[0] == -7 for n in p.loans)]))
        at = data.draw(st.sampled_from([n for n, loan in enumerate(publisher.loans) if loan[0] == -7]), "loan")
        _, message, pixels, ring = publisher.loans[at]
        pixels[:] = self.number
        before = publisher.sender.sender.ring
        publisher.sender.send(message)
        publisher.loans[at] = (self.number, message, pixels, ring)
        self._sent(publisher, before)

    @precondition(lambda self: any(p.loans for p in self.publishers))
    @rule(data=st.data())
    def drop_loan(self, data: st.DataObject) -> None:
        publisher = data.draw(st.sampled_from([p for p in self.publishers if p.loans]), "lender")
        publisher.loans.pop(data.draw(st.integers(0, len(publisher.loans) - 1), "loan"))

    @invariant()
    def slots_on_loan_are_left_alone(self) -> None:
        for publisher in getattr(self, "publishers", ()):
            for number, _, pixels, _ in publisher.loans:
                assert (pixels == number).all()


RUNS = settings(max_examples=40, stateful_step_count=40)
COPIES = pytest.mark.filterwarnings("ignore:topic 't'. more than max_held:RuntimeWarning")

TestRecordRings = COPIES(RecordRings.TestCase)
TestRecordRings.settings = RUNS
TestPackedRings = COPIES(PackedRings.TestCase)
TestPackedRings.settings = RUNS
TestArrayRings = COPIES(ArrayRings.TestCase)
TestArrayRings.settings = RUNS
