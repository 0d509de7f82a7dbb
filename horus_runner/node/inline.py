"""All nodes of a graph in this one process and thread, in release order: for a debugger, a test, a notebook."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from horus_runner._core.channel import STOP, wait
from horus_runner._core.clock import install_stop_signal, monotonic_ns, reset_stop_signal, stop_signal
from horus_runner.graph.plan import GraphPlan
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.node.api import Node
from horus_runner.node.loader import load_node
from horus_runner.node.runner import Runner, trace
from horus_runner.transport.names import DEFAULT_NAMESPACE, new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment

LogLine = Callable[[str, str, str], None]


@dataclass(slots=True)
class InlineEnd:
    """How an inline run ended: its exit code, who caused that and how, and the last snapshot."""

    exit_code: int
    node: str | None
    cause: str | None
    snapshot: Snapshot


class _Told:
    """A Listener that notes the first cause and passes lines on."""

    def __init__(self, name: str, run: _InlineRun) -> None:
        self._name = name
        self._run = run

    def ready(self) -> None:
        pass

    def failed(self, where: str, error: BaseException) -> None:
        self._run.log(self._name, "error", trace(error).rstrip())
        self._run.end(1, self._name, f"failed in {where}: {type(error).__name__}: {error}")

    def stop(self, why: str, text: str) -> None:
        self._run.end(3 if why == "policy" else 0, self._name, text)

    def log(self, level: str, text: str) -> None:
        self._run.log(self._name, level, str(text))


class _InlineRun:
    def __init__(self, log: LogLine) -> None:
        self.log = log
        self.ended = False
        self.exit_code = 0
        self.node: str | None = None
        self.cause: str | None = None

    def end(self, exit_code: int, node: str | None, cause: str | None) -> None:
        if not self.ended:
            self.ended, self.exit_code, self.node = True, exit_code, node
            self.cause = cause if exit_code else None


def _log_to_stderr(node: str, level: str, text: str) -> None:
    sys.stderr.write(f"{node}: {level}: {text}\n")


def run_inline(
    plan: GraphPlan, nodes: Sequence[Node | None], duration_s: float | None = None, log: LogLine = _log_to_stderr
) -> InlineEnd:
    """Run a graph here, in release order, ties by `order`. `nodes` has the Node of each plan, None for one to load.

    Ends after `duration_s` seconds, when a node asks for it, fails or stops the graph, or on SIGTERM. Ctrl-C raises
    KeyboardInterrupt in the node that runs, after every shutdown hook has run. An exception in a tick follows the
    node's failure policy; `restart` has no meaning here and ends the run.
    """
    namespace = f"{plan.name}-{(run_id := new_run_id())}"
    aliases = [DEFAULT_NAMESPACE] if any(topic.external for topic in plan.topics.values()) else []
    names = [node.name for node in plan.nodes]
    segment = ProcessSegment.create(namespace, run_id, names, plan.name, aliases)
    run = _InlineRun(log)
    reader = RunReader(namespace, run_id)
    in_main = threading.current_thread() is threading.main_thread()
    previous = signal.getsignal(signal.SIGTERM) if in_main else None
    participant = Participant(segment, 0)
    try:
        if in_main:
            install_stop_signal(signal.SIGTERM, participant.doorbell)
        _run_all(plan, nodes, segment, participant, run, duration_s)
        if stop_signal() and in_main:
            run.end(143, None, "ended by SIGTERM")
        snapshot = reader.final()
    finally:
        if in_main:
            reset_stop_signal()
            signal.signal(signal.SIGTERM, previous or signal.SIG_DFL)
        reader.close()
        segment.close()
        unlink_run(run_id)
    return InlineEnd(run.exit_code, run.node, run.cause, snapshot)


def _run_all(
    plan: GraphPlan,
    nodes: Sequence[Node | None],
    segment: ProcessSegment,
    participant: Participant,
    run: _InlineRun,
    duration_s: float | None,
) -> None:
    runners: list[Runner] = []
    try:
        for index, (node_plan, node) in enumerate(zip(plan.nodes, nodes, strict=True)):
            told = _Told(node_plan.name, run)
            if node is None:
                try:
                    node = load_node(node_plan)
                except Exception as error:  # noqa: BLE001  importing the user's file can raise anything
                    told.failed("load", error)
                    return
            runner = Runner(node, node_plan, plan.topics, participant, index, told)
            runners.append(runner)
            if not runner.open():
                return
        t0 = monotonic_ns()
        segment.go(t0)
        for runner in runners:
            runner.start(t0, resumed=False)
        until_ns = None if duration_s is None else t0 + round(duration_s * 1e9)
        _step_until_ended(runners, participant, run, until_ns)
    finally:
        for runner in runners:
            runner.close()


def _step_until_ended(runners: list[Runner], participant: Participant, run: _InlineRun, until_ns: int | None) -> None:
    """Tick whoever is due first; sleep until then, or until a message comes for an event-driven node."""
    unread: dict[int, int] = {}  # position -> what was published when its last tick left its message unread
    while not run.ended:
        due: list[tuple[int, int, int, Runner]] = []
        for position, runner in enumerate(runners):
            trigger = runner.trigger
            if trigger is None or (unread.get(position) != trigger.published and trigger.has_message()):
                due.append((runner.due_ns(), runner.plan.order, position, runner))
        first = min(due)[:3] if due else None
        until = min([ns for ns in (first[0] if first else None, until_ns) if ns is not None], default=-1)
        if first is None or first[0] > monotonic_ns():
            triggers = [r.trigger for position, r in enumerate(runners) if position not in unread]
            if wait(participant.doorbell, tuple(t for t in triggers if t is not None), until) == STOP:
                return
            if until_ns is not None and monotonic_ns() >= until_ns:
                return
            continue
        runner = runners[first[2]]
        trigger = runner.trigger
        received = 0 if trigger is None else trigger.received
        runner.tick(first[0])
        if trigger is not None:
            unread.pop(first[2], None)
            if trigger.received == received:
                unread[first[2]] = trigger.published
