"""A run's figures, read from memory that the test itself fills, by a clock that the test moves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from horus_runner._core.clock import monotonic_ns
from horus_runner.graph.plan import TopicPlan
from horus_runner.metrics import reader as module
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import NodeSnapshot, TopicSnapshot
from horus_runner.transport.names import new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.rows import retire
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment

MS = 1_000_000
S = 1_000 * MS


@pytest.fixture
def segment() -> Iterator[ProcessSegment]:
    run_id = new_run_id()
    made = ProcessSegment.create(f"unit-{run_id}", run_id, ["a", "b"], "figures")
    yield made
    made.close()
    unlink_run(run_id)


@pytest.fixture
def reader(segment: ProcessSegment) -> Iterator[RunReader]:
    made = RunReader(segment.name.namespace, segment.name.run_id, [("quiet", "Image")])
    yield made
    made.close()


class Clock:
    def __init__(self) -> None:
        self.now = monotonic_ns()

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The reader's clock."""
    made = Clock()
    monkeypatch.setattr(module, "monotonic_ns", made)
    return made


def tick(segment: ProcessSegment, index: int, times: int) -> None:
    record = segment.record(index)
    for _ in range(times):
        now = monotonic_ns()
        record.end(now, record.begin(now))


def node(reader: RunReader, name: str) -> NodeSnapshot:
    return next(node for node in reader.snapshot().nodes if node.name == name)


def topic(reader: RunReader, name: str) -> TopicSnapshot:
    return next(topic for topic in reader.snapshot().topics if topic.name == name)


def test_before_anything_happens_nothing_is_measured_and_nothing_is_zero_instead(reader: RunReader) -> None:
    snapshot = reader.final()
    assert (snapshot.graph, [node.name for node in snapshot.nodes]) == ("figures", ["a", "b"])
    first = snapshot.nodes[0]
    assert (first.state, first.pid, first.target_hz, first.budget_ns) == ("starting", None, None, None)
    assert (first.tick_ns, first.lateness_ns, first.allocations, first.causes) == (None, None, None, {})
    assert (first.ticks, first.rate_hz) == (0, 0.0)
    (quiet,) = snapshot.topics
    assert (quiet.name, quiet.type, quiet.published, quiet.edges) == ("quiet", "Image", 0, ())


def test_what_a_node_is_and_counts(segment: ProcessSegment, reader: RunReader) -> None:
    record = segment.record(0)
    record.describe("a", "camera.rgb", 20 * MS, 5 * MS, 20 * MS)
    record.set_state("running")
    record.add_restart()
    record.add_error()
    record.add_skipped(7)
    tick(segment, 0, 3)
    late = monotonic_ns() - S
    record.end(late, record.begin(late))
    found = node(reader, "a")
    assert (found.on, found.target_hz, found.budget_ns, found.state) == ("camera.rgb", 50.0, 5 * MS, "running")
    assert (found.ticks, found.skipped, found.restarts, found.errors) == (4, 7, 1, 1)
    assert (found.misses, found.overruns) == (1, 0)
    assert sum(found.causes.values()) >= 1
    assert found.tick_ns is not None and found.tick_ns.count == 4
    assert found.lateness_ns is not None and found.lateness_ns.max >= S


def test_rates_are_over_the_last_two_seconds(segment: ProcessSegment, reader: RunReader, clock: Clock) -> None:
    reader.snapshot()
    rates = []
    for ticks in (10, 10, 30, 30, 0, 0, 0):
        clock.now += S
        tick(segment, 0, ticks)
        rates.append(node(reader, "a").rate_hz)
    assert rates == [10.0, 10.0, 20.0, 30.0, 15.0, 0.0, 0.0]


def test_frequent_looks_do_not_shorten_the_window(segment: ProcessSegment, reader: RunReader, clock: Clock) -> None:
    reader.snapshot()
    for _ in range(80):
        clock.now += 50 * MS
        tick(segment, 0, 1)
        found = node(reader, "a")
    assert found.rate_hz == pytest.approx(20.0)
    assert len(reader._history) <= 42


def test_the_final_rate_counts_the_spaces_between_the_starts_of_ticks(
    segment: ProcessSegment, reader: RunReader
) -> None:
    tick(segment, 0, 3)
    starts = [start for _, start, _, _ in segment.record(0).flight()]
    assert reader.final().nodes[0].rate_hz == pytest.approx(2e9 / (starts[-1] - starts[0]))


