"""One topic between publishers and subscribers of one run: what arrives, what is counted, what is refused."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horus_runner._core.clock import monotonic_ns
from horus_runner.errors import LayoutMismatchError, LoanLimitError, MessageTypeError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel, Image, Twist, message
from horus_runner.messages.define import f32
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import EdgeSnapshot
from horus_runner.transport.participant import Participant
from horus_runner.transport.segment import ProcessSegment

Others = Callable[[int], Participant]


def publisher(member: Participant, plan: TopicPlan, declared: Any = None, name: str = "pub") -> Any:
    return member.publisher(plan, name, member.namespace, declared)


def subscriber(member: Participant, plan: TopicPlan, declared: Any = None, name: str = "sub") -> Any:
    return member.receiver(plan, name, member.namespace, declared)


def edges(segment: ProcessSegment, topic: str) -> list[EdgeSnapshot]:
    reader = RunReader(segment.name.namespace, segment.name.run_id)
    found = next(t for t in reader.final().topics if t.name == topic)
    return list(found.edges)


def picture(value: int, height: int = 48, width: int = 64) -> Image:
    image = Image(height, width)
    image.fill([value % 256] * 3)
    return image


def test_a_typed_message_arrives_with_its_stamps(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("cmd")
    receiver = subscriber(participants(1), plan, CmdVel)
    sender = publisher(participant, plan, CmdVel)
    before = monotonic_ns()
    sender.send(CmdVel(0.5, -0.25, 7), 123)
    got = receiver.recv()
    assert got == CmdVel(0.5, -0.25, 7)
    assert before <= got.send_ns <= monotonic_ns()
    assert got.origin_ns == 123
    assert receiver.recv() is None


@pytest.mark.parametrize(
    "sent",
    [None, True, 3, 2.5, "text", b"\0bytes", [1, [2]], {"a": {"b": [1.0]}}, "x" * 300, {"big": "y" * 20_000}],
    ids=lambda sent: str(sent)[:12],
)
def test_any_message_arrives_on_an_untyped_topic(participant: Participant, sent: Any) -> None:
    plan = TopicPlan("any")
    receiver = subscriber(participant, plan)
    publisher(participant, plan).send(sent)
    assert receiver.has_message()
    assert receiver.recv() == sent
    assert not receiver.has_message()


def test_one_ring_carries_small_then_large_then_larger_messages(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("grows")
    receiver = subscriber(participants(1), plan)
    sender = publisher(participant, plan)
    sent = [{"n": n, "body": "z" * size} for n, size in enumerate([1, 3_000, 5_000, 70_000, 2, 300_000, 9_000_000, 4])]
    got = []
    for one in sent:
        sender.send(one)
        got.append(receiver.recv())
    assert got == sent
    assert sender.sender.published == len(sent)


def test_generations_that_were_not_read_yet_are_read_in_order(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("lagging")
    receiver = subscriber(participants(1), plan)
    sender = publisher(participant, plan)
    sent = [n * "." for n in (1, 2, 10_000, 3, 40_000, 200_000)]
    for one in sent:
        sender.send(one)
    assert receiver.recv_all() == sent
    (edge,) = edges(participant.segment, "lagging")
    assert (edge.delivered, edge.lost, edge.in_flight, edge.balanced) == (6, 0, 0, True)


def test_a_received_view_is_read_only_and_never_overwritten(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("camera")
    receiver = subscriber(participants(1), plan, Image)
    sender = publisher(participant, plan, Image)
    sender.send(picture(42))
    held = receiver.recv().to_numpy()
    kept = held.copy()
    assert not held.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        held[0, 0, 0] = 1
    for n in range(1000):
        sender.send(picture(n))
        newest = receiver.recv()
        assert newest.to_numpy()[0, 0, 0] == n % 256
    assert np.array_equal(held, kept)


def test_each_held_message_stays_itself(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("camera", max_held=3, capacity=2)
    receiver = subscriber(participants(1), plan, Image)
    sender = publisher(participant, plan, Image)
    held: list[tuple[int, Any]] = []
    for n in range(200):
        sender.send(picture(n))
        held = held[-2:]
        held.append((n, receiver.recv().to_numpy()))
        for number, view in held:
            assert (view == number % 256).all()
    (edge,) = edges(participant.segment, "camera")
    assert edge.copied == 0


def test_more_than_max_held_are_copied_counted_and_warned_of_once(
    participant: Participant, participants: Others
) -> None:
    plan = TopicPlan("camera", max_held=2)
    receiver = subscriber(participants(1), plan, Image)
    sender = publisher(participant, plan, Image)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        held = []
        for n in range(6):
            sender.send(picture(n))
            held.append(receiver.recv())
    assert [int(image.to_numpy()[0, 0, 0]) for image in held] == [0, 1, 2, 3, 4, 5]
    assert len(warned) == 1
    assert "max_held=2" in str(warned[0].message)
    (edge,) = edges(participant.segment, "camera")
    assert edge.copied == 4


def test_a_loan_is_filled_in_place_and_sent_without_a_copy(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("camera")
    receiver = subscriber(participants(1), plan, Image)
    sender = publisher(participant, plan, Image)
    loan = sender.loan(height=48, width=64, encoding="mono8")
    pixels = loan.to_numpy()
    pixels[:] = 77
    address = pixels.ctypes.data
    sender.send(loan)
    got = receiver.recv()
    assert (got.to_numpy() == 77).all()
    assert got.encoding == "mono8"
    del pixels, loan
    gc.collect()
    again = sender.loan(height=48, width=64, encoding="mono8")
    assert again.to_numpy().ctypes.data != address, "the slot is still leased by the subscriber"
    del got
    sender.send(picture(1, 8, 8))
    for _ in range(4):
        sender.send(picture(2, 8, 8))
    addresses = set()
    for _ in range(4):
        loan = sender.loan(height=48, width=64, encoding="mono8")
        addresses.add(loan.to_numpy().ctypes.data)
        sender.send(loan)
        del loan
    assert address in addresses, "a slot that nobody holds is used again"


def test_a_slot_is_not_used_again_while_the_publisher_holds_an_array_of_it(participant: Participant) -> None:
    plan = TopicPlan("camera", capacity=1)
    receiver = subscriber(participant, plan, Image)
    sender = publisher(participant, plan, Image)
    loan = sender.loan(height=48, width=64)
    pixels = loan.to_numpy()
    pixels[:] = 9
    sender.send(loan)
    del loan
    for n in range(100):
        sender.send(picture(n))
    assert (pixels == 9).all()
    assert receiver.recv() is not None


def test_too_many_loans_are_refused_with_the_limit(participant: Participant) -> None:
    sender = publisher(participant, TopicPlan("camera"), Image)
    loans = [sender.loan(height=4, width=4) for _ in range(4)]
    with pytest.raises(LoanLimitError, match="4 loans are alive"):
        sender.loan(height=4, width=4)
    loans.pop()
    assert sender.loan(height=4, width=4) is not None


def test_a_slow_subscriber_loses_the_oldest_and_every_message_is_accounted_for(
    participant: Participant, participants: Others
) -> None:
    plan = TopicPlan("fast", capacity=8)
    receiver = subscriber(participants(1), plan, CmdVel)
    sender = publisher(participant, plan, CmdVel)
    for n in range(100):
        sender.send(CmdVel(float(n), 0.0))
    got = [message.linear for message in receiver.recv_all()]
    assert got == sorted(got)
    assert got[-1] == 99.0, "the freshest always arrives"
    (edge,) = edges(participant.segment, "fast")
    assert edge.delivered == len(got)
    assert edge.delivered + edge.lost == 100
    assert edge.in_flight == edge.superseded == 0
    assert edge.balanced


def test_latest_supersedes_what_it_passes_over(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("pose")
    receiver = subscriber(participants(1), plan, CmdVel)
    sender = publisher(participant, plan, CmdVel)
    for n in range(10):
        sender.send(CmdVel(float(n), 0.0))
    assert receiver.latest().linear == 9.0
    assert receiver.latest() is None
    sender.send(CmdVel(10.0, 0.0))
    assert receiver.recv().linear == 10.0
    (edge,) = edges(participant.segment, "pose")
    assert (edge.delivered, edge.superseded, edge.lost, edge.in_flight) == (2, 9, 0, 0)
    assert edge.balanced
    assert edge.latency_ns is not None
    assert edge.latency_ns.count == 2


def test_several_publishers_are_read_oldest_first(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("shared")
    receiver = subscriber(participants(3), plan, CmdVel)
    senders = [publisher(participants(n), plan, CmdVel, f"pub{n}") for n in range(3)]
    for n in range(30):
        senders[(n * 7) % 3].send(CmdVel(float(n), 0.0))
    assert [message.linear for message in receiver.recv_all()] == [float(n) for n in range(30)]
    assert {edge.publisher for edge in edges(participant.segment, "shared")} == {"pub0", "pub1", "pub2"}


def test_latest_of_several_publishers_is_the_newest_of_all(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("shared")
    receiver = subscriber(participants(3), plan, CmdVel)
    senders = [publisher(participants(n), plan, CmdVel, f"pub{n}") for n in range(2)]
    for n in range(10):
        senders[n % 2].send(CmdVel(float(n), 0.0))
    assert receiver.latest().linear == 9.0
    assert receiver.recv() is None


def test_who_joins_later_gets_what_is_sent_from_then_on(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("late")
    sender = publisher(participant, plan, CmdVel)
    sender.send(CmdVel(1.0, 0.0))
    receiver = subscriber(participants(1), plan, CmdVel)
    assert receiver.recv() is None
    sender.send(CmdVel(2.0, 0.0))
    assert receiver.recv().linear == 2.0


def test_who_was_there_before_the_first_ring_misses_nothing(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("early")
    receiver = subscriber(participants(1), plan)
    sender = publisher(participants(2), plan)
    sender.send({"n": 1})
    sender.send({"n": 2})
    assert receiver.recv_all() == [{"n": 1}, {"n": 2}]


def test_a_restarted_publisher_resumes_its_ring(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("resumed")
    receiver = subscriber(participants(1), plan, CmdVel)
    publisher(participants(2), plan, CmdVel).send(CmdVel(1.0, 0.0))
    publisher(participants(2), plan, CmdVel).send(CmdVel(2.0, 0.0))
    assert [message.linear for message in receiver.recv_all()] == [1.0, 2.0]
    (edge,) = edges(participant.segment, "resumed")
    assert edge.delivered == 2


def test_a_restarted_publisher_of_arrays_keeps_what_is_leased(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("camera", capacity=2)
    receiver = subscriber(participants(1), plan, Image)
    publisher(participants(2), plan, Image).send(picture(5))
    held = receiver.recv().to_numpy()
    sender = publisher(participants(2), plan, Image)
    for n in range(50):
        sender.send(picture(n + 100))
    assert (held == 5).all()


def test_a_message_of_another_type_is_refused_where_it_is_sent(participant: Participant) -> None:
    sender = publisher(participant, TopicPlan("cmd"), CmdVel)
    with pytest.raises(MessageTypeError, match="carries CmdVel, not Twist"):
        sender.send(Twist())
    with pytest.raises(MessageTypeError, match="carries CmdVel, not list"):
        sender.send([1, 2])
    with pytest.raises(MessageTypeError, match="carries CmdVel, not Image"):
        sender.send(picture(1))
    with pytest.raises(TypeError):
        sender.send({"linaer": 1.0})
    assert sender.sender.published == 0


def test_the_first_message_types_an_untyped_topic(participant: Participant) -> None:
    plan = TopicPlan("free")
    receiver = subscriber(participant, plan)
    sender = publisher(participant, plan)
    sender.send(CmdVel(1.0, 2.0))
    assert receiver.recv() == CmdVel(1.0, 2.0)
    with pytest.raises(MessageTypeError, match="carries CmdVel, the type of its first message, not Twist"):
        sender.send(Twist())


def test_a_dict_becomes_the_message_of_a_typed_topic(participant: Participant) -> None:
    plan = TopicPlan("cmd")
    receiver = subscriber(participant, plan, CmdVel)
    publisher(participant, plan, CmdVel).send({"linear": 1.0, "angular": 2.0})
    assert receiver.recv() == CmdVel(1.0, 2.0)


def test_an_ndarray_becomes_the_image_of_an_image_topic(participant: Participant) -> None:
    plan = TopicPlan("camera")
    receiver = subscriber(participant, plan, Image)
    pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    publisher(participant, plan, Image).send(pixels[:, ::-1])
    got = receiver.recv()
    assert got.encoding == "rgb8"
    assert np.array_equal(got.to_numpy(), pixels[:, ::-1])


def test_a_subscriber_of_another_type_is_told_both(participant: Participant, participants: Others) -> None:
    plan = TopicPlan("cmd")
    publisher(participant, plan, CmdVel).send(CmdVel(1.0, 2.0))
    with pytest.raises(MessageTypeError, match=r"carries CmdVel \(from 'pub'\), not Image"):
        subscriber(participants(1), plan, Image).recv()


def test_two_layouts_of_one_message_name_both(participant: Participant, participants: Others) -> None:
    @message
    class Reading:
        value: f32

    theirs = Reading

    @message
    class Reading:  # type: ignore[no-redef]
        value: f32
        unit: f32

    publisher(participant, TopicPlan("r"), theirs).send(theirs(1.0))
    with pytest.raises(LayoutMismatchError, match=r"value: f32, unit: f32.*value: f32"):
        subscriber(participants(1), TopicPlan("r"), Reading).recv()


def test_thirty_two_subscribers_fit_and_the_next_is_told(participant: Participant) -> None:
    plan = TopicPlan("full")
    sender = publisher(participant, plan, CmdVel)
    receivers = [subscriber(participant, plan, CmdVel, f"s{n}") for n in range(32)]
    with pytest.raises(Exception, match="all 32 places for subscribers are taken"):
        subscriber(participant, plan, CmdVel, "one too many")
    sender.send(CmdVel(3.0, 0.0))
    assert [receiver.recv().linear for receiver in receivers] == [3.0] * 32
    receivers.pop().close()
    assert subscriber(participant, plan, CmdVel, "again").recv() is None


def test_origin_time_goes_through_a_node(participant: Participant) -> None:
    from horus_runner._core.receiver import Causality

    causality = Causality()
    sensor = publisher(participant, TopicPlan("sensor"), CmdVel, "sensor")
    inside = participant.receiver(TopicPlan("sensor"), "node", participant.namespace, CmdVel, causality)
    out = participant.publisher(TopicPlan("out"), "node", participant.namespace, CmdVel, causality)
    sink = subscriber(participant, TopicPlan("out"), CmdVel, "sink")

    sensor.send(CmdVel(1.0, 0.0), 1000)
    sensor.send(CmdVel(2.0, 0.0), 2000)
    causality.begin()
    inside.recv_all()
    out.send(CmdVel(0.0, 0.0))
    assert sink.recv().origin_ns == 1000, "the oldest of what the tick received"
    causality.begin()
    out.send(CmdVel(0.0, 0.0))
    assert sink.recv().origin_ns == 2000, "a tick that received nothing carries the last one on"
    out.send(CmdVel(0.0, 0.0), 5)
    assert sink.recv().origin_ns == 5
