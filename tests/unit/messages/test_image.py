"""Images: encodings, pixels, and errors that name what was found and what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from horus_runner._core.formats import ENCODINGS
from horus_runner.messages.encodings import ALIASES
from horus_runner.messages.image import Image
from horus_runner.messages.registry import default_topic, message_type


@pytest.fixture
def image() -> Image:
    return Image.from_numpy(np.arange(72, dtype=np.uint8).reshape(4, 6, 3))


def test_a_new_image_is_black_and_tells_its_measures() -> None:
    image = Image(480, 640)
    assert (image.height, image.width, image.channels, image.encoding) == (480, 640, 3, "rgb8")
    assert (image.shape, image.dtype, image.nbytes, image.step) == ((480, 640, 3), np.uint8, 921600, 1920)
    assert (image.device, image.is_gpu, image.is_cpu(), image.is_cuda()) == ("cpu", False, True, False)
    assert image.to_cpu() is image
    assert not image.to_numpy().any() and image.to_numpy().flags.writeable


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_makes_an_image(encoding: str) -> None:
    dtype, channels = ENCODINGS[encoding]
    image = Image(3, 5, encoding)
    assert image.to_numpy().shape == ((3, 5) if channels == 1 else (3, 5, channels))
    assert (image.dtype, image.channels, image.encoding) == (dtype, channels, encoding)
    assert image.step == 5 * channels * image.dtype.itemsize
    assert Image.from_numpy(image.to_numpy(), encoding).encoding == encoding


@pytest.mark.parametrize(("alias", "encoding"), ALIASES.items())
def test_an_alias_means_its_encoding_in_any_case(alias: str, encoding: str) -> None:
    assert Image(1, 2, alias).encoding == Image(1, 2, alias.upper()).encoding == encoding


@pytest.mark.parametrize(
    ("channels", "dtype", "encoding"),
    [(1, "u1", "mono8"), (1, "u2", "mono16"), (1, "f4", "mono32f"), (3, "u1", "rgb8"), (3, "f4", "rgb32f"),
     (4, "u1", "rgba8")],
)  # fmt: skip
def test_an_encoding_is_told_from_the_array(channels: int, dtype: str, encoding: str) -> None:
    assert Image.from_numpy(np.zeros((2, 3, channels), dtype)).encoding == encoding
    if channels == 1:
        assert Image.from_numpy(np.zeros((2, 3), dtype)).encoding == encoding


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Image(0, 0), "at least one pixel, found height 0 and width 0"),
        (lambda: Image(4, -1), "at least one pixel, found height 4 and width -1"),
        (lambda: Image(4, 4, "rbg8"), "no image encoding 'rbg8'. Did you mean 'rgb8'. There are rgb8, bgr8"),
        (lambda: Image.from_numpy(np.zeros((2, 3, 2), np.uint8)), "2 x uint8 does not tell its encoding"),
        (lambda: Image.from_numpy(np.zeros((2, 3, 3))), r"3 x float64 does not tell .* 3 x float32 \(rgb32f\)"),
        (lambda: Image.from_numpy(np.zeros(3, np.uint8)), r"shape \(height, width\) or .*, found \(3,\)"),
        (lambda: Image.from_numpy(np.zeros((2, 3), np.uint8), "rgb8"), r"'rgb8' has 3 x uint8, .* has 1 x uint8"),
        (lambda: Image.from_numpy(np.zeros((0, 3), np.uint8)), "at least one pixel"),
        (lambda: Image.from_bytes(bytes(35), 3, 4), r"\(3, 4, 3\) of uint8 takes 36 bytes, found 35"),
        (lambda: Image.plan(2, 2, "mono16", dtype="u1"), "'mono16' has 1 x uint16, not uint8"),
    ],
)
def test_what_is_no_image_is_a_value_error(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_from_numpy_copies_nothing(image: Image) -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    over = Image.from_numpy(pixels)
    pixels[1, 2] = (1, 2, 3)
    assert over.pixel(2, 1) == b"\1\2\3"
    over.set_pixel(0, 0, [9, 8, 7])
    assert pixels[0, 0].tolist() == [9, 8, 7]


def test_from_numpy_takes_another_byte_order() -> None:
    assert Image.from_numpy(np.array([[1, 258]], ">u2")).to_numpy().tolist() == [[1, 258]]


def test_from_bytes_copies() -> None:
    data = bytearray(range(12))
    image = Image.from_bytes(data, 2, 2)
    data[0] = 99
    assert image.to_numpy().tobytes() == bytes(range(12))


def test_a_pixel_is_a_column_of_a_row(image: Image) -> None:
    assert image.pixel(5, 0) == bytes([15, 16, 17])
    assert image.pixel(0, 3) == bytes([54, 55, 56])
    for x, y in ((6, 0), (0, 4), (-1, 0)):
        with pytest.raises(IndexError, match=f"pixel x={x}, y={y} is not in an image of 6 x 4 pixels"):
            image.pixel(x, y)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_pixel_can_be_put_back(encoding: str) -> None:
    image = Image(2, 2, encoding)
    image.fill(range(1, image.channels + 1))
    image.set_pixel(1, 1, [7] * image.channels)
    image.set_pixel(0, 1, image.pixel(1, 1))
    assert image.to_numpy()[1].reshape(-1).tolist() == [7] * (2 * image.channels)
    assert image.to_numpy()[0, 0].reshape(-1).tolist() == list(range(1, image.channels + 1))


@pytest.mark.parametrize(
    "value", [[1, 2], [1, 2, 3, 4], 5, b"12", [1, 2, 256], [-1, 0, 0], [0.5, 0, 0], [float("nan")] * 3]
)
def test_a_value_that_does_not_fit_is_refused_whole(image: Image, value: Any) -> None:
    before = image.to_numpy().copy()
    with pytest.raises(ValueError, match="pixel of rgb8"):
        image.set_pixel(0, 0, value)
    with pytest.raises(ValueError, match="pixel of rgb8"):
        image.fill(value)
    np.testing.assert_array_equal(image.to_numpy(), before)


def test_a_rectangle_is_its_rows(image: Image) -> None:
    assert image.roi(1, 2, 3, 2) == image.to_numpy()[2:4, 1:4].tobytes()
    for rectangle in ((4, 0, 3, 1), (0, 3, 1, 2), (-1, 0, 1, 1), (0, 0, 0, 1)):
        with pytest.raises(ValueError, match="does not lie in an image of 6 x 4 pixels"):
            image.roi(*rectangle)


def test_copy_from_takes_bytes_and_arrays_of_its_own_kind(image: Image) -> None:
    target = Image(4, 6)
    for source in (image.to_numpy(), image, image.to_numpy().tobytes(), memoryview(image)):
        target.fill([0, 0, 0])
        target.copy_from(source)  # type: ignore[arg-type]
        np.testing.assert_array_equal(target.to_numpy(), image.to_numpy())
    with pytest.raises(ValueError, match="takes 72 bytes, found 71"):
        target.copy_from(bytes(71))
    with pytest.raises(ValueError, match=r"holds .* of uint8, the array is .* of float32"):
        target.copy_from(np.zeros((4, 6, 3), np.float32))


def test_to_ndarray_fills_the_buffer_that_it_is_given(image: Image) -> None:
    assert image.to_ndarray().flags.writeable
    assert image.to_ndarray("f4").dtype == np.float32
    buffer = bytearray(72 * 4)
    found = image.to_ndarray("f4", buffer=buffer)
    assert np.shares_memory(found, np.frombuffer(buffer, np.uint8))
    np.testing.assert_array_equal(found, image.to_numpy())
    reused = np.empty((4, 6, 3), np.float32)
    assert np.shares_memory(image.to_ndarray("f4", buffer=reused), reused)
    np.testing.assert_array_equal(reused, image.to_numpy())
    with pytest.raises(ValueError, match="takes 288 bytes, found 72"):
        image.to_ndarray("f4", buffer=bytearray(72))
    with pytest.raises(ValueError, match="read-only"):
        image.to_ndarray(buffer=memoryview(bytes(72)))


def test_a_plan_sizes_a_loan_by_measures_or_by_shape() -> None:
    assert Image.plan(480, 640).nbytes == Image.plan(shape=(480, 640, 3), dtype="uint8").nbytes == 256 + 921600
    assert Image.plan(height=4, width=6, encoding="mono16").shape == (4, 6)
    assert Image.plan(shape=(4, 6, 1)).shape == (4, 6)
    with pytest.raises(TypeError, match="height= and width=, or by shape="):
        Image.plan(4)


def test_indexing_is_numpys_and_arithmetic_gives_a_tensor(image: Image) -> None:
    assert image[1, 2].tolist() == [24, 25, 26]
    image[0] = 5
    assert image.pixel(3, 0) == b"\5\5\5"
    assert len(image) == 4 and bool(image)
    np.testing.assert_array_equal((image * 2.0).to_numpy(), image.to_numpy() * 2.0)
    np.testing.assert_array_equal((1 - image / 2).to_numpy(), 1 - image.to_numpy() / 2)
    np.testing.assert_array_equal((image + image).to_numpy(), image.to_numpy() + image.to_numpy())
    tensor = image.as_tensor()
    tensor[0] = 9
    assert image.pixel(0, 0) == b"\x09\x09\x09"


def test_an_image_is_described_in_one_line() -> None:
    image = Image(4, 6, "bgr8")
    assert repr(image) == "Image(height=4, width=6, encoding='bgr8')"
    image.set_frame_id("cam")
    image.set_timestamp_ns(5)
    assert repr(image) == "Image(height=4, width=6, encoding='bgr8', frame_id='cam', timestamp_ns=5)"


def test_an_image_is_known_by_its_name() -> None:
    assert message_type("Image") is Image and default_topic(Image) == "image"