def test_cpu_time_of_the_process_that_lives_and_of_those_before(
    segment: ProcessSegment, reader: RunReader, clock: Clock
) -> None:
    record = segment.record(0)
    record.set_pid(os.getpid())
    alive = node(reader, "a")
    assert alive.pid == os.getpid()
    assert alive.rss_bytes > 1_000_000
    clock.now += S
    record.set_pid(0)
    record.add_ended(3_000 * S, 123)
    record.add_ended(0, 77)
    clock.now += S
    ended = node(reader, "a")
    assert (ended.pid, ended.rss_bytes) == (None, 123)
    assert ended.cpu_percent > 1_000


def test_a_process_that_is_gone_is_no_error(segment: ProcessSegment, reader: RunReader) -> None:
    segment.record(0).set_pid(2**22 + 1)
    assert node(reader, "a").cpu_percent == 0.0


@pytest.fixture
def pair(segment: ProcessSegment) -> Iterator[tuple[Any, Any]]:
    """A publisher in `a` and a receiver in `b` of topic `t`, which keeps four messages."""
    plan = TopicPlan("t", capacity=4, publishers=("a",), subscribers=("b",))
    publisher = Participant(segment, 0).publisher(plan, "a", segment.name.namespace, None)
    receiver = Participant(segment, 1).receiver(plan, "b", segment.name.namespace, None)
    yield publisher, receiver
    receiver.close()


def test_an_edge_accounts_for_every_message(pair: tuple[Any, Any], reader: RunReader) -> None:
    publisher, receiver = pair
    publisher.send(0)
    assert receiver.recv() == 0
    for number in range(1, 11):
        publisher.send(number)
    oldest = receiver.recv()  # the ring keeps four: those before were overwritten
    assert 7 <= oldest < 10
    assert receiver.latest() == 10
    publisher.send(11)
    found = topic(reader, "t")
    assert (found.type, found.published) == ("any", 12)
    (edge,) = found.edges
    assert (edge.publisher, edge.subscriber) == ("a", "b")
    assert (edge.delivered, edge.lost, edge.superseded, edge.in_flight) == (3, oldest - 1, 9 - oldest, 1)
    assert edge.delivered + edge.lost + edge.superseded + edge.in_flight == found.published
    assert edge.balanced
    assert edge.latency_ns is not None and edge.latency_ns.count == 3


def test_nothing_is_measured_on_an_edge_that_carried_nothing(pair: tuple[Any, Any], reader: RunReader) -> None:
    pair[0].send(1)
    pair[1].has_message()
    (edge,) = topic(reader, "t").edges
    assert (edge.latency_ns, edge.age_ns, edge.delivered, edge.in_flight) == (None, None, 0, 1)


def test_rows_of_a_subscriber_that_came_back_are_summed(
    segment: ProcessSegment, pair: tuple[Any, Any], reader: RunReader
) -> None:
    publisher, receiver = pair
    publisher.send(0)
    receiver.recv()
    publisher.send(1)
    retire(segment.name.run_id, 1)
    plan = TopicPlan("t", capacity=4)
    again = Participant(segment, 1).receiver(plan, "b", segment.name.namespace, None)
    publisher.send(2)
    assert again.recv_all() == [2]
    (edge,) = topic(reader, "t").edges
    assert (edge.delivered, edge.in_flight, edge.balanced) == (2, 1, True)
    again.close()


def test_generations_of_a_ring_are_one_edge(pair: tuple[Any, Any], reader: RunReader) -> None:
    publisher, receiver = pair
    for size in (10, 100_000, 1_000_000):
        publisher.send(b"x" * size)
        assert len(receiver.recv()) == size
    found = topic(reader, "t")
    assert (found.published, [edge.delivered for edge in found.edges]) == (3, [3])
    assert found.edges[0].balanced


def test_the_rate_of_a_topic_and_its_bandwidth(pair: tuple[Any, Any], reader: RunReader, clock: Clock) -> None:
    publisher, _ = pair
    publisher.send(b"x")
    reader.snapshot()
    for _ in range(10):
        publisher.send(b"x" * 98)  # two bytes more as MessagePack
    clock.now += S
    found = topic(reader, "t")
    assert (found.rate_hz, found.bytes_per_s) == (10.0, 1000.0)
    clock.now += 3 * S
    topic(reader, "t")
    clock.now += S
    assert topic(reader, "t").rate_hz == 0.0


def test_the_final_rate_of_a_topic_counts_from_the_go(
    segment: ProcessSegment, pair: tuple[Any, Any], reader: RunReader, clock: Clock
) -> None:
    clock.now += 10 * S
    segment.go(clock.now)
    for number in range(8):
        pair[0].send(number)
    clock.now += 2 * S
    assert next(found for found in reader.final().topics if found.name == "t").rate_hz == 4.0


def test_a_run_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        RunReader("nowhere", new_run_id())
