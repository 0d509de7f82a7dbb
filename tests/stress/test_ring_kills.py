"""Writers and readers at full speed, killed at random instants and started again, as a supervisor does it.

Nothing torn is ever received, nobody is stuck, nothing stays leased, every message is accounted for.
HORUS_STRESS_S sets how many seconds to spend (20).
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import select
import signal
import struct
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from horus_runner._core.clock import monotonic_ns, set_parent_death_signal
from horus_runner._core.mapping import Mapping
from horus_runner._core.receiver import wait
from horus_runner._core.table import describe_rows
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel, Tensor
from horus_runner.metrics.reader import RunReader
from horus_runner.transport import rows
from horus_runner.transport.names import new_run_id, ring_segments
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment, open_segment

pytestmark = [pytest.mark.stress, pytest.mark.timeout(600)]

STRESS_S = float(os.environ.get("HORUS_STRESS_S", "20"))
ROUND_S = 5.0
STUCK_S = 30.0
READERS = 2


class Records:
    """Small messages, embedded."""

    plan = TopicPlan("records", None, 8)
    declared: Any = CmdVel

    @staticmethod
    def make(publisher: Any, number: int) -> Any:
        return CmdVel(float(number % 2**20), -float(number % 2**20), number)

    @staticmethod
    def number(message: Any) -> int:
        assert message.linear == -message.angular == float(message.timestamp_ns % 2**20), message
        return int(message.timestamp_ns)


class Lossless(Records):
    """Small messages, none of which may be overwritten unread."""

    plan = TopicPlan("lossless", None, 4, "wait")


class Arrays:
    """Arrays in slots, every second one filled in place."""

    plan = TopicPlan("arrays", None, 3, max_held=2)
    declared: Any = Tensor

    @staticmethod
    def make(publisher: Any, number: int) -> Any:
        size = 200 + number * 37 % 3000
        if number % 2:
            return np.full(size, number)
        loan = publisher.loan(shape=(size,), dtype=np.int64)
        loan.numpy()[:] = number
        return loan

    @staticmethod
    def number(message: Any) -> int:
        values = np.asarray(message.numpy())
        assert (values == values[0]).all(), f"torn: {np.unique(values)}"
        assert len(values) == 200 + int(values[0]) * 37 % 3000
        return int(values[0])


class Growing:
    """Messages of any kind that grow out of one ring after the other."""

    plan = TopicPlan("growing", None, 4)
    declared: Any = None

    @staticmethod
    def make(publisher: Any, number: int) -> Any:
        return {"number": number, "body": np.full(min(int(4 * 1.1 ** (number // 20)), 20_000), number)}

    @staticmethod
    def number(message: Any) -> int:
        assert (message["body"] == message["number"]).all(), "torn"
        return int(message["number"])


TOPICS = (Records, Lossless, Arrays, Growing)


def write(member: Participant, topic: Any) -> None:
    publisher = member.publisher(topic.plan, "writer", member.namespace, topic.declared)
    while True:
        publisher.send(topic.make(publisher, publisher.sender.published))


def read(member: Participant, name: str, counts: memoryview, chance: random.Random) -> None:
    """Receive, check and hold; `counts` has a word a topic: how many messages were received."""
    receivers = [member.receiver(t.plan, name, member.namespace, t.declared) for t in TOPICS]
    last = [-1] * len(TOPICS)
    held: list[tuple[Any, Any, int]] = []
    while True:
        wait(member.doorbell, tuple(receivers), monotonic_ns() + 20_000_000)
        for at, (topic, receiver) in enumerate(zip(TOPICS, receivers, strict=True)):
            for _ in range(20):
                message = receiver.latest() if chance.random() < 0.2 else receiver.recv()
                if message is None:
                    break
                number = topic.number(message)
                assert number > last[at], f"{topic.plan.name}: {number} after {last[at]}"
                last[at] = number
                counts[at] += 1
                held.append((topic, message, number))
                if len(held) > 6:
                    held.pop(chance.randrange(len(held)))
        for topic, message, number in held:
            assert topic.number(message) == number, "a held message changed"


class Stage:
    """The processes of one run, as their supervisor has them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.run_id = new_run_id()
        names = [*(f"writer-{t.plan.name}" for t in TOPICS), *(f"reader{n}" for n in range(READERS))]
        self.segment = ProcessSegment.create(f"stress-{self.run_id}", self.run_id, names)
        self.namespace = self.segment.name.namespace
        self.failures, self.report = os.pipe()
        self.counts = mmap.mmap(-1, 8 * len(TOPICS) * READERS)
        self.pids: dict[int, int] = {}
        self.kills = 0

    def start(self, index: int) -> None:
        seed = self.chance.random()
        pid = os.fork()
        if pid:
            self.pids[index] = pid
            return
        try:
            set_parent_death_signal(signal.SIGKILL)
            warnings.simplefilter("ignore")  # of copies: more is held than max_held, and meant to be
            member = Participant(ProcessSegment.open(self.namespace, self.run_id), index)
            if index < len(TOPICS):
                write(member, TOPICS[index])
            else:
                at = (index - len(TOPICS)) * len(TOPICS)
                counts = memoryview(self.counts).cast("Q")[at : at + len(TOPICS)]
                read(member, f"reader{index - len(TOPICS)}", counts, random.Random(seed))
        except BaseException:
            os.write(self.report, traceback.format_exc().encode()[-4000:])
        os._exit(1)

    def kill(self, index: int) -> None:
        os.kill(self.pids[index], signal.SIGKILL)
        os.waitpid(self.pids.pop(index), 0)
        rows.retire(self.run_id, index)
        self.segment.bump_epoch()
        self.kills += 1

    def check(self) -> None:
        """No child has failed, and every edge is balanced."""
        if select.select([self.failures], [], [], 0)[0]:
            pytest.fail(os.read(self.failures, 65536).decode(), pytrace=False)
        for topic in self.reader().final().topics:
            for edge in topic.edges:
                assert edge.balanced, (topic.name, edge)
                assert not (topic.name == "lossless" and edge.lost), edge

    def reader(self) -> RunReader:
        return RunReader(self.namespace, self.run_id)

    def counted(self) -> list[int]:
        return list(struct.unpack(f"{len(TOPICS) * READERS}Q", self.counts[:]))

    def close(self) -> None:
        for index in list(self.pids):
            with contextlib.suppress(ProcessLookupError):
                self.kill(index)
        self.segment.close()
        unlink_run(self.run_id)
        os.close(self.failures)
        os.close(self.report)


