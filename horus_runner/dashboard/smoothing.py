"""Rates over the last seconds instead of the last half: a slow node's rate stands still instead of blinking."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace

from horus_runner.metrics.snapshot import NodeSnapshot, Snapshot, TopicSnapshot

SPAN_S = 2.0
TICKS_SEEN = 4  # a node slower than 2 Hz is averaged over as many of its periods
LONGEST_S = 20.0


class Smoothing:
    """Feed it every snapshot of a run, in order; it gives each back with its rates averaged."""

    def __init__(self, span_s: float = SPAN_S) -> None:
        self._span_s = span_s
        self._past: deque[Snapshot] = deque()

    def add(self, snapshot: Snapshot) -> Snapshot:
        self._past.append(snapshot)
        while len(self._past) > 2 and snapshot.elapsed_s - self._past[1].elapsed_s >= LONGEST_S:
            self._past.popleft()
        return replace(
            snapshot,
            nodes=tuple(self._node(i, node) for i, node in enumerate(snapshot.nodes)),
            topics=tuple(self._topic(topic) for topic in snapshot.topics),
        )

    def _since(self, span_s: float) -> Snapshot:
        """The youngest past snapshot that is at least `span_s` old, or the oldest there is."""
        now = self._past[-1].elapsed_s
        return next((s for s in reversed(self._past) if now - s.elapsed_s >= span_s), self._past[0])

    def _node(self, index: int, node: NodeSnapshot) -> NodeSnapshot:
        slow = TICKS_SEEN / node.target_hz if node.target_hz else 0.0
        then = self._since(min(max(self._span_s, slow), LONGEST_S))
        passed = self._past[-1].elapsed_s - then.elapsed_s
        if passed <= 0 or node.state != "running":
            return node
        return replace(node, rate_hz=(node.ticks - then.nodes[index].ticks) / passed)

    def _topic(self, topic: TopicSnapshot) -> TopicSnapshot:
        start = self._since(self._span_s)
        seen = [(s.elapsed_s, t) for s in self._past for t in s.topics if t.name == topic.name]
        seen = [(at, t) for at, t in seen if at >= start.elapsed_s]
        passed = seen[-1][0] - seen[0][0]
        if passed <= 0:
            return topic
        sent = sum((at - before) * t.bytes_per_s for (before, _), (at, t) in itertools.pairwise(seen))
        return replace(topic, rate_hz=(topic.published - seen[0][1].published) / passed, bytes_per_s=sent / passed)
