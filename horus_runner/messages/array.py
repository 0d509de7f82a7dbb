"""What every array message can do, in memory of the CPU: one file above the compiled core, below the four classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.formats import ArrayPlan

if TYPE_CHECKING:
    from horus_runner.messages.tensor import Tensor

Self = TypeVar("Self", bound="Array")


class Array(ArrayMessage):
    """An array with a frame, a time stamp and NumPy's operators. A received one is read-only: change a ``copy()``."""

    __slots__ = ()

    device = "cpu"
    is_gpu = False

    def is_cpu(self) -> bool:
        """Always True: a message lies in memory that processes share."""
        return True

    def is_cuda(self) -> bool:
        """Always False; ``torch.from_dlpack(message).to("cuda")`` moves one to a GPU."""
        return False

    def to_cpu(self: Self) -> Self:
        """The message itself."""
        return self

    def set_frame_id(self, frame_id: str) -> None:
        """Name the coordinate frame; ValueError above 63 bytes of UTF-8."""
        self.frame_id = frame_id

    def set_timestamp_ns(self, timestamp_ns: int) -> None:
        """Set the user's own time stamp, in nanoseconds."""
        self.timestamp_ns = timestamp_ns

    def as_tensor(self) -> Tensor:
        """The same memory as a Tensor, without a copy: read-only when this message is."""
        return _tensor(self.to_numpy())

    def copy_from(self, source: ArrayLike | bytes | bytearray | memoryview) -> None:
        """Overwrite the data with raw bytes of its exact size, or with an array of its shape and dtype.

        ValueError for another size, shape or dtype, or when the message is read-only.
        """
        self._check_writable()
        target = self.to_numpy()
        if isinstance(source, (bytes, bytearray, memoryview)):
            target[...] = _from_buffer(source, self.shape, self.dtype)
            return
        array = np.asarray(source)
        if array.shape != self.shape or array.dtype != self.dtype:
            raise ValueError(
                f"this {type(self).__name__} holds {self.shape} of {self.dtype}, "
                f"the array is {array.shape} of {array.dtype}"
            )
        target[...] = array

    def to_ndarray(
        self, dtype: DTypeLike | None = None, *, buffer: NDArray[Any] | bytearray | memoryview | None = None
    ) -> NDArray[Any]:
        """A writable copy of the data, as `dtype` when given, in `buffer` when given: nothing is allocated then.

        `buffer` is anything writable with exactly the bytes that the copy takes; ValueError when it has more or fewer.
        """
        wanted = np.dtype(dtype) if dtype is not None else self.dtype
        if buffer is None:
            return self.to_numpy().astype(wanted)
        target = _from_buffer(buffer, self.shape, wanted)
        if not target.flags.writeable:
            raise ValueError("to_ndarray() writes to its buffer, and this one is read-only")
        np.copyto(target, self.to_numpy(), casting="unsafe")
        return target

    def __bool__(self) -> bool:
        """True: ``if message:`` asks whether one came, not what is in it."""
        return True

    def __repr__(self) -> str:
        parts = [self._describe()]
        if self.frame_id:
            parts.append(f"frame_id={self.frame_id!r}")
        if self.timestamp_ns:
            parts.append(f"timestamp_ns={self.timestamp_ns}")
        if self.readonly:
            parts.append("read-only")
        return f"{type(self).__name__}({', '.join(parts)})"

    def _describe(self) -> str:
        return f"shape={self.shape}, dtype={self.dtype.name}"

    def __add__(self, other: ArrayLike) -> Tensor:
        return _tensor(self.to_numpy() + np.asarray(other))

    def __radd__(self, other: ArrayLike) -> Tensor:
        return _tensor(np.asarray(other) + self.to_numpy())

    def __sub__(self, other: ArrayLike) -> Tensor:
        return _tensor(self.to_numpy() - np.asarray(other))

    def __rsub__(self, other: ArrayLike) -> Tensor:
        return _tensor(np.asarray(other) - self.to_numpy())

    def __mul__(self, other: ArrayLike) -> Tensor:
        return _tensor(self.to_numpy() * np.asarray(other))

    def __rmul__(self, other: ArrayLike) -> Tensor:
        return _tensor(np.asarray(other) * self.to_numpy())

    def __truediv__(self, other: ArrayLike) -> Tensor:
        return _tensor(self.to_numpy() / np.asarray(other))

    def __rtruediv__(self, other: ArrayLike) -> Tensor:
        return _tensor(np.asarray(other) / self.to_numpy())


def planned_shape(cls: type, shape: tuple[int, ...], ndim: int, axes: str) -> tuple[int, ...]:
    """`shape` when it has `ndim` dimensions; ValueError that says what they are otherwise."""
    if len(shape) != ndim:
        raise ValueError(f"a {cls.__name__} has the shape ({axes}), found {tuple(shape)}")
    return tuple(shape)


def over(cls: type[Self], plan: ArrayPlan, array: NDArray[Any]) -> Self:
    """A message of `cls` over the memory of `array`, whatever its byte order was."""
    return cls._over(plan, array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("=")))


def _tensor(array: NDArray[Any]) -> Tensor:
    from horus_runner.messages.tensor import Tensor

    return Tensor.from_numpy(np.asarray(array))


def _from_buffer(buffer: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    flat = np.frombuffer(buffer, np.uint8)
    needed = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if flat.size != needed:
        raise ValueError(f"{shape} of {dtype} takes {needed:,} bytes, found {flat.size:,}")
    return flat.view(dtype).reshape(shape)
