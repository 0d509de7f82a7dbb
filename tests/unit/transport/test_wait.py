"""`on_full: wait`: nothing unread is overwritten; the publisher sleeps until the slowest subscriber has read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from horus_runner.errors import HorusTimeoutError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel, Image
from horus_runner.metrics.reader import RunReader
from horus_runner.transport.names import new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.rows import retire
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment

Others = Callable[[int], Participant]
SHORT_NS = 50_000_000


def lossless(capacity: int, timeout_ns: int = 20_000_000_000, **more: Any) -> TopicPlan:
    return TopicPlan("all", capacity=capacity, on_full="wait", full_timeout_ns=timeout_ns, **more)


def read_in_background(receiver: Any, count: int, value: Any) -> tuple[threading.Thread, list[Any]]:
    """A thread that receives `count` messages and keeps a value of each, looking now and then as a timed node does."""
    got: list[Any] = []
    ticks = threading.Event()

    def read() -> None:
        while len(got) < count:
            got.extend(value(message) for message in receiver.recv_all())
            ticks.wait(0.0005)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread, got


@pytest.mark.parametrize(
    ("declared", "make", "value"),
    [
        (CmdVel, lambda n: CmdVel(float(n), 0.0), lambda message: message.linear),
        (None, lambda n: {"n": n}, lambda message: message["n"]),
        (None, lambda n: {"n": n, "body": "x" * 5000}, lambda message: message["n"]),
        (Image, lambda n: Image.from_bytes(bytes([n % 256]) * 16, 4, 4, "mono8"), lambda m: int(m.to_numpy()[0, 0])),
    ],
    ids=["typed", "packed", "large", "image"],
)
def test_nothing_is_lost_however_slow_the_subscriber(
    participant: Participant, participants: Others, declared: Any, make: Any, value: Any
) -> None:
    plan = lossless(4, subscribers=("sub",))
    receiver = participants(1).receiver(plan, "sub", participant.namespace, declared)
    publisher = participant.publisher(plan, "pub", participant.namespace, declared)
    thread, got = read_in_background(receiver, 200, value)
    for n in range(200):
        publisher.send(make(n))
    thread.join(20)
    assert got == list(range(200))
    (topic,) = RunReader(participant.segment.name.namespace, participant.segment.name.run_id).final().topics
    (edge,) = topic.edges
    assert (edge.delivered, edge.lost, edge.in_flight, edge.balanced) == (200, 0, 0, True)


def test_a_timeout_names_the_slowest_subscriber(participant: Participant, participants: Others) -> None:
    plan = lossless(4, SHORT_NS, subscribers=("fast", "slow"))
    namespace = participant.namespace
    fast = participants(1).receiver(plan, "fast", namespace, CmdVel)
    slow = participants(2).receiver(plan, "slow", namespace, CmdVel)
    publisher = participant.publisher(plan, "pub", namespace, CmdVel)
    for n in range(4):
        publisher.send(CmdVel(float(n), 0.0))
    assert len(fast.recv_all()) == 4
    assert slow.has_message()
    with pytest.raises(HorusTimeoutError, match=r"keeps 4 messages and has been full .* 'slow' has 4 of them to read"):
        publisher.send(CmdVel(4.0, 0.0))
    assert publisher.sender.published == 4
    assert slow.recv().linear == 0.0
    publisher.send(CmdVel(4.0, 0.0))
    assert [message.linear for message in slow.recv_all()] == [1.0, 2.0, 3.0, 4.0]


def test_who_is_retired_is_waited_for_no_more(participant: Participant, participants: Others) -> None:
    plan = lossless(2)
    publisher = participant.publisher(plan, "pub", participant.namespace, CmdVel)
    gone = participants(1).receiver(plan, "gone", participant.namespace, CmdVel)
    publisher.send(CmdVel(0.0, 0.0))
    publisher.send(CmdVel(1.0, 0.0))
    sent = threading.Event()

    def send_one_more() -> None:
        publisher.send(CmdVel(2.0, 0.0))
        sent.set()

    thread = threading.Thread(target=send_one_more, daemon=True)
    thread.start()
    retire(participant.segment.name.run_id, 1)
    participant.segment.bump_epoch()
    assert sent.wait(10)
    thread.join(10)
    del gone


def test_latest_frees_what_it_passes_over(participant: Participant, participants: Others) -> None:
    plan = lossless(3, SHORT_NS)
    publisher = participant.publisher(plan, "pub", participant.namespace, CmdVel)
    receiver = participants(1).receiver(plan, "sub", participant.namespace, CmdVel)
    for n in range(3):
        publisher.send(CmdVel(float(n), 0.0))
    assert receiver.latest().linear == 2.0
    for n in range(3):
        publisher.send(CmdVel(float(n), 0.0))


def test_a_declared_subscriber_is_waited_for_before_it_has_come(participant: Participant, participants: Others) -> None:
    plan = lossless(2, SHORT_NS, subscribers=("sub",))
    publisher = participant.publisher(plan, "pub", participant.namespace, None)
    publisher.send({"n": 0})
    publisher.send({"n": 1})
    with pytest.raises(HorusTimeoutError, match="a subscriber that was declared has not come"):
        publisher.send({"n": 2})


def test_growth_loses_nothing_either(participant: Participant, participants: Others) -> None:
    plan = lossless(2, subscribers=("sub",))
    receiver = participants(1).receiver(plan, "sub", participant.namespace, None)
    publisher = participant.publisher(plan, "pub", participant.namespace, None)
    thread, got = read_in_background(receiver, 60, lambda message: message["n"])
    for n in range(60):
        publisher.send({"n": n, "body": "z" * (n * 700)})
    thread.join(20)
    assert got == list(range(60))


def test_who_leaves_instead_of_following_growth_is_waited_for_no_more(
    participant: Participant, participants: Others
) -> None:
    plan = lossless(2, subscribers=("stays", "leaves"))
    stays = participants(1).receiver(plan, "stays", participant.namespace, None)
    leaves = participants(2).receiver(plan, "leaves", participant.namespace, None)
    publisher = participant.publisher(plan, "pub", participant.namespace, None)
    publisher.send(0)
    assert leaves.recv() == 0
    thread, got = read_in_background(stays, 10, lambda message: message[0] if isinstance(message, str) else message)
    done = threading.Event()

    def send_larger() -> None:
        for n in range(1, 10):
            publisher.send(f"{n}" + "x" * 9_000)
        done.set()

    sender = threading.Thread(target=send_larger, daemon=True)
    sender.start()
    assert not done.wait(0.1), "two are kept; the others wait for the one that has not followed"
    leaves.close()
    assert done.wait(10)
    sender.join(10)
    thread.join(10)
    assert got == [0, *map(str, range(1, 10))]


def test_a_subscriber_whose_run_died_is_waited_for_once(participant: Participant) -> None:
    plan = lossless(2, SHORT_NS)
    run_id = new_run_id()
    theirs = ProcessSegment.create(participant.namespace, run_id, ["x"])
    receiver = Participant(theirs, 0).receiver(plan, "theirs", participant.namespace, CmdVel)
    publisher = participant.publisher(plan, "pub", participant.namespace, CmdVel)
    assert not receiver.has_message()
    try:
        for n in range(2):
            publisher.send(CmdVel(float(n), 0.0))
        with pytest.raises(HorusTimeoutError, match="'theirs' has 2 of them to read"):
            publisher.send(CmdVel(2.0, 0.0))
        theirs.close()
        for n in range(5):
            publisher.send(CmdVel(float(n), 0.0))
    finally:
        unlink_run(run_id)


def test_without_subscribers_nobody_is_waited_for(participant: Participant) -> None:
    publisher = participant.publisher(lossless(2, SHORT_NS), "pub", participant.namespace, CmdVel)
    for n in range(10):
        publisher.send(CmdVel(float(n), 0.0))
    assert publisher.sender.published == 10
