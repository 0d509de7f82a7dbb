"""Memory is given back when the last view of it is gone, and not before."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import numpy as np
import pytest

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.blocks import Block, MappedBlock
from horus_runner.messages.image import Image
from horus_runner.messages.tensor import Tensor

CONSUMERS: dict[str, Callable[[ArrayMessage], object]] = {
    "to_numpy": lambda message: message.to_numpy(),
    "slice": lambda message: message.to_numpy()[1:, ::2],
    "from_dlpack": lambda message: np.from_dlpack(message),
    "legacy capsule": lambda message: message.__dlpack__(),
    "capsule": lambda message: message.__dlpack__(max_version=(1, 0)),
    "memoryview": lambda message: memoryview(message),
    "asarray": lambda message: np.asarray(message),
    "__array__": lambda message: message.__array__(),
    "tensor": lambda message: message.as_tensor(),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("consumer", CONSUMERS.values(), ids=CONSUMERS.keys())
def test_every_consumer_keeps_the_memory(consumer: Callable[[ArrayMessage], object]) -> None:
    memory = bytearray(Image.plan(4, 6).nbytes)
    message = Image._on_block(MappedBlock(memory), Image.plan(4, 6))
    consumed = consumer(message)
    del message
    gc.collect()
    with pytest.raises(BufferError):
        memory.append(0)  # refused while the block exports it
    del consumed
    memory.append(0)


@pytest.mark.parametrize("consumer", CONSUMERS.values(), ids=CONSUMERS.keys())
def test_no_consumer_leaks_a_reference(consumer: Callable[[ArrayMessage], object]) -> None:
    message = Image(4, 6)
    consumer(message)
    before = sys.getrefcount(message)
    for _ in range(100):
        consumer(message)
    assert sys.getrefcount(message) == before


def test_opening_and_dropping_messages_leaks_nothing() -> None:
    block = MappedBlock(Image(2, 2).__reduce__()[1][1], readonly=True)  # type: ignore[index]
    before = sys.getrefcount(block), sys.getrefcount(Image), sys.getrefcount(np.dtype(np.uint8))
    for _ in range(100):
        assert type(ArrayMessage._open(block)) is Image
    assert (sys.getrefcount(block), sys.getrefcount(Image), sys.getrefcount(np.dtype(np.uint8))) == before


def test_a_message_keeps_the_array_that_it_stands_on() -> None:
    array = np.arange(12.0)
    before = sys.getrefcount(array)
    tensor = Tensor.from_numpy(array)
    assert sys.getrefcount(array) > before
    del tensor
    assert sys.getrefcount(array) == before


def test_a_mapped_block_refuses_what_it_cannot_be() -> None:
    with pytest.raises(BufferError):
        MappedBlock(b"read-only bytes")
    with pytest.raises(BufferError):
        MappedBlock(bytearray(8), readonly=True, private=b"12345678")
    memory = bytearray(8)
    with pytest.raises(ValueError, match="7 bytes, the shared one 8"):
        MappedBlock(memory, private=bytearray(7))
    memory.append(0)  # the refused block holds nothing


def test_a_block_tells_its_size_and_whether_it_may_be_written() -> None:
    assert (MappedBlock(bytearray(8)).nbytes, MappedBlock(b"1234", readonly=True).readonly) == (8, True)
    assert Block().nbytes == 0
