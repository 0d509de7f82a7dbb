"""What comes out of shared memory is believed only after it was checked; what goes in comes out again."""

from __future__ import annotations

import copy
import pickle
import struct
import sys
import threading
import time

import numpy as np
import pytest

from horus_runner._core.arrays import ArrayMessage, register_array_class, unpickle
from horus_runner._core.blocks import Block, MappedBlock
from horus_runner._core.formats import DTYPES, ENCODINGS, IMAGE, TENSOR, ArrayPlan
from horus_runner.messages.depth import DepthImage
from horus_runner.messages.image import Image
from horus_runner.messages.pointcloud import PointCloud
from horus_runner.messages.tensor import Tensor

MESSAGES = [Image(4, 6), PointCloud(5), DepthImage(2, 3, "uint16"), Tensor((2, 0, 3), "complex64"), Tensor(())]


def written(message: ArrayMessage) -> bytearray:
    return bytearray(message.__reduce__()[1][1])  # type: ignore[index]


def opened(data: bytes | bytearray) -> ArrayMessage:
    return ArrayMessage._open(MappedBlock(bytes(data), readonly=True))


@pytest.mark.parametrize("message", MESSAGES, ids=repr)
def test_a_message_comes_out_as_it_went_in(message: ArrayMessage) -> None:
    message.frame_id, message.timestamp_ns = "kamera-Ü", 2**63
    found = opened(written(message))
    assert type(found) is type(message)
    assert (found.shape, found.dtype, found.frame_id, found.timestamp_ns) == (
        message.shape, message.dtype, "kamera-Ü", 2**63,
    )  # fmt: skip
    np.testing.assert_array_equal(found.to_numpy(), message.to_numpy())
    assert found.readonly and not message.readonly


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_comes_out_as_it_went_in(name: str) -> None:
    values = np.arange(-3, 9).reshape(3, 4).astype(name)
    found = opened(written(Tensor.from_numpy(values)))
    assert found.to_numpy().dtype == values.dtype
    np.testing.assert_array_equal(found.to_numpy(), values)


def test_only_used_dimensions_and_the_header_take_room() -> None:
    assert len(written(Image(4, 6))) == 256 + 72 == Image.plan(4, 6).nbytes
    assert len(written(Tensor((3, 0)))) == 256


CORRUPT = {
    "magic": (0, "<I", 0, "does not begin with an array header"),
    "kind 0": (4, "<B", 0, "kind"),
    "kind 9": (4, "<B", 9, "kind"),
    "dtype 0": (5, "<B", 0, "dtype is none"),
    "dtype 200": (5, "<B", 200, "dtype is none"),
    "another dtype": (5, "<B", 8, "size is not that of its shape"),
    "encoding 0": (6, "<B", 0, "encoding is none"),
    "encoding 255": (6, "<B", 255, "encoding is none"),
    "another encoding": (6, "<B", 3, "number of channels"),
    "9 dimensions": (7, "<B", 9, "more than 8"),
    "negative": (8, "<q", -4, "impossible"),
    "huge": (8, "<q", 2**60, "impossible"),
    "overflow": (8, "<q", 2**63 - 1, "impossible"),
    "longer": (8, "<q", 5, "size is not"),
    "no pixels": (8, "<q", 0, "size is not"),
    "size": (72, "<Q", 2**64 - 1, "size is not"),
    "frame_id": (96, "64s", b"x" * 64, "frame_id does not end"),
}


@pytest.mark.parametrize(("offset", "kind", "value", "text"), CORRUPT.values(), ids=CORRUPT.keys())
def test_a_corrupt_header_is_an_error(offset: int, kind: str, value: object, text: str) -> None:
    data = written(Image(4, 6))
    struct.pack_into(kind, data, offset, value)
    with pytest.raises(ValueError, match=text):
        opened(data)


def test_data_that_leaves_its_block_is_an_error() -> None:
    data = written(Image(4, 6))
    with pytest.raises(ValueError, match="larger than its block"):
        opened(data[:-1])
    with pytest.raises(ValueError, match="cannot hold an array header"):
        opened(data[:255])
    with pytest.raises(ValueError, match="0 bytes"):
        ArrayMessage._open(Block())
    with pytest.raises(ValueError, match="multiple of 16"):
        ArrayMessage._open(MappedBlock(memoryview(bytes(1) + data)[1:], readonly=True))


def test_a_loan_lies_in_its_block_and_must_fit() -> None:
    memory = np.zeros(256 + 80, np.uint8)
    loan = Image._on_block(MappedBlock(memory), Image.plan(4, 6))
    loan.to_numpy()[...] = 7
    assert (memory[256 : 256 + 72] == 7).all() and not memory[:256].any() and not memory[256 + 72 :].any()
    with pytest.raises(ValueError, match="needs 364 bytes, its block has 336"):
        Image._on_block(MappedBlock(memory), Image.plan(4, 9))
    with pytest.raises(TypeError, match="Image does not hold"):
        Image._on_block(MappedBlock(memory), Tensor.plan((2, 2)))


