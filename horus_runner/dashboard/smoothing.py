"""The rate of a slow node, over enough of its ticks that it stands still on the screen.

A reader's rates span two seconds: a node that ticks every five would be shown at 0 Hz, then at 0.5 Hz.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from horus_runner.metrics.snapshot import NodeSnapshot, Snapshot

SLOW_HZ = 2.0
TICKS_SEEN = 4
LONGEST_S = 60.0


class Smoothing:
    """Feed it every snapshot of a run, in order; it gives each back with the rates of slow nodes averaged."""

    def __init__(self) -> None:
        self._past: deque[Snapshot] = deque()

    def add(self, snapshot: Snapshot) -> Snapshot:
        self._past.append(snapshot)
        while len(self._past) > 2 and snapshot.elapsed_s - self._past[1].elapsed_s >= LONGEST_S:
            self._past.popleft()
        return replace(snapshot, nodes=tuple(self._node(i, node) for i, node in enumerate(snapshot.nodes)))

    def _node(self, index: int, node: NodeSnapshot) -> NodeSnapshot:
        if node.state != "running" or not node.target_hz or node.target_hz >= SLOW_HZ:
            return node
        now = self._past[-1].elapsed_s
        span_s = min(TICKS_SEEN / node.target_hz, LONGEST_S)
        then = next((s for s in reversed(self._past) if now - s.elapsed_s >= span_s), self._past[0])
        if now == then.elapsed_s:
            return node
        return replace(node, rate_hz=(node.ticks - then.nodes[index].ticks) / (now - then.elapsed_s))
