"""A picture of the dashboard, of a real run: ``python -m horus_runner.dashboard.picture GRAPH FILE.svg SECONDS``."""

from __future__ import annotations

import io
import sys
from collections import deque
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from horus_runner.dashboard.logs import RUNNER
from horus_runner.dashboard.styled import styled_lines
from horus_runner.dashboard.view import Frame, view
from horus_runner.graph import load
from horus_runner.runtime.supervisor import supervise

if TYPE_CHECKING:
    from horus_runner.metrics.snapshot import Snapshot
    from horus_runner.runtime.observer import LogLine, Run
    from horus_runner.runtime.report import Report

WIDTH, LINES, LOG_LINES = 120, 40, 8
KEYS = "q stop   s sort: graph   up/down scroll"


class Recorder:
    """Keeps what a live screen would show last while every node runs."""

    interval_s = 0.5

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.logs: deque[Text] = deque(maxlen=LOG_LINES)
        self.name_width = 0

    def started(self, run: Run) -> None:
        self.name_width = max(len(name) for name in run.node_names)

    def log(self, line: LogLine) -> None:
        self.logs.extend(styled_lines(line.node or RUNNER, line.level, line.text, self.name_width))

    def refresh(self, snapshot: Snapshot) -> None:
        if all(node.state == "running" for node in snapshot.nodes):
            self.snapshot = snapshot

    def finished(self, report: Report) -> None:
        """Nothing to keep."""


def take(graph: str, seconds: float) -> str:
    """Run `graph` for so long and return the SVG of its screen at the end."""
    recorder = Recorder()
    plan, _ = load(graph)
    supervise(plan, duration_s=seconds, observer=recorder)
    console = Console(record=True, width=WIDTH, height=LINES, file=io.StringIO(), color_system="truecolor")
    console.print(*recorder.logs, sep="\n", soft_wrap=True)
    if recorder.snapshot is not None:
        console.print()
        console.print(view(recorder.snapshot, Frame(WIDTH, LINES, keys=KEYS)))
    return console.export_svg(title=f"horus run {graph}")


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(take(sys.argv[1], float(sys.argv[3])))
