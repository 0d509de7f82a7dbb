"""What stops a robot before it does harm."""

from __future__ import annotations

from typing import Annotated

from horus_runner._core.records import Record
from horus_runner.messages.define import message, u8, u32, u64


@message
class EmergencyStop(Record):
    """Everything stops (`engaged`), or may move again."""

    __topic_name__ = "estop"

    engaged: bool = True
    reason: Annotated[str, 64] = ""
    timestamp_ns: u64 = 0
    source: Annotated[str, 32] = ""  # who asked for it
    auto_reset: bool = False  # whether it ends by itself once its reason is gone

    @classmethod
    def engage(cls, reason: str) -> EmergencyStop:
        return cls(True, reason)

    @classmethod
    def release(cls) -> EmergencyStop:
        return cls(False)

    def with_source(self, source: str) -> EmergencyStop:
        """The same, asked for by `source`."""
        changed = self.copy()
        changed.source = source
        return changed

    def reason_str(self) -> str:
        return self.reason


@message
class SafetyStatus(Record):
    """Whether all that keeps a robot safe is in order."""

    __topic_name__ = "safety_status"

    NORMAL, REDUCED, SAFE_STOP = range(3)

    enabled: bool = True  # whether the robot may move at all
    estop_engaged: bool = False
    watchdog_ok: bool = True
    limits_ok: bool = True
    comms_ok: bool = True
    mode: u8 = 0  # one of the constants above
    fault_code: u32 = 0  # the robot's own; 0 is none
    timestamp_ns: u64 = 0

    def is_safe(self) -> bool:
        """Whether it is enabled, no stop is engaged, every check is fine and there is no fault."""
        checks = self.watchdog_ok and self.limits_ok and self.comms_ok
        return self.enabled and not self.estop_engaged and checks and self.fault_code == 0

    def set_fault(self, code: int) -> None:
        """Take the fault's code and ask for a safe stop."""
        self.fault_code = code
        self.mode = self.SAFE_STOP

    def clear_faults(self) -> None:
        """No fault, and back to normal; what the checks found and an engaged stop stay."""
        self.fault_code = 0
        self.mode = self.NORMAL
