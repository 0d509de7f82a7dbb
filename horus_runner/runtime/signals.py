"""Signals as something to read: a selector wakes up for them like for any other descriptor."""

from __future__ import annotations

import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Any, Final

WATCHED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


class SignalInbox:
    """While it is entered, SIGINT, SIGTERM, SIGHUP and SIGTSTP do nothing but arrive here.

    Python allows that in the main thread alone; elsewhere nothing arrives and the signals keep their meaning. On
    leaving, everything is as it was before.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._handlers: dict[int, Any] = {}
        self._wakeup = -1

    def __enter__(self) -> SignalInbox:
        if threading.current_thread() is threading.main_thread():
            self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            self._handlers = {signum: signal.signal(signum, _nothing) for signum in WATCHED if not _ignored(signum)}
        return self

    def __exit__(self, kind: object, error: object, trace: TracebackType | None) -> None:
        if threading.current_thread() is threading.main_thread():
            for signum, handler in self._handlers.items():
                signal.signal(signum, handler if handler is not None else signal.SIG_DFL)
            signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        return self._reader.fileno()

    def read(self) -> list[int]:
        """The watched signals that came since the last time, in order."""
        try:
            return [number for number in self._reader.recv(256) if number in WATCHED]
        except BlockingIOError:
            return []


def _ignored(signum: int) -> bool:
    """Whether whoever started this process wants the signal ignored, as nohup does with SIGHUP."""
    return signum == signal.SIGHUP and signal.getsignal(signum) is signal.SIG_IGN


def _nothing(signum: int, frame: FrameType | None) -> None:
    """The signal's number is in the inbox already."""
