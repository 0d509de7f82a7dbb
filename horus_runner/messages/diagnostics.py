"""How nodes and devices are doing."""

from __future__ import annotations

import builtins
import time
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, f64, message, u8, u32, u64
from horus_runner.messages.rows import append_row, count_rows, read_rows


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

    def message_str(self) -> str:
        return self.message

    def component_str(self) -> str:
        return self.component

    def with_component(self, component: str) -> DiagnosticStatus:
        """The same status, said of that component."""
        changed = self.copy()
        changed.component = component
        return changed


@message
class ResourceUsage(Record):
    """What a computer or a process uses of what it has."""

    __topic_name__ = "resources"

    cpu_percent: f32 = 0.0  # 100 is one core
    memory_bytes: u64 = 0
    memory_percent: f32 = 0.0
    timestamp_ns: u64 = 0
    disk_bytes: u64 = 0
    disk_percent: f32 = 0.0
    network_rx_bytes: u64 = 0
    network_tx_bytes: u64 = 0
    temperature: f32 = 0.0  # degrees Celsius
    thread_count: u32 = 0

    def is_cpu_high(self, threshold: float) -> bool:
        """Whether it uses more than `threshold` percent."""
        return self.cpu_percent > threshold

    def is_memory_high(self, threshold: float) -> bool:
        """Whether it uses more than `threshold` percent."""
        return self.memory_percent > threshold

    def is_temperature_high(self, threshold: float) -> bool:
        """Whether it is warmer than `threshold` degrees Celsius."""
        return self.temperature > threshold


@message
class NodeHeartbeat(Record):
    """How a node is doing; times are CLOCK_MONOTONIC in nanoseconds."""

    __topic_name__ = "node_heartbeat"

    state: u8 = 0  # the sender's own
    health: u8 = 0  # the sender's own; 0 is well
    tick_count: u64 = 0
    target_rate_hz: f32 = 0.0
    actual_rate_hz: f32 = 0.0
    error_count: u32 = 0
    last_tick_timestamp: u64 = 0
    heartbeat_timestamp: u64 = 0

    def update_timestamp(self) -> None:
        """This beat is now."""
        self.heartbeat_timestamp = time.monotonic_ns()

    def is_fresh(self, max_age_secs: float) -> bool:
        """Whether the beat is at most that old."""
        return time.monotonic_ns() - self.heartbeat_timestamp <= max_age_secs * 1e9


@message
class DiagnosticValue(Record):
    """A named value, kept as text; `value_type` says what it was."""

    __topic_name__ = "diagnostic_value"

    STRING, INT, FLOAT, BOOL = range(4)

    key: Annotated[str, 32] = ""
    value: Annotated[str, 64] = ""
    value_type: u8 = 0  # one of the constants above

    @classmethod
    def int(cls, key: str, value: builtins.int) -> DiagnosticValue:
        return cls(key, str(value), cls.INT)

    @classmethod
    def float(cls, key: str, value: builtins.float) -> DiagnosticValue:
        return cls(key, repr(value), cls.FLOAT)

    @classmethod
    def boolean(cls, key: str, value: bool) -> DiagnosticValue:
        return cls(key, "true" if value else "false", cls.BOOL)


MOST_VALUES = 16


@message
class DiagnosticReport(Record):
    """Up to 16 named values of one component."""

    __topic_name__ = "diagnostic_report"

    component: Annotated[str, 32] = ""
    level: u8 = 0  # one of DiagnosticStatus's constants
    timestamp_ns: u64 = 0
    values: Annotated[NDArray[np.uint8], UpTo(MOST_VALUES * layout_of(DiagnosticValue).size)] = np.zeros(0, np.uint8)

    @property
    def value_count(self) -> int:
        return count_rows(self.values, DiagnosticValue)

    def get_values(self) -> list[DiagnosticValue]:
        return read_rows("DiagnosticReport.values", self.values, DiagnosticValue)

    def add_value(self, val: DiagnosticValue) -> None:
        """Raises ValueError when there are 16 already."""
        self.values = append_row("DiagnosticReport.values", self.values, val, DiagnosticValue, MOST_VALUES)

    def add_string(self, key: str, value: str) -> None:
        self.add_value(DiagnosticValue(key, value))

    def add_int(self, key: str, value: int) -> None:
        self.add_value(DiagnosticValue.int(key, value))

    def add_float(self, key: str, value: float) -> None:
        self.add_value(DiagnosticValue.float(key, value))

    def add_bool(self, key: str, value: bool) -> None:
        self.add_value(DiagnosticValue.boolean(key, value))
