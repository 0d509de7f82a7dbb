"""The control socket against clients of every kind."""

from __future__ import annotations

import json
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from horus_runner.errors import UsageError
from horus_runner.runtime.control import ControlSocket, request


class Served:
    """A control socket with a loop of its own thread; `asked` are the requests that it carried out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[dict[str, Any]] = []
        self._selector = selectors.DefaultSelector()
        self._control = ControlSocket(path, self._selector, self._carry_out)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._loop)
        self._thread.start()

    def _carry_out(self, asked: dict[str, Any]) -> None:
        if asked.get("do") != "stop":
            raise UsageError("not that")
        self.asked.append(asked)

    def _loop(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data()

    def close(self) -> None:
        self._wake.send(b"x")
        self._thread.join()
        self._control.close()
        self._selector.close()
        self._wake.close()
        self._woken.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path / "run.sock")
    yield server
    server.close()


@pytest.fixture
def raw(served: Served) -> Iterator[Callable[[bytes], list[dict[str, Any]]]]:
    """`raw(data)`: send these bytes, end the sending side, return every answer."""

    def exchange(data: bytes) -> list[dict[str, Any]]:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(served.path))
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            with client.makefile("rb") as answers:
                return [json.loads(line) for line in answers]

    yield exchange


def test_a_request_is_carried_out(served: Served) -> None:
    request(served.path, do="stop")
    assert served.asked == [{"do": "stop"}]


def test_a_refusal_comes_back_with_its_reason(served: Served) -> None:
    with pytest.raises(UsageError, match="not that"):
        request(served.path, do="dance")


@pytest.mark.parametrize("data", [b"\n", b"{}\n", b"[]\n", b"\xff\xfe\n", b"{" * 5000 + b"\n", b'{"do": 1}\n'])
def test_nonsense_is_answered_and_survived(
    served: Served, raw: Callable[[bytes], list[dict[str, Any]]], data: bytes
) -> None:
    answers = raw(data)
    assert [answer["ok"] for answer in answers] == [False]
    assert answers[0]["error"]
    request(served.path, do="stop")


def test_several_requests_of_one_client(raw: Callable[[bytes], list[dict[str, Any]]]) -> None:
    assert [answer["ok"] for answer in raw(b'{"do": "stop"}\n{"do": "x"}\n{"do": "stop"}\n')] == [True, False, True]


def test_a_line_without_an_end_is_not_kept_for_ever(
    served: Served, raw: Callable[[bytes], list[dict[str, Any]]]
) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it may hang up before all is sent
        assert raw(b"x" * 1_000_000) == []
    request(served.path, do="stop")


def test_a_run_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is gone"):
        request(tmp_path / "nothing.sock", do="stop")
