"""The second run of a script, from which its nodes are forked.

`horus.run(*nodes)` in a script starts an interpreter that runs the same file again as ``__main__`` with the same
arguments. In it the earlier calls of `horus.run` give what they gave in the script, and the call in question never
returns: it is the fork server, or, where that cannot be (threads), one node.

What can die: the script while its module code runs here (the kernel kills this process: there is nothing to clean up
yet, the run's segments are made when this side says that it serves); this process (the script replaces it by a plain
fork server that starts a re-run for each node); the module code by an exception (shown once, by the script).
"""

from __future__ import annotations

import builtins
import gc
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from socket import AF_UNIX, SOCK_SEQPACKET, socket
from types import ModuleType, TracebackType
from typing import Any, Final, NoReturn

import msgspec

from horus_runner._core import clock
from horus_runner.errors import UsageError
from horus_runner.graph.plan import NodeSettings
from horus_runner.runtime import birth
from horus_runner.runtime.janitor import Janitor, ignore_terminal
from horus_runner.runtime.processes import JANITOR_CALL

_TRACE_BYTES: Final = 60_000


class Script(msgspec.Struct, frozen=True):
    """How to run a script again: its file or its module, the word that named it in the command, its arguments, where
    it started, which call of `horus.run` is meant (from 0) and how the calls before it ended (encoded reports)."""

    file: str | None
    module: str | None
    word: str
    arguments: list[str]
    folder: str
    call: int
    nodes: int
    outcomes: list[bytes]

    @property
    def title(self) -> str:
        return self.file or f"-m {self.module}"


class Role:
    """What this process is in the second run of a script: `horus.run` asks it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._calls = 0

    def earlier_outcome(self) -> bytes | None:
        """What the call of `horus.run` that is being made gave in the script; None when it is the one in question."""
        self._calls += 1
        return self.script.outcomes[self._calls - 1] if self._calls <= self.script.call else None

    def meet(self, nodes: Sequence[Any]) -> NoReturn:
        """Become what the script's `horus.run` needs these nodes for."""
        if len(nodes) != self.script.nodes:
            raise UsageError(
                f"the second run of {self.script.title} gives {len(nodes)} nodes to horus.run, the first gave "
                f"{self.script.nodes}. What stands before horus.run has to do the same each time."
            )
        self._become(nodes)

    def _become(self, nodes: Sequence[Any]) -> NoReturn:
        raise NotImplementedError

    def give_up(self, error: BaseException | None) -> NoReturn:
        """The module code ended without meeting the call in question."""
        raise NotImplementedError

    def _excuse(self, error: BaseException | None) -> tuple[str, str]:
        """What happened in a sentence, and the traceback from the script's own lines on."""
        if error is None or isinstance(error, SystemExit):
            return f"the second run of {self.script.title} ended before it came to horus.run", ""
        lines = traceback.format_exception(type(error), error, _without_machinery(error))
        return f"the second run of {self.script.title} failed: {lines[-1].strip()}", "".join(lines)


class ServerRole(Role):
    """The fork server of the script's nodes."""

    def __init__(self, script: Script, descriptor: int, requests: int, supervisor: int) -> None:
        super().__init__(script)
        self._descriptor = descriptor
        self._requests = socket(AF_UNIX, SOCK_SEQPACKET, fileno=requests)
        self._supervisor = supervisor

    def _become(self, nodes: Sequence[Any]) -> NoReturn:
        import horus_runner.node.worker
        import horus_runner.transport.runs  # noqa: F401

        ignore_terminal()
        birth.flush_open_files()
        if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
            self._start_over()
        clock.set_parent_death_signal(0)
        gc.collect()
        gc.freeze()
        Janitor(self._requests, self._supervisor, nodes=nodes).serve()

    def _start_over(self) -> NoReturn:
        """Threads do not survive a fork: become a plain server, which runs the script again for each node."""
        kept = (self._requests.fileno(), self._descriptor)
        for descriptor in kept:
            os.set_inheritable(descriptor, True)
        arguments = f"{kept[0]}, {self._supervisor}, {kept[1]}"
        birth.replace_process(f"{JANITOR_CALL}; main({arguments})")

    def give_up(self, error: BaseException | None) -> NoReturn:
        text, trace = self._excuse(error)
        birth.flush_open_files()
        failed = {"event": "failed", "text": text, "traceback": trace[-_TRACE_BYTES:]}
        self._requests.send(msgspec.msgpack.encode(failed))
        os._exit(1)