@pytest.fixture
def stages(seed: int) -> Iterator[Callable[[int], Stage]]:
    made: list[Stage] = []

    def stage(round_: int) -> Stage:
        made.append(Stage(random.Random(seed + round_)))
        return made[-1]

    yield stage
    for one in made:
        one.close()


def everything_is_given_back(stage: Stage) -> None:
    """When all have been killed and retired: no row is taken, no slot leased, and new writers find room."""
    for ring in ring_segments(stage.namespace):
        descriptor = open_segment(ring.segment)
        size = os.fstat(descriptor).st_size
        table = Mapping(descriptor, size)
        os.close(descriptor)
        for row in describe_rows(table, size):
            assert not row["live"], (ring, row)
            assert row["held"] == 0, (ring, row)
            assert row["owner"] == 0, (ring, row)
    member = Participant(ProcessSegment.open(stage.namespace, stage.run_id), 0)
    other = Participant(ProcessSegment.open(stage.namespace, stage.run_id), 1)
    publisher = member.publisher(Arrays.plan, "writer", member.namespace, Tensor)
    receiver = other.receiver(Arrays.plan, "last", member.namespace, Tensor)
    loans = [publisher.loan(shape=(10,), dtype=np.int64) for _ in range(4)]
    for _ in range(200):
        number = publisher.sender.published
        publisher.send(np.full(200 + number * 37 % 3000, number))
        assert Arrays.number(receiver.recv()) == number
    del loans


def test_kills_at_random_instants_tear_block_and_leak_nothing(stages: Callable[[int], Stage]) -> None:
    rounds = max(1, round(STRESS_S / ROUND_S))
    kills = received = 0
    for round_ in range(rounds):
        stage = stages(round_)
        everybody = range(len(TOPICS) + READERS)
        for index in everybody:
            stage.start(index)
        until = time.monotonic() + ROUND_S
        while time.monotonic() < until:
            time.sleep(stage.chance.uniform(0.0005, 0.02))
            index = stage.chance.choice(everybody)
            stage.kill(index)
            stage.start(index)
            if stage.kills % 5 == 0:
                stage.check()
        before = stage.counted()
        deadline = time.monotonic() + STUCK_S
        while not all(now > then for now, then in zip(stage.counted(), before, strict=True)):
            stage.check()
            assert time.monotonic() < deadline, f"stuck: {before} messages received, {stage.counted()} now"
            time.sleep(0.01)
        for index in everybody:
            stage.kill(index)
        stage.check()
        delivered = sum(edge.delivered for topic in stage.reader().final().topics for edge in topic.edges)
        assert sum(stage.counted()) <= delivered <= sum(stage.counted()) + stage.kills * len(TOPICS)
        everything_is_given_back(stage)
        kills, received = kills + stage.kills, received + delivered
    print(f"{rounds} rounds, {kills} kills, {received:,} messages received")
    assert kills > rounds * 10
