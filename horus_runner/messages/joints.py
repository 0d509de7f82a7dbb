"""Joints of an arm: what they are asked to do, how they are, and the points of a path. Angles in rad, lengths in m."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f64, message, u64

MOST_JOINTS = 64

Names = Annotated[str, 2048]  # one name a line
Values = Annotated[NDArray[np.float64], UpTo(MOST_JOINTS)]  # in the order of the names; empty, or one for each name
_Given = Sequence[float] | NDArray[np.floating] | None

_EMPTY = np.zeros(0)


def _join(owner: str, names: Sequence[str] | None) -> str:
    """The names as a message keeps them. Raises ValueError for one that is empty, given twice or of two lines."""
    kept = list(names or ())
    if len(kept) > MOST_JOINTS:
        raise ValueError(f"{owner}.names holds up to {MOST_JOINTS} names, not {len(kept)}")
    for name in kept:
        if not name or "\n" in name:
            raise ValueError(f"{owner}.names: {name!r} is no name of a joint: it is one line of text")
    if len(set(kept)) < len(kept):
        raise ValueError(f"{owner}.names: each name once, not {kept}")
    return "\n".join(kept)


def _values(owner: str, field: str, values: _Given, count: int) -> ArrayLike:
    """One value for each name, or none at all. Raises ValueError for another number of them."""
    if values is None or len(values) == 0:
        return _EMPTY
    if count and len(values) != count:
        raise ValueError(f"{owner}.{field} has {len(values)} values for {count} names")
    return values


@message
class JointState(Record):
    """Where up to 64 joints are. Turning joints in rad, rad/s, N m; sliding ones in m, m/s, N."""

    __topic_name__ = "joint_states"

    joint_names: Names
    positions: Values
    velocities: Values
    efforts: Values
    timestamp_ns: u64

    def __init__(
        self,
        names: Sequence[str] | None = None,
        positions: _Given = None,
        velocities: _Given = None,
        efforts: _Given = None,
        timestamp_ns: int = 0,
    ) -> None:
        self.joint_names = _join("JointState", names)
        count = len(names or ())
        self.positions = _values("JointState", "positions", positions, count)  # type: ignore[assignment]
        self.velocities = _values("JointState", "velocities", velocities, count)  # type: ignore[assignment]
        self.efforts = _values("JointState", "efforts", efforts, count)  # type: ignore[assignment]
        self.timestamp_ns = timestamp_ns

    @property
    def names(self) -> list[str]:
        return self.joint_names.split("\n") if self.joint_names else []

    def position(self, name: str) -> float | None:
        """Of that joint, None when it or the value is not there."""
        return self._of(name, self.positions)

    def velocity(self, name: str) -> float | None:
        """Of that joint, None when it or the value is not there."""
        return self._of(name, self.velocities)

    def effort(self, name: str) -> float | None:
        """Of that joint, None when it or the value is not there."""
        return self._of(name, self.efforts)

    def _of(self, name: str, values: NDArray[np.float64]) -> float | None:
        names = self.names
        index = names.index(name) if name in names else len(values)
        return float(values[index]) if index < len(values) else None


@message
class JointCommand(Record):
    """What up to 64 joints are asked to do; a value that is not asked for is NaN. Units as in JointState."""

    __topic_name__ = "joint_cmd"

    POSITION, VELOCITY, EFFORT = range(3)

    joint_names: Names
    positions: Values
    velocities: Values
    efforts: Values
    modes: Annotated[NDArray[np.uint8], UpTo(MOST_JOINTS)]  # which of the three counts: one of the constants above
    timestamp_ns: u64

    def __init__(
        self,
        names: Sequence[str] | None = None,
        positions: _Given = None,
        velocities: _Given = None,
        efforts: _Given = None,
        modes: Sequence[int] | None = None,
        timestamp_ns: int = 0,
    ) -> None:
        self.joint_names = _join("JointCommand", names)
        count = len(names or ())
        self.positions = _values("JointCommand", "positions", positions, count)  # type: ignore[assignment]
        self.velocities = _values("JointCommand", "velocities", velocities, count)  # type: ignore[assignment]
        self.efforts = _values("JointCommand", "efforts", efforts, count)  # type: ignore[assignment]
        if modes is not None and count and len(modes) != count:
            raise ValueError(f"JointCommand.modes has {len(modes)} values for {count} names")
        self.modes = np.array([self.POSITION] * count if modes is None else modes, np.uint8)
        self.timestamp_ns = timestamp_ns

    @property
    def names(self) -> list[str]:
        return self.joint_names.split("\n") if self.joint_names else []

    def add_position(self, name: str, position: float) -> None:
        """Ask one more joint to go to `position`. Raises ValueError when it is there already, or 64 are."""
        self._add(name, self.POSITION, position, math.nan)

    def add_velocity(self, name: str, velocity: float) -> None:
        """Ask one more joint to move at `velocity`. Raises ValueError when it is there already, or 64 are."""
        self._add(name, self.VELOCITY, math.nan, velocity)

    def _add(self, name: str, mode: int, position: float, velocity: float) -> None:
        names = self.names
        joined = _join("JointCommand", [*names, name])
        missing = np.full(len(names), math.nan)
        positions = self.positions if self.positions.size else missing
        velocities = self.velocities if self.velocities.size else missing
        self.joint_names = joined
        self.positions = np.append(positions, position)
        self.velocities = np.append(velocities, velocity)
        if self.efforts.size:
            self.efforts = np.append(self.efforts, math.nan)
        self.modes = np.append(self.modes, np.uint8(mode))

    def is_valid(self) -> bool:
        """Whether there is a joint, and a finite value for each in the mode that it has."""
        modes = self.modes.tolist()
        if not modes or len(modes) != len(self.names) or max(modes) > self.EFFORT:
            return False
        asked = self.positions, self.velocities, self.efforts
        return all(i < len(asked[mode]) and math.isfinite(asked[mode][i]) for i, mode in enumerate(modes))


_Three = Annotated[NDArray[np.float64], (3,)]


@message
class TrajectoryPoint(Record):
    """Where something is to be, and how it moves there, some time after the start. x, y, z in that order."""

    __topic_name__ = "trajectory_point"

    position: _Three  # m
    velocity: _Three  # m/s
    acceleration: _Three  # m/s^2
    orientation: Annotated[NDArray[np.float64], (4,)]  # a quaternion x, y, z, w
    angular_velocity: _Three  # rad/s
    time_from_start: f64  # seconds

    def __init__(
        self,
        position: _Given = None,
        velocity: _Given = None,
        acceleration: _Given = None,
        orientation: _Given = None,
        angular_velocity: _Given = None,
        time_from_start: float = 0.0,
    ) -> None:
        zero = np.zeros(3)
        self.position = zero if position is None else position  # type: ignore[assignment]
        self.velocity = zero if velocity is None else velocity  # type: ignore[assignment]
        self.acceleration = zero if acceleration is None else acceleration  # type: ignore[assignment]
        self.orientation = (0.0, 0.0, 0.0, 1.0) if orientation is None else orientation  # type: ignore[assignment]
        self.angular_velocity = zero if angular_velocity is None else angular_velocity  # type: ignore[assignment]
        self.time_from_start = time_from_start

    @classmethod
    def new_2d(cls, x: float, y: float, vx: float, vy: float, time: float) -> TrajectoryPoint:
        """A point in the plane, `time` seconds after the start."""
        return cls((x, y, 0.0), (vx, vy, 0.0), time_from_start=time)

    @classmethod
    def stationary(cls, x: float, y: float, z: float) -> TrajectoryPoint:
        return cls((x, y, z))
