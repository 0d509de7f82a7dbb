"""Runs a graph: owns its processes and segments, and does what the lifecycle decides. One thread, one loop.

    waiting for the fork server ── serving ──> running ── Finish ──> emptying (leftovers of groups) ──> cleaning up

What can die, and who acts:
- a node: its pidfd says so; its rows are retired, its neighbours woken, its group ended; the lifecycle decides;
- the fork server: end of file here; it is replaced and told what to clean up; nodes that it had not borne yet are
  ordered again;
- this process: the kernel sends SIGTERM to the nodes, the fork server ends what is left and removes the segments;
- both at once: the nodes get their SIGTERM; the segments are removed by the next `horus` command.
The segments are made after the fork server says that it serves, so they never exist without a janitor.
"""

from __future__ import annotations

import selectors
import signal
import time
from functools import partial
from typing import Any, Final

from horus_runner._core.clock import set_child_subreaper
from horus_runner.graph.plan import GraphPlan
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.runtime import events, registry
from horus_runner.runtime.board import Board, empty_snapshot
from horus_runner.runtime.children import Child
from horus_runner.runtime.commands import Commands
from horus_runner.runtime.control import ControlSocket
from horus_runner.runtime.crew import Crew
from horus_runner.runtime.forkserver import ForkServer
from horus_runner.runtime.lifecycle import Lifecycle
from horus_runner.runtime.observer import LogLine, Observer, Run
from horus_runner.runtime.report import Report
from horus_runner.runtime.signals import SignalInbox

_HOUSEKEEPING_NS: Final = 1_000_000_000
_MOST_SERVERS: Final = 5


def supervise(
    plan: GraphPlan,
    *,
    duration_s: float | None = None,
    observer: Observer | None = None,
    server: ForkServer | None = None,
    namespace: str | None = None,
) -> Report:
    """Run a graph to its end.

    `duration_s` counts from the first tick. `server` is a fork server that was started early; it ends with the run.
    `namespace` is where the topics live, by default one of the run's own.
    Failures of nodes are in the report; SharedMemoryFullError when not even the run's own segment finds room.
    """
    with SignalInbox() as inbox:
        supervisor = Supervisor(plan, duration_s, observer, server or ForkServer.start(), inbox, namespace)
        set_child_subreaper(True)
        try:
            supervisor.loop()
        finally:
            report = supervisor.clean_up()
            set_child_subreaper(False)
        if observer is not None:
            observer.finished(report)
        return report


