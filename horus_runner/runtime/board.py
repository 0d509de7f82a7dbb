"""The shared memory of a run, from its supervisor's side: what it writes there about nodes, what it reads there."""

from __future__ import annotations

import time
from typing import Final

from horus_runner._core.meter import NodeRecord
from horus_runner.graph.plan import GraphPlan
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.transport.names import default_namespace
from horus_runner.transport.rows import retire
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment

_LEAD_NS: Final = 3_000_000
"""So long before their first release the nodes are told of it: waking them all takes 1 to 2 ms."""


class Board:
    """The process segment of a run and the reader of its numbers.

    A graph with `external` topics has a second name in the namespace where those live. SharedMemoryFullError when
    there is no room.
    """

    def __init__(self, plan: GraphPlan, run_id: str, namespace: str) -> None:
        self.run_id = run_id
        names = [node.name for node in plan.nodes]
        aliases = [default_namespace()] if any(topic.external for topic in plan.topics.values()) else []
        self._index = {name: index for index, name in enumerate(names)}
        self._segment = ProcessSegment.create(namespace, run_id, names, plan.name, aliases)
        self._reader = RunReader(namespace, run_id)

    def _record(self, node: str) -> NodeRecord:
        return self._segment.record(self._index[node])

    def set_state(self, node: str, state: str) -> None:
        self._record(node).set_state(state)

    def born(self, node: str, pid: int) -> None:
        self._record(node).set_pid(pid)

    def restarted(self, node: str) -> None:
        self._record(node).add_restart()

    def retire(self, node: str, cpu_ns: int, peak_bytes: int) -> None:
        """The node's process is reaped: close its rows, keep what it used, wake whoever waits for it."""
        record = self._record(node)
        record.set_pid(0)
        record.add_ended(cpu_ns, peak_bytes)
        retire(self.run_id, self._index[node])
        self._segment.bump_epoch()

    def go(self) -> None:
        self._segment.go(time.monotonic_ns() + _LEAD_NS)

    def snapshot(self) -> Snapshot:
        return self._reader.snapshot()

    def close(self) -> Snapshot:
        """The last snapshot; afterwards the run's segments are gone."""
        last = self._reader.final()
        self._reader.close()
        unlink_run(self.run_id)
        self._segment.close()
        return last


def empty_snapshot(plan: GraphPlan, run_id: str) -> Snapshot:
    """What there is to see of a run that never came to have segments."""
    return Snapshot(plan.name, run_id, 0.0, time.time_ns(), (), ())
