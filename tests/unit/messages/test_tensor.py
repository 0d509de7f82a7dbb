"""Tensors: NumPy's answers, and no copy where none is needed."""

from __future__ import annotations

import numpy as np
import pytest

from horus_runner.messages.registry import default_topic, message_type
from horus_runner.messages.tensor import Tensor


@pytest.fixture
def tensor() -> Tensor:
    return Tensor.from_numpy(np.arange(24, dtype=np.float32).reshape(2, 3, 4))


def test_a_new_tensor_is_zeros() -> None:
    for made in (Tensor((2, 3)), Tensor.zeros((2, 3)), Tensor.empty((2, 3))):
        assert (made.shape, made.dtype, made.numel, made.nbytes, made.ndim) == ((2, 3), np.float32, 6, 24, 2)
        assert not made.numpy().any()
    assert Tensor(5, "int64").shape == (5,)
    assert repr(Tensor((2, 3))) == "Tensor(shape=(2, 3), dtype=float32)"


def test_another_look_copies_nothing(tensor: Tensor) -> None:
    looks = {
        "reshape": (tensor.reshape(6, -1), (6, 4)),
        "view": (tensor.view(4, 6), (4, 6)),
        "flatten": (tensor.flatten(), (24,)),
        "T": (tensor.T, (4, 3, 2)),
        "unsqueeze": (tensor.unsqueeze(0), (1, 2, 3, 4)),
        "squeeze": (tensor.unsqueeze(1).squeeze(), (2, 3, 4)),
        "squeeze one": (tensor.unsqueeze(1).squeeze(1), (2, 3, 4)),
        "slice": (tensor.slice(1, 2), (1, 3, 4)),
    }
    for name, (look, shape) in looks.items():
        assert look.shape == shape, name
        assert np.shares_memory(look.numpy(), tensor.numpy()), name
    assert tensor.is_contiguous() and not tensor.T.is_contiguous()
    assert tensor.cpu() is tensor


def test_converting_copies(tensor: Tensor) -> None:
    for converted, dtype in (
        (tensor.to_float32(), np.float32),
        (tensor.to_float16(), np.float16),
        (tensor.to_int32(), np.int32),
        (tensor.to_uint8(), np.uint8),
        (tensor.astype(bool), np.bool_),
    ):
        assert converted.dtype == dtype and not np.shares_memory(converted.numpy(), tensor.numpy())


def test_reductions_are_numbers_or_tensors(tensor: Tensor) -> None:
    assert (tensor.sum(), tensor.mean(), tensor.max(), tensor.min()) == (276.0, 11.5, 23.0, 0.0)
    assert tensor.sum(0).shape == (3, 4) and tensor.max(2).tolist() == [[3, 7, 11], [15, 19, 23]]


def test_comparisons_are_element_by_element(tensor: Tensor) -> None:
    values = tensor.numpy()
    for found, expected in (
        (tensor == 3, values == 3),
        (tensor != tensor, values != values),
        (tensor < 5, values < 5),
        (tensor <= 5, values <= 5),
        (tensor > values, values > values),
        (tensor >= 5, values >= 5),
    ):
        assert found.dtype == np.bool_
        np.testing.assert_array_equal(found.numpy(), expected)
    np.testing.assert_array_equal((-tensor).numpy(), -values)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tensor == tensor)
    assert Tensor.from_numpy(np.float32(1))
    with pytest.raises(TypeError):
        hash(tensor)


def test_a_tensor_without_dimensions_is_a_number() -> None:
    scalar = Tensor.from_numpy(np.float64(2.5))
    assert (scalar.shape, scalar.tolist(), scalar.numel) == ((), 2.5, 1)
    assert np.from_dlpack(scalar) == 2.5 and np.asarray(scalar) == 2.5
    with pytest.raises(TypeError, match="without dimensions has no length"):
        len(scalar)


def test_a_tensor_is_known_by_its_name() -> None:
    assert message_type("Tensor") is Tensor and default_topic(Tensor) == "tensor"
