"""What a script's nodes print and log, as lines with the node's name: their stdout on stdout, the rest on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from horus_runner.runtime.observer import LogLine, Run

if TYPE_CHECKING:
    from horus_runner.metrics.snapshot import Snapshot
    from horus_runner.runtime.report import Report

_NO_NODE: Final = "horus"
_MARKED: Final = ("debug", "warning", "error")


class ConsoleObserver:
    """Writes ``name | text`` for every line."""

    interval_s = 3600.0

    def started(self, run: Run) -> None:
        """Nothing to say."""

    def log(self, line: LogLine) -> None:
        stream = sys.stdout if line.level == "stdout" else sys.stderr
        mark = f"{line.level}: " if line.level in _MARKED else ""
        for text in line.text.splitlines() or [""]:
            stream.write(f"{line.node or _NO_NODE} | {mark}{text}\n")
        stream.flush()

    def refresh(self, snapshot: Snapshot) -> None:
        """Figures are for a dashboard."""

    def finished(self, report: Report) -> None:
        """The cause was a line already."""


def write_log(node: str, level: str, text: str) -> None:
    """A line of an inline run."""
    ConsoleObserver().log(LogLine(node, level, text, 0))
