"""Consumers that ignore the read-only flag: what they write stays with them, in this process, until they let go."""

from __future__ import annotations

import ctypes
import gc
from typing import Any

import numpy as np
import pytest

from horus_runner.messages import Image
from horus_runner.transport.topic import Topic

PYTHON = ctypes.pythonapi


class DLTensor(ctypes.Structure):
    """The beginning of an unversioned managed tensor."""

    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32)]


def legacy_address(message: Any) -> tuple[int, object]:
    """Where an unversioned capsule points, which says nothing of read-only; and the capsule, which keeps it there."""
    capsule = message.__dlpack__()
    PYTHON.PyCapsule_GetPointer.restype = ctypes.c_void_p
    PYTHON.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    tensor = DLTensor.from_address(PYTHON.PyCapsule_GetPointer(capsule, b"dltensor"))
    assert tensor.data is not None
    return tensor.data, capsule


def frame(value: int) -> Image:
    image = Image(48, 64, "mono8")
    image.to_numpy()[:] = value
    return image


def test_what_a_legacy_consumer_writes_stays_with_it() -> None:
    topic, other = Topic(Image), Topic(Image)
    topic.send(frame(5))
    mine, theirs = topic.recv(), other.recv()
    address, capsule = legacy_address(mine)
    assert address != mine.to_numpy().ctypes.data
    assert ctypes.string_at(address, 48 * 64) == bytes([5]) * (48 * 64), "the same bytes, without a copy"
    ctypes.memset(address, 9, 48 * 64)
    assert ctypes.string_at(address, 3) == b"\x09\x09\x09"
    assert (mine.to_numpy() == 5).all(), "nor does this process's own view change"
    assert (theirs.to_numpy() == 5).all()
    late = Topic(Image)
    assert late.recv() is None
    del capsule


def test_what_was_written_is_gone_when_the_slot_comes_back() -> None:
    topic = Topic(Image, capacity=1)
    topic.send(frame(1))
    message = topic.recv()
    address, capsule = legacy_address(message)
    ctypes.memset(address, 255, 48 * 64)
    del message, capsule
    gc.collect()
    seen = set()
    for n in range(2, 80):
        topic.send(frame(n))
        message = topic.recv()
        again, capsule = legacy_address(message)
        seen.add(again)
        assert ctypes.string_at(again, 48 * 64) == bytes([n]) * (48 * 64)
        del message, capsule
    assert address in seen, "the slot did come back"


def test_a_capsule_keeps_its_slot() -> None:
    topic = Topic(Image, capacity=2)
    topic.send(frame(3))
    address, capsule = legacy_address(topic.recv())
    for n in range(100):
        topic.send(frame(n % 200 + 10))
        topic.latest()
    assert ctypes.string_at(address, 48 * 64) == bytes([3]) * (48 * 64)
    del capsule


def test_what_torch_writes_does_not_reach_other_subscribers() -> None:
    torch = pytest.importorskip("torch")
    topic, other = Topic(Image), Topic(Image)
    topic.send(frame(5))
    mine = topic.recv()
    tensor = torch.from_dlpack(mine)
    tensor.fill_(9)
    assert (mine.to_numpy() == 5).all()
    assert (other.recv().to_numpy() == 5).all()
    assert (np.from_dlpack(mine) == 5).all()
    assert int(tensor[0, 0]) == 9
