"""NumPy, DLPack and the buffer protocol see one memory, and read-only means read-only to each."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.formats import DTYPES
from horus_runner.messages.image import Image
from horus_runner.messages.tensor import Tensor

from .conftest import Slot

Send = Callable[[ArrayMessage], Slot]
PYTHON = ctypes.pythonapi
versioned = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy before 2.1 knows the legacy capsule alone"
)


@pytest.fixture
def image() -> Image:
    return Image.from_numpy(np.arange(72, dtype=np.uint8).reshape(4, 6, 3))


@pytest.fixture
def slot(image: Image, send: Send) -> Slot:
    return send(image)


@pytest.fixture
def received(slot: Slot) -> Image:
    found = ArrayMessage._open(slot.block())
    assert isinstance(found, Image)
    return found


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


def test_a_view_is_the_memory_itself(received: Image, slot: Slot) -> None:
    for view in (received.to_numpy(), np.asarray(received), received.__array__()):
        assert address(view) == slot.address(slot.shared) + 256
        assert not view.flags.writeable
    slot.writable[256] = 99
    assert received.to_numpy()[0, 0, 0] == 99


@versioned
def test_from_dlpack_is_the_memory_itself(received: Image, slot: Slot, image: Image) -> None:
    view = np.from_dlpack(received)
    assert address(view) == slot.address(slot.shared) + 256 and not view.flags.writeable
    np.from_dlpack(image)[0, 0, 0] = 5
    assert image.pixel(0, 0)[0] == 5


def test_from_dlpack_of_any_numpy_cannot_reach_the_slot(received: Image, slot: Slot) -> None:
    before = bytes(slot.writable)
    view = np.from_dlpack(received)
    np.testing.assert_array_equal(view, received.to_numpy())
    if view.flags.writeable:
        view[...] = 0
    assert bytes(slot.writable) == before


def test_a_view_of_ones_own_message_writes_through(image: Image) -> None:
    for view in (image.to_numpy(), np.asarray(image), image.__array__()):
        view[0, 0, 0] += 1
    assert image.pixel(0, 0)[0] == 3


@versioned
@pytest.mark.parametrize(
    ("options", "shared", "writable"),
    [
        ({"max_version": (1, 0), "dl_device": None, "copy": None}, True, False),
        ({"max_version": (1, 0), "dl_device": (1, 0), "copy": None}, True, False),
        ({"max_version": (1, 0), "dl_device": None, "copy": False}, True, False),
        ({"max_version": (1, 0), "dl_device": (1, 0), "copy": False}, False, False),
        ({"max_version": (1, 0)}, False, True),
        ({"max_version": (1, 0), "copy": False}, False, True),
        ({"max_version": (2, 7), "dl_device": (1, 0)}, False, True),
        ({}, False, None),
        ({"max_version": (0, 8)}, False, None),
    ],
)
def test_who_asks_how_gets_which_memory(
    received: Image, slot: Slot, options: dict[str, Any], shared: bool, writable: bool | None
) -> None:
    array = np.from_dlpack(Capsule(received.__dlpack__(**options)))
    assert address(array) == slot.address(slot.shared if shared else slot.private) + 256
    if writable is not None:  # NumPy takes what a legacy capsule gives as it likes
        assert array.flags.writeable is writable
    np.testing.assert_array_equal(array, received.to_numpy())


@versioned
def test_what_is_written_to_the_private_memory_stays_there(received: Image, slot: Slot) -> None:
    before = bytes(slot.writable)
    array = np.from_dlpack(Capsule(received.__dlpack__(max_version=(1, 0))))
    array[...] = 0
    assert bytes(slot.writable) == before
    assert received.to_numpy().any()


@versioned
def test_without_private_memory_a_consumer_gets_a_copy_that_it_may_refuse() -> None:
    pixels = np.ones((2, 2, 3), np.uint8)
    pixels.setflags(write=False)
    image = Image.from_numpy(pixels)
    array = np.from_dlpack(Capsule(image.__dlpack__(max_version=(1, 0))))
    array[...] = 0
    assert pixels.all()
    with pytest.raises(BufferError, match="needs a copy"):
        image.__dlpack__(max_version=(1, 0), copy=False)
    assert address(np.from_dlpack(image, copy=False)) == address(pixels)


@versioned
def test_a_copy_is_a_copy(received: Image, image: Image) -> None:
    for message in (received, image):
        array = np.from_dlpack(message, copy=True)
        array[...] = 0
        assert message.to_numpy().any()


def test_dlpack_refuses_by_buffer_error(image: Image) -> None:
    assert image.__dlpack_device__() == (1, 0)
    with pytest.raises(BufferError, match="not on device"):
        image.__dlpack__(dl_device=(2, 0))
    with pytest.raises(BufferError, match="no stream, found stream=1"):
        image.__dlpack__(stream=1)


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_is_seen_by_every_protocol(name: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(name)
    tensor = Tensor.from_numpy(values)
    for view in (np.asarray(tensor), np.from_dlpack(tensor), np.from_dlpack(Capsule(tensor.__dlpack__()))):
        assert view.dtype == values.dtype
        np.testing.assert_array_equal(view, values)


def test_memory_with_gaps_is_seen_as_it_lies() -> None:
    values = np.arange(24, dtype=np.int32).reshape(4, 6)
    for strided in (values[:, ::2], values[::-1], values.T, values[1:3, ::-2]):
        tensor = Tensor.from_numpy(strided)
        for view in (tensor.to_numpy(), np.asarray(tensor), np.from_dlpack(tensor), tensor.copy().to_numpy()):
            np.testing.assert_array_equal(view, strided)
        assert address(tensor.to_numpy()) == address(strided)
        with pytest.raises(BufferError, match="gaps"):
            Buffer(tensor, 0)
        tensor.to_numpy()[0, 0] = -1
        assert strided[0, 0] == -1


def test_the_buffer_protocol_keeps_its_promises(received: Image, image: Image) -> None:
    with pytest.raises(BufferError, match="read-only"):
        Buffer(received, WRITABLE)
    with pytest.raises(BufferError, match="C order"):
        Buffer(image, F_CONTIGUOUS)
    view = memoryview(image)
    assert (view.format, view.shape, view.strides, view.readonly) == ("B", (4, 6, 3), (18, 3, 1), False)
    assert memoryview(received).readonly
    assert view.tobytes() == image.to_numpy().tobytes() == bytes(image)


def test_array_converts_and_copies_as_numpy_asks(received: Image) -> None:
    assert received.__array__(np.float32).dtype == np.float32
    assert received.__array__(copy=True).flags.writeable
    assert received.__array__(np.uint8, copy=False).base is received
    with pytest.raises(ValueError, match="without a copy"):
        received.__array__(np.float32, copy=False)
    assert np.array(received).flags.writeable


def test_a_deleter_may_run_in_a_thread_without_the_gil(image: Image) -> None:
    before = sys.getrefcount(image)
    deleters = [consume(image.__dlpack__(max_version=(1, 0))) for _ in range(50)]
    assert sys.getrefcount(image) == before + 50
    threads = [threading.Thread(target=delete) for delete in deleters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sys.getrefcount(image) == before


@versioned
def test_a_capsule_is_consumed_once(image: Image) -> None:
    holder = Capsule(image.__dlpack__(max_version=(1, 0)))
    np.from_dlpack(holder)
    with pytest.raises(ValueError):
        np.from_dlpack(holder)


def test_capsules_and_views_that_live_at_exit_do_no_harm() -> None:
    script = """
