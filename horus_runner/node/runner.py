"""One node, run: its hooks, its ticks, what they are counted as and what follows from them.

A Runner does not wait; whoever drives it (a process of its own, or the inline loop) does, and calls `tick` when
`due_ns` has come.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, Protocol

from horus_runner._core.clock import monotonic_ns
from horus_runner._core.meter import MISS, OVERRUN
from horus_runner._core.receiver import Receiver
from horus_runner.errors import did_you_mean
from horus_runner.graph.plan import NodePlan, TopicPlan
from horus_runner.node.api import Node
from horus_runner.node.complaints import Complaints
from horus_runner.node.coroutines import Awaiter
from horus_runner.node.policy import Grid, MissJudge, Pacer
from horus_runner.node.ports import Ports
from horus_runner.transport.participant import Participant

LONELY_NS = 2_000_000_000
"""After so long without a publisher, a script's node says which of its topics nobody publishes."""


class Listener(Protocol):
    """Who is told what happens in a node."""

    def ready(self) -> None:
        """The node is initialised."""

    def failed(self, where: str, error: BaseException) -> None:
        """`where` (load, init, tick or shutdown) raised."""

    def stop(self, why: str, text: str) -> None:
        """The graph is to stop: by `request` or by `policy`."""

    def log(self, level: str, text: str) -> None:
        """A line for the log."""


