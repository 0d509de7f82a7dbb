"""Memory as a ring gives it: one file, mapped read-only, writable, and copy-on-write."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.blocks import MappedBlock


@dataclass(frozen=True)
class Slot:
    """The three mappings of one piece of memory."""

    writable: mmap.mmap
    shared: mmap.mmap
    private: mmap.mmap

    def block(self) -> MappedBlock:
        return MappedBlock(self.shared, readonly=True, private=self.private)

    def address(self, which: mmap.mmap) -> int:
        return int(np.frombuffer(which, np.uint8).ctypes.data)


def make_slot(nbytes: int) -> Slot:
    descriptor = os.memfd_create("slot")
    os.ftruncate(descriptor, nbytes)
    try:
        return Slot(
            mmap.mmap(descriptor, nbytes),
            mmap.mmap(descriptor, nbytes, prot=mmap.PROT_READ),
            mmap.mmap(descriptor, nbytes, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE),
        )
    finally:
        os.close(descriptor)


def written(message: ArrayMessage) -> bytes:
    """Header and data, as a slot would hold them."""
    return message.__reduce__()[1][1]  # type: ignore[no-any-return, index]


@pytest.fixture
def send() -> Callable[[ArrayMessage], Slot]:
    """Write a message into a slot of its own, with 64 bytes to spare."""

    def put(message: ArrayMessage) -> Slot:
        data = written(message)
        slot = make_slot(len(data) + 64)
        slot.writable[: len(data)] = data
        return slot

    return put
