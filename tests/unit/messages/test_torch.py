"""PyTorch takes the read-only flag and ignores it: what it writes must not reach anyone else."""

from __future__ import annotations

import mmap
import os

import numpy as np
import pytest

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.blocks import MappedBlock
from horus_runner._core.formats import DTYPES
from horus_runner.messages.image import Image
from horus_runner.messages.tensor import Tensor

torch = pytest.importorskip("torch")


@pytest.fixture
def slot() -> tuple[mmap.mmap, Image]:
    """A slot's writable mapping, and the message that a subscriber has received from it."""
    message = Image.from_numpy(np.arange(72, dtype=np.uint8).reshape(4, 6, 3))
    data = message.__reduce__()[1][1]  # type: ignore[index]
    descriptor = os.memfd_create("slot")
    os.ftruncate(descriptor, len(data))
    writable, shared = mmap.mmap(descriptor, len(data)), mmap.mmap(descriptor, len(data), prot=mmap.PROT_READ)
    private = mmap.mmap(descriptor, len(data), flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    os.close(descriptor)
    writable[:] = data
    received = ArrayMessage._open(MappedBlock(shared, readonly=True, private=private))
    assert isinstance(received, Image)
    return writable, received


@pytest.mark.parametrize("options", [{}, {"copy": False}, {"device": "cpu"}, {"copy": False, "device": "cpu"}])
def test_what_torch_writes_stays_with_torch(slot: tuple[mmap.mmap, Image], options: dict[str, object]) -> None:
    writable, received = slot
    before = bytes(writable)
    tensor = torch.from_dlpack(received, **options)
    np.testing.assert_array_equal(tensor.numpy(), received.to_numpy())
    tensor.zero_()
    assert bytes(writable) == before
    assert received.to_numpy().tobytes() == before[256:]


def test_a_tensor_sees_ones_own_message_itself() -> None:
    image = Image(4, 6)
    torch.from_dlpack(image).fill_(7)
    assert (image.to_numpy() == 7).all()
    assert image.as_tensor().torch().data_ptr() == image.to_numpy().ctypes.data


def test_a_tensor_outlives_its_message(slot: tuple[mmap.mmap, Image]) -> None:
    tensor = torch.from_dlpack(slot[1].copy())
    assert tensor.sum().item() == sum(range(72))


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_reaches_torch(name: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(name)
    np.testing.assert_array_equal(Tensor.from_numpy(values).torch().numpy(), values)
