"""The first moments of a node's process, from the fork server's fork to `run_node`.

    fork server ── fork ──> middle ── fork ──> node          (the middle ends at once, so that the supervisor,
                                                              a child subreaper, adopts the node)

What can die, and what the node does: the supervisor before the adoption (the node sees a parent that is neither the
middle nor the supervisor, and ends), the supervisor after it (PDEATHSIG; a death before PDEATHSIG was set shows in
getppid, asked again), the fork server (nothing: the node needs it no more). The node tells its pid by the status
socket once it is adopted; an end of file there without that word means that it never came to be.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import io
import os
import signal
import stat
import sys
import time
import traceback
import zlib
from dataclasses import dataclass
from socket import AF_UNIX, SOCK_SEQPACKET, socket
from typing import Any, Final, NoReturn

import msgspec

from horus_runner._core import clock
from horus_runner.graph.plan import NodeSettings
from horus_runner.runtime.requests import BirthOrder
from horus_runner.runtime.threads import set_blas_threads

_ADOPTION_POLL_S: Final = 0.0002


@dataclass(frozen=True, slots=True)
class BirthFiles:
    """The descriptors that come with the order. `settings` is a file with the node's encoded settings."""

    settings: int
    stdout: int
    stderr: int
    status: int

    def close(self) -> None:
        for descriptor in (self.settings, self.stdout, self.stderr, self.status):
            os.close(descriptor)


def adopt(order: BirthOrder) -> None:
    """Called in the node: wait until the supervisor is the parent, then die with it."""
    middle = os.getppid()
    while (parent := os.getppid()) != order.supervisor:
        if parent != middle:
            os._exit(1)
        time.sleep(_ADOPTION_POLL_S)
    clock.set_parent_death_signal(signal.SIGTERM)
    if os.getppid() != order.supervisor:
        os._exit(1)


def set_up(order: BirthOrder, files: BirthFiles) -> None:
    """Make the forked child a process of its own: group, signals, standard streams, environment, name."""
    os.setpgid(0, 0)
    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit._clear()  # what the fork server or the script's module code registered is theirs
    for given, standard in ((files.stdout, 1), (files.stderr, 2)):
        os.dup2(given, standard)
        os.close(given)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    for name, value in order.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    clock.set_process_name(order.node)


def say_born(files: BirthFiles) -> None:
    """Tell the supervisor the node's pid."""
    _say(files, {"event": "born", "pid": os.getpid()})


def say_unborn(files: BirthFiles, error: OSError) -> None:
    """Tell the supervisor that the system refused a process."""
    _say(files, {"event": "unborn", "text": f"fork: {error.strerror}"})


def _say(files: BirthFiles, event: dict[str, Any]) -> None:
    status = socket(AF_UNIX, SOCK_SEQPACKET, fileno=files.status)
    try:
        status.send(msgspec.msgpack.encode(event))
    finally:
        status.detach()


def give_threads(order: BirthOrder) -> bool:
    """Give the libraries of this forked process the node's threads; False when that takes a new process."""
    return set_blas_threads(order.threads)


def execute(files: BirthFiles, rerun: int | None) -> NoReturn:
    """Go on in a fresh interpreter, which loads its libraries under the node's own environment."""
    kept = [files.settings, files.status] + ([] if rerun is None else [rerun])
    for descriptor in kept:
        os.set_inheritable(descriptor, True)
    replace_process(f"from horus_runner.runtime.birth import resume; resume({', '.join(map(str, kept))})")


def replace_process(call: str) -> NoReturn:
    """Execute `call` in a fresh interpreter in place of this process."""
    atexit._run_exitfuncs()
    command = interpreter_command(call)
    os.execv(command[0], command)


def interpreter_command(call: str) -> list[str]:
    """The command of an interpreter like this one (same flags, same sys.path) that executes `call`."""
    import subprocess

    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [sys.executable, *flags, "-c", f"import sys; sys.path[:] = {sys.path!r}; {call}"]


def resume(settings: int, status: int, rerun: int | None = None) -> NoReturn:
    """The node's process after `execute`."""
    for descriptor in (settings, status):
        os.set_inheritable(descriptor, False)
    if rerun is None:
        live(settings, status, None)
    from horus_runner.runtime.rerun import be_node

    be_node(rerun, settings, status)


def live(settings_file: int, status_descriptor: int, node: Any) -> NoReturn:
    """Run the node and end the process with its exit code."""
    from horus_runner.node.worker import run_node

    code = 1
    try:
        settings = NodeSettings.decode(os.pread(settings_file, os.fstat(settings_file).st_size, 0))
        os.close(settings_file)
        _vary_random(settings)
        with socket(AF_UNIX, SOCK_SEQPACKET, fileno=status_descriptor) as status:
            code = run_node(settings, status, node)
    finally:
        report_error()
        leave(code)


def report_error() -> None:
    """Called in a `finally`: write the traceback of the exception that passes through, if any."""
    error = sys.exc_info()[1]
    if error is not None:
        traceback.print_exception(error)


def _vary_random(settings: NodeSettings) -> None:
    """Give NumPy's global generator its own sequence in each node: a fork copies its state. What a script seeded
    stays reproducible, since the new seed is drawn from the old state."""
    module = sys.modules.get("numpy.random")
    if module is not None:
        drawn = module.randint(0, 2**32, size=4, dtype="uint64")
        module.seed([int(word) for word in drawn] + [zlib.crc32(settings.plan.name.encode()), settings.incarnation])


def leave(code: int) -> NoReturn:
    """End without tearing the interpreter down (30 ms with NumPy, and native libraries crash in it), but run what
    the node registered for its exit and write out what its open files still hold."""
    atexit._run_exitfuncs()
    written = flush_open_files()
    os._exit(code if written else code or 1)


def flush_open_files() -> bool:
    """Write out every buffered file of this process; False when one of them cannot be written."""
    files: list[Any] = [sys.stdout, sys.stderr]
    if _writes_files():  # else the search is spared: it touches every object, 11 ms of copied pages after a fork
        gc.unfreeze()
        kinds = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
        files += [candidate for candidate in gc.get_objects() if type(candidate) in kinds]
    written = [_flush(file) for file in files]
    return all(written)


def _writes_files() -> bool:
    """Whether a descriptor beyond the standard streams is open for writing to a file or a pipe."""
    return any(_is_writable_file(int(number)) for number in os.listdir("/proc/self/fd") if int(number) > 2)  # noqa: PTH208


def _is_writable_file(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
        flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    except OSError:  # the descriptor of the listing itself
        return False
    return (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)) and flags & os.O_ACCMODE != os.O_RDONLY


def _flush(file: Any) -> bool:
    try:
        file.flush()
    except OSError:
        return False
    except ValueError:  # closed or detached
        return True
    return True
