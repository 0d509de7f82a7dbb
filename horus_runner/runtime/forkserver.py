"""The supervisor's side of its fork server (`janitor.py` is the other one).

The server may die at any moment: a request that it took with it shows as an end of file on the node's status socket,
its own death as an end of file here, and `replace` starts another.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import time
from contextlib import suppress
from typing import Any, Final

import msgspec

from horus_runner.graph.plan import NodeSettings
from horus_runner.runtime.birth import BirthFiles, interpreter_command
from horus_runner.runtime.processes import JANITOR_CALL, TOKEN_VARIABLE, new_token
from horus_runner.runtime.requests import DATAGRAM_BYTES, BirthOrder, Charge, Quit, Request, encode
from horus_runner.runtime.threads import VARIABLES, thread_environment, wanted_threads
from horus_runner.transport.names import new_run_id

_FIRST_SPARE_FD: Final = 64
_PATIENCE_S: Final = 2.0
_RERUN_CALL: Final = "from horus_runner.runtime.rerun import be_server"


class ForkServer:
    """A running fork server, for one run; `start` makes one. `token` marks every process that descends from it.

    For a script, `script` is a file with its description, which the server runs again; `output` is a file with what
    that printed.
    """

    def __init__(self, script: bytes | None) -> None:
        self.run_id = new_run_id()
        self.token = new_token(self.run_id)
        self.pid = 0
        self._script = None if script is None else file_of("script", script)
        self._output = None if script is None else os.memfd_create("output")
        self._charge: Charge | None = None
        self._socket: socket.socket
        self._serving = False
        self._launch(JANITOR_CALL if script is None else _RERUN_CALL)

    @classmethod
    def start(cls, script: bytes | None = None) -> ForkServer:
        """Start a server for the nodes of a graph file, or of the script that the encoded `script` describes.

        Cheap: the server loads NumPy while the caller goes on.
        """
        return cls(script)

    def replace(self) -> None:
        """Start another server in place of a dead one. Should a script's node have to be started again, it gets a
        re-run of its own: the module code is not run once more on suspicion."""
        self._bury()
        self._serving = False
        self._launch(JANITOR_CALL)
        if self._charge is not None:
            self._send(self._charge)

    def _launch(self, call: str) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._spawn_process(call, theirs)

    def _spawn_process(self, call: str, theirs: socket.socket) -> None:
        given = [theirs.fileno()] if self._script is None else [theirs.fileno(), self._script]
        arguments = ", ".join(str(number) for number in [3, os.getpid(), 4][: len(given) + 1])
        command = interpreter_command(f"{call}; {call.rpartition(' ')[2]}({arguments})")
        spare = [_spare(descriptor) for descriptor in [*given, 2 if self._output is None else self._output]]
        actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_DUP2, spare[-1], number) for number in (1, 2)]
        actions += [(os.POSIX_SPAWN_DUP2, descriptor, 3 + i) for i, descriptor in enumerate(spare[:-1])]
        environment = {**os.environ, TOKEN_VARIABLE: self.token, **dict.fromkeys(VARIABLES, "1")}
        try:
            self.pid = os.posix_spawn(command[0], command, environment, file_actions=actions, setsid=True)
        finally:
            for descriptor in spare:
                os.close(descriptor)

    def fileno(self) -> int:
        return self._socket.fileno()

    def events(self) -> list[dict[str, Any]] | None:
        """What the server has said: ``serving``, or ``failed`` with text and traceback; None once it is dead."""
        said: list[dict[str, Any]] = []
        while True:
            try:
                datagram = self._socket.recv(DATAGRAM_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return said
            except ConnectionResetError:
                datagram = b""
            if not datagram:
                return said or None
            said.append(msgspec.msgpack.decode(datagram))
            self._serving = self._serving or said[-1]["event"] == "serving"

    def output(self) -> bytes:
        """What the second run of the script has printed."""
        return b"" if self._output is None else os.pread(self._output, os.fstat(self._output).st_size, 0)

    def spawn(self, settings: NodeSettings, stdout: int, stderr: int, status: int) -> None:
        """Ask for a node's process. It tells its pid by the status socket; the descriptors remain the caller's."""
        plan = settings.plan
        threads = wanted_threads(plan)
        order = BirthOrder(
            node=plan.name,
            index=settings.index,
            supervisor=os.getpid(),
            environment={**thread_environment(threads), **plan.env},
            threads=threads,
            by_exec=bool(plan.env),
        )
        record = file_of("settings", settings.encode())
        try:
            self._send(order, BirthFiles(record, stdout, stderr, status))
        finally:
            os.close(record)

    def charge(self, groups: list[int]) -> None:
        """Tell the server what it would have to clean up if this process died now."""
        self._charge = Charge(groups)
        self._send(self._charge)

    def quit(self) -> None:
        """End the server: everything is cleaned up. One that does not listen yet is killed."""
        if self._serving:
            self._send(Quit())
        else:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._bury()
        for descriptor in (self._script, self._output):
            if descriptor is not None:
                os.close(descriptor)

    def _send(self, request: Request, files: BirthFiles | None = None) -> None:
        descriptors = [] if files is None else [files.settings, files.stdout, files.stderr, files.status]
        with suppress(BrokenPipeError, ConnectionResetError):  # its death is noticed by `events`
            socket.send_fds(self._socket, [encode(request)], descriptors)

    def _bury(self) -> None:
        """Reap the server, which has ended or is about to."""
        until = time.monotonic() + _PATIENCE_S
        with suppress(ChildProcessError):
            while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
                if time.monotonic() > until:
                    os.kill(self.pid, signal.SIGKILL)
                time.sleep(0.001)
        self._socket.close()


def file_of(name: str, content: bytes) -> int:
    """A file in memory with this content; its descriptor is closed by the caller."""
    descriptor = os.memfd_create(name)
    written = 0
    while written < len(content):
        written += os.write(descriptor, content[written:])
    return descriptor


def _spare(descriptor: int) -> int:
    """A copy of `descriptor` out of the way of the small numbers that the new process gives to its own."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_SPARE_FD)
