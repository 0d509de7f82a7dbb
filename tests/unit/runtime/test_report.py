"""The JSON of a report: its keys as documented, null for what is not measured, and back."""

from __future__ import annotations

import json
from pathlib import Path

from horus_runner.metrics.snapshot import EdgeSnapshot, NodeSnapshot, Quantiles, Snapshot, TopicSnapshot
from horus_runner.runtime.report import Report

TIMES = Quantiles(p50=1, p99=2, max=3, count=4)
NODE = NodeSnapshot(
    name="camera",
    state="ended",
    pid=7,
    on=None,
    target_hz=30.0,
    rate_hz=29.9,
    budget_ns=5,
    ticks=300,
    skipped=1,
    overruns=2,
    misses=3,
    errors=0,
    restarts=4,
    tick_ns=TIMES,
    lateness_ns=None,
    cpu_percent=12.5,
    rss_bytes=4096,
    causes={"garbage collection": 2},
)
EDGE = EdgeSnapshot("camera", "show", 290, 5, 4, 1, 0, TIMES, None, True)
IDLE_EDGE = EdgeSnapshot("b", "show", 0, 0, 0, 0, 0, None, None, True)
TOPIC = TopicSnapshot("frames", "Image", 300, 29.9, 1e6, (EDGE, IDLE_EDGE))
REPORT = Report("g", 10.0, 1, "node 'camera' failed", Snapshot("g", "01234567", 10.0, 1, (NODE,), (TOPIC,)))


def test_the_keys_are_those_that_are_documented() -> None:
    data = REPORT.to_dict()
    assert list(data) == ["graph", "duration_s", "exit_code", "cause", "nodes", "topics"]
    assert set(data["nodes"]["camera"]) == {
        "state", "rate_hz", "target_hz", "ticks", "skipped", "overruns", "misses", "restarts",
        "tick_ns", "lateness_ns", "causes", "allocations", "cpu_percent", "rss_bytes",
    }  # fmt: skip
    assert set(data["topics"]["frames"]) == {"type", "published", "rate_hz", "bytes_per_s", "edges"}
    assert set(data["topics"]["frames"]["edges"]["camera"]["show"]) == {
        "delivered", "lost", "superseded", "in_flight", "copied", "latency_ns", "age_ns", "balanced",
    }  # fmt: skip
    assert data["nodes"]["camera"]["tick_ns"] == {"p50": 1, "p99": 2, "max": 3, "count": 4}


def test_what_is_not_measured_is_null_never_0() -> None:
    data = json.loads(json.dumps(REPORT.to_dict()))
    assert data["nodes"]["camera"]["lateness_ns"] is None
    assert data["nodes"]["camera"]["allocations"] is None
    assert data["topics"]["frames"]["edges"]["b"]["show"]["latency_ns"] is None


def test_there_and_back(tmp_path: Path) -> None:
    REPORT.write(tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text())
    assert Report.from_dict(data).to_dict() == data == REPORT.to_dict()
