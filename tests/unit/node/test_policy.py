"""The arithmetic of releases: nothing here waits, the clock is a number."""

from __future__ import annotations

import pytest

from horus_runner.node.complaints import INTERVAL_NS, Complaints
from horus_runner.node.policy import SAFE_STATE_TICKS, Grid, MissJudge, Pacer

MS = 1_000_000
T0 = 5_000 * MS


def walk(pacer: Pacer, work_ns: list[int], wake_late_ns: int = 0) -> tuple[list[int], int]:
    """Run ticks of these lengths one after the other: the releases that they ran for, and how many were skipped."""
    ran, skipped, now = [], 0, pacer.grid.start_ns
    for work in work_ns:
        now = max(now, pacer.release_ns() + wake_late_ns)
        skipped += pacer.woken(now)
        ran.append(pacer.k)
        now += work
        skipped += pacer.ticked(now)
    return ran, skipped


def test_release_times_come_from_the_start_and_not_from_the_one_before() -> None:
    grid = Grid(T0, 30.0)
    assert [grid.release(k) - T0 for k in (0, 1, 2, 3, 30)] == [0, 33_333_333, 66_666_667, 100 * MS, 1_000 * MS]
    assert grid.release(30 * 86_400) - T0 == 86_400 * 1_000 * MS


@pytest.mark.parametrize("late_ns, newest", [(-1, -1), (0, 0), (9 * MS, 0), (10 * MS, 1), (99 * MS, 9)])
def test_the_newest_release(late_ns: int, newest: int) -> None:
    assert Grid(T0, 100.0).newest(T0 + late_ns) == newest


def test_a_30_hz_node_with_50_ms_of_work_skips_every_second_release() -> None:
    ran, skipped = walk(Pacer(Grid(T0, 30.0), "skip"), [50 * MS] * 15)
    assert ran == list(range(0, 30, 2))
    assert skipped == 15


@pytest.mark.parametrize("policy", ["warn", "stop"])
def test_without_skip_passed_releases_run_back_to_back(policy: str) -> None:
    pacer = Pacer(Grid(T0, 30.0), policy)  # type: ignore[arg-type]
    ran, skipped = walk(pacer, [50 * MS] * 10 + [1 * MS] * 10)
    assert ran == list(range(20))
    assert skipped == 0


def test_safe_mode_keeps_to_the_grid_as_skip_does() -> None:
    assert walk(Pacer(Grid(T0, 30.0), "safe_mode"), [50 * MS] * 4) == ([0, 2, 4, 6], 4)


def test_all_releases_that_pass_in_one_tick_are_skipped() -> None:
    assert walk(Pacer(Grid(T0, 100.0), "skip"), [1 * MS, 75 * MS, 1 * MS]) == ([0, 1, 9], 7)


def test_after_a_late_wake_the_newest_release_runs() -> None:
    pacer = Pacer(Grid(T0, 100.0), "skip")
    assert pacer.woken(T0 + 47 * MS) == 4
    assert (pacer.k, pacer.release_ns()) == (4, T0 + 40 * MS)
    assert pacer.ticked(T0 + 48 * MS) == 0
    assert pacer.release_ns() == T0 + 50 * MS


def test_a_wake_on_time_skips_nothing() -> None:
    pacer = Pacer(Grid(T0, 100.0), "skip")
    assert pacer.woken(T0 + 9 * MS) == 0
    assert pacer.k == 0


def test_a_node_that_comes_back_takes_the_grid_up_at_its_next_release() -> None:
    pacer = Pacer(Grid(T0, 100.0), "warn")
    pacer.resume(T0 + 1_234 * MS)
    assert pacer.release_ns() == T0 + 1_240 * MS
    pacer = Pacer(Grid(T0, 100.0), "warn")
    pacer.resume(T0 - 500 * MS)
    assert pacer.release_ns() == T0


def test_stop_stops_at_the_first_miss() -> None:
    judge = MissJudge("stop")
    assert not judge.judge(False).stop
    assert judge.judge(True).stop


@pytest.mark.parametrize("policy", ["warn", "skip"])
def test_a_miss_changes_nothing_for_warn_and_skip(policy: str) -> None:
    verdict = MissJudge(policy).judge(True)  # type: ignore[arg-type]
    assert not (verdict.stop or verdict.enter_safe_state or verdict.leave_safe_state)


def test_safe_state_is_entered_once_and_left_after_enough_ticks_on_time() -> None:
    judge = MissJudge("safe_mode")
    assert judge.judge(True).enter_safe_state
    assert not judge.judge(True).enter_safe_state
    for _ in range(SAFE_STATE_TICKS - 1):
        assert not judge.judge(False).leave_safe_state
    assert not judge.judge(True).leave_safe_state  # one more miss begins the count again
    verdicts = [judge.judge(False).leave_safe_state for _ in range(SAFE_STATE_TICKS)]
    assert verdicts == [False] * (SAFE_STATE_TICKS - 1) + [True]
    assert not judge.in_safe_state
    assert judge.judge(True).enter_safe_state


def test_complaints_are_made_once_at_once_and_then_once_an_interval_with_the_worst() -> None:
    complaints = Complaints("ticks missed")
    assert complaints.note("by 3", 3, 7) == "by 3"
    assert complaints.note("by 9", 9, 8) is None
    assert complaints.note("by 5", 5, 9) is None
    assert complaints.note("by 1", 1, 7 + INTERVAL_NS) == "3 ticks missed; the worst by 9"
    assert complaints.note("by 2", 2, 7 + 2 * INTERVAL_NS) == "by 2"
