"""How nodes and devices are doing."""

from __future__ import annotations

import time
from typing import Annotated

from horus_runner._core.records import Record
from horus_runner.messages.define import f64, message, u8, u32, u64


@message
class Heartbeat(Record):
    """A sign of life, sent again and again."""

    __topic_name__ = "heartbeat"

    node_name: Annotated[str, 32] = ""
    node_id: u32 = 0
    timestamp_ns: u64 = 0  # CLOCK_MONOTONIC once `update` was called
    sequence: u64 = 0
    alive: bool = True
    uptime: f64 = 0.0  # seconds

    def update(self, uptime: float) -> None:
        """The next beat: counts `sequence` up and takes the time."""
        self.uptime = uptime
        self.sequence += 1
        self.timestamp_ns = time.monotonic_ns()


@message
class DiagnosticStatus(Record):
    """The state of one component; `code` is its own."""

    __topic_name__ = "diagnostics"

    OK, WARN, ERROR, FATAL = range(4)

    level: u8 = 0  # one of the constants above
    code: u32 = 0
    message: Annotated[str, 128] = ""
    component: Annotated[str, 32] = ""
    timestamp_ns: u64 = 0

    @classmethod
    def ok(cls, message: str) -> DiagnosticStatus:
        return cls(cls.OK, 0, message)

    @classmethod
    def warn(cls, code: int, message: str) -> DiagnosticStatus:
        return cls(cls.WARN, code, message)

    @classmethod
    def error(cls, code: int, message: str) -> DiagnosticStatus:
        return cls(cls.ERROR, code, message)

    @classmethod
    def fatal(cls, code: int, message: str) -> DiagnosticStatus:
        return cls(cls.FATAL, code, message)

    def with_component(self, component: str) -> DiagnosticStatus:
        """The same status, said of that component."""
        changed = self.copy()
        changed.component = component
        return changed
