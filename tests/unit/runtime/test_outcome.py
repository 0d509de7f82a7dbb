"""How the end of a run reaches a script."""

from __future__ import annotations

import pytest

from horus_runner.errors import NodeFailedError, StoppedByPolicyError
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.runtime.outcome import conclude
from horus_runner.runtime.report import Report


def report(exit_code: int, cause: str | None = None, node: str | None = None) -> Report:
    return Report("g", 1.0, exit_code, cause, Snapshot("g", "", 1.0, 0, (), ()), node)


def test_a_run_that_is_done_gives_its_report() -> None:
    assert conclude(report(0)).exit_code == 0


def test_a_failure_is_an_ordinary_exception_that_exits_with_1_when_nobody_catches_it() -> None:
    with pytest.raises(NodeFailedError) as caught:
        conclude(report(1, "node 'a' failed in tick: ValueError: x", "a"))
    assert (caught.value.node, caught.value.cause) == ("a", "failed in tick: ValueError: x")
    assert str(caught.value) == "node 'a' failed in tick: ValueError: x"
    assert isinstance(caught.value, Exception)
    assert isinstance(caught.value, SystemExit)
    assert caught.value.code == 1


def test_a_stop_by_policy_exits_with_3() -> None:
    with pytest.raises(StoppedByPolicyError) as caught:
        conclude(report(3, "node 'a' stopped the graph: took 9 ms of 5 ms", "a"))
    assert str(caught.value) == "node 'a' stopped the graph: took 9 ms of 5 ms"
    assert isinstance(caught.value, SystemExit)
    assert caught.value.code == 3


def test_ctrl_c_is_a_keyboard_interrupt_that_exits_with_130() -> None:
    with pytest.raises(KeyboardInterrupt) as caught:
        conclude(report(130, "Ctrl-C"))
    assert isinstance(caught.value, SystemExit)
    assert caught.value.code == 130


@pytest.mark.parametrize("code", [129, 143])
def test_other_signals_exit_with_their_code(code: int) -> None:
    with pytest.raises(SystemExit) as caught:
        conclude(report(code, "SIGTERM"))
    assert caught.value.code == code
