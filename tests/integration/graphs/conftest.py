"""`horus run` as a user types it, in a process of its own: its exit code, its report, and what it printed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
DEADLINE_S = 90


@dataclass(frozen=True)
class Finished:
    """A run of `horus run` that has ended. `lines` are the lines that it wrote, on either stream."""

    exit_code: int
    report: dict[str, Any]
    lines: list[str]

    def lines_with(self, text: str) -> list[str]:
        """The part from `text` on of each line that has it: without the node's name in front."""
        return [line[line.index(text) :] for line in self.lines if text in line]

    def edge(self, topic: str, publisher: str, subscriber: str) -> dict[str, Any]:
        return self.report["topics"][topic]["edges"][publisher][subscriber]

    def edges(self) -> list[dict[str, Any]]:
        topics = self.report["topics"].values()
        return [edge for topic in topics for edges in topic["edges"].values() for edge in edges.values()]


@pytest.fixture(scope="session")
def run_graph(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Finished]:
    """Run `horus run graphs/NAME.yaml ARGUMENTS --report FILE` to its end."""

    def run(name: str, *arguments: str) -> Finished:
        report = tmp_path_factory.mktemp(name) / "report.json"
        command = [sys.executable, "-m", "horus_runner.cli", "run", str(ROOT / "graphs" / f"{name}.yaml"), *arguments]
        done = subprocess.run(
            [*command, "--report", str(report)],
            env=os.environ | {"HORUS_CHECK": "1"},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        lines = done.stdout.splitlines() + done.stderr.splitlines()
        assert report.exists(), "\n".join(lines)
        return Finished(done.returncode, json.loads(report.read_text()), lines)

    return run
