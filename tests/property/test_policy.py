"""Whatever the ticks of a node cost: its grid does not drift, and every release that passed ran or was skipped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from horus_runner.node.policy import Grid, Pacer

MS = 1_000_000
rates = st.floats(0.01, 20_000.0)
starts = st.integers(0, 10**17)
# (how late the node wakes, how long it works), nanoseconds
ticks = st.lists(st.tuples(st.integers(0, 400 * MS), st.integers(0, 400 * MS)), min_size=1, max_size=40)


@given(starts, rates, st.integers(0, 10**7))
def test_releases_never_drift_from_the_rate(start: int, rate: float, k: int) -> None:
    grid = Grid(start, rate)
    exact = k * 1e9 / rate
    assert abs(grid.release(k) - start - exact) <= 0.5 + exact * 1e-15


@given(starts, rates, st.integers(0, 10**15))
def test_the_newest_release_is_the_last_that_is_not_in_the_future(start: int, rate: float, later: int) -> None:
    grid = Grid(start, rate)
    newest = grid.newest(start + later)
    assert grid.release(newest) <= start + later < grid.release(newest + 1)


@given(starts, rates, ticks)
def test_with_skip_every_release_that_passed_ran_or_was_skipped(
    start: int, rate: float, costs: list[tuple[int, int]]
) -> None:
    pacer = Pacer(Grid(start, rate), "skip")
    now, skipped = start, 0
    ran: list[int] = []
    for late, work in costs:
        now = max(now, pacer.release_ns()) + late
        skipped += pacer.woken(now)
        assert pacer.k == pacer.grid.newest(now)  # the newest runs
        ran.append(pacer.k)
        now += work
        skipped += pacer.ticked(now)
        assert len(ran) + skipped == pacer.grid.newest(now) + 1
        assert pacer.release_ns() > now
    assert ran == sorted(set(ran))


@given(starts, rates, ticks)
def test_with_warn_every_release_runs_in_turn_and_none_before_its_time(
    start: int, rate: float, costs: list[tuple[int, int]]
) -> None:
    pacer = Pacer(Grid(start, rate), "warn")
    now = start
    for turn, (late, work) in enumerate(costs):
        now = max(now, pacer.release_ns()) + late
        assert pacer.woken(now) == 0
        assert pacer.k == turn
        assert pacer.release_ns() <= now
        now += work
        assert pacer.ticked(now) == 0


@given(starts, rates, st.integers(-(10**12), 10**15))
def test_a_node_that_comes_back_is_on_the_grid_and_within_one_period(start: int, rate: float, later: int) -> None:
    pacer = Pacer(Grid(start, rate), "skip")
    pacer.resume(start + later)
    assert pacer.release_ns() > start + later or pacer.k == 0
    assert pacer.k == 0 or pacer.grid.release(pacer.k - 1) <= start + later
