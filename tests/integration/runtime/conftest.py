"""Graphs and scripts run as a user runs them, with what a test needs to see of their processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from horus_runner.runtime.processes import JANITOR_NAME

ROOT = Path(__file__).resolve().parents[3]
WITHIN_S = 20.0
SHM = Path("/dev/shm")
GRAPH_NAME = f"g{os.getpid()}"  # so that other sessions' segments are told apart


class Program:
    """A program that runs: its output so far, its children by name."""

    def __init__(self, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self._out = folder / f"out-{time.monotonic_ns()}"
        merged = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **env}
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=folder, env=merged
            )
        self.pid = self.process.pid

    @property
    def output(self) -> str:
        return self._out.read_text(errors="replace")

    def expect(self, text: str, count: int = 1) -> None:
        """Wait until `text` stands in the output `count` times."""
        until(lambda: self.output.count(text) >= count or self.process.poll() is not None, f"{text!r}\n{self.output}")
        assert self.output.count(text) >= count, f"ended without {text!r}:\n{self.output}"

    def children(self) -> dict[str, int]:
        """The pids of its child processes by their names: its nodes', and `horus janitor`."""
        return {name_of(child.pid): child.pid for child in psutil.Process(self.pid).children()}

    def pid_of(self, name: str) -> int:
        until(lambda: name in self.children(), f"child {name!r}")
        return self.children()[name]

    @property
    def janitor(self) -> int:
        return self.pid_of(JANITOR_NAME)

    def signal(self, signum: int) -> None:
        self.process.send_signal(signum)

    def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        return self.process.wait(WITHIN_S)


def name_of(pid: int) -> str:
    """The name that `ps -o comm` shows; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition; fail with `what` when it does not come true in time."""
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {WITHIN_S:g} s: {what}")
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    """Whether nothing runs under `pid` any more (nobody may have reaped it yet)."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """`start(*arguments, env={})`: this interpreter with these arguments, in `tmp_path`."""
    programs: list[Program] = []

    def start_program(*arguments: str, env: dict[str, str] | None = None) -> Program:
        programs.append(Program([sys.executable, *arguments], tmp_path, env or {}))
        return programs[-1]

    yield start_program
    for program in programs:
        if program.process.poll() is None:
            program.signal(signal.SIGKILL)
            program.wait()


@pytest.fixture
def run_graph(tmp_path: Path, start: Callable[..., Program]) -> Callable[..., Program]:
    """`run_graph(code, yaml, *options)`: `horus run` on a graph named g whose nodes are in ``nodes.py``."""

    def run(code: str, yaml: str, *options: str) -> Program:
        (tmp_path / "nodes.py").write_text(code)
        (tmp_path / "graph.yaml").write_text(yaml.replace("name: g\n", f"name: {GRAPH_NAME}\n"))
        return start("-m", "horus_runner.cli", "run", "graph.yaml", "--no-dashboard", *options)

    return run


@pytest.fixture
def segments() -> Callable[[], set[str]]:
    """The segments of this session's graphs and scripts that are there now."""
    ours = (f"horus.{GRAPH_NAME}-", f"horus.{os.environ['HORUS_NAMESPACE']}.")
    return lambda: {path.name for path in SHM.iterdir() if path.name.startswith(ours)}
