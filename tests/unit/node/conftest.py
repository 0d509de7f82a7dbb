"""A run in the test process itself, and nodes that are run in it by hand: no waiting, no other process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from horus_runner._core.clock import monotonic_ns
from horus_runner.graph.plan import NodePlan
from horus_runner.node.api import Node, topic_plans
from horus_runner.node.runner import Runner
from horus_runner.transport.names import default_namespace, new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment


@pytest.fixture
def segment() -> Iterator[ProcessSegment]:
    """The process segment of a run with three nodes."""
    run_id = new_run_id()
    made = ProcessSegment.create(f"unit-{run_id}", run_id, ["a", "b", "c"], "unit")
    yield made
    made.close()
    unlink_run(run_id)


@pytest.fixture
def participant(segment: ProcessSegment) -> Participant:
    return Participant(segment, 0)


@pytest.fixture
def outside() -> Iterator[Participant]:
    """A process outside of the run, as far as memory goes: where scripts and bare topics meet."""
    run_id = new_run_id()
    made = ProcessSegment.create(default_namespace(), run_id, ["outside"], "outside")
    yield Participant(made, 0)
    made.close()
    unlink_run(run_id)


class Told:
    """A Listener that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []

    def ready(self) -> None:
        self.events.append(("ready",))

    def failed(self, where: str, error: BaseException) -> None:
        self.events.append(("failed", where, f"{type(error).__name__}: {error}"))

    def stop(self, why: str, text: str) -> None:
        self.events.append(("stop", why, text))

    def log(self, level: str, text: str) -> None:
        self.events.append((level, text))

    def kinds(self) -> list[str]:
        return [event[0] for event in self.events]


class Stage:
    """Nodes of one run, opened and started; `runner(node)` makes the next."""

    def __init__(self, participant: Participant) -> None:
        self.participant = participant
        self.told = Told()
        self.nodes: list[Node] = []
        self.runners: list[Runner] = []

    def runner(self, node: Node, t0_ns: int | None = None, *, start: bool = True, **changes: Any) -> Runner:
        plan: NodePlan = node.plan(30.0)
        if changes:
            plan = NodePlan(**{**{name: getattr(plan, name) for name in plan.__slots__}, **changes})  # type: ignore[attr-defined]
        self.nodes.append(node)
        runner = Runner(node, plan, topic_plans(self.nodes), self.participant, len(self.runners), self.told)
        self.runners.append(runner)
        if runner.open() and start:
            runner.start(monotonic_ns() if t0_ns is None else t0_ns, resumed=False)
        return runner

    def counts(self, index: int = 0) -> dict[str, Any]:
        return self.participant.segment.record(index).read()


@pytest.fixture
def stage(participant: Participant) -> Iterator[Stage]:
    made = Stage(participant)
    yield made
    for runner in made.runners:
        if runner.node._ports is not None:
            runner.close()
