"""The screen as text, at the widths that terminals have."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.text import Text

from horus_runner.dashboard.view import SORTS, Frame, shares, view, window
from horus_runner.metrics.snapshot import Snapshot

Render = Callable[..., list[str]]
KEYS = "q stop   s sort: graph   up/down scroll"


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [8, 12, 24, 50])
@pytest.mark.parametrize("which", ["faces", "swarm"])
def test_nothing_is_wider_or_taller_than_the_terminal(
    which: str, width: int, height: int, render: Render, request: pytest.FixtureRequest
) -> None:
    logs = [Text(f"camera | line {i} " + "x" * 300, no_wrap=True, overflow="ellipsis") for i in range(30)]
    lines = render(view(request.getfixturevalue(which), Frame(width, height, keys=KEYS), logs), width)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) < height or height == 8  # eight lines hold the titles of both tables and no row


def test_80_columns_show_what_matters_most(faces: Snapshot, render: Render) -> None:
    lines = render(view(faces, Frame(80, 24, keys=KEYS)), 80)
    text = "\n".join(lines)
    assert lines[0] == "faces  12.3 s  3 running, 1 failed  12 misses  12 lost  run 3f2a9c1e"
    (titles,) = [line for line in lines if line.startswith("node ")]
    assert titles.split() == ["node", "state", "rate", "tick", "p99", "budget", "misses", "skipped", "CPU"]
    (detect,) = [line for line in lines if line.startswith("detect ")]
    assert detect.split() == [
        *["detect", "running", "14.9/30.0", "Hz", "74.0", "ms", "███████", "148%", "12", "120", "98%"]
    ]
    assert next(line for line in lines if line.startswith("sink ")).split()[:4] == ["sink", "failed", "0", "Hz"]
    assert next(line for line in lines if line.startswith("camera.rgb")).split() == [
        *["camera.rgb", "Image", "30.0", "Hz", "27.6", "MB/s", "18.0", "us", "40.0", "us", "12"]
    ]
    assert lines[-1] == KEYS
    assert "\x1b" not in text


def test_120_and_200_columns_add_to_it(faces: Snapshot, render: Render) -> None:
    at_120, at_200 = ("\n".join(render(view(faces, Frame(w, 40)), w)) for w in (120, 200))
    for title in ("tick p50", "max", "restarts", "memory", "latency p50", "age p99", "published", "subscribers"):
        assert title in at_120
    assert "late because of" not in at_120
    assert "own execution 11, preemption 1" in at_200


def test_more_nodes_than_lines_are_counted_and_scrolled_to(swarm: Snapshot, render: Render) -> None:
    top = "\n".join(render(view(swarm, Frame(120, 24)), 120))
    assert "sensor_with_a_long_name_00 " in top
    assert "nodes 1-11 of 24" in top
    end = "\n".join(render(view(swarm, Frame(120, 24, offset=1000)), 120))
    assert "sensor_with_a_long_name_23 " in end
    assert "nodes 14-24 of 24" in end
    assert "topics 20-24 of 24" in end


def test_long_names_stay_apart(swarm: Snapshot, render: Render) -> None:
    lines = render(view(swarm, Frame(60, 60)), 60)
    names = [line.split()[0] for line in lines if line.startswith("sensor") and "running" in line]
    assert len(set(names)) == len(names) == 24


def test_sorting_brings_the_worst_up(faces: Snapshot, render: Render) -> None:
    first = {}
    for sort in SORTS:
        lines = render(view(faces, Frame(120, 24, sort=sort)), 120)
        first[sort] = lines[3].split()[0]
    assert first == {"graph": "camera", "budget": "detect", "misses": "detect", "cpu": "detect"}


def test_ascii_terminals_get_ascii(faces: Snapshot, render: Render) -> None:
    text = "\n".join(render(view(faces, Frame(120, 24, ascii_only=True)), 120))
    assert text.isascii()
    assert "####### 148%" in text


def test_the_last_log_lines_are_shown(faces: Snapshot, render: Render) -> None:
    lines = render(view(faces, Frame(80, 24), [Text(f"camera | {i}") for i in range(50)]), 80)
    assert lines[-1] == "camera | 49"


def test_a_run_without_topics(faces: Snapshot, render: Render) -> None:
    lines = render(view(Snapshot("g", "1", 0.0, 0, faces.nodes, ()), Frame(80, 24)), 80)
    assert not any(line.startswith("topic") for line in lines)


@pytest.mark.parametrize("height", range(6, 60))
def test_shares_use_the_height_and_no_more(height: int) -> None:
    nodes, topics, logs = shares(height, 30, 30, 30)
    assert nodes >= 1
    assert min(topics, logs) >= 0
    assert nodes + topics + logs == max(height - 6, 1)


def test_window_says_what_it_hides() -> None:
    assert window("abc", 3, 0) == ("abc", "")
    assert window("abcdef", 3, 0) == ("ab", "1-2 of 6")
    assert window("abcdef", 3, 99) == ("ef", "5-6 of 6")
