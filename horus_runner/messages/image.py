"""Image: pixels of a camera, rows from the top, (height, width) or (height, width, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from horus_runner._core.arrays import register_array_class
from horus_runner._core.formats import ENCODINGS, IMAGE, ArrayPlan
from horus_runner.messages import encodings
from horus_runner.messages.array import Array, over
from horus_runner.messages.registry import register


@register
class Image(Array):
    """Pixels in one of the encodings of ``messages/encodings.py``: rgb8, bgr8, mono8, depth16, ...

    A new image is black. Raises ValueError for an unknown encoding or without pixels.
    """

    __slots__ = ()
    __topic_name__ = "image"

    def __init__(self, height: int, width: int, encoding: str = "rgb8") -> None:
        self._place(self.plan(height, width, encoding))

    @classmethod
    def plan(
        cls,
        height: int | None = None,
        width: int | None = None,
        encoding: str | None = None,
        *,
        shape: Sequence[int] | None = None,
        dtype: DTypeLike | None = None,
    ) -> ArrayPlan:
        """What an image of these measures will be, for a loan: `height` and `width` (rgb8 unless `encoding` says
        otherwise), or `shape` and `dtype` (uint8) of its array."""
        if shape is not None:
            return _plan(tuple(shape), np.dtype(np.uint8 if dtype is None else dtype), encoding)
        if height is None or width is None:
            raise TypeError("an Image is planned by height= and width=, or by shape=")
        name = encodings.canonical(encoding or "rgb8")
        depth, channels = ENCODINGS[name]
        if dtype is not None and np.dtype(dtype) != depth:
            raise ValueError(f"encoding '{name}' has {channels} x {depth}, not {np.dtype(dtype)}")
        return _plan((height, width) if channels == 1 else (height, width, channels), np.dtype(depth), name)

    @classmethod
    def from_numpy(cls, array: ArrayLike, encoding: str | None = None) -> Image:
        """An image over the memory of `array`, not copied: what is written to one shows in the other.

        Its encoding is told from channels and dtype unless given: 3 x uint8 is rgb8. Memory with gaps (a slice, a
        flipped view) is taken as it is and closed up when it is sent. ValueError when the encoding does not fit.
        """
        pixels = np.asarray(array)
        plan = _plan(pixels.shape, pixels.dtype, encoding)
        return over(cls, plan, pixels.reshape(plan.shape))

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview, height: int, width: int, encoding: str = "rgb8") -> Image:
        """An image with a copy of raw pixels, row by row; ValueError when their number of bytes is not the image's."""
        image = cls(height, width, encoding)
        image.copy_from(data)
        return image

    @property
    def height(self) -> int:
        """Rows."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Pixels a row."""
        return self.shape[1]

    @property
    def channels(self) -> int:
        """Values a pixel."""
        return encodings.channels_of(self.shape)

    @property
    def encoding(self) -> str:
        """How the values of a pixel are to be read."""
        return self._encoding

    @property
    def step(self) -> int:
        """Bytes a row, as it is sent."""
        return self.nbytes // self.shape[0]

    def pixel(self, x: int, y: int) -> bytes:
        """The bytes of the pixel in column `x` of row `y`; IndexError outside of the image."""
        values: bytes = self.to_numpy()[self._at(x, y)].tobytes()
        return values

    def set_pixel(self, x: int, y: int, value: Sequence[float] | bytes | float) -> None:
        """Set the pixel in column `x` of row `y` to one number a channel, or to bytes as ``pixel()`` gives them."""
        self._check_writable()
        self.to_numpy()[self._at(x, y)] = self._values(value)

    def fill(self, value: Sequence[float] | bytes | float) -> None:
        """Set every pixel to one number a channel, or to bytes as ``pixel()`` gives them."""
        self._check_writable()
        self.to_numpy()[...] = self._values(value)

    def roi(self, x: int, y: int, width: int, height: int) -> bytes:
        """The bytes of a rectangle, row by row; ValueError where it is empty or leaves the image.

        ``image[y:y + height, x:x + width]`` is the same rectangle without a copy.
        """
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > self.width or y + height > self.height:
            raise ValueError(
                f"the rectangle x={x}, y={y}, width={width}, height={height} does not lie in an image of "
                f"{self.width} x {self.height} pixels"
            )
        return self.to_numpy()[y : y + height, x : x + width].tobytes()

    def _at(self, x: int, y: int) -> tuple[int, int]:
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise IndexError(f"pixel x={x}, y={y} is not in an image of {self.width} x {self.height} pixels")
        return y, x

    def _values(self, value: Sequence[float] | bytes | float) -> NDArray[Any]:
        """`value` as the numbers of one pixel: exactly, or ValueError."""
        if isinstance(value, (bytes, bytearray)):
            if len(value) != self.channels * self.dtype.itemsize:
                raise ValueError(
                    f"a pixel of {self.encoding} has {self.channels * self.dtype.itemsize} bytes, found {len(value)}"
                )
            found = np.frombuffer(value, self.dtype)
        else:
            given = np.atleast_1d(np.asarray(value))
            with np.errstate(invalid="ignore"):
                found = given.astype(self.dtype)
            if given.shape != (self.channels,):
                raise ValueError(f"a pixel of {self.encoding} has {self.channels} values, found {value!r}")
            if self.dtype.kind == "u" and not np.array_equal(found, given):
                raise ValueError(f"{value!r} does not fit a pixel of {self.encoding}, {self.channels} x {self.dtype}")
        return found if self.channels > 1 else found[0]

    def _describe(self) -> str:
        return f"height={self.height}, width={self.width}, encoding={self.encoding!r}"


@lru_cache(maxsize=64)  # a camera's frames are all alike, and a plan never changes: 0.2 us in place of 9
def _plan(shape: tuple[int, ...], dtype: np.dtype[Any], encoding: str | None) -> ArrayPlan:
    name = encodings.infer(shape, dtype) if encoding is None else encodings.canonical(encoding)
    encodings.check(name, shape, dtype)
    if shape[0] < 1 or shape[1] < 1:
        raise ValueError(f"an image has at least one pixel, found height {shape[0]} and width {shape[1]}")
    return ArrayPlan(IMAGE, dtype, shape[:2] if ENCODINGS[name][1] == 1 else shape, encoding=name)


register_array_class(IMAGE, Image)
