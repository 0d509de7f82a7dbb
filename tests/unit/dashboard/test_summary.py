from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.text import Text

from horus_runner.dashboard.hints import MOST_HINTS, hints
from horus_runner.dashboard.summary import print_summary, summary
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.runtime.report import Report

Render = Callable[..., list[str]]


def test_the_summary_has_totals_cause_and_hints(faces: Snapshot, render: Render) -> None:
    lines = render(
        summary(faces, 120, "ran for", Text("ended because node 'sink' failed: ValueError: no"), hints(faces)), 120
    )
    text = "\n".join(lines)
    assert lines[0] == "faces ran for 12.3 s"
    assert "ended because node 'sink' failed: ValueError: no" in lines
    assert "- detect used 148% of its budget (p99 74.0 ms of 50.0 ms): raise the budget, or make the tick" in text
    assert "- detect (topic camera.rgb, from camera) lost 12 of 360 messages: raise the topic's capacity" in text


def test_a_run_without_trouble_has_no_hints(faces: Snapshot, render: Render) -> None:
    calm = replace(faces, nodes=(faces.nodes[0],), topics=(faces.topics[1],))
    assert hints(calm) == []
    assert not any(line.startswith("- ") for line in render(summary(calm, 80, advice=hints(calm)), 80))


def test_a_tick_longer_than_its_period_is_told_without_a_budget(faces: Snapshot) -> None:
    slow = replace(faces.nodes[1], budget_ns=None, causes={})
    assert hints(replace(faces, nodes=(slow,), topics=())) == [
        "detect needs 48.0 ms a tick and has 33.3 ms: a rate of 13 is what it can hold."
    ]


@pytest.mark.parametrize(
    ("causes", "told"),
    [
        ({"preemption": 30, "garbage collection": 10}, ["camera was late 40 times, 30 times because of preemption."]),
        ({"unknown": 30, "preemption": 10}, ["camera was late 40 times, mostly for no cause that was measured."]),
        ({"preemption": 3}, []),
    ],
)
def test_the_main_cause_of_lateness_is_told(faces: Snapshot, causes: dict[str, int], told: list[str]) -> None:
    late = replace(faces.nodes[0], causes=causes)
    assert hints(replace(faces, nodes=(late,), topics=())) == told


def test_a_ledger_that_does_not_balance_is_told(faces: Snapshot) -> None:
    edge = replace(faces.topics[1].edges[0], balanced=False, copied=3)
    told = hints(replace(faces, nodes=(), topics=(replace(faces.topics[1], edges=(edge,)),)))
    assert len(told) == 2
    assert "held more messages than max_held: 3 were copied" in told[0]
    assert "does not balance" in told[1]


def test_hints_are_few(swarm: Snapshot) -> None:
    edges = tuple(replace(t, edges=tuple(replace(e, lost=5) for e in t.edges)) for t in swarm.topics)
    assert len(hints(replace(swarm, topics=edges))) == MOST_HINTS


def test_it_is_printed_to_standard_output_without_colour(faces: Snapshot, capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(Report(faces.graph, faces.elapsed_s, 0, None, faces))
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "\x1b" not in printed.out
    assert "memory" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 120
