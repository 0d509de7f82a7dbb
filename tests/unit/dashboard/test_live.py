"""The live screen, drawn into a terminal that a program emulates."""

from __future__ import annotations

import io
import os
import pty
import termios
from collections.abc import Callable, Iterator
from dataclasses import replace

import pyte
import pytest
from rich.console import Console

from horus_runner.dashboard.keyboard import Keyboard
from horus_runner.dashboard.live import LiveObserver, Screen
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.runtime.observer import LogLine, Run
from horus_runner.runtime.report import Report

COLUMNS, LINES = 80, 24


class Terminal:
    """What has been written so far, as a terminal shows it."""

    def __init__(self) -> None:
        self.written = io.StringIO()
        self.console = Console(file=self.written, force_terminal=True, width=COLUMNS, height=LINES, _environ={})

    def emulate(self) -> pyte.HistoryScreen:
        screen = pyte.HistoryScreen(COLUMNS, LINES, history=10_000)
        pyte.Stream(screen).feed(self.written.getvalue().replace("\n", "\r\n"))
        return screen

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.emulate().display]


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def no_keyboard() -> Keyboard:
    return Keyboard(-1)


def line(text: str, node: str | None = "camera", level: str = "stdout") -> LogLine:
    return LogLine(node, level, text, 0)


def run_of(snapshot: Snapshot, stop: Callable[[], None] = lambda: None) -> Run:
    return Run(snapshot.graph, snapshot.run_id, "ns", tuple(n.name for n in snapshot.nodes), stop)


def observer_on(screen: Screen) -> LiveObserver:
    """An observer whose clock stands still: lines are printed at the next refresh."""
    return LiveObserver(screen, now_s=lambda: 0.0)


def test_tables_stay_below_and_lines_scroll_above(terminal: Terminal, no_keyboard: Keyboard, faces: Snapshot) -> None:
    with Screen(terminal.console, no_keyboard) as screen:
        observer = observer_on(screen)
        observer.started(run_of(faces))
        for i in range(3):
            observer.log(line(f"frame {i}"))
            observer.refresh(replace(faces, elapsed_s=float(i)))
        shown = terminal.lines
    assert [x for x in shown if x.startswith("camera  ")][:3] == [f"camera  | frame {i}" for i in range(3)]
    assert len([x for x in shown if x.startswith("faces  ")]) == 1
    assert shown.index("camera  | frame 2") < next(i for i, x in enumerate(shown) if x.startswith("faces  2.0 s"))


def test_the_tables_go_and_the_lines_stay(terminal: Terminal, no_keyboard: Keyboard, faces: Snapshot) -> None:
    with pytest.raises(ZeroDivisionError), Screen(terminal.console, no_keyboard) as screen:
        observer = observer_on(screen)
        observer.log(line("before the end"))
        observer.refresh(faces)
        raise ZeroDivisionError
    assert [x for x in terminal.lines if x] == ["camera   | before the end"]
    assert not terminal.emulate().cursor.hidden


def test_what_was_said_last_is_shown_when_the_run_is_over(
    terminal: Terminal, no_keyboard: Keyboard, faces: Snapshot
) -> None:
    with Screen(terminal.console, no_keyboard) as screen:
        observer = observer_on(screen)
        observer.refresh(faces)
        observer.log(line("last words", level="error"))
        observer.finished(Report(faces.graph, 1.0, 0, None, faces))
    assert "camera   | error: last words" in terminal.lines


def test_a_node_that_floods_does_not_fill_memory_and_is_told_of(
    terminal: Terminal, no_keyboard: Keyboard, faces: Snapshot
) -> None:
    with Screen(terminal.console, no_keyboard) as screen:
        observer = observer_on(screen)
        for i in range(1500):
            observer.log(line(f"line {i}"))
        observer.refresh(faces)
    assert "500 lines left out" in terminal.lines


def test_a_tall_graph_leaves_room_for_lines(terminal: Terminal, no_keyboard: Keyboard, swarm: Snapshot) -> None:
    with Screen(terminal.console, no_keyboard) as screen:
        observer = observer_on(screen)
        for i in range(40):
            observer.log(line(f"line {i}"))
            observer.refresh(swarm)
        shown = terminal.lines
    assert [x for x in shown if "line" in x][-4:] == [f"camera   | line {i}" for i in range(36, 40)]
    assert any(x.startswith("nodes 1-") for x in shown)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Callable[[bytes], int], int]]:
    """A function that presses keys, and the terminal's descriptor."""
    ours, theirs = pty.openpty()
    monkeypatch.setattr(os, "tcgetpgrp", lambda fd: os.getpgrp())
    yield lambda data: os.write(ours, data), theirs
    os.close(ours)
    os.close(theirs)


def test_q_stops_the_run_and_s_sorts(
    terminal: Terminal,
    keys: tuple[Callable[[bytes], int], int],
    faces: Snapshot,
    wait_until: Callable[..., None],
) -> None:
    press, fd = keys
    stopped: list[bool] = []
    before = termios.tcgetattr(fd)
    with Screen(terminal.console, Keyboard(fd)) as screen:
        observer = observer_on(screen)
        observer.started(run_of(faces, lambda: stopped.append(True)))
        observer.refresh(faces)
        assert "q stop   s sort: graph   up/down scroll" in terminal.lines
        assert not stopped
        press(b"s")
        wait_until(lambda: observer.refresh(faces) or "q stop   s sort: budget   up/down scroll" in terminal.lines)
        nodes = [x.split()[0] for x in terminal.lines if "running" in x and "/" in x]
        assert nodes[0] == "detect"
        press(b"q")
        wait_until(lambda: observer.refresh(faces) or stopped)
    assert termios.tcgetattr(fd) == before
