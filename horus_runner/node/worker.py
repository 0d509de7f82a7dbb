"""The life of a node in its own process: open, init, wait for the others, tick until told to stop, shut down."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import socket
import sys

import msgspec

from horus_runner._core.clock import (
    install_stop_signal,
    monotonic_ns,
    set_process_name,
    set_timer_slack,
)
from horus_runner._core.receiver import STOP, TIMEOUT, wait
from horus_runner.graph.plan import NodeSettings
from horus_runner.node.api import Node
from horus_runner.node.loader import load_node
from horus_runner.node.runner import Runner, trace
from horus_runner.transport.participant import Participant
from horus_runner.transport.segment import ProcessSegment

_GO_POLL_NS = 10_000_000


class StatusSocket:
    """Tells the supervisor: one MessagePack map a datagram. A supervisor that is gone is nobody's concern here."""

    def __init__(self, status: socket.socket) -> None:
        self._socket = status

    def _send(self, **event: object) -> None:
        try:
            self._socket.send(msgspec.msgpack.encode(event))
        except (BrokenPipeError, ConnectionResetError, ConnectionRefusedError):
            sys.stderr.write(f"{event}\n")
        except UnicodeEncodeError:  # a file name that is no text, say
            self._send(**{key: _as_text(value) for key, value in event.items()})
        except OSError:  # larger than a datagram: the traceback goes, the fact stays
            event = {key: str(value)[:8192] for key, value in event.items()}
            self._socket.send(msgspec.msgpack.encode(event))

    def ready(self) -> None:
        self._send(event="ready")

    def failed(self, where: str, error: BaseException) -> None:
        self._send(event="failed", where=where, type=type(error).__name__, text=str(error), traceback=trace(error))

    def stop(self, why: str, text: str) -> None:
        self._send(event="stop", why=why, text=text)

    def log(self, level: str, text: str) -> None:
        self._send(event="log", level=level, text=str(text), time_ns=monotonic_ns())


def run_node(settings: NodeSettings, status: socket.socket, node: Node | None) -> int:
    """Run one node to its end; returns the process's exit code: 0 done or told to stop, 1 failed, 3 `on_miss: stop`.

    `node` is None for a node of a graph file, which is loaded here. SIGTERM ends it after the tick that runs.
    """
    plan = settings.plan
    segment = ProcessSegment.open(settings.namespace, settings.run_id)
    participant = Participant(segment, settings.index)
    install_stop_signal(signal.SIGTERM, participant.doorbell)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    set_process_name(plan.name)
    set_timer_slack(1)
    if plan.compute:
        _yield_to_timed_nodes()
    listener = StatusSocket(status)
    if node is None:
        try:
            node = load_node(plan)
        except (Exception, SystemExit) as error:  # noqa: BLE001  importing the user's file can raise anything
            listener.failed("load", error)
            return 1
    runner = Runner(node, plan, settings.topics, participant, settings.index, listener)
    try:
        if runner.open():
            gc.collect()
            gc.freeze()
            t0 = _wait_for_go(segment, participant)
            runner.start(t0, resumed=settings.incarnation > 0)
            _tick_until_stopped(runner, participant)
    finally:
        runner.close()
    return runner.exit_code


def _as_text(value: object) -> object:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _yield_to_timed_nodes() -> None:
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    os.nice(19)


def _wait_for_go(segment: ProcessSegment, participant: Participant) -> int:
    """Wait until the supervisor lets the nodes tick: when each is initialised, so that the first message of each finds
    its subscribers. Returns t0 of the grids."""
    while not segment.go_ns:  # a bell rung between this look and the sleep is missed: look again soon
        if wait(participant.doorbell, (), monotonic_ns() + _GO_POLL_NS, True) == STOP:
            break
    return segment.go_ns or monotonic_ns()


def _tick_until_stopped(runner: Runner, participant: Participant) -> None:
    doorbell, trigger = participant.doorbell, runner.trigger
    triggers = () if trigger is None else (trigger,)
    while not runner.stopping:
        woken = wait(doorbell, triggers, runner.look_ns) if triggers else None
        if woken == STOP:
            return
        if woken == TIMEOUT:
            runner.look_for_publishers()
            continue
        due_ns = runner.due_ns()
        if wait(doorbell, (), due_ns) == STOP:
            return
        runner.tick(due_ns)
