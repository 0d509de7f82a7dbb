"""What the numbers of a finished run suggest: one sentence a finding, the fact first, then what would help."""

from __future__ import annotations

from math import floor

from horus_runner.dashboard import quantities
from horus_runner.dashboard.view import budget_used
from horus_runner.metrics.snapshot import EdgeSnapshot, NodeSnapshot, Snapshot, TopicSnapshot

OFTEN = 0.01  # lateness is worth a hint when it befell this share of the ticks
FEWEST = 3  # and at least so many of them
UNKNOWN = "unknown"
MOST_HINTS = 8


def hints(snapshot: Snapshot) -> list[str]:
    """The findings of a run, those of the nodes first, at most MOST_HINTS."""
    found = [hint for node in snapshot.nodes for hint in (_too_slow(node), _late(node)) if hint]
    found += [hint for topic in snapshot.topics for edge in topic.edges for hint in _edge(topic, edge)]
    return found[:MOST_HINTS]


def _too_slow(node: NodeSnapshot) -> str:
    used = budget_used(node)
    if used is not None and used > 1 and node.tick_ns is not None and node.budget_ns is not None:
        return (
            f"{node.name} used {quantities.percent(used * 100)} of its budget (p99 "
            f"{quantities.duration(node.tick_ns.p99)} of {quantities.duration(node.budget_ns)}): "
            "raise the budget, or make the tick shorter."
        )
    if node.target_hz and node.tick_ns and node.tick_ns.p50 * node.target_hz > 1e9:
        return (
            f"{node.name} needs {quantities.duration(node.tick_ns.p50)} a tick and has "
            f"{quantities.duration(round(1e9 / node.target_hz))}: {_sustainable(node.tick_ns.p99)}"
        )
    return ""


def _sustainable(tick_ns: int) -> str:
    hz = 1e9 / tick_ns
    return f"a rate of {floor(hz) if hz >= 1 else round(hz, 2)} is what it can hold."


def _late(node: NodeSnapshot) -> str:
    late = sum(node.causes.values())
    if late < max(FEWEST, OFTEN * node.ticks):
        return ""
    cause, n = max(node.causes.items(), key=lambda item: item[1])
    why = "mostly for no cause that was measured" if cause == UNKNOWN else f"{quantities.times(n)} because of {cause}"
    return f"{node.name} was late {quantities.times(late)}, {why}."


def _edge(topic: TopicSnapshot, edge: EdgeSnapshot) -> list[str]:
    way = f"{edge.subscriber} (topic {topic.name}, from {edge.publisher})"
    found = []
    if edge.lost:
        found.append(
            f"{way} lost {quantities.count(edge.lost)} of {quantities.count(edge.lost + edge.delivered)} messages: "
            "raise the topic's capacity, read faster, or set on_full: wait."
        )
    if edge.copied:
        found.append(
            f"{way} held more messages than max_held: {quantities.count(edge.copied)} were copied for it. "
            "Let go of them sooner, or raise max_held."
        )
    if not edge.balanced:
        found.append(f"{way}: the ledger does not balance. Messages were miscounted; please report this.")
    return found
