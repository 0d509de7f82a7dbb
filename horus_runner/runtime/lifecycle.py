"""What the supervisor does next: events in, instructions out. No I/O, no clock of its own.

A node's states, and what its death means in each:

    waiting ── Spawn ──> spawning ── Born ──> starting ── Ready ──> running
                            │ Lost               │ Exited              │ Exited
                            v                    v                     v
                    spawned again        restart policy: backoff ── due ──> spawning
                                                   or final: ended | failed

    any of them, once the graph stops ── SIGTERM, SIGKILL after the grace ──> ended | failed

Nobody ticks before Go, which waits until each node was ready once or is out of the run (10 s at most), so that every
declared subscription stands when the first message is sent; the duration counts from there.

- *spawning*: asked of the fork server, process not known yet. The server may die here (Lost): the request is made
  again and counts for nothing, since no code of the node has run.
- *starting*, *running*: the process is ours; its end is reported once, by Exited.
- *backoff*: nothing is alive; the next start is due at a known time.
- A stop finds nodes in any state: those that are spawning get their SIGTERM when they are born, those in backoff end.

The first cause that is a failure, a miss policy or a signal decides the exit code; a harmless end (duration, request,
all nodes ended) gives way to a failure that happens while the graph stops.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from horus_runner.graph.plan import GRACE_NS, GraphPlan, NodePlan
from horus_runner.runtime.events import (
    Born,
    CountRestart,
    Event,
    Exited,
    Failed,
    Finish,
    Go,
    Instruction,
    Lost,
    NodeStops,
    Note,
    Ready,
    RestartAsked,
    Retire,
    ServerFailed,
    SetState,
    SignalGroup,
    Signalled,
    Spawn,
    Started,
    StopAsked,
    TimePassed,
)

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_POLICY: Final = 3

FINAL: Final = frozenset({"ended", "failed"})
START_PATIENCE_NS: Final = 10_000_000_000
ALIVE: Final = frozenset({"starting", "running", "stopping"})


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the graph stops: the exit code it leads to, the sentence, the node that it is about."""

    exit_code: int
    text: str | None
    node: str | None = None

    @property
    def harmless(self) -> bool:
        return self.exit_code == EXIT_DONE


@dataclass(slots=True)
class NodeLife:
    """One node as the state machine sees it. Times are CLOCK_MONOTONIC nanoseconds."""

    plan: NodePlan
    state: str = "waiting"
    starts: int = 0
    born_ns: int = 0
    error: str | None = None
    restarts_ns: list[int] = field(default_factory=list)
    due_ns: int | None = None
    kill_ns: int | None = None
    start_again: bool = False
    was_ready: bool = False
    killed: bool = False


