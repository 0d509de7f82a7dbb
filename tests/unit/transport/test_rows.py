"""Subscriber rows: what is left of those who die at the worst moments, and what is counted of them."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horus_runner._core.mapping import Mapping
from horus_runner._core.table import HEADER_BYTES, describe_ring, owner_parts, row_owners
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import EdgeSnapshot
from horus_runner.transport import rows
from horus_runner.transport.names import new_run_id, ring_segments
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment, open_segment

Others = Callable[[int], Participant]
CLAIMING, LIVE, CLEARING = 1, 2, 3


def row_states(namespace: str) -> list[str]:
    """States of the rows in use of a namespace's only ring."""
    (ring,) = ring_segments(namespace)
    descriptor = open_segment(ring.segment)
    try:
        size = os.fstat(descriptor).st_size
        table = Mapping(descriptor, describe_ring(Mapping(descriptor, HEADER_BYTES), size)["descriptors_offset"])
    finally:
        os.close(descriptor)
    return [state for _, _, state in map(owner_parts, row_owners(table, size)) if state != "free"]


class Table:
    """The subscriber table of the only ring of a namespace, to be written as a death would leave it."""

    def __init__(self, namespace: str) -> None:
        (ring,) = ring_segments(namespace)
        descriptor = open_segment(ring.segment)
        self.size = os.fstat(descriptor).st_size
        self.about = describe_ring(Mapping(descriptor, HEADER_BYTES), self.size)
        self.mapping = Mapping(descriptor, self.about["descriptors_offset"], writable=True)
        os.close(descriptor)
        first = (HEADER_BYTES + 4095) // 4096 * 4096
        table = self.mapping.read(first, self.about["descriptors_offset"] - first)
        words = {word: struct.pack("<Q", word) for word in self.owners() if word}
        self.offsets = sorted(first + table.index(packed) for packed in words.values())

    def owners(self) -> list[int]:
        return row_owners(self.mapping, self.size)

    def set_owner(self, row: int, word: int) -> None:
        stride = self.offsets[1] - self.offsets[0]
        self.mapping.write(self.offsets[0] + row * stride, struct.pack("<Q", word))


def publisher(member: Participant, plan: TopicPlan, declared: Any = None, name: str = "pub") -> Any:
    return member.publisher(plan, name, member.namespace, declared)


def subscriber(member: Participant, plan: TopicPlan, declared: Any = None, name: str = "sub") -> Any:
    return member.receiver(plan, name, member.namespace, declared)


def edge_of(segment: ProcessSegment, subscriber: str) -> EdgeSnapshot:
    (topic,) = RunReader(segment.name.namespace, segment.name.run_id).final().topics
    return next(edge for edge in topic.edges if edge.subscriber == subscriber)


def counts(edge: EdgeSnapshot) -> tuple[int, int, int, int, bool]:
    return edge.delivered, edge.lost, edge.superseded, edge.in_flight, edge.balanced


@pytest.fixture
def plan() -> TopicPlan:
    return TopicPlan("rows")


def test_a_dead_subscribers_rows_in_several_rings_are_closed_and_its_counts_go_on(
    participant: Participant, participants: Others, plan: TopicPlan
) -> None:
    senders = [publisher(participants(n), plan, CmdVel, f"pub{n}") for n in range(3)]
    dead = subscriber(participants(3), plan, CmdVel)
    other = subscriber(participant, plan, CmdVel, "other")
    for n in range(9):
        senders[n % 3].send(CmdVel(float(n), 0.0))
    assert dead.recv().linear == 0.0
    rows.retire(participant.segment.name.run_id, 3)
    again = subscriber(participants(3), plan, CmdVel)
    for n in range(9, 12):
        senders[n % 3].send(CmdVel(float(n), 0.0))
    assert [one.linear for one in again.recv_all()] == [9.0, 10.0, 11.0]
    assert len(other.recv_all()) == 12
    (topic,) = RunReader(participant.namespace, participant.segment.name.run_id).final().topics
    mine = [edge for edge in topic.edges if edge.subscriber == "sub"]
    assert [edge.balanced for edge in mine] == [True] * 3
    assert [(edge.delivered, edge.in_flight) for edge in mine] == [(2, 2), (1, 3), (1, 3)]
    del dead


