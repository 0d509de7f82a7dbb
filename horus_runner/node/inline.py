"""All nodes of a graph in this one process and thread, in release order: for a debugger, a test, a notebook."""

from __future__ import annotations

import resource
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from horus_runner._core.clock import (
    install_stop_signal,
    monotonic_ns,
    reset_stop_signal,
    stop_signal,
    thread_cpu_ns,
)
from horus_runner._core.receiver import STOP, wait
from horus_runner.graph.plan import GraphPlan, NodePlan
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.node.api import Node
from horus_runner.node.loader import load_node
from horus_runner.node.runner import Runner, trace
from horus_runner.transport.names import default_namespace, new_run_id
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

    def __init__(self, name: str, critical: bool, run: _InlineRun) -> None:
        self._name = name
        self._critical = critical
        self._run = run

    def ready(self) -> None:
        pass

    def failed(self, where: str, error: BaseException) -> None:
        self._run.log(self._name, "error", trace(error).rstrip())
        if self._critical:
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
        """The first cause counts; a node's wish to stop gives way to a failure."""
        if not self.ended or not self.exit_code:
            self.ended, self.exit_code, self.node = True, exit_code, node
            self.cause = cause if exit_code else None


def _log_to_stderr(node: str, level: str, text: str) -> None:
    sys.stderr.write(f"{node}: {level}: {text}\n")


def run_inline(
    plan: GraphPlan, nodes: Sequence[Node | None], duration_s: float | None = None, log: LogLine = _log_to_stderr
) -> InlineEnd:
    """Run a graph here, in release order, ties by `order`. `nodes` has the Node of each plan, None for one to load.

    Ends after `duration_s` seconds, when a node asks for it, fails or stops the graph, when all nodes have ended, or on
    SIGTERM. Ctrl-C raises KeyboardInterrupt, after every shutdown hook has run. An exception in a tick follows the
    node's failure policy; there is no process to restart here, so ``restart`` is ``fatal``. A node that is not critical
    ends alone.
    """
    run_id = new_run_id()
    of_script = all(node.run is None for node in plan.nodes)
    namespace = default_namespace() if of_script else f"{plan.name}-{run_id}"
    aliases = [default_namespace()] if any(topic.external for topic in plan.topics.values()) else []
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
            told = _Told(node_plan.name, node_plan.critical, run)
            runner = _open(node, node_plan, plan, participant, index, told)
            if runner is not None:
                runners.append(runner)
            if run.ended:
                return
        t0 = monotonic_ns()
        segment.go(t0)
        for runner in runners:
            runner.start(t0, resumed=False)
        until_ns = None if duration_s is None else t0 + round(duration_s * 1e9)
        _Loop(runners, participant, run, until_ns).go()
    finally:
        for runner in runners:
            _close(runner)


def _open(
    node: Node | None, node_plan: NodePlan, plan: GraphPlan, participant: Participant, index: int, told: _Told
) -> Runner | None:
    """A node's runner, its init done; one that failed in it is `stopping`. None when the node could not be loaded."""
    if node is None:
        try:
            node = load_node(node_plan)
        except (Exception, SystemExit) as error:  # noqa: BLE001  importing the user's file can raise anything
            participant.segment.record(index).set_state("failed")
            told.failed("load", error)
            return None
    runner = Runner(node, node_plan, plan.topics, participant, index, told)
    runner.open()
    return runner


def _close(runner: Runner) -> None:
    runner.close()
    runner.record.set_state("failed" if runner.exit_code == 1 else "ended")
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    runner.record.add_ended(runner.cpu_ns, peak_bytes)


class _Loop:
    """Ticks whoever is due first, and sleeps until then, or until a message comes for an event-driven node."""

    def __init__(self, runners: list[Runner], participant: Participant, run: _InlineRun, until_ns: int | None) -> None:
        self._runners = runners
        self._doorbell = participant.doorbell
        self._run = run
        self._until_ns = until_ns

    def go(self) -> None:
        """Until the run is ended, its time is over, no node is left, or SIGTERM."""
        while not self._run.ended and not self._is_over():
            running = [runner for runner in self._runners if not runner.stopping]
            first = min(((*_turn(r), i) for i, r in enumerate(running) if _has_turn(r)), default=None)
            if not running or not self._sleep(running, first[0] if first else None):
                return
            if first is not None and first[0] <= monotonic_ns() and not self._is_over():
                self._tick(running[first[2]], first[0])

    def _is_over(self) -> bool:
        return bool(stop_signal()) or (self._until_ns is not None and monotonic_ns() >= self._until_ns)

    def _tick(self, runner: Runner, due_ns: int) -> None:
        before = thread_cpu_ns()
        runner.tick(due_ns)
        runner.cpu_ns += thread_cpu_ns() - before

    def _sleep(self, running: list[Runner], due_ns: int | None) -> bool:
        """Until something is due or comes; False on SIGTERM."""
        looks = [runner.look_ns for runner in running if runner.look_ns >= 0]
        times = [time for time in (due_ns, self._until_ns, *looks) if time is not None]
        if due_ns is None or due_ns > monotonic_ns():
            triggers = tuple(r.trigger for r in running if r.trigger is not None and not r.trigger.has_news())
            if wait(self._doorbell, triggers, min(times, default=-1)) == STOP:
                return False
        for runner in running:
            if 0 <= runner.look_ns <= monotonic_ns():
                runner.look_for_publishers()
        return True


def _has_turn(runner: Runner) -> bool:
    return runner.trigger is None or runner.trigger.has_news()


def _turn(runner: Runner) -> tuple[int, int]:
    return runner.due_ns(), runner.plan.order
