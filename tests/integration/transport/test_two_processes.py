"""Two processes and one topic: waking up, held views, loans, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel, Image
from horus_runner.metrics.reader import RunReader
from horus_runner.transport import rows
from horus_runner.transport.names import new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment
from horus_runner.transport.topic import Topic

ROOT = Path(__file__).resolve().parents[3]
LONG_S = 30.0
HEIGHT, WIDTH = 480, 640

MEMBER = """
import sys
import numpy as np
from horus_runner._core.receiver import wait
from horus_runner._core.clock import monotonic_ns
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages import CmdVel, Image
from horus_runner.transport.participant import Participant
from horus_runner.transport.segment import ProcessSegment

member = Participant(ProcessSegment.open(sys.argv[1], sys.argv[2]), int(sys.argv[3]))
"""


class Run:
    """A run that this process supervises; its members are processes of their own."""

    def __init__(self) -> None:
        self.run_id = new_run_id()
        self.segment = ProcessSegment.create(f"two-{self.run_id}", self.run_id, ["here", "there", "third"])
        self.namespace = self.segment.name.namespace
        self.started: list[subprocess.Popen[str]] = []

    def member(self, index: int) -> Participant:
        return Participant(ProcessSegment.open(self.namespace, self.run_id), index)

    def start(self, index: int, code: str) -> subprocess.Popen[str]:
        """Another member, after it has said that it is ready."""
        process = subprocess.Popen(
            [sys.executable, "-c", MEMBER + code, self.namespace, self.run_id, str(index)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def kill(self, process: subprocess.Popen[str], index: int) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        rows.retire(self.run_id, index)
        self.segment.bump_epoch()

    def edges(self, topic: str) -> dict[str, Any]:
        found = RunReader(self.namespace, self.run_id).final().topics
        return {edge.subscriber: edge for one in found if one.name == topic for edge in one.edges}

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()
        self.segment.close()
        unlink_run(self.run_id)


@pytest.fixture
def run() -> Iterator[Run]:
    made = Run()
    yield made
    made.close()


def receive(member: Participant, receiver: Any) -> Any:
    """The next message, waiting for it on the doorbell alone: never looking twice without having been rung."""
    from horus_runner._core.clock import monotonic_ns
    from horus_runner._core.receiver import MESSAGE, wait

    message = receiver.recv()
    if message is None:
        assert wait(member.doorbell, (receiver,), monotonic_ns() + int(LONG_S * 1e9)) == MESSAGE
        message = receiver.recv()
    return message


def test_each_message_wakes_the_other_side(run: Run) -> None:
    """Ping-pong without polling: one lost wake-up and a side sleeps until its deadline."""
    here = run.member(0)
    ping = here.publisher(TopicPlan("ping"), "here", run.namespace, CmdVel)
    pong = here.receiver(TopicPlan("pong"), "here", run.namespace, CmdVel)
    other = run.start(
        1,
        "ping = member.receiver(TopicPlan('ping'), 'there', member.namespace, CmdVel)\n"
        "pong = member.publisher(TopicPlan('pong'), 'there', member.namespace, CmdVel)\n"
        "print('ready', flush=True)\n"
        "while wait(member.doorbell, (ping,), -1) == 1:\n"
        "    got = ping.recv()\n"
        "    pong.send(CmdVel(got.linear + 1.0, 0.0))\n",
    )
    for n in range(5_000):
        ping.send(CmdVel(float(n), 0.0))
        assert receive(here, pong).linear == n + 1.0
    edge = run.edges("ping")["there"]
    assert (edge.delivered, edge.lost, edge.balanced) == (5_000, 0, True)
    run.kill(other, 1)


def test_frames_on_loan_arrive_whole_while_one_is_held(run: Run) -> None:
    here = run.member(0)
    plan = TopicPlan("camera")
    camera = here.receiver(plan, "here", run.namespace, Image)
    more = here.publisher(TopicPlan("more"), "here", run.namespace, None)
    run.start(
        1,
        "camera = member.publisher(TopicPlan('camera'), 'there', member.namespace, Image)\n"
        "more = member.receiver(TopicPlan('more'), 'there', member.namespace, None)\n"
        "print('ready', flush=True)\n"
        "for n in range(1002):\n"
        f"    loan = camera.loan(height={HEIGHT}, width={WIDTH}, encoding='rgb8')\n"
        "    loan.to_numpy()[:] = n % 251\n"
        "    camera.send(loan)\n"
        "    del loan\n"
        "    assert wait(member.doorbell, (more,), monotonic_ns() + 30_000_000_000) == 1\n"
        "    more.recv()\n",
    )
    held = receive(here, camera).to_numpy()
    kept = held.copy()
    assert (kept == 0).all()
    more.send(0)
    for n in range(1, 1001):
        frame = receive(here, camera).to_numpy()
        assert frame.nbytes == 921_600
        if n % 50 == 0:
            assert (frame == n % 251).all()
        assert frame[0, 0, 0] == frame[-1, -1, -1] == n % 251
        more.send(n)
    assert np.array_equal(held, kept)
    edge = run.edges("camera")["here"]
    assert (edge.delivered, edge.lost, edge.copied, edge.balanced) == (1001, 0, 0, True)


def test_a_publisher_killed_at_any_moment_is_taken_up_where_it_stood(run: Run, wait_until: Callable[..., None]) -> None:
    here = run.member(0)
    receiver = here.receiver(TopicPlan("numbers"), "here", run.namespace, CmdVel)
    code = (
        "numbers = member.publisher(TopicPlan('numbers'), 'there', member.namespace, CmdVel)\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    n = numbers.sender.published\n"
        "    numbers.send(CmdVel(float(n % 2**20), -float(n % 2**20), n))\n"
    )
    last = -1
    for _ in range(4):
        publisher = run.start(1, code)
        goal = last + 5_000
        while last < goal:
            message = receive(here, receiver)
            if message is None:
                continue  # overwritten on the way from the bell
            assert message.linear == -message.angular == message.timestamp_ns % 2**20
            assert message.timestamp_ns > last, "numbers go on where the killed one stopped"
            last = message.timestamp_ns
        run.kill(publisher, 1)
    last = max([last, *(message.timestamp_ns for message in receiver.recv_all())])
    edge = run.edges("numbers")["here"]
    assert edge.balanced
    assert edge.in_flight == 0
    assert edge.delivered + edge.lost == last + 1


def test_a_killed_subscriber_gives_back_its_slots_and_keeps_its_counts(run: Run) -> None:
    here = run.member(0)
    plan = TopicPlan("camera", capacity=2, max_held=3)
    camera = here.publisher(plan, "here", run.namespace, Image)
    ready = here.receiver(TopicPlan("ready"), "here", run.namespace, None)
    code = (
        "camera = member.receiver(TopicPlan('camera', capacity=2, max_held=3), 'there', member.namespace, Image)\n"
        "ready = member.publisher(TopicPlan('ready'), 'there', member.namespace, None)\n"
        "print('ready', flush=True)\n"
        "held = []\n"
        "while wait(member.doorbell, (camera,), -1) == 1:\n"
        "    held = [*held[-2:], camera.recv()]\n"
        "    ready.send(len(held))\n"
    )
    delivered = 0
    for life in range(3):
        subscriber = run.start(1, code)
        for n in range(3):
            camera.send(np.full((HEIGHT, WIDTH), n, np.uint8))
            assert receive(here, ready) == n + 1
            delivered += 1
        run.kill(subscriber, 1)
        camera.send(np.full((HEIGHT, WIDTH), 99, np.uint8))
        edge = run.edges("camera")["there"]
        assert (edge.delivered, edge.lost, edge.in_flight, edge.balanced) == (delivered, 0, 0, True), life
    for n in range(50):
        camera.send(np.full((HEIGHT, WIDTH), n, np.uint8))


def test_bare_topics_of_two_scripts_pass_frames_both_ways() -> None:
    there, back = Topic("there", max_held=2), Topic("back", max_held=2)
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import horus\n"
            "there, back = horus.Topic('there'), horus.Topic('back')\n"
            "print('ready', flush=True)\n"
            "while (frame := there.recv(timeout=30.0)) is not None:\n"
            "    back.send(frame.numpy()[::-1] + 1)\n",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    try:
        for n in range(100):
            there.send(np.arange(n * 1_000, n * 1_000 + 100_000))
            there.recv()
            got = back.recv(timeout=LONG_S)
            assert np.array_equal(got.numpy()[::-1], np.arange(n * 1_000 + 1, n * 1_000 + 100_001))
            del got
    finally:
        other.kill()
        other.communicate()
