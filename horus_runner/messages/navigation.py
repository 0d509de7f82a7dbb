"""Where a robot on the ground is to go, and how far it came. Metres, radians, seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, f64, message, u8, u32, u64
from horus_runner.messages.geometry import Pose2D, Twist
from horus_runner.messages.rows import append_row, count_rows, read_rows

MOST_WAYPOINTS = 256


@message
class NavGoal(Record):
    """A pose to drive to."""

    __topic_name__ = "nav_goal"

    x: f64
    y: f64
    theta: f64
    tolerance_position: f64  # m
    tolerance_angle: f64  # rad
    timeout_seconds: f64  # give up after so long; 0 is never
    timestamp_ns: u64
    goal_id: u32
    priority: u8  # the higher goes first

    def __init__(
        self,
        x: float = 0.0,
        y: float = 0.0,
        theta: float = 0.0,
        position_tolerance: float = 0.1,
        angle_tolerance: float = 0.1,
        timeout: float = 30.0,
        timestamp_ns: int = 0,
        *,
        goal_id: int = 0,
        priority: int = 0,
    ) -> None:
        self.x, self.y, self.theta = x, y, theta
        self.tolerance_position, self.tolerance_angle = position_tolerance, angle_tolerance
        self.timeout_seconds = timeout
        self.timestamp_ns = timestamp_ns
        self.goal_id, self.priority = goal_id, priority

    def is_position_reached(self, current: Pose2D) -> bool:
        return math.hypot(current.x - self.x, current.y - self.y) <= self.tolerance_position

    def is_orientation_reached(self, current: Pose2D) -> bool:
        """Whether the heading is right, full turns aside."""
        return abs(math.remainder(current.theta - self.theta, 2 * math.pi)) <= self.tolerance_angle

    def is_reached(self, current: Pose2D) -> bool:
        return self.is_position_reached(current) and self.is_orientation_reached(current)

    def with_timeout(self, timeout_seconds: float) -> NavGoal:
        """The same goal, given up after so long."""
        changed = self.copy()
        changed.timeout_seconds = timeout_seconds
        return changed

    def with_priority(self, priority: int) -> NavGoal:
        """The same goal with another priority."""
        changed = self.copy()
        changed.priority = priority
        return changed


@message
class GoalResult(Record):
    """What became of a goal, or how far it is."""

    __topic_name__ = "nav_result"

    PENDING, ACTIVE, SUCCEEDED, ABORTED, CANCELLED, PREEMPTED, TIMED_OUT = range(7)

    goal_id: u32 = 0
    status: u8 = 0  # one of the constants above
    progress: f32 = 0.0  # 0 to 1
    timestamp_ns: u64 = 0
    distance_to_goal: f64 = 0.0  # m
    eta_seconds: f64 = 0.0
    error: Annotated[str, 64] = ""  # why it was aborted

    def with_error(self, message: str) -> GoalResult:
        """The same goal, aborted, and why."""
        changed = self.copy()
        changed.status, changed.error = self.ABORTED, message
        return changed


@message
class PathPlan(Record):
    """Up to 256 poses (x, y, theta) on the way to a goal."""

    __topic_name__ = "path_plan"

    goal_pose: Pose2D
    timestamp_ns: u64
    waypoints: Annotated[NDArray[np.float64], UpTo(3 * MOST_WAYPOINTS)]  # x, y, theta of each, one after the other

    def __init__(
        self, goal_x: float = 0.0, goal_y: float = 0.0, goal_theta: float = 0.0, timestamp_ns: int = 0
    ) -> None:
        self.goal_pose = Pose2D(goal_x, goal_y, goal_theta)
        self.timestamp_ns = timestamp_ns

    @classmethod
    def from_waypoints(
        cls,
        waypoints: Iterable[tuple[float, float, float]],
        goal_x: float = 0.0,
        goal_y: float = 0.0,
        goal_theta: float = 0.0,
    ) -> PathPlan:
        """Raises ValueError for more than 256 of them, or one that is not (x, y, theta)."""
        plan = cls(goal_x, goal_y, goal_theta)
        for x, y, theta in waypoints:
            plan.add_waypoint(x, y, theta)
        return plan

    @property
    def waypoint_count(self) -> int:
        return int(self.waypoints.size) // 3

    def add_waypoint(self, x: float, y: float, theta: float) -> None:
        """Raises ValueError when there are 256 already."""
        if self.waypoint_count == MOST_WAYPOINTS:
            raise ValueError(f"PathPlan holds up to {MOST_WAYPOINTS} waypoints, and has as many")
        self.waypoints = np.append(self.waypoints, (x, y, theta))

    def waypoint(self, index: int) -> tuple[float, float, float]:
        """(x, y, theta). Raises IndexError when there is no such waypoint."""
        x, y, theta = self.waypoints.reshape(-1, 3)[index].tolist()
        return x, y, theta

    def is_empty(self) -> bool:
        return self.waypoint_count == 0


@message
class Waypoint(Record):
    """A pose on a path, and how to pass it."""

    __topic_name__ = "waypoint"

    pose: Pose2D
    velocity: Twist
    time_from_start: f64  # seconds
    curvature: f32  # 1/m, counter-clockwise is positive
    stop_required: bool

    def __init__(self, x: float = 0.0, y: float = 0.0, theta: float = 0.0) -> None:
        self.pose = Pose2D(x, y, theta)

    def with_velocity(self, velocity: Twist) -> Waypoint:
        """The same waypoint, passed at that velocity."""
        changed = self.copy()
        changed.velocity = velocity
        return changed

    def with_stop(self) -> Waypoint:
        """The same waypoint, with a stop there."""
        changed = self.copy()
        changed.stop_required, changed.velocity = True, Twist()
        return changed


@message
class NavPath(Record):
    """Up to 256 waypoints to follow."""

    __topic_name__ = "nav_path"

    packed: Annotated[NDArray[np.uint8], UpTo(MOST_WAYPOINTS * layout_of(Waypoint).size)] = np.zeros(0, np.uint8)
    timestamp_ns: u64 = 0

    @property
    def waypoint_count(self) -> int:
        return count_rows(self.packed, Waypoint)

    def get_waypoints(self) -> list[Waypoint]:
        return read_rows("NavPath", self.packed, Waypoint)

    def add_waypoint(self, wp: Waypoint) -> None:
        """Raises ValueError when there are 256 already."""
        self.packed = append_row("NavPath", self.packed, wp, Waypoint, MOST_WAYPOINTS)

    def _places(self) -> NDArray[np.float64]:
        return np.array([(wp.pose.x, wp.pose.y) for wp in self.get_waypoints()]).reshape(-1, 2)

    @property
    def total_length(self) -> float:
        """Metres from the first waypoint to the last, along all of them."""
        return float(np.hypot(*np.diff(self._places(), axis=0).T).sum())

    @property
    def duration_seconds(self) -> float:
        """`time_from_start` of the last waypoint; 0 when there is none."""
        return self.get_waypoints()[-1].time_from_start if self.packed.size else 0.0

    def closest_waypoint_index(self, current: Pose2D) -> int | None:
        """Of the waypoint nearest to `current`; None when there is none."""
        away = np.hypot(*(self._places() - (current.x, current.y)).T)
        return int(away.argmin()) if away.size else None

    def calculate_progress(self, current: Pose2D) -> float:
        """How much of the path, 0 to 1, lies before the waypoint nearest to `current`; 1 when it has no length."""
        closest, length = self.closest_waypoint_index(current), self.total_length
        if closest is None or length == 0:
            return 1.0
        return float(np.hypot(*np.diff(self._places()[: closest + 1], axis=0).T).sum()) / length