@pytest.mark.parametrize("state", [CLAIMING, CLEARING])
def test_who_died_while_claiming_or_giving_back_its_row_does_not_keep_it(
    participant: Participant, participants: Others, plan: TopicPlan, state: int
) -> None:
    sender = publisher(participant, plan, CmdVel)
    kept = [subscriber(participants(1), plan, CmdVel, "one"), subscriber(participants(2), plan, CmdVel, "two")]
    table = Table(participant.namespace)
    word = next(word for word in table.owners() if owner_parts(word)[1] == 2)
    row = table.owners().index(word)
    table.set_owner(row, word & ~3 | state)
    sender.send(CmdVel(1.0, 0.0))
    rows.retire(participant.segment.name.run_id, 2)
    assert row_states(participant.namespace) == ["live"]
    assert counts(edge_of(participant.segment, "two")) == (0, 0, 0, 1, True)
    assert subscriber(participants(2), plan, CmdVel, "two").recv() is None
    del kept


def test_a_row_claimed_by_one_who_died_before_counting_it_is_found(
    participant: Participant, participants: Others, plan: TopicPlan
) -> None:
    publisher(participant, plan, CmdVel)
    kept = [subscriber(participants(n), plan, CmdVel, f"sub{n}") for n in (1, 2)]
    table = Table(participant.namespace)
    word = max(table.owners())
    lost = word & ~(0xFFF << 20) & ~3 | 3 << 20 | CLAIMING
    table.set_owner(7, lost)
    rows.retire(participant.segment.name.run_id, 3)
    assert row_states(participant.namespace) == ["live", "live"]
    kept += [subscriber(participants(1), plan, CmdVel, f"more{n}") for n in range(30)]
    assert len(row_states(participant.namespace)) == 32, "every row can be had"


def test_a_life_is_counted_once_however_often_its_cleaners_die(
    participant: Participant, participants: Others, plan: TopicPlan
) -> None:
    sender = publisher(participant, plan, CmdVel)
    dead = subscriber(participants(3), plan, CmdVel)
    kept = subscriber(participants(1), plan, CmdVel, "kept")
    for n in range(5):
        sender.send(CmdVel(float(n), 0.0))
    assert dead.recv() is not None
    table = Table(participant.namespace)
    word = next(word for word in table.owners() if owner_parts(word)[1] == 3)
    row = table.owners().index(word)
    for _ in range(3):
        rows.retire(participant.segment.name.run_id, 3)
        assert counts(edge_of(participant.segment, "sub")) == (1, 0, 0, 4, True)
        table.set_owner(row, word & ~3 | CLEARING)  # as if the cleaner had died before it freed the row
        assert counts(edge_of(participant.segment, "sub")) == (1, 0, 0, 4, True)
    rows.retire(participant.segment.name.run_id, 3)
    del dead
    assert len(kept.recv_all()) == 5


def test_rows_of_a_dead_run_are_closed_by_the_next_to_join(participant: Participant, plan: TopicPlan) -> None:
    sender = publisher(participant, plan, CmdVel)
    run_id = new_run_id()
    theirs = ProcessSegment.create(f"other-{run_id}", run_id, ["x"])
    stranger = Participant(theirs, 0)
    receivers = [stranger.receiver(plan, name, participant.namespace, CmdVel) for name in ("one", "two")]
    try:
        sender.send(CmdVel(1.0, 0.0))
        assert row_states(participant.namespace) == ["live", "live"]
        subscriber(participant, plan, CmdVel).close()
        assert row_states(participant.namespace) == ["live", "live"], "a living run keeps its rows"
        theirs.close()
        joined = subscriber(participant, plan, CmdVel)
        assert row_states(participant.namespace) == ["live"]
        sender.send(CmdVel(2.0, 0.0))
        assert joined.recv().linear == 2.0
    finally:
        unlink_run(run_id)
        del receivers


def test_a_subscriber_that_leaves_while_it_holds_a_message_keeps_its_row_until_it_is_dropped(
    participant: Participant, participants: Others
) -> None:
    plan = TopicPlan("held", capacity=2)
    receiver = subscriber(participants(1), plan)
    sender = publisher(participant, plan)
    sender.send(np.full(5_000, 7, np.uint8))
    held = np.asarray(receiver.recv())
    receiver.close()
    for n in range(50):
        sender.send(np.full(5_000, n, np.uint8))
    assert (held == 7).all()
    (topic,) = RunReader(participant.namespace, participant.segment.name.run_id).final().topics
    assert counts(topic.edges[0]) == (1, 0, 0, 50, True)
    del held
    subscriber(participants(2), plan, name="other").close()
    assert row_states(participant.namespace) == []
