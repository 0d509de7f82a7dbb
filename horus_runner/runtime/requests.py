"""What the supervisor says to its fork server, one MessagePack record a datagram."""

from __future__ import annotations

from typing import Final

import msgspec

DATAGRAM_BYTES: Final = 1 << 17
"""Larger than any request: what may be long (a node's settings) travels in a file."""


class BirthOrder(msgspec.Struct, frozen=True, tag="spawn"):
    """Bear the node with this name and index in the graph; its descriptors (`BirthFiles`) come with the message.

    `environment` is set in the node (None removes a variable); `by_exec` is for a node whose variables a library
    has read at its import already. `threads` is None for as many as there are cores.
    """

    node: str
    index: int
    supervisor: int
    environment: dict[str, str | None]
    threads: int | None
    by_exec: bool


class Charge(msgspec.Struct, frozen=True, tag="charge"):
    """What there is to clean up when the supervisor dies, beyond what the run's token marks: the process groups of
    its nodes."""

    groups: list[int]


class Quit(msgspec.Struct, frozen=True, tag="quit"):
    """The supervisor has cleaned up itself."""


Request = BirthOrder | Charge | Quit

_decoder = msgspec.msgpack.Decoder(Request)


def encode(request: Request) -> bytes:
    return msgspec.msgpack.encode(request)


def decode(datagram: bytes) -> Request:
    request: Request = _decoder.decode(datagram)
    return request
