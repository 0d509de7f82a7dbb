"""DepthImage: how far away what a pixel shows is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from horus_runner._core.arrays import register_array_class
from horus_runner._core.formats import DEPTH_IMAGE, ArrayPlan
from horus_runner.messages.array import Array, over, planned_shape
from horus_runner.messages.registry import register

METRES_PER_UNIT = {"float32": 1.0, "uint16": 0.001}


@register
class DepthImage(Array):
    """A depth a pixel: float32 in metres, or uint16 in millimetres unless ``depth_scale`` says otherwise.

    0, NaN and infinity mean that nothing was measured there. A new one is all zeros. Raises ValueError for another
    dtype or without pixels.
    """

    __slots__ = ()
    __topic_name__ = "depthimage"

    def __init__(self, height: int, width: int, dtype: DTypeLike = "float32") -> None:
        self._place(self.plan(height, width, dtype))

    @classmethod
    def plan(
        cls,
        height: int | None = None,
        width: int | None = None,
        dtype: DTypeLike = "float32",
        *,
        shape: Sequence[int] | None = None,
    ) -> ArrayPlan:
        """What a depth image will be, for a loan: `height` and `width`, or the `shape` of its array."""
        if shape is not None:
            height, width = planned_shape(cls, tuple(shape), 2, "height, width")
        if height is None or width is None:
            raise TypeError("a DepthImage is planned by height= and width=, or by shape=")
        if height < 1 or width < 1:
            raise ValueError(f"a DepthImage has at least one pixel, found height {height} and width {width}")
        name = np.dtype(dtype).name
        if name not in METRES_PER_UNIT:
            raise ValueError(f"a DepthImage is float32 (metres) or uint16 (millimetres), not {name}")
        return ArrayPlan(DEPTH_IMAGE, name, (height, width), depth_scale=METRES_PER_UNIT[name])

    @classmethod
    def from_numpy(cls, array: ArrayLike) -> DepthImage:
        """A depth image over the memory of `array` of shape (height, width), not copied; float64 becomes float32."""
        depths = np.asarray(array)
        if depths.dtype.kind == "f" and depths.dtype.itemsize == 8:
            depths = depths.astype(np.float32)
        return over(cls, cls.plan(shape=depths.shape, dtype=depths.dtype), depths)

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Pixels a row."""
        return self.shape[1]

    @property
    def depth_scale(self) -> float:
        """Metres a unit of the array: 1.0 for float32, 0.001 for uint16, unless set."""
        return self._depth_scale

    @depth_scale.setter
    def depth_scale(self, scale: float) -> None:
        if not 0 < scale < float("inf"):
            raise ValueError(f"depth_scale is a number of metres above 0, found {scale}")
        self._depth_scale = scale

    def is_meters(self) -> bool:
        """Whether the array holds metres."""
        return self.depth_scale == 1.0

    def is_millimeters(self) -> bool:
        """Whether the array holds millimetres."""
        return self.depth_scale == 0.001

    def get_depth(self, x: int, y: int) -> float:
        """Metres in column `x` of row `y`; 0, NaN or infinity where nothing was measured. IndexError outside."""
        return float(self.to_numpy()[self._at(x, y)]) * self.depth_scale

    def set_depth(self, x: int, y: int, metres: float) -> None:
        """Set column `x` of row `y`. ValueError for a depth that the dtype cannot hold."""
        self._check_writable()
        unit = metres / self.depth_scale
        if self.dtype == np.uint16:
            if not 0 <= round(unit) <= 65535:
                raise ValueError(f"uint16 holds 0 to {65535 * self.depth_scale:g} m here, not {metres} m")
            unit = round(unit)
        self.to_numpy()[self._at(x, y)] = unit

    def depth_statistics(self) -> tuple[float, float, float] | None:
        """Least, largest and mean depth in metres of the pixels where something was measured; None without any."""
        depths = self.to_numpy()
        measured = depths[np.isfinite(depths) & (depths > 0)]
        if measured.size == 0:
            return None
        found = (measured.min(), measured.max(), measured.mean(dtype=np.float64))
        least, largest, mean = (float(depth) * self.depth_scale for depth in found)
        return least, largest, mean

    def _at(self, x: int, y: int) -> tuple[int, int]:
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise IndexError(f"pixel x={x}, y={y} is not in a depth image of {self.width} x {self.height} pixels")
        return y, x

    def _describe(self) -> str:
        return f"height={self.height}, width={self.width}, dtype={self.dtype.name!r}"


register_array_class(DEPTH_IMAGE, DepthImage)