import threading, numpy as np
from horus_runner.messages.image import Image
image = Image(64, 64)
keep = [image.__dlpack__(), image.__dlpack__(max_version=(1, 0)), np.from_dlpack(image), memoryview(image)]
class Late:
    def __del__(self): keep.clear()
late = Late()
image.to_numpy()[...] = 1
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class Capsule:
    """Hands one capsule to np.from_dlpack, whatever it asks for."""

    def __init__(self, capsule: object) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: object) -> object:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


WRITABLE, F_CONTIGUOUS = 0x1, 0x40 | 0x18


class Buffer:
    """Asks for a buffer with given flags, as C code does, and gives it back."""

    def __init__(self, exporter: object, flags: int) -> None:
        view = ctypes.create_string_buffer(256)
        PYTHON.PyObject_GetBuffer(ctypes.py_object(exporter), view, flags)
        PYTHON.PyBuffer_Release(view)


class Managed(ctypes.Structure):
    """The beginning of DLManagedTensorVersioned."""

    _fields_ = (
        ("version", ctypes.c_uint32 * 2),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    )


def consume(capsule: object) -> Callable[[], None]:
    """Take the tensor out of a capsule as a consumer does; what comes back calls the deleter, without the GIL."""
    name = b"dltensor_versioned"
    PYTHON.PyCapsule_GetPointer.restype = ctypes.c_void_p
    pointer = PYTHON.PyCapsule_GetPointer(ctypes.py_object(capsule), name)
    assert PYTHON.PyCapsule_SetName(ctypes.py_object(capsule), b"used_dltensor_versioned") == 0
    deleter = Managed.from_address(pointer).deleter
    return lambda: deleter(pointer)
