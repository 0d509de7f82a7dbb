"""The live screen: the tables stay at the bottom of the terminal, what nodes print scrolls by above them.

It is drawn below the shell's history, not on the alternate screen: what was printed is there to read after the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from horus_runner.dashboard.keyboard import Controls, Keyboard
from horus_runner.dashboard.logs import RUNNER
from horus_runner.dashboard.smoothing import Smoothing
from horus_runner.dashboard.stream import Stream
from horus_runner.dashboard.styled import styled_lines
from horus_runner.dashboard.view import Frame, view

if TYPE_CHECKING:
    from horus_runner.metrics.snapshot import Snapshot
    from horus_runner.runtime.observer import LogLine, Run
    from horus_runner.runtime.report import Report

LINES_FOR_LOGS = 7  # and a blank one between
FEWEST_LINES = 12
LOG_INTERVAL_S = 0.05  # each print draws the screen anew: a chatty node's lines are printed together
MOST_HELD_LINES = 1000


class Screen:
    """The live tables and the lines above them, until the `with` block ends, however it ends."""

    def __init__(self, console: Console | None = None, keyboard: Keyboard | None = None) -> None:
        self._stream = None if console else Stream()
        self.console = console or Console(file=cast(IO[str], self._stream), force_terminal=True, stderr=True)
        self.keyboard = keyboard or Keyboard()
        self.controls = Controls()
        self._live = Live(console=self.console, auto_refresh=False, transient=True, redirect_stdout=False,
                          redirect_stderr=False, vertical_overflow="crop")  # fmt: skip
        self._smoothing = Smoothing()

    def __enter__(self) -> Screen:
        self.keyboard.__enter__()
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._live.stop()
        finally:
            self.keyboard.__exit__()
            if self._stream is not None:
                self._stream.close()

    def poll(self) -> Controls:
        """What the keys pressed so far ask for."""
        for key in self.keyboard.read():
            self.controls = self.controls.pressed(key)
        return self.controls

    def pause(self, seconds: float) -> Controls:
        """Wait for a key, at most so long; what the keys pressed so far ask for."""
        self.keyboard.wait(seconds)
        return self.poll()

    def show(self, snapshot: Snapshot, stop_means: str = "stop") -> None:
        size = self.console.size
        frame = Frame(
            width=size.width,
            height=max(size.height - LINES_FOR_LOGS, min(FEWEST_LINES, size.height)),
            ascii_only=self.console.options.ascii_only,
            keys=f"q {stop_means}   s sort: {self.controls.sort}   up/down scroll" if self.keyboard.active else "",
        )
        tables = view(self._smoothing.add(snapshot), self.controls.applied_to(frame))
        self._live.update(Group(Text(), tables), refresh=True)

    def announce(self, text: str) -> None:
        """Something to look at until the first snapshot."""
        self._live.update(Group(Text(), Text(text, style="dim", no_wrap=True, overflow="ellipsis")), refresh=True)

    def print(self, lines: list[Text]) -> None:
        """Lines above the tables; they stay when the tables go."""
        self.console.print(Group(*lines), soft_wrap=True)


class LiveObserver:
    """Shows a run on a terminal while the supervisor runs it."""

    interval_s = 0.5

    def __init__(self, screen: Screen, now_s: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._now_s = now_s
        self._held: list[Text] = []
        self._left_out = 0
        self._printed_s = 0.0
        self._name_width = 8
        self._run: Run | None = None

    def started(self, run: Run) -> None:
        self._run = run
        self._name_width = max((len(name) for name in run.node_names), default=8)
        self._screen.announce(f"{run.graph}  starting {', '.join(run.node_names)}")

    def log(self, line: LogLine) -> None:
        if len(self._held) < MOST_HELD_LINES:
            self._held += styled_lines(line.node or RUNNER, line.level, line.text, self._name_width)
        else:
            self._left_out += 1
        if self._now_s() - self._printed_s >= LOG_INTERVAL_S:
            self._print_held()

    def refresh(self, snapshot: Snapshot) -> None:
        if self._screen.poll().stop and self._run is not None:
            self._run.stop()
        self._print_held()
        self._screen.show(snapshot)

    def finished(self, report: Report) -> None:
        self._print_held()

    def _print_held(self) -> None:
        if self._left_out:
            self._held.append(Text(f"{self._left_out} lines left out", style="dim"))
        if self._held:
            self._screen.print(self._held)
        self._held, self._left_out, self._printed_s = [], 0, self._now_s()
