"""The fork server's process: it gives birth to nodes while the supervisor lives, and cleans up when that is dead.

    importing ──> serving ── Quit ──> exit (the supervisor has cleaned up)
                     │
                     └── end of file, or the supervisor's pidfd ──> SIGTERM to every relative, SIGKILL after the
                                                                    grace period, segments unlinked, exit

It has a session of its own and ignores the terminal's signals and SIGTERM, so that it outlives the supervisor however
that ends. It keeps no descriptor of a node, and a node keeps none of its: each end of file tells the truth. When it
dies itself, the supervisor replaces it; running nodes do not notice.
"""

from __future__ import annotations

import gc
import os
import select
import signal
from collections.abc import Sequence
from contextlib import suppress
from socket import AF_UNIX, MSG_CMSG_CLOEXEC, MSG_DONTWAIT, SOCK_SEQPACKET, recv_fds, socket
from typing import Any, NoReturn

import msgspec

from horus_runner._core import clock
from horus_runner.graph.plan import GRACE_NS
from horus_runner.runtime import birth
from horus_runner.runtime.birth import BirthFiles
from horus_runner.runtime.processes import JANITOR_NAME, TOKEN_VARIABLE, end_relatives, run_of
from horus_runner.runtime.requests import DATAGRAM_BYTES, BirthOrder, Charge, Quit, decode


class Janitor:
    """The loop of the fork server.

    `nodes` are the objects that a script gave to `horus.run`, empty for a graph file; `rerun` is the descriptor of
    the script's description when nodes can only be had by running it again, each for itself.
    """

    def __init__(self, requests: socket, supervisor: int, nodes: Sequence[Any] = (), rerun: int | None = None) -> None:
        self._requests = requests
        self._nodes = nodes
        self._rerun = rerun
        self._groups: list[int] = []
        self._supervisor = _watch(supervisor)

    def serve(self) -> NoReturn:
        """Take requests until the supervisor quits or dies."""
        clock.set_process_name(JANITOR_NAME)
        with suppress(BrokenPipeError, ConnectionResetError):  # dead already: the loop sees it
            self._requests.send(msgspec.msgpack.encode({"event": "serving"}))
        poll = select.poll()
        poll.register(self._requests, select.POLLIN)
        if self._supervisor is not None:
            poll.register(self._supervisor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._supervisor in ready or not self._take_request(bear=True):
                self._clean_up()

    def _take_request(self, *, bear: bool) -> bool:
        """Carry out the next request; False when there is none because the supervisor has closed its end."""
        flags = MSG_CMSG_CLOEXEC | (0 if bear else MSG_DONTWAIT)
        try:
            datagram, descriptors, _, _ = recv_fds(self._requests, DATAGRAM_BYTES, 8, flags)
        except ConnectionResetError:  # it died without reading all; what it said before is still to be had
            return self._take_request(bear=False)
        except BlockingIOError:
            return False
        if not datagram:
            return False
        request = decode(datagram)
        if isinstance(request, BirthOrder):
            self._bear(request, BirthFiles(*descriptors), bear)
        elif isinstance(request, Charge):
            self._groups = request.groups
        elif isinstance(request, Quit):
            birth.leave(0)
        return True

    def _bear(self, order: BirthOrder, files: BirthFiles, supervised: bool) -> None:
        if not supervised:
            files.close()
            return
        try:
            middle = os.fork()
            if middle == 0:
                self._bear_in_middle(order, files)
            os.waitpid(middle, 0)
        except OSError as error:
            birth.say_unborn(files, error)
        files.close()

    def _bear_in_middle(self, order: BirthOrder, files: BirthFiles) -> NoReturn:
        try:
            if os.fork() == 0:
                self._be_node(order, files)
        except OSError as error:
            birth.say_unborn(files, error)
        os._exit(0)

    def _be_node(self, order: BirthOrder, files: BirthFiles) -> NoReturn:
        try:
            birth.set_up(order, files)
            birth.adopt(order)
            self._requests.close()
            if self._supervisor is not None:
                os.close(self._supervisor)
            birth.say_born(files)
            if order.by_exec or self._rerun is not None or not birth.give_threads(order):
                birth.execute(files, self._rerun)
            birth.live(files.settings, files.status, self._nodes[order.index] if self._nodes else None)
        finally:
            birth.report_error()
            os._exit(1)

    def _clean_up(self) -> NoReturn:
        """The supervisor is dead, unless it quit with its last words: end what is left of its run."""
        from horus_runner.runtime.registry import forget, sweep
        from horus_runner.transport.runs import unlink_run

        while self._take_request(bear=False):
            pass
        token = os.environ[TOKEN_VARIABLE]
        run_id = run_of(token)
        end_relatives(token, self._groups, grace_s=GRACE_NS / 1e9, reap=_reap)
        unlink_run(run_id)
        forget(run_id)
        sweep()
        birth.leave(0)


def _watch(supervisor: int) -> int | None:
    """A descriptor that becomes readable when the supervisor ends, however many copies of the socket's other end are
    still around in its children; None when it has ended already."""
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(supervisor)
        if os.getppid() == supervisor:
            return descriptor
        os.close(descriptor)
    return None


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def ignore_terminal() -> None:
    """Survive whatever the terminal or a service manager sends to all processes at once."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
        signal.signal(signum, signal.SIG_IGN)


def main(requests: int, supervisor: int, rerun: int | None = None) -> NoReturn:
    """The fork server of a graph file, or of a script whose nodes each need a re-run of their own."""
    ignore_terminal()
    if rerun is None:
        os.closerange(requests + 1, os.sysconf("SC_OPEN_MAX"))  # what the shell left open is not for nodes
    gc.disable()
    if rerun is None:
        import horus_runner.node.worker
    import horus_runner.transport.runs  # noqa: F401

    gc.collect()
    gc.freeze()
    gc.enable()
    os.set_inheritable(requests, False)
    Janitor(socket(AF_UNIX, SOCK_SEQPACKET, fileno=requests), supervisor, rerun=rerun).serve()
