"""One process of a node, as its supervisor holds it: the ends of its pipes, its status socket, its pidfd.

    ordered ── born ──> alive ── pidfd readable ──> reaped
       │
       ├── unborn: the system refused the process
       └── end of file on the status socket: the fork server died with the order

A node that ends leaves words behind: its pipes and its status socket are read to the end before its exit is told.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from horus_runner.graph.plan import NodeSettings
from horus_runner.runtime.forkserver import ForkServer
from horus_runner.runtime.leftovers import reap_group
from horus_runner.runtime.observer import LogLine

_READ_BYTES: Final = 1 << 16
_LONGEST_LINE: Final = 1 << 16
_MOST_READS: Final = 32


class Hearer(Protocol):
    """Who is told what a child does. Each is called from the supervisor's loop."""

    def on_status(self, child: Child, event: dict[str, Any]) -> None: ...

    def on_lost(self, child: Child) -> None: ...

    def on_exit(self, child: Child, status: int, cpu_ns: int, peak_bytes: int) -> None: ...

    def on_line(self, line: LogLine) -> None: ...


class LinePipe:
    """Splits what comes out of a pipe into lines; one longer than 64 KB comes in pieces."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self._say = say
        self._rest = b""

    def read(self) -> int | None:
        """Take what is there now: the number of bytes, 0 at the end of file, None when nothing is there."""
        try:
            data = os.read(self.reader, _READ_BYTES)
        except BlockingIOError:
            return None
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self._say(line.decode(errors="replace").rstrip("\r"))
        if not data or len(self._rest) > _LONGEST_LINE:
            self._say_rest()
        return len(data)

    def drain(self) -> None:
        """Take what the pipe holds, to the unfinished line at its end; not what a subprocess goes on writing."""
        for _ in range(_MOST_READS):
            if not self.read():
                break
        self._say_rest()

    def _say_rest(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._say(rest.decode(errors="replace"))


class Child:
    """A process of node `settings.plan.name`. Orders it at once; `hearer` learns the rest."""

    def __init__(
        self, settings: NodeSettings, server: ForkServer, selector: selectors.BaseSelector, hearer: Hearer
    ) -> None:
        self.name = settings.plan.name
        self.index = settings.index
        self.pid: int | None = None
        self._pidfd = -1
        self._selector = selector
        self._hearer = hearer
        self._pipes = [LinePipe(self._sayer(level)) for level in ("stdout", "stderr")]
        self._status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            server.spawn(settings, self._pipes[0].writer, self._pipes[1].writer, theirs.fileno())
        for pipe in self._pipes:
            os.close(pipe.writer)
            self._watch(pipe.reader, partial(self._read_pipe, pipe))
        self._watch(self._status, self._read_status)

    def _sayer(self, level: str) -> Callable[[str], None]:
        return lambda text: self._hearer.on_line(LogLine(self.name, level, text, time.monotonic_ns()))

    def _watch(self, what: int | socket.socket, call: Callable[[], object]) -> None:
        self._selector.register(what, selectors.EVENT_READ, call)

    def _forget(self, what: int | socket.socket) -> None:
        with suppress(KeyError, ValueError):  # not registered, or closed already
            self._selector.unregister(what)

    def _read_pipe(self, pipe: LinePipe) -> None:
        if pipe.read() == 0:
            self._forget(pipe.reader)

    def _read_status(self) -> bool:
        """Take one message; False when there is none."""
        try:
            datagram = self._status.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            datagram = b""
        if datagram:
            self._hear(msgspec.msgpack.decode(datagram))
            return self._status.fileno() >= 0
        self._forget(self._status)
        if self.pid is None:
            self.close()
            self._hearer.on_lost(self)
        return False

    def _hear(self, event: dict[str, Any]) -> None:
        if event["event"] == "born":
            self.pid = event["pid"]
            self._pidfd = os.pidfd_open(event["pid"])
            self._watch(self._pidfd, self._reap)
        elif event["event"] == "unborn":
            self.close()
        self._hearer.on_status(self, event)

    def signal_group(self, signum: int) -> None:
        """Send a signal to the process and all of its group; when it is not born yet, nothing happens."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signum)

    def reap_orphans(self) -> None:
        """Reap what the node's processes have left to the supervisor, their adopter."""
        if self.pid is not None:
            reap_group(self.pid, spare=self.pid)

    @property
    def alive(self) -> bool:
        return self._pidfd >= 0

    def _reap(self) -> None:
        pid = self.pid
        assert pid is not None, "a pidfd was opened for it"
        while self._read_status():
            pass
        for pipe in self._pipes:
            pipe.drain()
        self.signal_group(signal.SIGTERM)  # its subprocesses end with it; the zombie still keeps the group's number
        _, status, used = os.wait4(pid, 0)
        self.close()
        cpu_ns = round((used.ru_utime + used.ru_stime) * 1e9)
        self._hearer.on_exit(self, os.waitstatus_to_exitcode(status), cpu_ns, used.ru_maxrss * 1024)

    def close(self) -> None:
        """Let go of every descriptor."""
        for pipe in self._pipes:
            self._forget(pipe.reader)
            os.close(pipe.reader)
        self._pipes = []
        self._forget(self._status)
        self._status.close()
        if self._pidfd >= 0:
            self._forget(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
