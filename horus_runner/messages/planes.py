"""Flat surfaces found in a point cloud. Metres."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, message, u8, u32, u64
from horus_runner.messages.geometry import Point3, Vector3
from horus_runner.messages.rows import append_row, count_rows, read_rows

MOST_PLANES = 16


@message
class PlaneDetection(Record):
    """A plane: the points with a x + b y + c z + d = 0."""

    __topic_name__ = "plane_detection"

    UNKNOWN, FLOOR, WALL, CEILING, TABLE = range(5)

    coefficients: Annotated[NDArray[np.float64], (4,)]  # a, b, c, d
    center: Point3  # of what was seen of it
    normal: Vector3
    confidence: f32  # 0 to 1
    inlier_count: u32  # points of the cloud that lie on it
    plane_type: u8  # one of the constants above
    timestamp_ns: u64

    def __init__(
        self,
        a: float = 0.0,
        b: float = 0.0,
        c: float = 1.0,
        d: float = 0.0,
        cx: float = 0.0,
        cy: float = 0.0,
        cz: float = 0.0,
        nx: float = 0.0,
        ny: float = 0.0,
        nz: float = 1.0,
    ) -> None:
        self.coefficients = (a, b, c, d)  # type: ignore[assignment]
        self.center = Point3(cx, cy, cz)
        self.normal = Vector3(nx, ny, nz)

    def distance_to_point(self, px: float, py: float, pz: float) -> float:
        """Metres, on either side. Raises ValueError when a, b and c are all 0."""
        a, b, c, d = self.coefficients.tolist()
        length = math.hypot(a, b, c)
        if length == 0:
            raise ValueError("a PlaneDetection with a, b and c 0 is no plane")
        return float(abs(a * px + b * py + c * pz + d) / length)

    def contains_point(self, px: float, py: float, pz: float, tolerance: float) -> bool:
        """Whether the point is at most `tolerance` metres away."""
        return self.distance_to_point(px, py, pz) <= tolerance


@message
class PlaneArray(Record):
    """Up to 16 planes of one cloud."""

    __topic_name__ = "plane_array"

    packed: Annotated[NDArray[np.uint8], UpTo(MOST_PLANES * layout_of(PlaneDetection).size)] = np.zeros(0, np.uint8)
    frame_id: Annotated[str, 32] = ""
    timestamp_ns: u64 = 0

    @property
    def count(self) -> int:
        return count_rows(self.packed, PlaneDetection)

    def get_planes(self) -> list[PlaneDetection]:
        return read_rows("PlaneArray", self.packed, PlaneDetection)

    def add_plane(self, plane: PlaneDetection) -> None:
        """Raises ValueError when there are 16 already."""
        self.packed = append_row("PlaneArray", self.packed, plane, PlaneDetection, MOST_PLANES)
