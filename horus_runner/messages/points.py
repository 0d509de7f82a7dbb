"""Points of a cloud, one at a time. Metres. A whole cloud without a copy is a PointCloud."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, message, u8, u32

MOST_POINTS = 16384


@message
class PointXYZ(Record):
    """A point."""

    x: f32 = 0.0
    y: f32 = 0.0
    z: f32 = 0.0

    def as_tuple(self) -> tuple[float, float, float]:
        return self.x, self.y, self.z

    def distance(self) -> float:
        """From the sensor."""
        return math.hypot(self.x, self.y, self.z)

    def distance_to(self, other: PointXYZ) -> float:
        return math.dist(self.as_tuple(), other.as_tuple())


@message
class PointXYZRGB(Record):
    """A point with its colour, 0 to 255 each."""

    x: f32 = 0.0
    y: f32 = 0.0
    z: f32 = 0.0
    r: u8 = 255
    g: u8 = 255
    b: u8 = 255

    def xyz(self) -> tuple[float, float, float]:
        return self.x, self.y, self.z

    def rgb(self) -> tuple[int, int, int]:
        return self.r, self.g, self.b


@message
class PointField(Record):
    """A part of each point of a cloud: where it is, and what."""

    __topic_name__ = "point_field"

    INT8, UINT8, INT16, UINT16, INT32, UINT32, FLOAT32, FLOAT64 = range(8)

    name: Annotated[str, 16] = ""  # "x", "intensity", ...
    offset: u32 = 0  # bytes from the start of the point
    datatype: u8 = 0  # one of the constants above
    count: u32 = 1  # numbers

    def field_size(self) -> int:
        """Bytes. Raises ValueError for a datatype that there is not."""
        if self.datatype > self.FLOAT64:
            raise ValueError(f"PointField.datatype is 0 to {self.FLOAT64}, not {self.datatype}")
        return self.count * (1, 1, 2, 2, 4, 4, 4, 8)[self.datatype]


@message
class PointCloudBuffer(Record):
    """Up to 16384 points, put in one by one; with a `capacity`, up to that many."""

    points: Annotated[NDArray[np.float32], UpTo(3 * MOST_POINTS)]  # x, y, z of each, one after the other
    capacity: u32
    frame_id: Annotated[str, 32]

    def __init__(self, capacity: int = 0, frame_id: str = "") -> None:
        if capacity > MOST_POINTS:
            raise ValueError(f"PointCloudBuffer holds up to {MOST_POINTS} points, not {capacity}")
        self.capacity = capacity or MOST_POINTS
        self.frame_id = frame_id

    @classmethod
    def from_numpy(cls, array: NDArray[np.floating], frame_id: str = "") -> PointCloudBuffer:  # type: ignore[override]
        """Of an array of (n, 3). Raises ValueError for another shape, or too many points."""
        made = cls(0, frame_id)
        if array.ndim != 2 or array.shape[1] != 3:
            raise ValueError(f"PointCloudBuffer takes an array of (n, 3), not {array.shape}")
        made.points = np.asarray(array, np.float32).reshape(-1)
        return made

    def to_numpy(self) -> NDArray[np.float32]:  # type: ignore[override]
        """The points as (n, 3), without a copy."""
        return self.points.reshape(-1, 3)

    def to_bytes(self) -> bytes:
        """x, y, z of each point as float32, one after the other."""
        return self.points.tobytes()

    def __len__(self) -> int:
        return int(self.points.size) // 3

    def add_point(self, x: float, y: float, z: float) -> None:
        """Raises ValueError when there are as many as it holds."""
        if len(self) >= self.capacity:
            raise ValueError(f"PointCloudBuffer holds up to {self.capacity} points, and has as many")
        self.points = np.append(self.points, np.array((x, y, z), np.float32))