class Lifecycle:
    """The state machine of one run.

    `handle` takes an event with its time and returns what is to be done, in order; `due_ns` is when the next
    `TimePassed` is wanted, None for never.
    """

    def __init__(self, plan: GraphPlan, duration_ns: int | None = None, grace_ns: int = GRACE_NS) -> None:
        self.nodes = {node.name: NodeLife(node) for node in plan.nodes}
        self.cause: Cause | None = None
        self.finished = False
        self.gone = False
        self._duration_ns = duration_ns
        self._end_ns: int | None = None
        self._patience_ns: int | None = None
        self._grace_ns = grace_ns
        self._kill_ns: int | None = None
        self._signals = 0
        self._handlers: dict[type, Callable[[Any, int], list[Instruction]]] = {
            Started: self._on_started,
            Born: self._on_born,
            Lost: self._on_lost,
            Ready: self._on_ready,
            Failed: self._on_failed,
            NodeStops: self._on_node_stops,
            Exited: self._on_exited,
            Signalled: self._on_signalled,
            StopAsked: self._on_stop_asked,
            RestartAsked: self._on_restart_asked,
            ServerFailed: self._on_server_failed,
            TimePassed: self._on_time_passed,
        }

    def handle(self, event: Event, now_ns: int) -> list[Instruction]:
        """Everything that `event` leads to; nothing once the run has finished."""
        if self.finished:
            return []
        done = self._handlers[type(event)](event, now_ns)
        if not self.gone and not self.stopping and all(_no_wait_for(life) for life in self.nodes.values()):
            done += self._go(now_ns)
        if all(life.state in FINAL for life in self.nodes.values()):
            done.append(self._finish())
        return done

    @property
    def stopping(self) -> bool:
        return self.cause is not None

    @property
    def due_ns(self) -> int | None:
        """When something happens by itself: a restart, the end of the duration, the end of a grace period."""
        times = [life.due_ns for life in self.nodes.values()]
        times += [life.kill_ns for life in self.nodes.values()]
        times += [self._kill_ns]
        times += [] if self.stopping else [self._end_ns, self._patience_ns]
        return min((time for time in times if time is not None), default=None)

    # -- a node's life ---------------------------------------------------------------------------------------

    def _on_started(self, event: Started, now_ns: int) -> list[Instruction]:
        self._patience_ns = now_ns + START_PATIENCE_NS
        return [step for life in self.nodes.values() if life.state == "waiting" for step in self._spawn(life)]

    def _go(self, now_ns: int) -> list[Instruction]:
        self.gone, self._patience_ns = True, None
        if self._duration_ns is not None:
            self._end_ns = now_ns + self._duration_ns
        return [Go()]

    def _spawn(self, life: NodeLife) -> list[Instruction]:
        life.state, life.due_ns, life.error, life.start_again = "spawning", None, None, False
        life.killed, life.starts = False, life.starts + 1
        return [SetState(life.plan.name, "starting"), Spawn(life.plan.name, life.starts - 1)]

    def _on_born(self, event: Born, now_ns: int) -> list[Instruction]:
        life = self.nodes[event.node]
        if life.state in FINAL:  # given up while it was being born
            return [SignalGroup(event.node, signal.SIGKILL)]
        life.born_ns = now_ns
        if self.stopping or life.start_again:
            return self._ask_to_end(life, now_ns)
        life.state = "starting"
        return []

    def _on_lost(self, event: Lost, now_ns: int) -> list[Instruction]:
        life = self.nodes[event.node]
        if life.state != "spawning":
            return []
        if self.stopping:
            return self._end(life, "ended")
        return [Spawn(event.node, life.starts - 1)]

    def _on_ready(self, event: Ready, now_ns: int) -> list[Instruction]:
        life = self.nodes[event.node]
        if life.state == "starting":
            life.state, life.was_ready = "running", True
        return []

    def _on_failed(self, event: Failed, now_ns: int) -> list[Instruction]:
        self.nodes[event.node].error = f"failed in {event.where}: {event.error}"
        return []

    def _on_node_stops(self, event: NodeStops, now_ns: int) -> list[Instruction]:
        if not event.policy:
            return self._stop(Cause(EXIT_DONE, f"node '{event.node}' asked the graph to stop", event.node), now_ns)
        text = f"node '{event.node}' stopped the graph: {event.text}"
        steps = self._stop(Cause(EXIT_POLICY, text, event.node), now_ns)
        return [Note("error", text), *steps]

    def _on_exited(self, event: Exited, now_ns: int) -> list[Instruction]:
        life = self.nodes[event.node]
        life.kill_ns = None
        failure = self._failure(life, event.status)
        steps: list[Instruction] = [Retire(event.node)]
        if life.state in FINAL:  # it was given up before it was born
            return steps
        if life.start_again and not self.stopping:
            return [*steps, CountRestart(event.node), *self._spawn(life)]
        if self.stopping:
            return steps + self._ended_in_stop(life, failure)
        if event.status == EXIT_POLICY:
            steps += self._end(life, "ended")
            return steps + self._stop(Cause(EXIT_POLICY, f"node '{event.node}' stopped the graph", event.node), now_ns)
        return steps + self._decide(life, failure, now_ns)

    def _failure(self, life: NodeLife, status: int) -> str | None:
        """What went wrong in a process that ended with `status`; None when nothing did."""
        if status in (EXIT_DONE, EXIT_POLICY) and life.error is None:
            return None
        if life.killed and status == -signal.SIGKILL:
            return f"did not stop within {self._grace_ns / 1e9:g} s of SIGTERM and was killed"
        if self.stopping and status in (-signal.SIGTERM, -signal.SIGKILL):
            return None
        if life.error is not None:
            return life.error
        if status < 0:
            return f"was killed by {signal_name(-status)}"
        return f"ended with exit code {status}"

    def _ended_in_stop(self, life: NodeLife, failure: str | None) -> list[Instruction]:
        if failure is None:
            return self._end(life, "ended")
        steps = self._end(life, "failed")
        if self.cause is not None and self.cause.harmless and life.plan.critical:
            self.cause = Cause(EXIT_FAILED, f"node '{life.plan.name}' {failure}", life.plan.name)
        return [Note("error", f"node '{life.plan.name}' {failure}"), *steps]

    def _decide(self, life: NodeLife, failure: str | None, now_ns: int) -> list[Instruction]:
        """The restart policy, then what a final end means for the graph."""
        name, restart = life.plan.name, life.plan.restart
        if restart.policy == "never" or (failure is None and restart.policy == "on-failure"):
            return self._final(life, failure, now_ns)
        if now_ns - life.born_ns >= restart.window_ns:
            life.restarts_ns.clear()
        life.restarts_ns = [time for time in life.restarts_ns if now_ns - time < restart.window_ns]
        tried = len(life.restarts_ns)
        if tried >= restart.max_restarts:
            said = f"{failure or 'ended'}; given up after {tried} restarts in {restart.window_ns / 1e9:g} s"
            return self._final(life, said, now_ns)
        delay_ns = min(restart.backoff_ns << tried, restart.max_backoff_ns)
        life.restarts_ns.append(now_ns)
        life.state, life.due_ns = "backoff", now_ns + delay_ns
        when = f"restart {tried + 1} of {restart.max_restarts} in {delay_ns / 1e9:g} s"
        note = Note("warning" if failure else "info", f"node '{name}' {failure or 'ended'}; {when}")
        return [note, SetState(name, "backoff")]

    def _final(self, life: NodeLife, failure: str | None, now_ns: int) -> list[Instruction]:
        if failure is None:
            return self._end(life, "ended")
        text = f"node '{life.plan.name}' {failure}"
        steps = [Note("error", text), *self._end(life, "failed")]
        if life.plan.critical:
            steps += self._stop(Cause(EXIT_FAILED, text, life.plan.name), now_ns)
        return steps

    def _end(self, life: NodeLife, state: str) -> list[Instruction]:
        life.state, life.due_ns, life.kill_ns = state, None, None
        return [SetState(life.plan.name, state)]

    # -- the graph's end ------------------------------------------------------------------------------------

    def _stop(self, cause: Cause, now_ns: int) -> list[Instruction]:
        """Begin the stop sequence; a later cause only replaces a harmless one."""
        if self.cause is not None:
            if self.cause.harmless and not cause.harmless:
                self.cause = cause
            return []
        self.cause = cause
        self._kill_ns = now_ns + self._grace_ns
        steps: list[Instruction] = []
        for life in self.nodes.values():
            if life.state in ("starting", "running"):
                steps += self._ask_to_end(life, now_ns)
            elif life.state in ("waiting", "backoff"):
                steps += self._end(life, "ended")
        return steps

    def _ask_to_end(self, life: NodeLife, now_ns: int) -> list[Instruction]:
        life.state = "stopping"
        life.kill_ns = now_ns + self._grace_ns
        return [SetState(life.plan.name, "stopping"), SignalGroup(life.plan.name, signal.SIGTERM)]

    def _kill(self, life: NodeLife) -> list[Instruction]:
        if life.state in ALIVE:
            life.kill_ns = None
            return [SignalGroup(life.plan.name, signal.SIGKILL)]
        return self._end(life, "ended") if life.state == "spawning" else []

    def _on_signalled(self, event: Signalled, now_ns: int) -> list[Instruction]:
        self._signals += 1
        if self._signals == 1:
            text = "Ctrl-C" if event.signum == signal.SIGINT else signal_name(event.signum)
            return self._stop(Cause(128 + event.signum, text), now_ns)
        self._kill_ns = None
        note = Note("warning", f"second signal ({signal_name(event.signum)}): killing what is left")
        return [note, *(step for life in self.nodes.values() for step in self._kill(life))]

    def _on_stop_asked(self, event: StopAsked, now_ns: int) -> list[Instruction]:
        return self._stop(Cause(EXIT_DONE, "stopped by request"), now_ns)

    def _on_server_failed(self, event: ServerFailed, now_ns: int) -> list[Instruction]:
        unborn = [life for life in self.nodes.values() if life.state in ("waiting", "spawning")]
        if not unborn:
            return []
        name = unborn[0].plan.name
        text = f"node '{name}' could not start: {event.text}"
        steps: list[Instruction] = [Note("error", text)]
        for life in unborn:
            steps += self._end(life, "failed" if life is unborn[0] else "ended")
        return steps + self._stop(Cause(EXIT_FAILED, text, name), now_ns)

    def _on_restart_asked(self, event: RestartAsked, now_ns: int) -> list[Instruction]:
        life = self.nodes[event.node]
        if self.stopping or life.start_again:
            return []
        if life.state in ("starting", "running"):
            life.start_again = True
            return self._ask_to_end(life, now_ns)
        if life.state in ("backoff", "ended", "failed"):
            return [CountRestart(event.node), *self._spawn(life)]
        return []

    def _on_time_passed(self, event: TimePassed, now_ns: int) -> list[Instruction]:
        steps: list[Instruction] = []
        if not self.stopping and self._end_ns is not None and now_ns >= self._end_ns:
            steps += self._stop(Cause(EXIT_DONE, None), now_ns)
        if not self.stopping and self._patience_ns is not None and now_ns >= self._patience_ns:
            late = ", ".join(f"'{name}'" for name, life in self.nodes.items() if not _no_wait_for(life))
            steps += [Note("warning", f"starting without {late}, not ready after {START_PATIENCE_NS / 1e9:g} s")]
            steps += self._go(now_ns)
        for life in self.nodes.values():
            if life.kill_ns is not None and now_ns >= life.kill_ns:
                life.killed = True
                steps += self._kill(life)
            elif life.due_ns is not None and now_ns >= life.due_ns:
                steps += [CountRestart(life.plan.name), *self._spawn(life)]
        if self._kill_ns is not None and now_ns >= self._kill_ns:
            self._kill_ns = None
            steps += [step for life in self.nodes.values() if life.state == "spawning" for step in self._kill(life)]
        return steps

    def _finish(self) -> Instruction:
        self.finished = True
        cause = self.cause or Cause(EXIT_DONE, None)
        return Finish(cause.exit_code, cause.text)


def _no_wait_for(life: NodeLife) -> bool:
    return life.was_ready or life.state in FINAL


def signal_name(signum: int) -> str:
    """``SIGSEGV`` for 11; real-time signals by their number."""
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"
