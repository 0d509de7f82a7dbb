from __future__ import annotations

from dataclasses import replace

import pytest

from horus_runner.dashboard.smoothing import Smoothing
from horus_runner.metrics.snapshot import Snapshot


def at(snapshot: Snapshot, elapsed_s: float, ticks: int, target_hz: float, state: str = "running") -> Snapshot:
    """One node that has ticked so often; its reader's rate is 123 Hz, to tell it from an averaged one."""
    node = replace(snapshot.nodes[0], ticks=ticks, rate_hz=123.0, target_hz=target_hz, state=state)
    return replace(snapshot, elapsed_s=elapsed_s, nodes=(node,))


def test_the_first_snapshot_is_shown_as_it_is(faces: Snapshot) -> None:
    assert Smoothing().add(faces) == faces


@pytest.mark.parametrize("target_hz", [0.1, 0.2, 1.0])
def test_a_slow_node_does_not_blink(faces: Snapshot, target_hz: float) -> None:
    smoothing = Smoothing()
    snapshots = [at(faces, i / 2, int(i / 2 * target_hz), target_hz) for i in range(300)]
    shown = [smoothing.add(snapshot).nodes[0].rate_hz for snapshot in snapshots]
    assert shown[200:] == pytest.approx([target_hz] * 100, rel=0.26)


def test_a_slow_node_that_stops_ticking_falls_to_zero(faces: Snapshot) -> None:
    smoothing = Smoothing()
    for i in range(20):
        smoothing.add(at(faces, float(i), i, 1.0))
    for i in range(20, 26):
        last = smoothing.add(at(faces, float(i), 19, 1.0))
    assert last.nodes[0].rate_hz == 0.0


@pytest.mark.parametrize(("target_hz", "state"), [(30.0, "running"), (0.2, "backoff")])
def test_the_readers_rate_of_other_nodes_is_kept(faces: Snapshot, target_hz: float, state: str) -> None:
    smoothing = Smoothing()
    for i in range(3):
        last = smoothing.add(at(faces, float(i), i * 30, target_hz, state))
    assert last.nodes[0].rate_hz == 123.0
