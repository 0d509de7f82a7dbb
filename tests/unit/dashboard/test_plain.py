from __future__ import annotations

import io
from dataclasses import replace

from horus_runner.dashboard.plain import PlainObserver, told_by
from horus_runner.metrics.snapshot import Snapshot


def with_node(snapshot: Snapshot, index: int, **changes: object) -> Snapshot:
    nodes = list(snapshot.nodes)
    nodes[index] = replace(nodes[index], **changes)  # type: ignore[arg-type]
    return replace(snapshot, nodes=tuple(nodes))


def test_the_first_snapshot_tells_all(faces: Snapshot) -> None:
    assert told_by(None, faces) == [
        "running: camera, detect, control (restarted once)",
        "failed: sink",
        "lost messages: camera.rgb 12",
    ]


def test_nothing_new_is_not_told(faces: Snapshot) -> None:
    assert told_by(faces, faces) == []


def test_changes_are_told_once_and_in_numbers(faces: Snapshot) -> None:
    later = with_node(faces, 0, state="backoff", restarts=2)
    edges = tuple(replace(edge, lost=edge.lost + 3) for edge in later.topics[0].edges)
    later = replace(later, topics=(replace(later.topics[0], edges=edges), later.topics[1]))
    assert told_by(faces, later) == [
        "backoff: camera (restarted 2 times)",
        "lost messages: camera.rgb 6",
    ]
    assert told_by(later, later) == []


def test_starting_and_ending_are_not_news(faces: Snapshot) -> None:
    assert told_by(faces, with_node(faces, 0, state="ended")) == []


def test_the_observer_writes_plain_lines(faces: Snapshot) -> None:
    out = io.StringIO()
    observer = PlainObserver(out)
    observer.refresh(faces)
    observer.refresh(faces)
    assert out.getvalue().splitlines()[0] == "horus | running: camera, detect, control (restarted once)"
    assert len(out.getvalue().splitlines()) == 3
