"""The control socket of a run: a Unix socket of mode 0600, one JSON object a line each way.

    {"do": "stop"}                                                     the graph ends as if its time were over
    {"do": "restart", "node": NAME}                                    the node is stopped and started again
    {"do": "param", "node": NAME, "key": K, "value": V}                refused: see Commands.param
    {"do": "level", "level": "debug" | "info" | "warning" | "error"}   the lowest level of node's messages shown

The answer is {"ok": true} or {"ok": false, "error": SENTENCE}.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from horus_runner.errors import HorusTimeoutError, UsageError

_LONGEST_LINE: Final = 1 << 16
_ANSWER_S: Final = 5.0

Carry = Callable[[dict[str, Any]], None]


class ControlSocket:
    """The supervisor's end. `carry_out` does what a request asks, or raises UsageError with the reason why not."""

    def __init__(self, path: Path, selector: selectors.BaseSelector, carry_out: Carry) -> None:
        self._path = path
        self._selector = selector
        self._carry_out = carry_out
        self._clients: dict[socket.socket, bytearray] = {}
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        previous = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(previous)
        self._listener.listen()
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            self._clients[client] = bytearray()
            self._selector.register(client, selectors.EVENT_READ, lambda: self._read(client))

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(_LONGEST_LINE)
        except BlockingIOError:
            return
        except ConnectionResetError:
            data = b""
        received = self._clients[client]
        received += data
        while (end := received.find(b"\n")) >= 0:
            line = bytes(received[:end])
            del received[: end + 1]
            self._answer(client, line)
        if not data or len(received) > _LONGEST_LINE:
            self._drop(client)

    def _answer(self, client: socket.socket, line: bytes) -> None:
        answer: dict[str, Any] = {"ok": True}
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise UsageError('a request is a JSON object such as {"do": "stop"}.')
            self._carry_out(request)
        except (UsageError, ValueError) as error:
            answer = {"ok": False, "error": str(error)}
        with suppress(OSError):  # a client that does not wait for its answer
            client.send(json.dumps(answer).encode() + b"\n")

    def _drop(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        client.close()

    def close(self) -> None:
        for client in list(self._clients):
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)


def request(path: Path, **fields: Any) -> None:
    """Ask the run with this control socket for something, and wait until it has taken it.

    UsageError with its reason when it refuses, HorusTimeoutError when it does not answer within 5 s.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_S)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(fields).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        except TimeoutError:
            raise HorusTimeoutError(f"the run behind {path} does not answer.") from None
        except OSError as error:
            raise UsageError(f"the run behind {path} is gone ({error.strerror}).") from None
    answer = json.loads(line or b'{"ok": false, "error": "the run ended before it answered."}')
    if not answer["ok"]:
        raise UsageError(answer["error"])
