"""Snapshots made up for the screens, and screens as text."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console, RenderableType

from horus_runner.metrics.snapshot import EdgeSnapshot, NodeSnapshot, Quantiles, Snapshot, TopicSnapshot

MakeNode = Callable[..., NodeSnapshot]
Render = Callable[..., list[str]]


def quantiles(p50: int, p99: int, top: int) -> Quantiles:
    return Quantiles(p50, p99, top, 100)


def make_node(name: str, **changes: Any) -> NodeSnapshot:
    values: dict[str, Any] = {
        "state": "running",
        "pid": 4321,
        "on": None,
        "target_hz": 30.0,
        "rate_hz": 29.97,
        "budget_ns": None,
        "ticks": 360,
        "skipped": 0,
        "overruns": 0,
        "misses": 0,
        "errors": 0,
        "restarts": 0,
        "tick_ns": quantiles(120_000, 180_000, 400_000),
        "lateness_ns": quantiles(20_000, 66_000, 900_000),
        "cpu_percent": 4.2,
        "rss_bytes": 41_000_000,
    }
    return NodeSnapshot(name=name, **{**values, **changes})


def make_edge(publisher: str, subscriber: str, **changes: Any) -> EdgeSnapshot:
    values: dict[str, Any] = {
        "delivered": 348,
        "lost": 0,
        "superseded": 0,
        "in_flight": 0,
        "copied": 0,
        "latency_ns": quantiles(18_000, 40_000, 90_000),
        "age_ns": quantiles(2_000_000, 3_500_000, 9_000_000),
        "balanced": True,
    }
    return EdgeSnapshot(publisher, subscriber, **{**values, **changes})


@pytest.fixture
def faces() -> Snapshot:
    """A graph in which something is wrong: `detect` overruns its budget, `sink` has failed, a frame was lost."""
    detect = make_node(
        "detect",
        rate_hz=14.92,
        budget_ns=50_000_000,
        tick_ns=quantiles(48_000_000, 74_000_000, 81_000_000),
        misses=12,
        overruns=12,
        skipped=120,
        cpu_percent=98.3,
        rss_bytes=210_000_000,
        causes={"preemption": 1, "own execution": 11},
    )
    control = make_node("control", target_hz=1000.0, rate_hz=999.8, budget_ns=500_000, restarts=1)
    sink = make_node("sink", state="failed", target_hz=None, on="detections", rate_hz=0.0, tick_ns=None)
    return Snapshot(
        graph="faces",
        run_id="3f2a9c1e",
        elapsed_s=12.34,
        realtime_ns=0,
        nodes=(make_node("camera"), detect, control, sink),
        topics=(
            TopicSnapshot(
                "camera.rgb",
                "Image",
                360,
                30.0,
                27_648_000.0,
                (make_edge("camera", "detect", lost=12), make_edge("camera", "draw")),
            ),
            TopicSnapshot("detections", "Detection", 180, 14.9, 4300.0, (make_edge("detect", "sink"),)),
        ),
    )


@pytest.fixture
def swarm() -> Snapshot:
    """Twenty-four nodes with long names, and as many topics."""
    names = [f"sensor_with_a_long_name_{i:02}" for i in range(24)]
    return Snapshot(
        graph="swarm",
        run_id="00c0ffee",
        elapsed_s=3725.0,
        realtime_ns=0,
        nodes=tuple(make_node(n, budget_ns=(i + 1) * 1_000_000) for i, n in enumerate(names)),
        topics=tuple(
            TopicSnapshot(f"{n}.readings", "my_robot.messages:Reading", 9, 1.0, 10.0, (make_edge(n, "sink"),))
            for n in names
        ),
    )


@pytest.fixture
def render() -> Render:
    """`render(renderable, width)`: the lines that it takes on a terminal of that width without colour."""

    def to_lines(renderable: RenderableType, width: int) -> list[str]:
        console = Console(file=io.StringIO(), width=width, height=200, color_system=None)
        console.print(renderable)
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue().splitlines()

    return to_lines
