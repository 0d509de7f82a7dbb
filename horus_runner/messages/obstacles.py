"""Things that move, and where one would run into them. Metres, m/s, seconds."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f64, message, u32, u64
from horus_runner.messages.rows import append_row, count_rows, read_rows

MOST_OBSTACLES = 32

Pair = Annotated[NDArray[np.float64], (2,)]


@message
class VelocityObstacle(Record):
    """A disc on the ground that moves straight on."""

    __topic_name__ = "velocity_obstacle"

    position: Pair  # m: x, y
    velocity: Pair  # m/s along x, y
    radius: f64  # m
    time_horizon: f64  # seconds to look ahead
    obstacle_id: u32

    def __init__(
        self,
        px: float = 0.0,
        py_: float = 0.0,
        vx: float = 0.0,
        vy: float = 0.0,
        radius: float = 0.0,
        time_horizon: float = 1.0,
        obstacle_id: int = 0,
    ) -> None:
        self.position = (px, py_)  # type: ignore[assignment]
        self.velocity = (vx, vy)  # type: ignore[assignment]
        self.radius = radius
        self.time_horizon = time_horizon
        self.obstacle_id = obstacle_id


@message
class VelocityObstacles(Record):
    """Up to 32 of them, seen at one time."""

    __topic_name__ = "velocity_obstacles"

    packed: Annotated[NDArray[np.uint8], UpTo(MOST_OBSTACLES * layout_of(VelocityObstacle).size)] = np.zeros(
        0, np.uint8
    )
    timestamp_ns: u64 = 0

    @property
    def count(self) -> int:
        return count_rows(self.packed, VelocityObstacle)

    def get_obstacles(self) -> list[VelocityObstacle]:
        return read_rows("VelocityObstacles", self.packed, VelocityObstacle)

    def add_obstacle(self, obs: VelocityObstacle) -> None:
        """Raises ValueError when there are 32 already."""
        self.packed = append_row("VelocityObstacles", self.packed, obs, VelocityObstacle, MOST_OBSTACLES)
