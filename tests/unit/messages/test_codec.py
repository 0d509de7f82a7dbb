"""Untyped messages: what goes through unchanged, what is refused and where, what damaged bytes lead to."""

import datetime
import decimal
import enum
import gc
import struct
from collections import OrderedDict
from typing import Any

import msgspec
import numpy as np
import pytest

from horus_runner._core.values import is_plain
from horus_runner.messages import CmdVel, Detection
from horus_runner.messages.codec import decode, encode


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        2**64 - 1,
        1.5,
        float("inf"),
        "é\0",
        b"\xff\0",
        [],
        {},
        {"a": [1, {"b": None}], 3: b"x", None: 1.0, b"k": False},
        {"deep": [[[[[[[[1]]]]]]]]},
    ],
)
def test_plain_values_come_out_as_they_went_in(value: Any) -> None:
    assert is_plain(value)
    assert encode(value) == msgspec.msgpack.encode(value)
    assert decode(encode(value)) == value
    assert decode(memoryview(encode(value))) == value


class Level(enum.IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        ({"s": {7}}, {"s": [7]}),
        (frozenset({7}), [7]),
        ({"x": np.float32(0.5), np.int64(3): np.bool_(True)}, {"x": 0.5, 3: True}),
        (np.float64(0.1), 0.1),
        (np.longdouble(0.5), 0.5),
        (np.str_("a"), "a"),
        ([bytearray(b"a"), memoryview(b"b")], [b"a", b"b"]),
        (OrderedDict(a=1), {"a": 1}),
        (Level.HIGH, 3),
        ({"cmd": CmdVel(1.0, 2.0, 3)}, {"cmd": {"linear": 1.0, "angular": 2.0, "timestamp_ns": 3}}),
        (CmdVel(1.0, 2.0), {"linear": 1.0, "angular": 2.0, "timestamp_ns": 0}),
    ],
)
def test_what_is_nearly_plain_is_made_plain(value: Any, expected: Any) -> None:
    assert not is_plain(value)
    decoded = decode(encode(value))
    assert decoded == expected
    assert type(decoded) is type(expected)


def test_typed_messages_inside_become_dicts_all_the_way_down() -> None:
    detection = Detection("cat", 0.5, 1, 2, 3, 4)
    assert decode(encode([detection])) == [detection.to_dict()]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.arange(24.0).reshape(2, 3, 4)[:, ::2, ::-1],
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.0),
        np.zeros((0, 3), np.float32),
        np.array([1 + 2j]),
        np.array([True, False]),
        np.array(["ab", "é"]),
        np.array([b"ab"], "S3"),
        np.array(["2026-01-01"], "datetime64[us]"),
        np.arange(3, dtype=">i4"),
        np.float16([1.5]),
    ],
)
def test_arrays_come_out_as_aligned_read_only_views(array: np.ndarray[Any, Any]) -> None:
    message = encode({"first": np.arange(3, dtype=np.int8), "array": array, "last": [array]})
    decoded = decode(memoryview(message))
    for out in (decoded["array"], decoded["last"][0]):
        assert out.dtype == array.dtype
        assert out.shape == array.shape
        np.testing.assert_array_equal(out, array)
        assert not out.flags.writeable
        if out.size:
            start = out.__array_interface__["data"][0] - np.frombuffer(message, np.uint8).__array_interface__["data"][0]
            assert 0 < start < len(message)
            assert start % 64 == 0


def test_an_array_keeps_its_message_alive() -> None:
    out = decode(encode(np.arange(1000)))
    gc.collect()
    assert out.sum() == 499500


class Odd:
    def __repr__(self) -> str:
        return "Odd()"


class Picture:
    def to_numpy(self) -> None: ...


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ({"a": [1, 2, 3, Odd()]}, TypeError, r"message\['a'\]\[3\]: cannot send Odd Odd\(\)\. Allowed are dict, list"),
        (Odd(), TypeError, "message: cannot send Odd"),
        ({"image": Picture()}, TypeError, r"message\['image'\]: .* Send its to_numpy\(\)\."),
        ({(1, 2): 3}, TypeError, r"message: a key is str, int, float, bytes, bool or None, not tuple \(1, 2\)"),
        ({"t": datetime.datetime(2026, 1, 1)}, TypeError, r"message\['t'\]: cannot send datetime"),
        ({"t": decimal.Decimal(1)}, TypeError, r"message\['t'\]: cannot send Decimal"),
        ([1j], TypeError, r"message\[0\]: cannot send complex"),
        ([np.complex64(1)], TypeError, r"message\[0\]: cannot send complex64"),
        ([np.datetime64(3, "s")], TypeError, r"message\[0\]: cannot send datetime64"),
        ([np.array([Odd()])], TypeError, r"message\[0\]: cannot send an array of object"),
        ([np.zeros(1, "f4,i4")], TypeError, r"message\[0\]: cannot send an array of"),
        ({"a": [2**64]}, ValueError, r"message\['a'\]\[0\]: 18446744073709551616 needs more than 64 bits"),
        ({-(2**63) - 1: 1}, ValueError, "needs more than 64 bits"),
        ({"a": "\udc80"}, ValueError, r"message\['a'\]: .* surrogates"),
    ],
)
def test_what_cannot_be_sent_is_named_with_its_place(value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        encode(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match=r"nested more than 64 levels deep"):
        encode(loop)


def frame(body: bytes, data: bytes = b"") -> bytes:
    head = b"\xc1ND1" + struct.pack("<I", len(body)) + body
    return head + bytes(-len(head) % 64) + data


def array_frame(description: Any, data: bytes = bytes(64), code: int = 1) -> bytes:
    extension = msgspec.msgpack.Ext(code, msgspec.msgpack.encode(description))
    return frame(msgspec.msgpack.encode(extension), data)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xc1",
        b"\xc1ND2\0\0\0\0",
        b"\x81",
        b"\x01\x02",
        b"\xd4\x05\x00",  # an extension outside a frame
        b"\xa1\xff",  # text that is not UTF-8
        b"\x91" * 100_000 + b"\x01",
        b"\xdd\xff\xff\xff\xff",
        frame(b""),
        frame(b"\x01")[:8],
        array_frame(["|u1", [65], 0]),
        array_frame(["|u1", [1], 64]),
        array_frame(["|u1", [1], -1]),
        array_frame(["|u1", [-1], 0]),
        array_frame(["|u1", [2**40, 2**40], 0]),
        array_frame(["|O", [1], 0]),
        array_frame(["f4,f4", [1], 0]),
        array_frame(["nonsense", [1], 0]),
        array_frame(["|S0", [1], 0]),
        array_frame([1, 2, 3]),
        array_frame(["|u1", [1] * 100, 0]),
        array_frame(["|u1", [1], 0], code=9),
    ],
)
def test_damaged_bytes_are_a_value_error(message: bytes) -> None:
    with pytest.raises(ValueError):
        decode(message)


def test_a_whole_frame_is_read() -> None:
    assert decode(array_frame(["<u2", [2], 2], b"\0\0\1\0\2\0")).tolist() == [1, 2]
