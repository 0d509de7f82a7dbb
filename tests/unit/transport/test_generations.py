"""A publisher's rings over time: growth, restarts, those who join in between, and what is given back."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horus_runner._core.mapping import Mapping
from horus_runner._core.table import HEADER_BYTES, PACKED, describe_ring
from horus_runner.errors import LayoutMismatchError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel, Tensor, message
from horus_runner.messages.define import f32
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import EdgeSnapshot
from horus_runner.transport import publishing
from horus_runner.transport.names import DIRECTORY, digest, ring_segments
from horus_runner.transport.participant import Participant
from horus_runner.transport.publishing import RingChain
from horus_runner.transport.segment import ProcessSegment, open_segment

Others = Callable[[int], Participant]


def publisher(member: Participant, plan: TopicPlan, declared: Any = None, name: str = "pub") -> Any:
    return member.publisher(plan, name, member.namespace, declared)


def subscriber(member: Participant, plan: TopicPlan, declared: Any = None, name: str = "sub") -> Any:
    return member.receiver(plan, name, member.namespace, declared)


def edge_of(segment: ProcessSegment, topic: str) -> EdgeSnapshot:
    reader = RunReader(segment.name.namespace, segment.name.run_id)
    (edge,) = next(t for t in reader.final().topics if t.name == topic).edges
    return edge


def generations(member: Participant, topic: str) -> list[Path]:
    found = sorted(ring_segments(member.namespace, digest(topic)), key=lambda ring: ring.generation)
    return [DIRECTORY / ring.segment for ring in found]


def bytes_in_slots(ring: Path) -> int:
    """The memory that the payload slots of a ring take up."""
    descriptor = open_segment(ring.name)
    try:
        about = describe_ring(Mapping(descriptor, HEADER_BYTES), os.fstat(descriptor).st_size)
        return os.fstat(descriptor).st_blocks * 512 - int(about["payload_offset"])
    finally:
        os.close(descriptor)


def test_a_publisher_killed_before_it_marked_the_next_generation_takes_it_up(
    participant: Participant, participants: Others
) -> None:
    plan = TopicPlan("grows")
    receiver = subscriber(participants(1), plan)
    killed = participants(2)
    publisher(killed, plan).send("small")
    chain = RingChain(killed, plan, "pub", killed.namespace, None)
    chain.resume()
    chain.open_ring(PACKED, None, 10_000)  # made, and not marked

    sender = publisher(participants(2), plan)
    sender.send("x" * 9_000)
    assert receiver.recv_all() == ["small", "x" * 9_000]
    assert len(generations(participant, "grows")) == 2


def test_who_joins_after_growth_gets_only_what_is_sent_from_then_on(
    participant: Participant, participants: Others
) -> None:
    plan = TopicPlan("grown")
    sender = publisher(participant, plan)
    for n in range(6):
        sender.send(str(n) * 10 ** (n + 1))
    receiver = subscriber(participants(1), plan)
    assert receiver.recv() is None
    sender.send("now")
    assert receiver.recv() == "now"
    edge = edge_of(participant.segment, "grown")
    assert (edge.delivered, edge.lost, edge.in_flight) == (1, 0, 0)


def test_a_ring_that_appears_while_a_subscriber_joins_is_read_from_its_beginning(
    participant: Participant, participants: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = TopicPlan("racing")
    joined = []
    create = publishing.create_segment

    def create_after_a_join(*arguments: Any) -> int:
        joined.append(subscriber(participants(1), plan))
        return create(*arguments)

    monkeypatch.setattr(publishing, "create_segment", create_after_a_join)
    publisher(participant, plan).send("first")
    assert joined[0].recv() == "first"


def test_latest_is_the_newest_even_across_generations(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("pose")
    receiver = subscriber(participants(1), plan)
    sender = publisher(participant, plan)
    for one in ("a", "b", "c" * 9_000, "d", "e" * 80_000, "newest"):
        sender.send(one)
    assert receiver.latest() == "newest"
    assert receiver.recv() is None
    edge = edge_of(participant.segment, "pose")
    assert (edge.delivered, edge.superseded, edge.lost, edge.in_flight, edge.balanced) == (1, 5, 0, 0, True)


def test_a_closed_subscriber_stays_closed_when_rings_come(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("closed")
    receiver = subscriber(participants(1), plan)
    publisher(participants(2), plan, name="one").send(1)
    assert receiver.recv() == 1
    receiver.close()
    publisher(participants(3), plan, name="two").send(2)
    assert not receiver.has_message()
    assert receiver.recv() is None


def test_records_of_an_undeclared_topic_stay_records_after_a_restart(
    participant: Participant, participants: Others
) -> None:
    plan = TopicPlan("free")
    receiver = subscriber(participant, plan)
    for life in range(3):
        publisher(participants(2), plan).send(CmdVel(float(life), 0.0))
        assert receiver.recv() == CmdVel(float(life), 0.0)
    assert len(generations(participant, "free")) == 1


def test_a_message_redefined_between_two_lives_is_never_read_as_garbage(
    participant: Participant, participants: Others
) -> None:
    @message
    class Reading:
        value: f32

    before = Reading

    @message
    class Reading:  # type: ignore[no-redef]
        value: f32
        unit: f32

    plan = TopicPlan("redefined")
    receiver = subscriber(participant, plan, before)
    publisher(participants(1), plan, before).send(before(1.0))
    publisher(participants(1), plan, Reading).send(Reading(2.0, 3.0))
    assert receiver.recv() == before(1.0)
    with pytest.raises(LayoutMismatchError, match="unit"):
        receiver.recv()


def test_joining_leaving_and_growing_leave_no_descriptor_open(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("files")
    member = participants(1)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for round_ in range(5):
        sender = publisher(member, plan, name=f"pub{round_}")
        receivers = [subscriber(member, plan, name=f"sub{n}") for n in range(4)]
        for n in range(4):
            sender.send(b"x" * 10 ** (n + 2))
        for receiver in receivers:
            assert len(receiver.recv_all()) == 4
            receiver.close()
        del sender
        member._publishers.clear()
    del receiver, receivers
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_memory_of_outgrown_generations_is_given_back_and_their_counts_stay(
    participant: Participant, participants: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "PURGE_AFTER_NS", 0)
    plan = TopicPlan("cloud")
    receiver = subscriber(participants(1), plan)
    sender = publisher(participant, plan)
    held = None
    for n in range(6):
        sender.send(np.full(2**n * 10_000, n, np.uint8))
        got = receiver.recv()
        held = got if n == 3 else held
    files = generations(participant, "cloud")
    assert len(files) >= 4
    slots_in_use = [bytes_in_slots(file) for file in files]
    assert slots_in_use[0] == 0
    assert slots_in_use[-1] > 0
    assert held is not None
    assert (np.asarray(held) == 3).all()
    edge = edge_of(participant.segment, "cloud")
    assert (edge.delivered, edge.lost, edge.balanced) == (6, 0, True)


def test_who_comes_too_late_to_a_purged_generation_counts_its_messages_as_lost(
    participant: Participant, participants: Others, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "PURGE_AFTER_NS", 0)
    plan = TopicPlan("slow")
    receiver = subscriber(participants(1), plan)
    sender = publisher(participant, plan)
    for n in range(6):
        sender.send(np.full(2**n * 10_000, n, np.uint8))
    got = [int(np.asarray(one)[0]) for one in receiver.recv_all()]
    assert got == list(range(6 - len(got), 6))
    edge = edge_of(participant.segment, "slow")
    assert edge.delivered + edge.lost == 6
    assert edge.balanced


def test_threads_share_a_publisher_while_its_rings_grow(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("threads", capacity=400)  # one ring may get nearly all 320
    receiver = subscriber(participants(1), plan)
    sender = publisher(participant, plan)
    start = threading.Barrier(4)

    def send(thread: int) -> None:
        start.wait()
        for n in range(40):
            sender.send(np.full(30_000 * (1 + n % 7) * (n // 10 + 1), thread * 40 + n, np.uint8))
            sender.send({"thread": thread, "n": n})

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers, pairs = [], []
    while (got := receiver.recv()) is not None:
        if isinstance(got, Tensor):
            numbers.append(int(np.asarray(got)[0]))
            assert (np.asarray(got) == numbers[-1]).all()
        else:
            pairs.append((got["thread"], got["n"]))
    assert sorted(numbers) == list(range(160))
    assert sorted(pairs) == [(thread, n) for thread in range(4) for n in range(40)]
    edge = edge_of(participant.segment, "threads")
    assert (edge.delivered, edge.lost, edge.balanced) == (320, 0, True)
