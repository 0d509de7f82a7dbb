"""The dashboard in a real terminal: what a person sees, presses and finds afterwards."""

from __future__ import annotations

import json
import os
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import psutil
import pyte
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS, LINES = 80, 24
SHELL_LINE = "$ horus run busy.yaml"

NODES = """
import sys, time

def camera(node):
    node.send("frames", {"data": b"x" * 1000})
    node.count = getattr(node, "count", 0) + 1
    if node.count % 5 == 0:
        print("\\x1b[31mframe\\x1b[0m", node.count, flush=True)

def detect(node):
    node.recv("frames")
    time.sleep(0.02)
"""
GRAPH = """
name: busy
nodes:
  camera: {run: "nodes.py:camera", rate: 25, pubs: [frames]}
  detect: {run: "nodes.py:detect", on: frames, subs: [frames], budget: 10ms}
"""


class Terminal:
    """A command in a terminal of its own, and what that shows."""

    def __init__(self, folder: Path, *arguments: str, kind: str = "xterm-256color") -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": kind}
        env = {k: v for k, v in env.items() if k not in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")}
        command = ["-m", "horus", *arguments]
        self.child = pexpect.spawn(sys.executable, command, cwd=str(folder), env=env, dimensions=(LINES, COLUMNS))
        self.screen = pyte.HistoryScreen(COLUMNS, LINES, history=10_000)
        self._stream = pyte.ByteStream(self.screen)
        self._stream.feed(SHELL_LINE.encode() + b"\r\n")

    def read(self) -> list[str]:
        """The lines on the screen, after what has been written since the last call."""
        try:
            self._stream.feed(self.child.read_nonblocking(1 << 16, timeout=0.05))
        except (pexpect.TIMEOUT, pexpect.EOF):
            time.sleep(0.01)
        return [line.rstrip() for line in self.screen.display]

    def wait_for(self, condition: Callable[[list[str]], Any], what: str, within_s: float = 30.0) -> list[str]:
        deadline = time.monotonic() + within_s
        while not condition(lines := self.read()):
            if time.monotonic() > deadline:
                pytest.fail(f"no {what} within {within_s:g} s; the screen:\n" + "\n".join(self.everything()))
        return lines

    def wait_for_tables(self) -> list[str]:
        return self.wait_for(lambda lines: row(lines, "detect", "running"), "running node in the table")

    def wait_for_end(self) -> int:
        self.wait_for(lambda lines: not self.child.isalive(), "end of the command")
        while self.child.flag_eof is False:
            self.read()
        self.child.close()
        return int(self.child.exitstatus if self.child.signalstatus is None else 128 + self.child.signalstatus)

    def everything(self) -> list[str]:
        """All that there is to read, with what has scrolled off."""
        scrolled = ["".join(line[x].data for x in range(COLUMNS)).rstrip() for line in self.screen.history.top]
        return [line for line in scrolled + [x.rstrip() for x in self.screen.display] if line]

    def attributes(self) -> list[Any]:
        return termios.tcgetattr(self.child.child_fd)


def row(lines: list[str], name: str, *words: str) -> str:
    """The table's line on a node or topic, or '' when it is not there or says something else."""
    found = [line for line in lines if line.startswith(f"{name} ") and " | " not in line]
    return next((line for line in found if all(word in line for word in words)), "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nodes.py").write_text(NODES)
    (tmp_path / "busy.yaml").write_text(GRAPH)
    return tmp_path


@pytest.fixture
def terminal(folder: Path) -> Iterator[Callable[..., Terminal]]:
    """`terminal(*arguments)`: ``horus`` with these, in a terminal."""
    started: list[Terminal] = []

    def start(*arguments: str, **options: str) -> Terminal:
        started.append(Terminal(folder, *arguments, **options))
        return started[-1]

    yield start
    for each in started:
        each.child.close(force=True)


def test_the_tables_stand_below_what_nodes_print(terminal: Callable[..., Terminal]) -> None:
    shown = terminal("run", "busy.yaml")
    lines = shown.wait_for(
        lambda lines: (
            row(lines, "detect", "running", "20") and row(lines, "frames", "kB/s") and row(lines, "camera", "Hz")
        ),
        "tables with figures",
    )
    tables = next(i for i, line in enumerate(lines) if line.startswith("busy  "))
    printed = [i for i, line in enumerate(lines) if line.startswith("camera | frame ")]
    assert printed
    assert max(printed) < tables
    assert any("Hz" in line and "%" in line for line in lines)
    shown.child.send("q")
    assert shown.wait_for_end() == 0


def test_q_stops_and_the_terminal_is_as_before(terminal: Callable[..., Terminal]) -> None:
    shown = terminal("run", "busy.yaml")
    before = shown.attributes()
    shown.wait_for_tables()
    assert not shown.attributes()[3] & termios.ECHO
    shown.child.send("q")
    assert shown.wait_for_end() == 0
    everything = shown.everything()
    assert everything[0] == SHELL_LINE  # nothing of the shell's was overwritten
    assert any(line.startswith("busy ran for ") for line in everything)
    assert not any(line.startswith("busy  ") for line in everything)  # the live tables are gone
    assert any("detect used " in line for line in everything)
    assert not shown.screen.cursor.hidden
    assert before[3] & termios.ECHO


@pytest.mark.parametrize(
    ("key_or_signal", "code"), [("\x03", 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_signals_leave_the_terminal_as_it_was(
    key_or_signal: str | signal.Signals, code: int, terminal: Callable[..., Terminal]
) -> None:
    shown = terminal("run", "busy.yaml")
    shown.wait_for_tables()
    if isinstance(key_or_signal, str):
        shown.child.send(key_or_signal)
    else:
        shown.child.kill(key_or_signal)
    shown.wait_for(lambda lines: any(line.startswith("busy ran for ") for line in lines), "table at the end")
    assert shown.wait_for_end() == code
    assert not shown.screen.cursor.hidden


def test_s_sorts_by_budget(terminal: Callable[..., Terminal]) -> None:
    shown = terminal("run", "busy.yaml")
    lines = shown.wait_for_tables()
    assert "q stop   s sort: graph   up/down scroll" in lines
    assert lines.index(row(lines, "camera")) < lines.index(row(lines, "detect"))
    shown.child.send("s")
    lines = shown.wait_for(lambda lines: "q stop   s sort: budget   up/down scroll" in lines, "another order")
    assert lines.index(row(lines, "camera")) > lines.index(row(lines, "detect"))
    shown.child.send("q")
    assert shown.wait_for_end() == 0


def test_a_paused_terminal_does_not_hold_up_the_run(
    terminal: Callable[..., Terminal], folder: Path, wait_until: Callable[..., None]
) -> None:
    """Ctrl-S, then nobody reads: the graph still ends when its time is over."""
    shown = terminal("run", "busy.yaml", "--duration", "3s", "--report", "out.json", "--set", "nodes.camera.rate=500")
    shown.wait_for_tables()
    shown.child.send("\x13")
    wait_until(lambda: (folder / "out.json").read_text(), "the report", within_s=30)
    shown.child.send("\x11")
    assert shown.wait_for_end() == 0
    assert json.loads((folder / "out.json").read_text())["exit_code"] == 0


@pytest.mark.parametrize(("option", "kind"), [(["--no-dashboard"], "xterm-256color"), ([], "dumb")])
def test_plain_lines_where_they_are_asked_for_or_all_there_is(
    option: list[str], kind: str, terminal: Callable[..., Terminal]
) -> None:
    shown = terminal("run", "busy.yaml", "--duration", "1500ms", *option, kind=kind)
    assert shown.wait_for_end() == 0
    everything = shown.everything()
    assert "horus | running: camera, detect" in everything
    assert "camera | frame 5" in everything
    assert not any("q stop" in line for line in everything)


def test_top_shows_the_same_tables_from_another_terminal(terminal: Callable[..., Terminal]) -> None:
    run = terminal("run", "busy.yaml")
    run.wait_for_tables()
    top = terminal("top")
    lines = top.wait_for_tables()
    assert row(lines, "frames")
    assert "q quit   s sort: graph   up/down scroll" in lines
    top.child.send("q")
    assert top.wait_for_end() == 0
    assert not any(line.startswith("busy  ") for line in top.everything())
    again = terminal("top", "busy")
    again.wait_for_tables()
    run.read()
    run.child.send("q")
    again.wait_for(lambda lines: any(line.startswith("busy ran for ") for line in lines), "last figures")
    assert again.wait_for_end() == 0
    assert run.wait_for_end() == 0


def test_stop_ends_a_run_elsewhere(terminal: Callable[..., Terminal]) -> None:
    run = terminal("run", "busy.yaml")
    run.wait_for_tables()
    stop = terminal("stop", "busy")
    assert stop.wait_for_end() == 0
    assert stop.everything() == [SHELL_LINE]
    assert run.wait_for_end() == 0


def test_top_outlives_a_killed_run(terminal: Callable[..., Terminal]) -> None:
    run = terminal("run", "busy.yaml")
    run.wait_for_tables()
    top = terminal("top")
    top.wait_for_tables()
    psutil.Process(run.child.pid).kill()
    top.wait_for(lambda lines: any(line.startswith("busy ran for ") for line in lines), "last figures")
    assert top.wait_for_end() == 0
