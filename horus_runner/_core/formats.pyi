from collections.abc import Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import DTypeLike
from typing_extensions import Self

IMAGE: Final[int]
POINT_CLOUD: Final[int]
DEPTH_IMAGE: Final[int]
TENSOR: Final[int]
FRAME_ID_BYTES: Final[int]
DTYPES: Final[tuple[str, ...]]
ENCODINGS: Final[dict[str, tuple[str, int]]]
__pyx_capi__: Final[dict[str, object]]

@final
class ArrayPlan:
    def __new__(
        cls,
        kind: int,
        dtype: DTypeLike,
        shape: Sequence[int],
        *,
        encoding: str | None = None,
        depth_scale: float = 1.0,
    ) -> Self: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
