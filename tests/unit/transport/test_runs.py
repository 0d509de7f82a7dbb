"""Which runs live, and removing what dead ones left: only the lock counts, never a process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horus_runner.graph.plan import TopicPlan
from horus_runner.transport import runs
from horus_runner.transport.names import DIRECTORY, RunName, new_run_id, unfinished_segment
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import find_run, is_dead, live_runs, unlink_run
from horus_runner.transport.segment import ProcessSegment

ROOT = Path(__file__).resolve().parents[3]
OWNER = """
import sys
from horus_runner.transport.segment import ProcessSegment
from horus_runner.transport.participant import Participant
from horus_runner.graph.plan import TopicPlan
segment = ProcessSegment.create(sys.argv[1], sys.argv[2], ["node"], "theirs", aliases=["alias-" + sys.argv[2]])
member = Participant(segment, 0)
for n in range(3):
    member.publisher(TopicPlan("topic"), f"p{n}", member.namespace, None).send("x" * 10**n)
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def run() -> Iterator[RunName]:
    run_id = new_run_id()
    yield RunName(f"unit-{run_id}", run_id)
    unlink_run(run_id)


@pytest.fixture
def owner(run: RunName) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns a run with three rings."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, run.namespace, run.run_id],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with process:
        yield process
        process.kill()


def of_run(run: RunName) -> set[str]:
    return {path.name for path in DIRECTORY.iterdir() if run.run_id in path.name}


def test_a_run_in_another_process_lives_until_it_is_killed(run: RunName, owner: subprocess.Popen[str]) -> None:
    assert not is_dead(run)
    assert run in live_runs()
    assert RunName(f"alias-{run.run_id}", run.run_id) in live_runs()
    owner.send_signal(signal.SIGKILL)
    owner.wait(10)
    assert is_dead(run)
    assert run not in live_runs()
    found = find_run(run.run_id)
    assert found is not None
    assert found.run_id == run.run_id


def test_a_run_that_nobody_made_is_dead_and_not_found(run: RunName) -> None:
    assert is_dead(run)
    assert find_run(run.run_id) is None


def test_a_stopped_process_is_not_a_dead_run(run: RunName, owner: subprocess.Popen[str]) -> None:
    owner.send_signal(signal.SIGSTOP)
    assert not is_dead(run)
    owner.send_signal(signal.SIGCONT)


def test_asking_does_not_take_the_lock_away(run: RunName) -> None:
    segment = ProcessSegment.create(run.namespace, run.run_id, ["a"])
    segment.close()
    assert is_dead(run)
    assert is_dead(run)


def only(run: RunName, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a sweep see this test's segments alone: others on this machine are not its business."""
    for name in ("process_segments", "ring_segments", "unfinished_segments"):
        look = getattr(runs, name)

        def filtered(look: Callable[[], Iterator[object]] = look) -> Iterator[object]:
            return (found for found in look() if run.run_id in str(found))

        monkeypatch.setattr(runs, name, filtered)


def test_a_sweep_removes_everything_of_a_dead_run_and_nothing_of_a_living_one(
    run: RunName, owner: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    only(run, monkeypatch)
    there = of_run(run)
    assert len(there) == 5, "two names of the process segment, three rings"
    assert runs.sweep() == []
    assert of_run(run) == there
    owner.kill()
    owner.wait(10)
    assert set(runs.sweep()) == there
    assert of_run(run) == set()


def test_rings_without_their_process_segment_are_swept(run: RunName, monkeypatch: pytest.MonkeyPatch) -> None:
    only(run, monkeypatch)
    segment = ProcessSegment.create(run.namespace, run.run_id, ["a"])
    Participant(segment, 0).publisher(TopicPlan("t"), "p", run.namespace, None).send(1)
    segment.unlink()
    assert len(of_run(run)) == 1
    assert len(runs.sweep()) == 1
    assert of_run(run) == set()


def test_a_segment_that_was_never_finished_is_swept_when_it_is_old(
    run: RunName, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(run, monkeypatch)
    unfinished = DIRECTORY / unfinished_segment(run.namespace, run.run_id)
    unfinished.touch()
    assert runs.sweep() == [], "its maker may be at work"
    past = time.time() - 60
    os.utime(unfinished, (past, past))
    assert runs.sweep() == [unfinished.name]


def test_unlinking_a_run_removes_its_segments_in_every_namespace(run: RunName) -> None:
    segment = ProcessSegment.create(run.namespace, run.run_id, ["a"], aliases=[f"alias-{run.run_id}"])
    member = Participant(segment, 0)
    member.publisher(TopicPlan("here"), "p", run.namespace, None).send(1)
    member.publisher(TopicPlan("there"), "p", f"alias-{run.run_id}", None).send(1)
    there = of_run(run)
    assert len(there) == 4
    assert set(unlink_run(run.run_id)) == there
    assert unlink_run(run.run_id) == []


@pytest.mark.skipif(os.getuid() != 0, reason="becoming another user takes root")
def test_another_users_segments_are_passed_over(run: RunName) -> None:
    segment = ProcessSegment.create(run.namespace, run.run_id, ["a"])
    mine = Participant(segment, 0).publisher(TopicPlan("shared"), "p", run.namespace, None)
    mine.send("mine")
    pid = os.fork()
    if not pid:
        try:
            os.setuid(65534)
            their_id = new_run_id()
            theirs = Participant(ProcessSegment.create(run.namespace, their_id, ["b"]), 0)
            receiver = theirs.receiver(TopicPlan("shared"), "s", run.namespace, None)
            theirs.publisher(TopicPlan("shared"), "p", run.namespace, None).send("theirs")
            right = receiver.recv_all() == ["theirs"] and not is_dead(run)
            unlink_run(their_id)
            unlink_run(run.run_id)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            right = False
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(of_run(run)) == 2
