"""Which processes belong to a run, and which belong to nobody any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from horus_runner.runtime.processes import (
    JANITOR_CALL,
    TOKEN_VARIABLE,
    end_relatives,
    end_strays,
    is_running,
    new_token,
    process_state,
    relatives,
)

Sleeper = Callable[..., "subprocess.Popen[bytes]"]
NO_SUCH_PID = 2**22 - 1  # the kernel's largest


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """`sleeper(token, ignores_sigterm=False)`: a process that carries a token."""
    started: list[subprocess.Popen[bytes]] = []

    def start(token: str | None, ignores_sigterm: bool = False) -> subprocess.Popen[bytes]:
        code = "import signal, sys, time\n"
        code += "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if ignores_sigterm else ""
        code += "print('up', flush=True)\ntime.sleep(600)"
        env = {**os.environ, **({TOKEN_VARIABLE: token} if token else {})}
        started.append(
            subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, start_new_session=True)
        )
        assert started[-1].stdout is not None
        started[-1].stdout.readline()
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[bytes]) -> int:
    return process.wait(10)


def test_relatives_are_found_by_token_and_by_group(sleeper: Sleeper) -> None:
    token = new_token("00000001")
    mine, grouped, other = sleeper(token), sleeper(None), sleeper(new_token("00000002"))
    assert relatives(token) == [mine.pid]
    assert sorted(relatives(token, [grouped.pid])) == sorted([mine.pid, grouped.pid])
    assert is_running(other.pid)


def test_relatives_are_ended_the_stubborn_ones_after_the_grace_period(sleeper: Sleeper) -> None:
    token = new_token("00000001")
    polite, stubborn, spared = sleeper(token), sleeper(token, ignores_sigterm=True), sleeper(token)
    end_relatives(token, [], [spared.pid], grace_s=0.1, reap=lambda pid: None)
    assert ended(polite) == -signal.SIGTERM
    assert ended(stubborn) == -signal.SIGKILL
    assert is_running(spared.pid)


def test_strays_are_those_whose_supervisor_and_janitor_are_gone(sleeper: Sleeper) -> None:
    alive = sleeper(new_token("00000001"))
    forsaken = sleeper(f"00000002.{NO_SUCH_PID}.1")
    reused_pid = sleeper(f"00000003.{os.getpid()}.1")
    foreign = sleeper("something else")
    assert {forsaken.pid, reused_pid.pid} <= set(end_strays())
    assert ended(forsaken) == ended(reused_pid) == -signal.SIGKILL
    assert is_running(alive.pid)
    assert is_running(foreign.pid)


@pytest.mark.parametrize(
    "code",
    ["open('/proc/self/comm', 'w').write('horus janitor')", f"'{JANITOR_CALL}'"],
    ids=["serving", "loading its modules"],
)
def test_a_run_that_a_janitor_still_cleans_up_is_left_to_it(sleeper: Sleeper, code: str) -> None:
    token = f"00000004.{NO_SUCH_PID}.1"
    node = sleeper(token)
    janitor = subprocess.Popen(
        [sys.executable, "-c", f"{code}; print('up', flush=True); input()"],
        env={**os.environ, TOKEN_VARIABLE: token},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert janitor.stdout is not None
    janitor.stdout.readline()
    try:
        assert not {node.pid, janitor.pid} & set(end_strays())
        assert is_running(node.pid)
    finally:
        janitor.kill()
        janitor.communicate()


def test_a_zombie_does_not_run() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    state = process_state(process.pid)
    assert state is not None
    assert state[0] == "Z"
    assert not is_running(process.pid)
    process.wait()
    assert process_state(process.pid) is None
