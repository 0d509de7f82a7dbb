"""Untyped messages: any nest of dicts, lists, text, bytes, numbers and None, with NumPy arrays anywhere in it.

Without arrays a message is MessagePack. With arrays it is a frame: 4 bytes of magic (the first is the one byte that MessagePack
never uses), 4 bytes with the length of the MessagePack body, the body, then the arrays' bytes, each at a multiple of 64 from the
frame's start. In the body an array is an extension value: its dtype, its shape and where its bytes are, counted from the first multiple of
64 behind the body. So arrays come out as aligned views of the message itself. Never pickle: what another process wrote is data.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from msgspec.msgpack import Decoder, Encoder, Ext
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner._core.values import is_plain

Buffer = bytes | bytearray | memoryview

_FRAME = struct.Struct("<4sI")
_MAGIC = b"\xc1ND1"
_ARRAY = 1  # the extension code
_ALIGNMENT = 64
_DEPTH = 64
_ALLOWED = (
    "dict, list, tuple, set, str, bytes, int, float, bool, None, NumPy arrays and numbers, and @horus.message objects"
)

_encode = Encoder().encode


def encode(value: Any) -> bytes:
    """The bytes of a message. Tuples and sets become lists, NumPy numbers Python's, typed messages dicts.

    Raises TypeError for a value, ValueError for a number, text or depth, that cannot be sent, naming its place.
    """
    if is_plain(value):
        try:
            return _encode(value)
        except (OverflowError, UnicodeEncodeError):
            pass  # what follows finds its place
    arrays: list[NDArray[Any]] = []
    body = _encode(_flatten(value, "message", arrays, 0))
    return b"".join(_frame(body, arrays)) if arrays else body


def decode(buffer: Buffer) -> Any:
    """The value of a message; its arrays are read-only views of `buffer`, which they keep alive.

    Raises ValueError when the bytes are not a message.
    """
    try:
        if buffer[0] == _MAGIC[0]:
            return _decode_frame(memoryview(buffer).cast("B"))
        return _decode_plain(buffer)
    except (msgspec.DecodeError, IndexError, RecursionError, TypeError, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"these {len(buffer)} bytes are not a message: {error}") from error


def _flatten(value: Any, path: str, arrays: list[NDArray[Any]], depth: int) -> Any:
    """`value` made of what MessagePack has; arrays are put aside."""
    if depth > _DEPTH:
        raise ValueError(f"{path[:80]}...: nested more than {_DEPTH} levels deep")
    if isinstance(value, np.generic):
        value = _python_number(value, path)
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return _leaf(value, path)
    if isinstance(value, np.ndarray):
        return _put_aside(value, path, arrays)
    if isinstance(value, Record):
        value = value.to_dict()
    if isinstance(value, dict):
        return {_key(key, path): _flatten(item, f"{path}[{key!r}]", arrays, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_flatten(item, f"{path}[{index}]", arrays, depth + 1) for index, item in enumerate(value)]
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    hint = " Send its to_numpy()." if hasattr(value, "to_numpy") else ""
    raise TypeError(f"{path}: cannot send {type(value).__name__} {value!r:.60}.{hint} Allowed are {_ALLOWED}")


def _leaf(value: Any, path: str) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise ValueError(f"{path}: {value} needs more than 64 bits")
        return int(value)
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(f"{path}: {error}") from error
        return str.__str__(value)
    return float(value) if isinstance(value, float) else value if value is None else bytes(value)


def _python_number(value: np.generic, path: str) -> Any:
    if value.dtype.kind in "biufSU":
        return float(value) if isinstance(value, np.floating) else value.item()
    raise TypeError(f"{path}: cannot send {type(value).__name__} {value!r:.60}. Allowed are {_ALLOWED}")


def _key(key: Any, path: str) -> Any:
    if isinstance(key, np.generic):
        key = _python_number(key, path)
    if key is None or isinstance(key, (bool, int, float, str, bytes)):
        return _leaf(key, f"{path}, key {key!r:.60}")
    raise TypeError(f"{path}: a key is str, int, float, bytes, bool or None, not {type(key).__name__} {key!r:.60}")


def _put_aside(array: NDArray[Any], path: str, arrays: list[NDArray[Any]]) -> Ext:
    if array.dtype.kind not in "biufcmMSU" or array.dtype.itemsize == 0:
        raise TypeError(f"{path}: cannot send an array of {array.dtype}. Send its fields or items as plain arrays")
    start = sum(_padded(before.nbytes) for before in arrays)
    arrays.append(np.ascontiguousarray(array))
    return Ext(_ARRAY, _encode([array.dtype.str, array.shape, start]))


def _padded(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT


def _frame(body: bytes, arrays: list[NDArray[Any]]) -> Iterator[Any]:
    yield _FRAME.pack(_MAGIC, len(body))
    yield body
    written = _FRAME.size + len(body)
    for array in arrays:
        yield bytes(_padded(written) - written)
        yield array.reshape(-1).view(np.uint8)  # dates and text have no buffer of their own
        written = array.nbytes


def _decode_frame(buffer: memoryview) -> Any:
    magic, length = _FRAME.unpack_from(buffer)
    body_end = _FRAME.size + length
    if magic != _MAGIC or body_end > buffer.nbytes:
        raise ValueError(f"these {buffer.nbytes} bytes are not a message: its frame is damaged")
    data = buffer[_padded(body_end) :]

    def view(code: int, extension: memoryview) -> NDArray[Any]:
        if code != _ARRAY:
            raise ValueError(f"a message has no extension {code}")
        return _view(data, *_description.decode(extension))

    return Decoder(ext_hook=view).decode(buffer[_FRAME.size : body_end])


def _view(data: memoryview, code: str, shape: tuple[int, ...], start: int) -> NDArray[Any]:
    dtype = np.dtype(code)
    count = math.prod(shape)
    if dtype.kind not in "biufcmMSU" or dtype.itemsize == 0 or min(shape, default=0) < 0:
        raise ValueError(f"a message has no arrays of {code}, shape {shape}")
    if not 0 <= start <= start + count * dtype.itemsize <= data.nbytes and count:
        raise ValueError(f"an array of {code}, shape {shape}, at {start} is not inside the message")
    array = np.frombuffer(data, dtype, count, start) if count else np.empty(0, dtype)
    array.flags.writeable = False
    return array.reshape(shape)


def _no_extension(code: int, _: memoryview) -> Any:
    raise ValueError(f"a message has no extension {code}")


_description: Decoder[tuple[str, tuple[int, ...], int]] = Decoder(tuple[str, tuple[int, ...], int])
_decode_plain = Decoder(ext_hook=_no_extension).decode
