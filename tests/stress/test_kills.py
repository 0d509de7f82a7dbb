"""Random processes of a run killed at random moments: afterwards nothing is left, whatever it was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from horus_runner.runtime.processes import JANITOR_NAME, end_strays
from horus_runner.transport.runs import sweep

ROOT = Path(__file__).resolve().parents[2]
GRAPH_NAME = f"kills{os.getpid()}"
ROUNDS = 25

NODES = """
import subprocess

def send(node):
    node.send("t", {"a": 1})

def receive(node):
    node.recv_all("t")
    if not hasattr(node, "child"):
        node.child = subprocess.Popen(["sleep", "600"])
"""

GRAPH = f"""
name: {GRAPH_NAME}
nodes:
  a: {{run: "nodes.py:send", pubs: [t], rate: 200, restart: on-failure}}
  b: {{run: "nodes.py:receive", subs: [t], rate: 200, restart: on-failure}}
"""


def marked(mark: str) -> list[psutil.Process]:
    """The running processes that have `mark` in their environment."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and has_mark(process, mark)]


def has_mark(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("KILLS_ROUND") == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def segments() -> list[str]:
    return [path.name for path in Path("/dev/shm").iterdir() if path.name.startswith(f"horus.{GRAPH_NAME}-")]


@pytest.mark.stress
@pytest.mark.timeout(600)
def test_kill_anything(tmp_path: Path, seed: int, wait_until: Callable[..., None]) -> None:
    (tmp_path / "nodes.py").write_text(NODES)
    (tmp_path / "graph.yaml").write_text(GRAPH)
    chance = random.Random(seed)
    for number in range(ROUNDS):
        mark = f"{seed}-{number}"
        supervisor = start(tmp_path, mark)
        time.sleep(chance.uniform(0, 1))
        killed = [kill_one(chance, mark, supervisor.pid) for _ in range(chance.randint(0, 3))]
        guarded = any(is_janitor(process, supervisor.pid) for process in marked(mark))
        signum = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
        supervisor.send_signal(signum)
        supervisor.wait(20)
        if not guarded:  # supervisor and fork server at once: the next command's work
            end_strays()
            sweep()
        story = f"after {killed} and {signum.name}"
        wait_until(lambda mark=mark: not marked(mark), f"every process gone {story}")
        wait_until(lambda: not segments(), f"every segment gone {story}")


def start(folder: Path, mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "horus_runner.cli", "run", "graph.yaml", "--no-dashboard"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KILLS_ROUND": mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_one(chance: random.Random, mark: str, spared: int) -> str:
    """Kill a process of the run, not its supervisor; returns its name."""
    found = [process for process in marked(mark) if process.pid != spared]
    name = ""
    if found:
        victim = chance.choice(found)
        try:
            name = victim.name()
            victim.kill()
        except psutil.NoSuchProcess:
            name = "gone"
    time.sleep(chance.uniform(0, 0.3))
    return name


def is_janitor(process: psutil.Process, supervisor: int) -> bool:
    try:
        return process.name() == JANITOR_NAME and process.ppid() == supervisor
    except psutil.NoSuchProcess:
        return False
