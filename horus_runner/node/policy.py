"""What follows from time: which release is next, which ones are skipped, when safe state begins and ends. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from horus_runner.graph.plan import MissPolicy

SAFE_STATE_TICKS = 10
"""So many ticks on time in a row end the safe state."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Releases of a timed node: number k is at ``start_ns + k / rate_hz``, computed anew each time: no drift."""

    start_ns: int
    rate_hz: float

    def release(self, k: int) -> int:
        """When release `k` is, in CLOCK_MONOTONIC nanoseconds."""
        return self.start_ns + round(k * 1e9 / self.rate_hz)

    def newest(self, now_ns: int) -> int:
        """The last release at or before `now_ns`; -1 before the first."""
        k = int((now_ns - self.start_ns) * self.rate_hz / 1e9)
        while self.release(k) > now_ns:
            k -= 1
        while self.release(k + 1) <= now_ns:
            k += 1
        return k


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a tick leads to: `skipped` releases passed over, and whether the node enters or leaves safe state or stops
    the graph."""

    skipped: int = 0
    enter_safe_state: bool = False
    leave_safe_state: bool = False
    stop: bool = False


@dataclass(slots=True)
class Pacer:
    """Walks a timed node along its grid by its miss policy. `k` is the release to run next."""

    grid: Grid
    on_miss: MissPolicy
    k: int = 0

    @property
    def keeps_to_grid(self) -> bool:
        return self.on_miss in ("skip", "safe_mode")

    def resume(self, now_ns: int) -> None:
        """Begin in the middle: the releases before now belong to nobody."""
        self.k = max(self.grid.newest(now_ns) + 1, 0)

    def release_ns(self) -> int:
        """When the next tick is due."""
        return self.grid.release(self.k)

    def woken(self, now_ns: int) -> int:
        """The wait for release `k` is over. Returns how many releases are skipped because it ended late."""
        newest = self.grid.newest(now_ns)
        if not self.keeps_to_grid or newest <= self.k:
            return 0
        skipped = newest - self.k
        self.k = newest
        return skipped

    def ticked(self, end_ns: int) -> int:
        """The tick of release `k` ended. Returns how many releases passed meanwhile and are skipped."""
        self.k += 1
        if not self.keeps_to_grid:
            return 0
        passed = max(self.grid.newest(end_ns) - self.k + 1, 0)
        self.k += passed
        return passed


@dataclass(slots=True)
class MissJudge:
    """What a miss means for the node, by its policy."""

    on_miss: MissPolicy
    in_safe_state: bool = False
    on_time: int = field(default=0)

    def judge(self, missed: bool) -> Verdict:
        """After each tick; `missed` is a budget overrun or a deadline miss."""
        if self.on_miss == "stop":
            return Verdict(stop=missed)
        if self.on_miss != "safe_mode":
            return Verdict()
        self.on_time = 0 if missed else self.on_time + 1
        if missed and not self.in_safe_state:
            self.in_safe_state = True
            return Verdict(enter_safe_state=True)
        if self.in_safe_state and self.on_time >= SAFE_STATE_TICKS:
            self.in_safe_state = False
            return Verdict(leave_safe_state=True)
        return Verdict()
