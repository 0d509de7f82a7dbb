"""Times as messages. All are nanoseconds."""

from __future__ import annotations

import time
from typing import Annotated

from horus_runner._core.records import Record
from horus_runner.messages.define import f64, i64, message, u8, u64


@message
class Clock(Record):
    """The time that a robot goes by: the real one, a simulator's or a recording's."""

    __topic_name__ = "clock"

    WALL, SIMULATION, REPLAY = range(3)

    clock_ns: u64 = 0  # the time to go by
    realtime_ns: u64 = 0  # CLOCK_REALTIME when it was taken
    sim_speed: f64 = 1.0  # seconds of clock_ns that pass in a real second
    paused: bool = False
    source: u8 = 0  # one of the constants above
    timestamp_ns: u64 = 0  # CLOCK_MONOTONIC when it was taken

    @classmethod
    def wall_clock(cls) -> Clock:
        """The real time, now."""
        now = time.time_ns()
        return cls(now, now, 1.0, False, cls.WALL, time.monotonic_ns())

    @classmethod
    def sim_time(cls, sim_ns: int, speed: float) -> Clock:
        """A simulator's time, now; at speed 0 it is paused."""
        return cls(sim_ns, time.time_ns(), speed, speed == 0, cls.SIMULATION, time.monotonic_ns())

    @classmethod
    def replay_time(cls, replay_ns: int, speed: float) -> Clock:
        """A recording's time, now; at speed 0 it is paused."""
        return cls(replay_ns, time.time_ns(), speed, speed == 0, cls.REPLAY, time.monotonic_ns())

    def elapsed_since(self, earlier: Clock) -> int:
        """Nanoseconds of `clock_ns` since `earlier`; negative when that is the later one."""
        return self.clock_ns - earlier.clock_ns

    def is_paused(self) -> bool:
        return self.paused


@message
class TimeReference(Record):
    """What another clock said, and how far the local one is from it."""

    __topic_name__ = "time_reference"

    time_ref_ns: u64 = 0  # the other clock's time
    source: Annotated[str, 32] = ""  # which clock: "gps", "ntp", ...
    offset_ns: i64 = 0  # the local clock minus the other one
    timestamp_ns: u64 = 0

    def correct_timestamp(self, local_ns: int) -> int:
        """What the other clock showed when the local one showed `local_ns`."""
        return local_ns - self.offset_ns
