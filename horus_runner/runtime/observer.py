"""What the supervisor tells whoever shows a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from horus_runner.metrics.snapshot import Snapshot
    from horus_runner.runtime.report import Report


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a node, or of the supervisor (`node` None).

    `level` is stdout or stderr for what a process printed, else debug, info, warning or error. `time_ns` is
    CLOCK_MONOTONIC.
    """

    node: str | None
    level: str
    text: str
    time_ns: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has started; `stop` ends it as a request."""

    graph: str
    run_id: str
    namespace: str
    node_names: tuple[str, ...]
    stop: Callable[[], None]


class Observer(Protocol):
    """Called from the supervisor's loop, which waits meanwhile: be quick.

    `refresh` is called every `interval_s` seconds, `finished` once, after the last process is gone.
    """

    interval_s: float

    def started(self, run: Run) -> None: ...

    def log(self, line: LogLine) -> None: ...

    def refresh(self, snapshot: Snapshot) -> None: ...

    def finished(self, report: Report) -> None: ...
