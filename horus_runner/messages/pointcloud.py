"""PointCloud: points of a lidar or a depth camera, one a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from horus_runner._core.arrays import register_array_class
from horus_runner._core.formats import POINT_CLOUD, ArrayPlan
from horus_runner.messages.array import Array, over, planned_shape
from horus_runner.messages.registry import register


@register
class PointCloud(Array):
    """`num_points` points of `fields` numbers each: XYZ in metres, XYZ and intensity, XYZ and RGB, or any number.

    A new cloud is all zeros; it may have no points. Raises ValueError for a negative number of points or no fields.
    """

    __slots__ = ()
    __topic_name__ = "pointcloud"

    def __init__(self, num_points: int, fields: int = 3, dtype: DTypeLike = "float32") -> None:
        self._place(self.plan(num_points, fields, dtype))

    @classmethod
    def plan(
        cls,
        num_points: int | None = None,
        fields: int = 3,
        dtype: DTypeLike = "float32",
        *,
        shape: Sequence[int] | None = None,
    ) -> ArrayPlan:
        """What a cloud will be, for a loan: `num_points` and `fields`, or the `shape` of its array."""
        if shape is not None:
            num_points, fields = planned_shape(cls, tuple(shape), 2, "points, fields")
        if num_points is None:
            raise TypeError("a PointCloud is planned by num_points=, or by shape=")
        if num_points < 0 or fields < 1:
            raise ValueError(f"a PointCloud has points of at least one field, found {num_points} points of {fields}")
        return ArrayPlan(POINT_CLOUD, dtype, (num_points, fields))

    @classmethod
    def from_numpy(cls, array: ArrayLike) -> PointCloud:
        """A cloud over the memory of `array` of shape (points, fields), not copied. ValueError for another shape."""
        points = np.asarray(array)
        return over(cls, cls.plan(shape=points.shape, dtype=points.dtype), points)

    @property
    def point_count(self) -> int:
        """Points."""
        return self.shape[0]

    @property
    def fields_per_point(self) -> int:
        """Numbers a point."""
        return self.shape[1]

    def point_at(self, index: int) -> list[float]:
        """The numbers of one point; IndexError when there is no such point."""
        if not 0 <= index < self.point_count:
            raise IndexError(f"point {index} is not in a cloud of {self.point_count} points")
        numbers: list[float] = self.to_numpy()[index].tolist()
        return numbers

    def is_xyz(self) -> bool:
        """Whether a point is x, y, z and nothing else."""
        return self.fields_per_point == 3

    def has_intensity(self) -> bool:
        """Whether a point is x, y, z, intensity."""
        return self.fields_per_point == 4

    def has_color(self) -> bool:
        """Whether a point is x, y, z, r, g, b."""
        return self.fields_per_point == 6

    def _describe(self) -> str:
        return f"num_points={self.point_count}, fields={self.fields_per_point}, dtype={self.dtype.name!r}"


register_array_class(POINT_CLOUD, PointCloud)
