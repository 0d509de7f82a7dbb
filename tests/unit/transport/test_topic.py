"""`horus.Topic` by itself: in one process, between two, without any graph."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horus_runner._core.clock import monotonic_ns
from horus_runner.errors import MessageTypeError, UsageError
from horus_runner.messages import CmdVel, Image
from horus_runner.transport import participant as participants
from horus_runner.transport.names import digest, process_segments, ring_segments
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.topic import Topic

ROOT = Path(__file__).resolve().parents[3]
LONG_S = 30.0

ECHO = """
import sys
import horus
numbers, back = horus.Topic("numbers"), horus.Topic("back")
pictures = horus.Topic(horus.Image)
print("ready", flush=True)
while (got := numbers.recv(timeout=30.0)) != "stop":
    back.send({"got": got})
image = pictures.recv(timeout=30.0)
back.send({"sum": int(image.to_numpy().sum()), "encoding": image.encoding})
assert back.recv_all()[-1]["encoding"] == "mono8"
"""


@pytest.fixture(autouse=True)
def own_namespace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A namespace of this test's own, left at its end as a process leaves its own."""
    namespace = f"topic-{os.getpid()}-{digest(str(tmp_path))}"
    monkeypatch.setenv("HORUS_NAMESPACE", namespace)
    yield namespace
    member = participants._bare.pop((namespace, os.getpid()), None)
    if member is not None:
        member.leave()


def python(code: str) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def test_two_topics_of_one_name_in_one_process(own_namespace: str) -> None:
    here, there = Topic("numbers"), Topic("numbers")
    here.send({"n": 1})
    there.send({"n": 2})
    assert here.recv_all() == there.recv_all() == [{"n": 1}, {"n": 2}]
    assert here.recv() is None
    assert len(list(ring_segments(own_namespace))) == 1, "publishers of one topic in one process share a ring"


def test_nothing_that_was_sent_before_is_received() -> None:
    first = Topic("numbers")
    first.send(1)
    second = Topic("numbers")
    first.send(2)
    assert second.recv_all() == [2]
    assert first.recv_all() == [1, 2]


def test_latest_has_msg_and_close() -> None:
    topic = Topic("numbers")
    assert not topic.has_msg()
    for n in range(5):
        topic.send(n)
    assert topic.has_msg()
    assert topic.latest() == 4
    assert not topic.has_msg()
    topic.close()
    topic.send(5)
    assert topic.recv() is None
    assert topic.recv(timeout=0.01) is None
    assert Topic("numbers").recv() is None


def test_a_class_gives_the_topic_its_type_and_its_default_name() -> None:
    topic = Topic(CmdVel)
    assert (topic.name, topic.type) == ("cmd_vel", CmdVel)
    assert repr(topic) == "Topic('cmd_vel', carries CmdVel)"
    topic.send(CmdVel(1.0, 2.0))
    topic.send({"linear": 3.0, "angular": 0.0})
    assert [one.linear for one in topic.recv_all()] == [1.0, 3.0]
    with pytest.raises(MessageTypeError, match="carries CmdVel, not list"):
        topic.send([1.0])
    named = Topic(CmdVel, name="arm/left.cmd-vel_1")
    assert named.name == "arm/left.cmd-vel_1"
    assert repr(Topic("anything")) == "Topic('anything', carries any message)"


