"""Standard error as a place to write to that never holds up the run and never ends it.

A terminal paused with Ctrl-S, or a pipe whose reader is slow, would block the supervisor in the middle of its work; a
reader that has gone would end it. Here a thread does the writing: what piles up beyond a bound is left out and counted.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from io import TextIOBase

MOST_PENDING_BYTES = 1_000_000


class Stream(TextIOBase):
    """Text written here goes to a file descriptor, in order, by a thread of its own."""

    def __init__(self, fd: int | None = None, encoding: str | None = None) -> None:
        self._fd = sys.stderr.fileno() if fd is None else fd
        self._encoding = encoding or getattr(sys.stderr, "encoding", None) or "utf-8"
        self._queue: deque[bytes] = deque()
        self._pending = 0
        self._left_out = 0
        self._ending = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="horus-terminal", daemon=True)
        self._thread.start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        data = text.encode(self._encoding, errors="replace")
        with self._wake:
            if self._pending + len(data) > MOST_PENDING_BYTES:
                self._left_out += text.count("\n")
            elif not self._ending:
                self._queue.append(data)
                self._pending += len(data)
                self._wake.notify()
        return len(text)

    def drain(self, within_s: float = 1.0) -> bool:
        """Wait until all of it is written; False when that takes longer than `within_s`."""
        deadline = time.monotonic() + within_s
        with self._wake:
            while self._pending and (left := deadline - time.monotonic()) > 0:
                self._wake.wait(left)
            return not self._pending

    def close(self) -> None:
        """Write what is pending, at most for a second, and end the thread. The descriptor stays open."""
        if self.closed:
            return
        if self._left_out:
            self.write("")  # for the note that goes with it
        self.drain()
        with self._wake:
            self._ending = True
            self._wake.notify()
        super().close()

    def _write_all(self) -> None:
        while True:
            with self._wake:
                while not self._queue and not self._ending:
                    self._wake.wait()
                if not self._queue:
                    return
                data = self._queue.popleft()
                note, self._left_out = self._left_out, 0
            written = self._write(data) and (not note or self._write(f"horus | {note} lines left out\n".encode()))
            with self._wake:
                self._pending -= len(data)
                self._wake.notify_all()
                if not written:  # nobody reads any more: the run goes on without
                    self._queue.clear()
                    self._pending, self._ending = 0, True
                    return

    def _write(self, data: bytes) -> bool:
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            return False
        return True
