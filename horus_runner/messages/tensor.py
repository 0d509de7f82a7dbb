"""Tensor: an array of any dtype and shape, with the methods that NumPy and PyTorch users reach for, done by NumPy."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from horus_runner._core.arrays import register_array_class
from horus_runner._core.formats import TENSOR, ArrayPlan
from horus_runner.messages.array import Array, over
from horus_runner.messages.registry import register


@register
class Tensor(Array):
    """Up to 8 dimensions of bool, integers, floats or complex numbers. A new one is all zeros.

    Methods that only look at the memory in another way (reshape, T, slice, squeeze) copy nothing; those that compute
    give a new Tensor. Comparisons are element by element. TypeError for a dtype that messages cannot hold.
    """

    __slots__ = ()
    __topic_name__ = "tensor"
    __hash__ = None  # type: ignore[assignment]  # like ndarray's: == is no equality

    def __init__(self, shape: Sequence[int] | int, dtype: DTypeLike = "float32") -> None:
        self._place(self.plan(shape, dtype))

    @classmethod
    def plan(cls, shape: Sequence[int] | int, dtype: DTypeLike = "float32") -> ArrayPlan:
        """What a tensor of this shape will be, for a loan."""
        return ArrayPlan(TENSOR, dtype, (shape,) if isinstance(shape, int) else tuple(shape))

    @classmethod
    def zeros(cls, shape: Sequence[int] | int, dtype: DTypeLike = "float32") -> Tensor:
        """A tensor of zeros."""
        return cls(shape, dtype)

    @classmethod
    def empty(cls, shape: Sequence[int] | int, dtype: DTypeLike = "float32") -> Tensor:
        """A tensor to be filled; it begins as zeros, which cost nothing until they are touched."""
        return cls(shape, dtype)

    @classmethod
    def from_numpy(cls, array: ArrayLike) -> Tensor:
        """A tensor over the memory of `array`, not copied: what is written to one shows in the other."""
        values = np.asarray(array)
        return over(cls, cls.plan(values.shape, values.dtype), values)

    @property
    def numel(self) -> int:
        """Number of items."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def T(self) -> Tensor:
        """The dimensions in reverse order."""
        return self._same(self.to_numpy().T)

    def numpy(self) -> NDArray[Any]:
        """``to_numpy()`` under PyTorch's name."""
        return self.to_numpy()

    def torch(self) -> Any:
        """A PyTorch tensor over the same memory, or over a private view of it when this tensor is read-only."""
        import torch

        return torch.from_dlpack(self)

    def cpu(self) -> Tensor:
        """The tensor itself."""
        return self

    def is_contiguous(self) -> bool:
        """Whether the items lie in C order without gaps."""
        return self.to_numpy().flags.c_contiguous

    def tolist(self) -> Any:
        """Nested lists of Python numbers; one number for a tensor without dimensions."""
        return self.to_numpy().tolist()

    def reshape(self, *shape: int) -> Tensor:
        """The items in another shape, one dimension may be -1; ValueError when their number differs."""
        return self._same(self.to_numpy().reshape(shape))

    view = reshape

    def flatten(self) -> Tensor:
        """The items in one dimension."""
        return self._same(self.to_numpy().reshape(-1))

    def squeeze(self, dim: int | None = None) -> Tensor:
        """Without the dimensions of length 1, or without that one."""
        return self._same(self.to_numpy().squeeze(dim))

    def unsqueeze(self, dim: int) -> Tensor:
        """With a dimension of length 1 put in at `dim`."""
        return self._same(np.expand_dims(self.to_numpy(), dim))

    def slice(self, start: int, end: int) -> Tensor:
        """Items `start` to `end` (not included) of the first dimension."""
        return self._same(self.to_numpy()[start:end])

    def astype(self, dtype: DTypeLike) -> Tensor:
        """The items converted, in memory of their own."""
        return self._same(self.to_numpy().astype(dtype))

    def to_float32(self) -> Tensor:
        """``astype("float32")``."""
        return self.astype(np.float32)

    def to_float16(self) -> Tensor:
        """``astype("float16")``."""
        return self.astype(np.float16)

    def to_int32(self) -> Tensor:
        """``astype("int32")``."""
        return self.astype(np.int32)

    def to_uint8(self) -> Tensor:
        """``astype("uint8")``."""
        return self.astype(np.uint8)

    def sum(self, dim: int | None = None) -> Any:
        """Sum of all items as a number, or along one dimension as a Tensor."""
        return self._reduced(np.sum, dim)

    def mean(self, dim: int | None = None) -> Any:
        """Mean of all items as a number, or along one dimension as a Tensor."""
        return self._reduced(np.mean, dim)

    def max(self, dim: int | None = None) -> Any:
        """Largest of all items as a number, or along one dimension as a Tensor."""
        return self._reduced(np.max, dim)

    def min(self, dim: int | None = None) -> Any:
        """Smallest of all items as a number, or along one dimension as a Tensor."""
        return self._reduced(np.min, dim)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]  # element by element, as in NumPy
        return self._compared(operator.eq, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return self._compared(operator.ne, other)

    def __lt__(self, other: ArrayLike) -> Tensor:
        return self._compared(operator.lt, other)

    def __le__(self, other: ArrayLike) -> Tensor:
        return self._compared(operator.le, other)

    def __gt__(self, other: ArrayLike) -> Tensor:
        return self._compared(operator.gt, other)

    def __ge__(self, other: ArrayLike) -> Tensor:
        return self._compared(operator.ge, other)

    def __bool__(self) -> bool:
        """The truth of a tensor of one item; ValueError for more, so that ``if a == b`` is not misread."""
        return bool(self.to_numpy())

    def __neg__(self) -> Tensor:
        return self._same(-self.to_numpy())

    def _compared(self, compare: Callable[[Any, Any], Any], other: object) -> Tensor:
        return self._same(np.asarray(compare(self.to_numpy(), np.asarray(other))))

    def _reduced(self, reduce: Callable[..., Any], dim: int | None) -> Any:
        found = reduce(self.to_numpy(), axis=dim)
        return found.item() if dim is None else self._same(np.asarray(found))

    def _same(self, array: NDArray[Any]) -> Tensor:
        return type(self).from_numpy(array)


register_array_class(TENSOR, Tensor)
