"""Single keys from the terminal, while it is ours: never from the background, and put back as it was."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
from dataclasses import dataclass, replace

from horus_runner.dashboard.view import SORTS, Frame

_ESCAPES = {b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[5~": "page up", b"\x1b[6~": "page down", b"\x1b[H": "home"}
_KEY = re.compile(rb"\x1b(?:\[|O)[0-9;]*[A-Za-z~]|[^\x1b]|\x1b", re.DOTALL)
_STEPS = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -10, "page down": 10, "home": -(10**6)}


@dataclass(frozen=True, slots=True)
class Controls:
    """What the keys pressed so far ask for."""

    sort: str = "graph"
    offset: int = 0
    stop: bool = False

    def pressed(self, key: str) -> Controls:
        if key == "q":
            return replace(self, stop=True)
        if key == "s":
            names = list(SORTS)
            return replace(self, sort=names[(names.index(self.sort) + 1) % len(names)], offset=0)
        return replace(self, offset=max(0, self.offset + _STEPS.get(key, 0)))

    def applied_to(self, frame: Frame) -> Frame:
        return replace(frame, sort=self.sort, offset=self.offset)


def parse_keys(data: bytes) -> list[str]:
    """The keys in what a terminal sent: characters, and the names of the arrow and page keys."""
    found = (match.group().replace(b"\x1bO", b"\x1b[") for match in _KEY.finditer(data))
    return [_ESCAPES.get(key, "" if key.startswith(b"\x1b") else key.decode(errors="replace")) for key in found]


def _stdin() -> int:
    try:
        return sys.__stdin__.fileno() if sys.__stdin__ else -1
    except ValueError:  # closed
        return -1


class Keyboard:
    """The terminal on standard input, without echo and line by line reading for as long as the `with` block lasts.

    Ctrl-C and the other signal keys work as ever. Without a terminal in the foreground there are no keys.
    """

    def __init__(self, fd: int | None = None) -> None:
        self._fd = _stdin() if fd is None else fd
        self._before: list[object] | None = None

    @property
    def active(self) -> bool:
        return self._before is not None

    def __enter__(self) -> Keyboard:
        if self._in_foreground():
            self._before = termios.tcgetattr(self._fd)
            changed = termios.tcgetattr(self._fd)
            changed[3] &= ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self._fd, termios.TCSANOW, changed)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None and self._in_foreground():
            with contextlib.suppress(termios.error):  # a terminal that has gone needs nothing
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)  # type: ignore[arg-type]
        self._before = None

    def read(self) -> list[str]:
        """The keys pressed since the last call; never waits."""
        if not self.active or not self._in_foreground() or not select.select([self._fd], [], [], 0)[0]:
            return []
        with contextlib.suppress(OSError):
            return parse_keys(os.read(self._fd, 256))
        return []

    def wait(self, seconds: float) -> None:
        """Wait for a key, at most so long."""
        select.select([self._fd] if self.active and self._in_foreground() else [], [], [], seconds)

    def _in_foreground(self) -> bool:
        # Changing or reading a terminal from the background stops the process (SIGTTOU, SIGTTIN).
        try:
            return os.isatty(self._fd) and os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return False
