"""What a forked child must not touch, is told so, and does no harm by ending."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horus_runner.errors import ForkedTopicError
from horus_runner.messages import Image, Tensor
from horus_runner.transport import participant
from horus_runner.transport.names import RunName, new_run_id
from horus_runner.transport.runs import is_dead, unlink_run
from horus_runner.transport.segment import ProcessSegment
from horus_runner.transport.topic import Topic

ROOT = Path(__file__).resolve().parents[3]
WaitUntil = Callable[..., None]


def in_a_fork(check: Callable[[], object]) -> None:
    """Run `check` in a forked child; fail when it raises."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        try:
            check()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def refused(*uses: Callable[[], object]) -> Callable[[], None]:
    def check() -> None:
        for use in uses:
            with pytest.raises(ForkedTopicError, match=f"belongs to process {os.getppid()} and cannot be used"):
                use()

    return check


@pytest.mark.parametrize("used_before", [True, False])
def test_a_topic_is_refused_in_a_fork(used_before: bool) -> None:
    topic = Topic("numbers")
    if used_before:
        topic.send(1)
    in_a_fork(
        refused(
            lambda: topic.send(2),
            topic.recv,
            lambda: topic.recv(timeout=1.0),
            topic.recv_all,
            topic.latest,
            topic.has_msg,
            lambda: topic.wait(1.0),
            lambda: topic.loan(height=4, width=4),
        )
    )
    topic.send(3)
    assert topic.recv_all() == ([1, 3] if used_before else [3])


def test_a_loan_and_a_message_are_refused_in_a_fork() -> None:
    topic = Topic(Image)
    topic.send(Image(4, 6))
    received, loan = topic.recv(), topic.loan(height=4, width=6)
    in_a_fork(refused(received.to_numpy, lambda: np.from_dlpack(received), loan.to_numpy, lambda: memoryview(received)))
    loan.to_numpy()[:] = 3
    topic.send(loan)
    assert (received.to_numpy() == 0).all()
    assert (topic.recv().to_numpy() == 3).all()


def test_dropping_everything_in_a_fork_changes_nothing_for_the_parent() -> None:
    topic = Topic("arrays", capacity=2)
    held: list[Any] = []
    for n in range(3):
        topic.send(np.full(5_000, n))
        held.append(topic.recv())
    loan = Topic(Image).loan(height=4, width=4)

    def drop() -> None:
        held.clear()
        nonlocal loan, topic
        loan = topic = None  # type: ignore[assignment]
        participant._bare.clear()

    in_a_fork(drop)
    for n in range(20):
        topic.send(np.full(5_000, 100 + n))
    for n, message in enumerate(held):
        assert isinstance(message, Tensor)
        assert (message.numpy() == n).all()
    assert loan.to_numpy() is not None


def test_a_child_makes_topics_of_its_own_and_meets_its_parent() -> None:
    back = Topic("back")
    there = Topic("there")
    there.send("for nobody")

    def echo() -> None:
        received, answers = Topic("there"), Topic("back")
        answers.send("ready")
        answers.send(received.recv(timeout=30.0))
        participant._bare[(participant.default_namespace(), os.getpid())].leave()

    pid = os.fork()
    if not pid:
        status = 1
        try:
            echo()
            status = 0
        finally:
            os._exit(status)
    assert back.recv(timeout=30.0) == "ready"
    there.send({"n": 1})
    assert back.recv(timeout=30.0) == {"n": 1}
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_child_of_a_script_ends_without_leaving_for_its_parent(run_python: Callable[..., Any]) -> None:
    done = run_python(
        "-c",
        "import os, sys, horus\n"
        "topic = horus.Topic('numbers')\n"
        "topic.send(1)\n"
        "if not os.fork():\n"
        "    sys.exit(0)  # atexit handlers and all\n"
        "os.wait()\n"
        "topic.send(2)\n"
        "print(topic.recv_all(), len(horus.Topic('numbers').recv_all()))\n",
    )
    assert (done.stdout, done.stderr) == ("[1, 2] 0\n", "")


OWNER = """
import os, sys, signal
from horus_runner.transport.segment import ProcessSegment
segment = ProcessSegment.create(sys.argv[1], sys.argv[2], ["node"])
child = os.fork()
if not child:
    signal.pause()
print(child, flush=True)
signal.pause()
"""


def test_a_run_is_dead_when_its_owner_is_whatever_its_children_do(wait_until: WaitUntil) -> None:
    run_id = new_run_id()
    run = RunName(f"unit-{run_id}", run_id)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, run.namespace, run.run_id],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    try:
        assert not is_dead(run)
        owner.kill()
        owner.wait(10)
        wait_until(lambda: is_dead(run), "the end of the run")
        os.kill(child, 0)  # it lives, and does not keep the run
    finally:
        os.kill(child, signal.SIGKILL)
        owner.stdout.close()
        unlink_run(run_id)


def test_closing_in_a_fork_does_not_end_the_parents_run() -> None:
    run_id = new_run_id()
    segment = ProcessSegment.create(f"unit-{run_id}", run_id, ["a"])
    try:
        in_a_fork(segment.close)
        assert not is_dead(segment.name)
    finally:
        segment.close()
        unlink_run(run_id)