class Runner:
    """A node between its init and its shutdown. `state` of its record follows it.

    `look_ns` is when to call `look_for_publishers` if no tick does it before, -1 for never. `cpu_ns` is kept by whoever
    runs several nodes in one thread.
    """

    def __init__(
        self,
        node: Node,
        plan: NodePlan,
        topics: dict[str, TopicPlan],
        participant: Participant,
        index: int,
        listener: Listener,
    ) -> None:
        self.node = node
        self.plan = plan
        self.record = participant.segment.record(index)
        self.record.describe(
            plan.name, plan.on, plan.period_ns or 0, plan.budget_ns or 0, plan.effective_deadline_ns or 0
        )
        self.exit_code = 0
        self.stopping = False
        self._listener = listener
        self._ports = Ports(plan, topics, participant, listener.log, self._request_stop)
        self._judge = MissJudge(plan.on_miss)
        self._misses = Complaints("ticks missed")
        self._errors = Complaints("ticks were given up")
        self._awaiter = Awaiter()
        self._pacer: Pacer | None = None
        self._last_release_ns = 0
        self.look_ns = -1
        self.cpu_ns = 0
        self.trigger: Receiver | None = None

    # ---- life

    def open(self) -> bool:
        """Open the ports and run the init hook; False when that failed."""
        self.record.set_state("init")
        self.node._ports = self._ports
        if not self._call("init", self._open_ports) or not self._call("init", self.node.init):
            return False
        self.record.set_state("running")
        self._listener.ready()
        return True

    def start(self, t0_ns: int, *, resumed: bool) -> None:
        """Lay the grid at `t0_ns`; a restarted node takes it up at the next release from now."""
        if self.plan.run is None:  # in a graph file the topic would have been an error, or is declared external
            self.look_ns = max(t0_ns, monotonic_ns()) + LONELY_NS
        if self.plan.on is None and self.plan.rate_hz is not None:
            self._pacer = Pacer(Grid(t0_ns, self.plan.rate_hz), self.plan.on_miss)
            if resumed:
                self._pacer.resume(monotonic_ns())

    def close(self) -> None:
        """Run the shutdown hook and give the ports back."""
        self.record.set_state("stopping")
        self._call("shutdown", self.node.shutdown)
        self._call("shutdown", self._awaiter.close)
        self._ports.close()
        self.node._ports = None

    def _open_ports(self) -> None:
        self._ports.open_declared()
        if self.plan.on is not None:
            self.trigger = self._ports.receiver(self.plan.on)

    def _call(self, where: str, hook: Callable[[], Any]) -> bool:
        """Run a hook; False when it raised, which ends this node. `sys.exit(0)` in it is no failure."""
        try:
            self._awaiter.finish(hook())
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the user's hook raises
            self._fail(where, error)
            return False
        return True

    def look_for_publishers(self) -> None:
        """Warn of every topic read here that nobody publishes."""
        self.look_ns = -1
        for topic in self._ports.unpublished():
            hint = did_you_mean(topic, self._ports.published())
            self._listener.log("warning", f"nobody publishes '{topic}' {LONELY_NS // 10**9} s after the start.{hint}")

    # ---- time

    def due_ns(self) -> int:
        """When the next tick is due. For an `on:` node with a message: its send time, or 1/rate after the last one."""
        if self._pacer is not None:
            return self._pacer.release_ns()
        assert self.trigger is not None
        sent = self.trigger.waiting_send_ns or monotonic_ns()
        if not self.plan.period_ns or not self._last_release_ns:
            return sent
        return max(sent, self._last_release_ns + self.plan.period_ns)

    def tick(self, due_ns: int) -> None:
        """Run the tick that was due at `due_ns`, count it and do what follows from it."""
        pacer = self._pacer
        if pacer is not None:
            skipped = pacer.woken(monotonic_ns())
            if skipped:
                self.record.add_skipped(skipped)
                due_ns = pacer.release_ns()
        self._last_release_ns = due_ns
        self._ports.causality.begin()
        trigger = self.trigger
        received, published = (0, 0) if trigger is None else (trigger.received, trigger.published)
        failed: BaseException | None = None
        start_ns = self.record.begin(due_ns)
        try:
            result = self.node.tick()
            if result is not None:
                self._awaiter.finish(result)
        except (Exception, SystemExit) as error:  # noqa: BLE001  whatever the user's tick raises
            failed = error
        flags = self.record.end(due_ns, start_ns)
        if trigger is not None and trigger.received == received:
            trigger.leave_unread(published)
        if failed is not None:
            self._tick_raised(failed)
        if pacer is not None:
            passed = pacer.ticked(self.record.last_end_ns)
            if passed:
                self.record.add_skipped(passed)
        if (flags & (OVERRUN | MISS) or self._judge.in_safe_state) and not self.exit_code:
            self._after_tick(flags, due_ns, start_ns)
        if 0 <= self.look_ns <= self.record.last_end_ns:
            self.look_for_publishers()

    def _after_tick(self, flags: int, due_ns: int, start_ns: int) -> None:
        text = self._describe_miss(flags, due_ns, start_ns) if flags & (OVERRUN | MISS) else ""
        verdict = self._judge.judge(bool(text))
        if verdict.stop:
            self.exit_code = 3
            self._stop("policy", text)
        elif verdict.enter_safe_state:
            self.record.set_state("safe")
            self._listener.log("warning", f"{text}; entering safe state")
            self._call("enter_safe_state", self.node.enter_safe_state)
        elif verdict.leave_safe_state:
            self.record.set_state("running")
            self._listener.log("info", "on time again; leaving safe state")

    def _describe_miss(self, flags: int, due_ns: int, start_ns: int) -> str:
        end_ns = self.record.last_end_ns
        if flags & OVERRUN and self.plan.budget_ns:
            took, limit, what = end_ns - start_ns, self.plan.budget_ns, "budget"
        else:
            took, limit, what = end_ns - due_ns, self.plan.effective_deadline_ns or 0, "deadline"
        text = f"took {took / 1e6:.1f} ms of a {what} of {limit / 1e6:.1f} ms"
        line = self._misses.note(text, took - limit, end_ns)
        if line is not None and self.plan.on_miss == "warn":
            self._listener.log("warning", line)
        return text

    # ---- ends

    def _tick_raised(self, error: BaseException) -> None:
        if isinstance(error, SystemExit):
            self._fail("tick", error)
            return
        self.record.add_error()
        try:
            self._awaiter.finish(self.node.on_error(error))
        except Exception as second:  # noqa: BLE001  the hook's own error must not hide the first
            second.__context__ = error
            self._listener.log("error", f"on_error itself raised {type(second).__name__}: {second}")
        if self.plan.on_exception == "exit":
            self._fail("tick", error)
        elif self.plan.on_exception == "skip" or self._errors.spoken_ns is None:
            self._log_error(error)

    def _log_error(self, error: BaseException) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"a tick raised {type(error).__name__}: {error} ({place.filename}:{place.lineno}); it was given up"
        line = self._errors.note(text, 0, self.record.last_end_ns)
        if line is not None:
            self._listener.log("warning", line)

    def _fail(self, where: str, error: BaseException) -> None:
        self.stopping = True
        if isinstance(error, SystemExit) and error.code in (None, 0):
            return
        self.exit_code = self.exit_code or 1
        self._listener.failed(where, error)

    def _stop(self, why: str, text: str) -> None:
        self.stopping = True
        self._listener.stop(why, text)

    def _request_stop(self) -> None:
        if not self.stopping:
            self._stop("request", f"node '{self.plan.name}' asked for it")


def trace(error: BaseException) -> str:
    """The traceback of the user's part of an error: frames of this package on top are left out."""
    frames: Any = error.__traceback__
    while frames is not None and "horus_runner/node/" in frames.tb_frame.f_code.co_filename:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames or error.__traceback__))