class Supervisor:
    """One run. `loop` goes on until it is over; `clean_up` is to be called however that ends."""

    def __init__(
        self,
        plan: GraphPlan,
        duration_s: float | None,
        observer: Observer | None,
        server: ForkServer,
        inbox: SignalInbox,
        namespace: str | None,
    ) -> None:
        self._plan = plan
        self._observer = observer
        self._server = server
        self._inbox = inbox
        self._run_id = server.run_id
        self._namespace = namespace or f"{plan.name}-{server.run_id}"
        self._lifecycle = Lifecycle(plan, None if duration_s is None else round(duration_s * 1e9))
        self._selector = selectors.DefaultSelector()
        self._crew = Crew(plan, self._namespace, server, self._selector, self)
        self._used: dict[str, tuple[int, int]] = {}
        self._board: Board | None = None
        self._control: ControlSocket | None = None
        self._commands = Commands(plan, self._feed)
        self._servers = 1
        self._outcome = events.Finish(1, "the supervisor failed")
        self._refresh_ns = self._housekeeping_ns = time.monotonic_ns()
        self._started_ns = self._ended_ns = self._refresh_ns
        self._steps: dict[type, Any] = {
            events.Spawn: self._spawn,
            events.Go: self._go,
            events.SignalGroup: self._signal_group,
            events.Retire: self._retire,
            events.SetState: self._set_state,
            events.CountRestart: self._count_restart,
            events.Note: self._note,
            events.Finish: self._finish,
        }
        self._watch(inbox, self._on_signals)
        self._watch(server, self._on_server)
        registry.sweep()

    # -- the loop ------------------------------------------------------------------------------------------

    def loop(self) -> None:
        while not self._lifecycle.finished or self._crew.has_leftovers:
            for key, _ in self._selector.select(self._patience_s()):
                if self._selector.get_map().get(key.fd) is key:  # not closed by a callback before
                    key.data()
            self._pass_time(time.monotonic_ns())

    def _watch(self, what: Any, call: Any) -> None:
        self._selector.register(what, selectors.EVENT_READ, call)

    def _patience_s(self) -> float:
        """How long the loop may sleep."""
        now = time.monotonic_ns()
        due = [self._housekeeping_ns]
        if self._lifecycle.due_ns is not None:
            due.append(self._lifecycle.due_ns)
        if self._crew.due_in_ns is not None:
            due.append(now + self._crew.due_in_ns)
        if self._observer is not None and self._board is not None:
            due.append(self._refresh_ns)
        return max(0, min(due) - now) / 1e9

    def _pass_time(self, now_ns: int) -> None:
        due = self._lifecycle.due_ns
        if due is not None and now_ns >= due:
            self._feed(events.TimePassed())
        self._crew.look(now_ns)
        if now_ns >= self._housekeeping_ns:
            self._housekeeping_ns = now_ns + _HOUSEKEEPING_NS
            self._crew.reap_orphans()
        if self._observer is not None and self._board is not None and now_ns >= self._refresh_ns:
            self._refresh_ns = now_ns + round(self._observer.interval_s * 1e9)
            self._observer.refresh(self._board.snapshot())

    def _feed(self, event: events.Event) -> None:
        """Tell the lifecycle what happened, and do what it says."""
        for step in self._lifecycle.handle(event, time.monotonic_ns()):
            self._steps[type(step)](step)

    # -- what happens ---------------------------------------------------------------------------------------

    def _on_signals(self) -> None:
        for signum in self._inbox.read():
            if signum == signal.SIGTSTP:
                self._say("warning", "Ctrl-Z does not suspend a running graph: its nodes would go on. Ctrl-C ends it.")
            else:
                self._feed(events.Signalled(signum))

    def _on_server(self) -> None:
        said = self._server.events()
        if said is None:
            self._replace_server()
            return
        for event in said:
            if event["event"] == "serving" and self._board is None:
                self._start()
            elif event["event"] == "failed":
                self._show_failed_rerun(event["traceback"])
                self._servers = _MOST_SERVERS  # another one would fail the same way
                self._feed(events.ServerFailed(event["text"]))

    def _replace_server(self) -> None:
        self._selector.unregister(self._server)
        self._servers += 1
        if self._servers > _MOST_SERVERS or self._lifecycle.finished:
            self._feed(events.ServerFailed("the fork server died again and again"))
            return
        self._say("warning", "the fork server died and is replaced; running nodes go on")
        self._server.replace()
        self._watch(self._server, self._on_server)

    def _show_failed_rerun(self, trace: str) -> None:
        """What the second run of a script printed is of interest only now."""
        text = self._server.output().decode(errors="replace") + trace
        for line in text.splitlines():
            self._say("stderr", line)

    def _start(self) -> None:
        """The fork server serves: make the run's segments and begin."""
        self._board = Board(self._plan, self._run_id, self._namespace)
        self._control = ControlSocket(registry.control_path(self._run_id), self._selector, self._commands.carry_out)
        if self._observer is not None:
            names = tuple(node.name for node in self._plan.nodes)
            stop = partial(self._feed, events.StopAsked())
            self._observer.started(Run(self._plan.name, self._run_id, self._namespace, names, stop))
        self._feed(events.Started())

    # -- what a child tells (children.Hearer) ------------------------------------------------------------------

    def on_status(self, child: Child, event: dict[str, Any]) -> None:
        kind, name = event["event"], child.name
        if kind == "born":
            self._on_born(child, event["pid"])
        elif kind == "unborn":
            self._feed(events.ServerFailed(event["text"]))
        elif kind == "ready":
            self._feed(events.Ready(name))
        elif kind == "failed":
            for line in event.get("traceback", "").splitlines():
                self.on_line(LogLine(name, "stderr", line, time.monotonic_ns()))
            self._feed(events.Failed(name, event["where"], _error_text(event)))
        elif kind == "stop":
            self._feed(events.NodeStops(name, event["why"] == "policy", event["text"]))
        elif kind == "log":
            self.on_line(LogLine(name, event["level"], event["text"], event["time_ns"]))

    def _on_born(self, child: Child, pid: int) -> None:
        if self._board is not None:
            self._board.born(child.name, pid)
        self._crew.charge_server()
        self._feed(events.Born(child.name))

    def on_lost(self, child: Child) -> None:
        self._feed(events.Lost(child.name))

    def on_exit(self, child: Child, status: int, cpu_ns: int, peak_bytes: int) -> None:
        self._crew.exited(child)
        self._used[child.name] = cpu_ns, peak_bytes
        self._feed(events.Exited(child.name, status))

    def on_line(self, line: LogLine) -> None:
        if self._observer is not None and self._commands.shows(line.level):
            self._observer.log(line)

    def _say(self, level: str, text: str) -> None:
        self.on_line(LogLine(None, level, text, time.monotonic_ns()))

    # -- what the lifecycle says ------------------------------------------------------------------------------

    def _spawn(self, step: events.Spawn) -> None:
        self._crew.spawn(step.node, step.incarnation)

    def _go(self, step: events.Go) -> None:
        if self._board is not None:
            self._board.go()
            self._started_ns = time.monotonic_ns()

    def _signal_group(self, step: events.SignalGroup) -> None:
        self._crew.signal_group(step.node, step.signum)

    def _retire(self, step: events.Retire) -> None:
        if self._board is not None:
            self._board.retire(step.node, *self._used[step.node])

    def _set_state(self, step: events.SetState) -> None:
        if self._board is not None:
            self._board.set_state(step.node, step.state)

    def _count_restart(self, step: events.CountRestart) -> None:
        if self._board is not None:
            self._board.restarted(step.node)

    def _note(self, step: events.Note) -> None:
        self._say(step.level, step.text)

    def _finish(self, step: events.Finish) -> None:
        self._outcome = step
        self._ended_ns = time.monotonic_ns()

    # -- the end -----------------------------------------------------------------------------------------------

    def clean_up(self) -> Report:
        """End every process, remove every segment, let the fork server go."""
        try:
            self._crew.end_all()
            if self._control is not None:
                self._control.close()
            last = empty_snapshot(self._plan, self._run_id) if self._board is None else self._board.close()
            registry.sweep()
        finally:
            self._server.quit()
            self._selector.close()
        return self._report(last)

    def _report(self, last: Snapshot) -> Report:
        code, cause = self._outcome.exit_code, self._outcome.cause
        failed = self._lifecycle.cause.node if self._lifecycle.cause is not None else None
        off = next(((topic, edge) for topic in last.topics for edge in topic.edges if not edge.balanced), None)
        if code == 0 and off is not None:
            code, failed = 1, off[1].subscriber
            cause = f"the ledger of '{off[0].name}' from '{off[1].publisher}' to '{off[1].subscriber}' does not balance"
        duration_s = (self._ended_ns - self._started_ns) / 1e9
        return Report(self._plan.name, duration_s, code, cause, last, failed)


def _error_text(event: dict[str, Any]) -> str:
    kind, text = event.get("type"), event.get("text")
    return f"{kind}: {text}" if kind and text else str(kind or text)
