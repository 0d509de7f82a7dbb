from __future__ import annotations

from dataclasses import replace

import pytest

from horus_runner.dashboard.smoothing import Smoothing
from horus_runner.metrics.snapshot import Snapshot


def at(snapshot: Snapshot, elapsed_s: float, ticks: int, rate_hz: float, target_hz: float = 30.0) -> Snapshot:
    node = replace(snapshot.nodes[0], ticks=ticks, rate_hz=rate_hz, target_hz=target_hz)
    topic = replace(snapshot.topics[0], published=ticks, rate_hz=rate_hz, bytes_per_s=rate_hz * 100)
    return replace(snapshot, elapsed_s=elapsed_s, nodes=(node,), topics=(topic,))


def test_the_first_snapshot_is_shown_as_it_is(faces: Snapshot) -> None:
    assert Smoothing().add(faces) == faces


def test_a_1_hz_node_does_not_blink_between_0_and_2(faces: Snapshot) -> None:
    smoothing = Smoothing()
    shown = []
    for half_seconds in range(40):
        ticks = half_seconds // 2
        seen = at(faces, half_seconds / 2, ticks, rate_hz=0.0 if half_seconds % 2 else 2.0, target_hz=1.0)
        shown.append(smoothing.add(seen))
    settled = shown[10:]
    assert all(0.74 < s.nodes[0].rate_hz < 1.26 for s in settled)
    assert all(0.74 < s.topics[0].rate_hz < 1.26 for s in settled)
    assert all(74 < s.topics[0].bytes_per_s < 126 for s in settled)


def test_a_change_of_rate_is_seen_within_its_span(faces: Snapshot) -> None:
    smoothing = Smoothing(span_s=2.0)
    for i in range(10):
        smoothing.add(at(faces, float(i), i * 30, 30.0))
    for i in range(1, 3):
        last = smoothing.add(at(faces, 9.0 + i, 270 + i * 15, 15.0))
    assert last.nodes[0].rate_hz == pytest.approx(15.0)
    assert last.topics[0].bytes_per_s == pytest.approx(1500.0)


def test_a_node_that_does_not_run_keeps_its_own_rate(faces: Snapshot) -> None:
    smoothing = Smoothing()
    for i in range(3):
        seen = at(faces, float(i), i * 30, 30.0)
        last = smoothing.add(replace(seen, nodes=(replace(seen.nodes[0], state="backoff", rate_hz=0.0),)))
    assert last.nodes[0].rate_hz == 0.0
