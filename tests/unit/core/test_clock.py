"""Time and sleeping: what ends a sleep, and that nothing which should is slept through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horus_runner._core import clock
from horus_runner._core.mapping import Mapping
from horus_runner._core.receiver import MESSAGE, RUNG, STOP, TIMEOUT, wait
from horus_runner.graph.plan import TopicPlan
from horus_runner.transport.names import new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment

ROOT = Path(__file__).resolve().parents[3]
LONG_S = 30.0
FOREVER = -1


def in_ns(seconds: float) -> int:
    return clock.monotonic_ns() + int(seconds * 1e9)


@pytest.fixture
def participant() -> Iterator[Participant]:
    run_id = new_run_id()
    segment = ProcessSegment.create(f"clock-{run_id}", run_id, ["a", "b"])
    yield Participant(segment, 0)
    segment.close()
    unlink_run(run_id)


@pytest.fixture
def doorbell(participant: Participant) -> clock.Doorbell:
    return participant.doorbell


@pytest.fixture
def stop_signal(doorbell: clock.Doorbell) -> Iterator[int]:
    """SIGUSR1 as the signal that stops, for as long as the test runs."""
    before = signal.getsignal(signal.SIGUSR1)
    clock.install_stop_signal(signal.SIGUSR1, doorbell)
    yield signal.SIGUSR1
    signal.signal(signal.SIGUSR1, before)
    clock.reset_stop_signal()


def test_the_clocks_are_the_systems() -> None:
    before, now, after = time.monotonic_ns(), clock.monotonic_ns(), time.monotonic_ns()
    assert before <= now <= after
    before, now, after = time.time_ns(), clock.realtime_ns(), time.time_ns()
    assert before <= now <= after
    used = clock.thread_cpu_ns()
    while clock.thread_cpu_ns() == used:
        sum(range(1000))
    assert clock.thread_cpu_ns() > used


def test_sleep_until_does_not_end_early() -> None:
    for delay_s in (0.0, 0.0005, 0.02):
        until = in_ns(delay_s)
        clock.sleep_until(until)
        assert clock.monotonic_ns() >= until
    clock.sleep_until(0)


def test_sleep_until_lets_signal_handlers_run_and_goes_on() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda signum, frame: seen.append(signum))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        until = in_ns(0.1)
        clock.sleep_until(until)
        assert seen == [signal.SIGALRM]
        assert clock.monotonic_ns() >= until
    finally:
        signal.signal(signal.SIGALRM, before)


def test_wait_ends_at_its_time_and_not_before(doorbell: clock.Doorbell) -> None:
    until = in_ns(0.02)
    assert wait(doorbell, (), until) == TIMEOUT
    assert clock.monotonic_ns() >= until
    assert wait(doorbell, (), 0) == TIMEOUT


def test_a_bell_rung_ends_a_wait_that_asks_for_it(doorbell: clock.Doorbell) -> None:
    ringer = threading.Timer(0.02, doorbell.ring)
    ringer.start()
    assert wait(doorbell, (), in_ns(LONG_S), True) == RUNG
    ringer.join()


def test_a_bell_rung_for_nothing_does_not_end_a_wait(doorbell: clock.Doorbell) -> None:
    stop = threading.Event()

    def ring() -> None:
        while not stop.wait(0.001):
            doorbell.ring()

    ringer = threading.Thread(target=ring)
    ringer.start()
    until = in_ns(0.05)
    assert wait(doorbell, (), until) == TIMEOUT
    assert clock.monotonic_ns() >= until
    stop.set()
    ringer.join()


def test_a_message_ends_a_wait_and_stays_to_be_received(participant: Participant) -> None:
    plan = TopicPlan("t")
    other = Participant(ProcessSegment.open(participant.namespace, participant.segment.name.run_id), 1)
    receiver = participant.receiver(plan, "s", participant.namespace, None)
    publisher = other.publisher(plan, "p", participant.namespace, None)
    for n in range(20):
        sender = threading.Timer(0.002 * (n % 3), publisher.send, [n])
        sender.start()
        assert wait(participant.doorbell, (receiver,), FOREVER) == MESSAGE
        assert wait(participant.doorbell, (receiver,), FOREVER) == MESSAGE, "nothing was consumed"
        assert receiver.recv() == n
        sender.join()
    assert wait(participant.doorbell, (receiver,), in_ns(0.01)) == TIMEOUT


def test_a_stop_signal_ends_a_wait_whether_it_comes_before_or_during(
    participant: Participant, stop_signal: int
) -> None:
    receiver = participant.receiver(TopicPlan("t"), "s", participant.namespace, None)
    assert clock.stop_signal() == 0
    killer = threading.Timer(0.02, os.kill, [os.getpid(), stop_signal])
    killer.start()
    assert wait(participant.doorbell, (receiver,), FOREVER) == STOP
    assert clock.stop_signal() == stop_signal
    assert wait(participant.doorbell, (receiver,), FOREVER) == STOP
    assert wait(participant.doorbell, (), FOREVER) == STOP
    killer.join()
    clock.reset_stop_signal()
    assert clock.stop_signal() == 0


def test_a_python_signal_handler_can_end_a_wait(doorbell: clock.Doorbell) -> None:
    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            wait(doorbell, (), FOREVER)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_doorbell_rings_across_processes(participant: Participant, wait_until: Callable[..., None]) -> None:
    code = (
        "import sys\n"
        "from horus_runner._core.receiver import wait\n"
        "from horus_runner.transport.segment import ProcessSegment\n"
        "bell = ProcessSegment.open(sys.argv[1], sys.argv[2]).doorbell(1)\n"
        "print('ready', flush=True)\n"
        "for _ in range(3):\n"
        "    print(wait(bell, (), -1, True), flush=True)\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, participant.namespace, participant.segment.name.run_id],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "ready\n"
    bell = participant.segment.doorbell(1)
    for _ in range(3):
        # No receivers, so a ring between two waits is not remembered: ring until it is heard.
        heard = threading.Event()

        def listen(heard: threading.Event = heard) -> None:
            assert other.stdout is not None
            assert other.stdout.readline() == f"{RUNG}\n"
            heard.set()

        listener = threading.Thread(target=listen)
        listener.start()
        wait_until(lambda heard=heard: bell.ring() or heard.wait(0.01), "the bell to be heard")
        listener.join()
    other.communicate(timeout=LONG_S)
    assert other.returncode == 0


def test_a_doorbell_must_lie_within_its_mapping(participant: Participant) -> None:
    mapping = participant.segment.mapping
    for offset in (-64, 8, mapping.nbytes):
        with pytest.raises(ValueError, match="no doorbell fits at byte"):
            clock.Doorbell(mapping, offset)


def test_process_settings_are_the_kernels(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = run_python(
        "-c",
        "from horus_runner._core import clock\n"
        "clock.set_timer_slack(1000)\n"
        "clock.set_process_name('a-long-name-that-is-cut')\n"
        "clock.set_parent_death_signal(15)\n"
        "clock.set_child_subreaper(True)\n"
        "print(open('/proc/self/comm').read().strip(), open('/proc/self/timerslack_ns').read().strip())\n",
    )
    assert (done.stdout, done.stderr) == ("a-long-name-tha 1000\n", "")


def test_a_mapping_refuses_what_lies_outside_of_it() -> None:
    descriptor = os.memfd_create("mapping")
    os.ftruncate(descriptor, 8192)
    mapping = Mapping(descriptor, 8192, writable=True)
    os.close(descriptor)
    mapping.write(8190, b"ab")
    assert mapping.read(8190, 2) == b"ab"
    for offset, nbytes in ((8191, 2), (-1, 1), (0, 8193), (9000, 0)):
        with pytest.raises(ValueError, match="outside of a mapping of 8192"):
            mapping.read(offset, nbytes)
    with pytest.raises(ValueError, match="outside"):
        mapping.write(8191, b"ab")
    with pytest.raises(ValueError, match="positive size"):
        Mapping(0, 0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        Mapping(-1, 4096)