def test_a_received_message_is_read_only() -> None:
    image = opened(written(Image(4, 6)))
    assert isinstance(image, Image)
    for change in (
        lambda: image.set_pixel(0, 0, [1, 2, 3]),
        lambda: image.fill(1),
        lambda: image.copy_from(bytes(72)),
        lambda: image.__setitem__(0, 1),
        lambda: image.set_frame_id("x"),
        lambda: image.set_timestamp_ns(1),
    ):
        with pytest.raises(ValueError, match=r"a received Image is read-only: change a copy\(\) of it"):
            change()
    with pytest.raises(ValueError, match="read-only"):
        image.to_numpy()[0] = 1
    assert not image.to_numpy().any() and image.frame_id == "" and image.timestamp_ns == 0


def test_a_copy_is_writable_and_apart() -> None:
    image = opened(written(Image(4, 6)))
    for twin in (image.copy(), copy.copy(image), copy.deepcopy(image), pickle.loads(pickle.dumps(image))):
        assert type(twin) is Image
        twin.frame_id = "mine"
        twin.to_numpy()[...] = 1
    assert not image.to_numpy().any() and image.frame_id == ""


def test_a_large_copy_lets_other_threads_run() -> None:
    image = Image(1000, 1000)
    gate, ran = threading.Lock(), []
    gate.acquire()
    other = threading.Thread(target=lambda: (gate.acquire(), ran.append(True)), daemon=True)
    other.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # nobody is made to hand the interpreter over: only who gives it up lets others in
    try:
        deadline = time.monotonic() + 20
        gate.release()
        while not ran and time.monotonic() < deadline:
            image.copy()
        assert ran
    finally:
        sys.setswitchinterval(interval)
    other.join(20)


def test_a_pickle_of_another_class_is_refused() -> None:
    with pytest.raises(ValueError, match="no Tensor"):
        unpickle(Tensor, bytes(written(Image(1, 1))))


@pytest.mark.parametrize("name", ["", "map", "x" * 63, "é" * 31])
def test_a_frame_id_is_kept_whole(name: str) -> None:
    image = Image(1, 1)
    image.frame_id = name
    assert image.frame_id == name


@pytest.mark.parametrize(("name", "text"), [("x" * 64, "64 bytes"), ("é" * 32, "64 bytes"), ("a\0b", "NUL")])
def test_a_frame_id_is_never_cut(name: str, text: str) -> None:
    image = Image(1, 1)
    image.frame_id = "before"
    with pytest.raises(ValueError, match=text):
        image.frame_id = name
    assert image.frame_id == "before"


def test_a_plan_refuses_what_no_message_can_be() -> None:
    with pytest.raises(TypeError, match=r"cannot hold dtype\('O'\); it can hold bool, uint8"):
        ArrayPlan(TENSOR, object, (1,))
    with pytest.raises(TypeError, match="M8"):
        ArrayPlan(TENSOR, "M8[ns]", (1,))
    with pytest.raises(ValueError, match="at most 8 dimensions"):
        ArrayPlan(TENSOR, "u1", (1,) * 9)
    with pytest.raises(ValueError, match="impossible"):
        ArrayPlan(TENSOR, "u1", (-1,))
    with pytest.raises(ValueError, match="impossible"):
        ArrayPlan(TENSOR, "f8", (2**62, 2**62))
    with pytest.raises(ValueError, match="kind"):
        ArrayPlan(77, "f8", (1,))
    with pytest.raises(ValueError, match="number of channels"):
        ArrayPlan(IMAGE, "u1", (4, 4, 2), encoding="rgb8")


def test_more_memory_than_there_is_is_a_memory_error() -> None:
    with pytest.raises(MemoryError, match="no memory for an array of"):
        Tensor((2**61,), "u1")


def test_the_tables_name_each_dtype_and_encoding() -> None:
    assert [np.dtype(name).name for name in DTYPES] == list(DTYPES)
    assert ENCODINGS["rgb32f"] == ("float32", 3)
    assert len(ENCODINGS) == 11


def test_a_message_without_data_says_so() -> None:
    empty = Image.__new__(Image)
    for use in (empty.to_numpy, lambda: memoryview(empty), empty.__dlpack__, empty.copy, lambda: empty.dtype):
        with pytest.raises(ValueError, match="its __init__ did not run"):
            use()


def test_a_message_is_made_once() -> None:
    image = Image(2, 2)
    view = image.to_numpy()
    with pytest.raises(ValueError, match="has its data already"):
        image.__init__(4, 4)  # type: ignore[misc]
    assert view.shape == (2, 2, 3)


def test_only_array_messages_are_array_classes() -> None:
    with pytest.raises(TypeError, match="int is no subclass"):
        register_array_class(TENSOR, int)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="none of 1 to 4"):
        register_array_class(0, Tensor)


def test_stamps_belong_to_the_ring() -> None:
    image = Image(1, 1)
    assert (image.send_ns, image.origin_ns) == (0, 0)
    with pytest.raises(AttributeError):
        image.send_ns = 1