class NodeRole(Role):
    """One node of the script, in a re-run of its own. What the module code prints is only shown when it fails."""

    def __init__(self, script: Script, settings: int, status: int) -> None:
        super().__init__(script)
        self._settings, self._status = settings, status
        self._streams = (os.dup(1), os.dup(2))
        self._captured = os.memfd_create("output")
        os.dup2(self._captured, 1)
        os.dup2(self._captured, 2)

    def _become(self, nodes: Sequence[Any]) -> NoReturn:
        index = NodeSettings.decode(read_file(self._settings)).index
        self._give_streams_back()
        birth.live(self._settings, self._status, nodes[index])

    def _give_streams_back(self) -> None:
        birth.flush_open_files()
        for number, descriptor in enumerate(self._streams, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)

    def give_up(self, error: BaseException | None) -> NoReturn:
        text, trace = self._excuse(error)
        self._give_streams_back()
        os.write(2, read_file(self._captured) + trace.encode())
        with socket(AF_UNIX, SOCK_SEQPACKET, fileno=self._status) as status:
            status.send(msgspec.msgpack.encode({"event": "failed", "where": "load", "type": "", "text": text}))
        os._exit(1)


class _Ending:
    """Turns every end of the module code into `give_up`."""

    def __init__(self, role: Role) -> None:
        self._role = role

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._role.give_up(error)


def _without_machinery(error: BaseException) -> TracebackType | None:
    """The traceback without the frames of this file and of runpy that it begins with."""
    trace = error.__traceback__
    while trace is not None and (trace.tb_frame.f_code.co_filename == __file__ or _is_runpy(trace)):
        trace = trace.tb_next
    return trace


def _is_runpy(trace: TracebackType) -> bool:
    return trace.tb_frame.f_globals.get("__name__") == "runpy"


def play(role: Role) -> NoReturn:
    """Run the script's module code again, with `role` for the call of `horus.run` that it comes to."""
    from horus_runner.runtime import script as horus_run

    script = role.script
    horus_run.role = role
    os.chdir(script.folder)
    sys.argv[:] = [script.word, *script.arguments]
    with _Ending(role):
        if script.module is not None:
            runpy.run_module(script.module, run_name="__main__", alter_sys=True)
        elif script.file is not None:
            _run_file(script.file)
    raise AssertionError("unreachable: the role gives up")


def _run_file(path: str) -> None:
    """What the interpreter does with a script (runpy would change sys.argv)."""
    loader = SourceFileLoader("__main__", path)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __loader__=loader, __builtins__=builtins)
    sys.modules["__main__"] = main
    exec(loader.source_to_code(loader.get_data(path), path), main.__dict__)


def read_file(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def open_script(descriptor: int) -> Script:
    return msgspec.msgpack.decode(read_file(descriptor), type=Script)


def be_server(requests: int, supervisor: int, descriptor: int) -> NoReturn:
    """The process of a script's fork server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    clock.set_parent_death_signal(signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)
    for kept in (requests, descriptor):
        os.set_inheritable(kept, False)
    play(ServerRole(open_script(descriptor), descriptor, requests, supervisor))


def be_node(descriptor: int, settings: int, status: int) -> NoReturn:
    """The process of a node that has a re-run of its own."""
    play(NodeRole(open_script(descriptor), settings, status))