@pytest.mark.parametrize("name", ["", "with space", "ü", "a\n", "x" * 201, "semi;colon"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot name a topic|at most 200 characters"):
        Topic(name)


def test_what_is_no_message_type_is_refused() -> None:
    class NoMessage:
        pass

    with pytest.raises(UsageError, match=r"NoMessage is not a message type. Decorate the class with @horus.message"):
        Topic(NoMessage)
    with pytest.raises(UsageError, match="5 is not a message type"):
        Topic(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "said"),
    [({"capacity": 0}, "from 1 to 1,048,576, not 0"), ({"max_held": 0}, "from 1 to"), ({"max_held": 31}, "not 31")],
)
def test_limits_are_checked(limits: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Topic("numbers", **limits)


def test_recv_waits_for_what_another_thread_sends() -> None:
    topic = Topic("numbers")
    sender = threading.Timer(0.05, topic.send, [{"n": 1}])
    sender.start()
    assert topic.recv(timeout=LONG_S) == {"n": 1}
    sender.join()


def test_recv_gives_up_when_the_time_is_over() -> None:
    topic = Topic("numbers")
    before = monotonic_ns()
    assert topic.recv(timeout=0.02) is None
    assert monotonic_ns() - before >= 20_000_000
    assert not topic.wait(0.001)


def test_a_thread_that_wakes_does_not_put_the_others_to_sleep_for_good() -> None:
    """All threads of a process sleep on one doorbell: publishers must ring for as long as one of them does."""
    patient, hasty, sender = Topic("rare"), Topic("never"), python(SENDS_ON_REQUEST)
    assert sender.stdin is not None
    assert patient.recv() == "first"
    got: list[Any] = []
    sleeper = threading.Thread(target=lambda: got.append(patient.recv(timeout=LONG_S)))
    sleeper.start()
    assert hasty.recv(timeout=0.3) is None
    sender.stdin.write("\n")
    sender.stdin.flush()
    sleeper.join(LONG_S / 3)
    assert not sleeper.is_alive()
    assert got == ["at last"]
    sender.communicate(timeout=LONG_S)


SENDS_ON_REQUEST = """
import sys, horus
topic = horus.Topic("rare")
topic.send("first")
print("ready", flush=True)
sys.stdin.readline()
topic.send("at last")
sys.stdin.read()  # to leave would wake everybody
"""


def test_two_processes_meet_in_a_namespace() -> None:
    numbers, back, pictures = Topic("numbers"), Topic("back"), Topic(Image)
    other = python(ECHO)
    for sent in (1, "two", [3.0], {"four": None}, b"5" * 100_000):
        numbers.send(sent)
        assert back.recv(timeout=LONG_S) == {"got": sent}
    assert back.recv() is None
    numbers.send("stop")
    loan = pictures.loan(height=480, width=640, encoding="mono8")
    loan.to_numpy()[:] = 2
    pictures.send(loan)
    assert back.recv(timeout=LONG_S) == {"sum": 2 * 480 * 640, "encoding": "mono8"}
    other.communicate(timeout=LONG_S)
    assert other.returncode == 0


@pytest.mark.parametrize("sent", ["'once'", "'x' * 100_000"], ids=["first", "grown"])
def test_a_script_that_sends_once_and_ends_is_heard(sent: str) -> None:
    waiting = python(
        "import horus; t = horus.Topic('once'); print('ready', flush=True); print(t.recv(timeout=30.0)[:4]); t.recv()"
    )
    code = f"import horus; t = horus.Topic('once'); t.send({sent})"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    output, _ = waiting.communicate(timeout=LONG_S)
    assert output.split() in (["once"], ["xxxx"])


def test_a_process_that_ends_leaves_nothing_and_is_forgotten(own_namespace: str) -> None:
    numbers = Topic("numbers")
    other = python(
        "import horus, sys; t = horus.Topic('numbers'); t.send('bye'); print('ready', flush=True); sys.stdin.read()"
    )
    assert numbers.recv(timeout=LONG_S) == "bye"
    other.communicate(timeout=LONG_S)
    assert len(list(process_segments())) >= 1
    assert [run.run_id for run in process_segments() if run.namespace == own_namespace] == [
        numbers._member.segment.name.run_id
    ]
    assert numbers.recv() is None
    numbers.send("still here")
    assert numbers.recv() == "still here"


def test_a_killed_process_is_survived_and_its_run_is_dead(own_namespace: str) -> None:
    numbers = Topic("numbers")
    other = python(
        "import horus, sys; t = horus.Topic('numbers'); t.send('last'); print('ready', flush=True); sys.stdin.read()"
    )
    other.kill()
    other.communicate(timeout=LONG_S)
    assert numbers.recv() == "last", "what was sent stays readable"
    numbers.send("to nobody")
    assert numbers.recv() == "to nobody"
    mine = numbers._member.segment.name.run_id
    (theirs,) = [r.run_id for r in process_segments() if r.namespace == own_namespace and r.run_id != mine]
    Topic("another").send("rings come and go")
    assert numbers.recv() is None, "what a dead publisher left is read once"
    assert unlink_run(theirs)


def test_namespaces_are_apart(monkeypatch: pytest.MonkeyPatch, own_namespace: str) -> None:
    here = Topic("numbers")
    monkeypatch.setenv("HORUS_NAMESPACE", f"{own_namespace}-other")
    there = Topic("numbers")
    here.send(1)
    there.send(2)
    assert (here.recv_all(), there.recv_all()) == ([1], [2])
    participants._bare.pop((f"{own_namespace}-other", os.getpid())).leave()


def test_without_a_namespace_scripts_meet_in_default(run_python: Callable[..., Any]) -> None:
    code = "import horus; print(horus.Topic('t')._member.namespace)"
    assert run_python("-c", code, env={"HORUS_NAMESPACE": ""}).stdout == "default\n"


def test_a_topic_that_nobody_reads_keeps_its_newest() -> None:
    topic = Topic("numbers", capacity=4)
    for n in range(1000):
        topic.send(np.int64(n))
    got = topic.recv_all()
    assert got[-1] == 999
    assert len(got) <= 4
