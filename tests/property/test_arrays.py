"""Any array that NumPy can make is seen alike through a message, and comes out of a block as it went in."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.blocks import MappedBlock
from horus_runner._core.formats import DTYPES
from horus_runner.messages.tensor import Tensor

SHAPES = arrays.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=5)
ARRAYS = arrays.arrays(st.sampled_from(DTYPES), SHAPES)


@st.composite
def strided(draw: st.DrawFn) -> NDArray[Any]:
    """An array, one of its transposes, and a slice of that with steps forth and back."""
    array = draw(ARRAYS)
    array = array.transpose(draw(st.permutations(range(array.ndim))))
    steps = st.sampled_from([1, 2, -1, -2])
    return array[tuple(slice(None, None, draw(steps)) for _ in range(array.ndim))]


@given(strided())
def test_every_protocol_shows_the_array(array: NDArray[Any]) -> None:
    tensor = Tensor.from_numpy(array)
    assert tensor.numel == array.size and tensor.nbytes == array.nbytes
    for view in (tensor.to_numpy(), np.asarray(tensor), np.from_dlpack(tensor), np.array(tensor)):
        assert view.dtype == array.dtype and view.shape == array.shape
        np.testing.assert_array_equal(view, array)


@given(strided(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=15),
       st.integers(0, 2**64 - 1))  # fmt: skip
def test_a_block_gives_back_what_was_written(array: NDArray[Any], frame_id: str, timestamp_ns: int) -> None:
    tensor = Tensor.from_numpy(array)
    tensor.frame_id, tensor.timestamp_ns = frame_id, timestamp_ns
    written = tensor.__reduce__()[1][1]  # type: ignore[index]
    found = ArrayMessage._open(MappedBlock(written, readonly=True))
    assert (found.frame_id, found.timestamp_ns) == (frame_id, timestamp_ns)
    assert found.to_numpy().tobytes() == array.tobytes()
    assert found.shape == array.shape and found.readonly


@given(st.binary(max_size=600), st.dictionaries(st.integers(0, 255), st.integers(0, 255), max_size=8), ARRAYS)
def test_no_bytes_give_a_view_outside_of_their_block(
    noise: bytes, changes: dict[int, int], array: NDArray[Any]
) -> None:
    written = bytearray(Tensor.from_numpy(array).__reduce__()[1][1])  # type: ignore[index]
    for place, value in changes.items():
        written[place] = value
    for data in (noise, bytes(written)):
        with contextlib.suppress(ValueError):
            message = ArrayMessage._open(MappedBlock(data, readonly=True))
            assert message.to_numpy().nbytes == message.nbytes <= len(data) - 256
            assert message.to_numpy().flags.c_contiguous
