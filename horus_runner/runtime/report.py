"""What a run came to, as a value and as the JSON of ``--report``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from horus_runner.metrics.snapshot import EdgeSnapshot, NodeSnapshot, Quantiles, Snapshot, TopicSnapshot


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a run. `cause` is the first thing that ended it, None when its time or its nodes simply ended.

    `exit_code`: 0 done; 1 a node failed or the ledger did not balance; 3 stopped by `on_miss: stop`; 128 + n ended
    by signal n.
    """

    graph: str
    duration_s: float
    exit_code: int
    cause: str | None
    snapshot: Snapshot
    failed_node: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "graph": self.graph,
            "duration_s": self.duration_s,
            "exit_code": self.exit_code,
            "cause": self.cause,
            "nodes": {node.name: _node_to_dict(node) for node in self.snapshot.nodes},
            "topics": {topic.name: _topic_to_dict(topic) for topic in self.snapshot.topics},
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Report:
        """The report that `to_dict` was made from, without what that leaves out (pids, budgets, the run's id)."""
        snapshot = Snapshot(
            graph=data["graph"],
            run_id="",
            elapsed_s=data["duration_s"],
            realtime_ns=0,
            nodes=tuple(_node_from_dict(name, node) for name, node in data["nodes"].items()),
            topics=tuple(_topic_from_dict(name, topic) for name, topic in data["topics"].items()),
        )
        return Report(data["graph"], data["duration_s"], data["exit_code"], data["cause"], snapshot)

    def write(self, path: str | Path) -> None:
        """Write the JSON to `path`; OSError when that cannot be written."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n")


def _quantiles_to_dict(quantiles: Quantiles | None) -> dict[str, int] | None:
    if quantiles is None:
        return None
    return {"p50": quantiles.p50, "p99": quantiles.p99, "max": quantiles.max, "count": quantiles.count}


def _quantiles_from_dict(data: dict[str, int] | None) -> Quantiles | None:
    return None if data is None else Quantiles(**data)


def _node_to_dict(node: NodeSnapshot) -> dict[str, Any]:
    return {
        "state": node.state,
        "rate_hz": node.rate_hz,
        "target_hz": node.target_hz,
        "ticks": node.ticks,
        "skipped": node.skipped,
        "overruns": node.overruns,
        "misses": node.misses,
        "restarts": node.restarts,
        "tick_ns": _quantiles_to_dict(node.tick_ns),
        "lateness_ns": _quantiles_to_dict(node.lateness_ns),
        "causes": dict(node.causes),
        "allocations": node.allocations,
        "cpu_percent": node.cpu_percent,
        "rss_bytes": node.rss_bytes,
    }


def _node_from_dict(name: str, data: dict[str, Any]) -> NodeSnapshot:
    times = {key: _quantiles_from_dict(data[key]) for key in ("tick_ns", "lateness_ns")}
    return NodeSnapshot(name=name, pid=None, on=None, budget_ns=None, errors=0, **{**data, **times})


def _topic_to_dict(topic: TopicSnapshot) -> dict[str, Any]:
    edges: dict[str, dict[str, Any]] = {}
    for edge in topic.edges:
        edges.setdefault(edge.publisher, {})[edge.subscriber] = {
            "delivered": edge.delivered,
            "lost": edge.lost,
            "superseded": edge.superseded,
            "in_flight": edge.in_flight,
            "copied": edge.copied,
            "latency_ns": _quantiles_to_dict(edge.latency_ns),
            "age_ns": _quantiles_to_dict(edge.age_ns),
            "balanced": edge.balanced,
        }
    return {
        "type": topic.type,
        "published": topic.published,
        "rate_hz": topic.rate_hz,
        "bytes_per_s": topic.bytes_per_s,
        "edges": edges,
    }


def _topic_from_dict(name: str, data: dict[str, Any]) -> TopicSnapshot:
    edges = tuple(
        _edge_from_dict(publisher, subscriber, edge)
        for publisher, subscribers in data["edges"].items()
        for subscriber, edge in subscribers.items()
    )
    return TopicSnapshot(name, data["type"], data["published"], data["rate_hz"], data["bytes_per_s"], edges)


def _edge_from_dict(publisher: str, subscriber: str, data: dict[str, Any]) -> EdgeSnapshot:
    times = {key: _quantiles_from_dict(data[key]) for key in ("latency_ns", "age_ns")}
    return EdgeSnapshot(publisher=publisher, subscriber=subscriber, **{**data, **times})
