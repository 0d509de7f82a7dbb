"""Forces and torques. Newton, newton metres, seconds; times in nanoseconds."""

from __future__ import annotations

import math

from horus_runner._core.records import Record
from horus_runner.messages.define import f32, f64, message, u8, u64
from horus_runner.messages.geometry import Vector3


@message
class WrenchStamped(Record):
    """The force (N) and torque (N m) on something."""

    __topic_name__ = "wrench"

    fx: f64 = 0.0
    fy: f64 = 0.0
    fz: f64 = 0.0
    tx: f64 = 0.0
    ty: f64 = 0.0
    tz: f64 = 0.0
    timestamp_ns: u64 = 0

    @classmethod
    def force_only(cls, force: Vector3) -> WrenchStamped:
        return cls(force.x, force.y, force.z)

    @classmethod
    def torque_only(cls, torque: Vector3) -> WrenchStamped:
        return cls(0.0, 0.0, 0.0, torque.x, torque.y, torque.z)

    def force_magnitude(self) -> float:
        return math.hypot(self.fx, self.fy, self.fz)

    def torque_magnitude(self) -> float:
        return math.hypot(self.tx, self.ty, self.tz)

    def exceeds_limits(self, max_force: float, max_torque: float) -> bool:
        """Whether force or torque is more than that, or not a number."""
        return not (self.force_magnitude() <= max_force and self.torque_magnitude() <= max_torque)

    def filter(self, prev: WrenchStamped, alpha: float) -> None:
        """Smooth in place: `alpha` (0 to 1) of this, the rest of `prev`. Raises ValueError for another alpha."""
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha is a share from 0 to 1, not {alpha}")
        for name in ("fx", "fy", "fz", "tx", "ty", "tz"):
            setattr(self, name, alpha * getattr(self, name) + (1 - alpha) * getattr(prev, name))


@message
class ForceCommand(Record):
    """The force (N) and torque (N m) that a tool is asked to apply."""

    __topic_name__ = "force_cmd"

    fx: f64
    fy: f64
    fz: f64
    tx: f64
    ty: f64
    tz: f64
    timeout_seconds: f64  # give up after so long; 0 is never
    timestamp_ns: u64

    def __init__(
        self,
        fx: float = 0.0,
        fy: float = 0.0,
        fz: float = 0.0,
        tx: float = 0.0,
        ty: float = 0.0,
        tz: float = 0.0,
        timeout: float = 0.0,
        timestamp_ns: int = 0,
    ) -> None:
        self.fx, self.fy, self.fz = fx, fy, fz
        self.tx, self.ty, self.tz = tx, ty, tz
        self.timeout_seconds = timeout
        self.timestamp_ns = timestamp_ns

    @classmethod
    def force_only(cls, target: Vector3) -> ForceCommand:
        return cls(target.x, target.y, target.z)

    @classmethod
    def surface_contact(cls, normal_force: float, normal: Vector3) -> ForceCommand:
        """Press with `normal_force` along `normal`, whatever its length. Raises ValueError when it has none."""
        unit = normal.normalized()
        return cls(unit.x * normal_force, unit.y * normal_force, unit.z * normal_force)

    def with_timeout(self, timeout_seconds: float) -> ForceCommand:
        """The same command, given up after so long."""
        changed = self.copy()
        changed.timeout_seconds = timeout_seconds
        return changed


@message
class ContactInfo(Record):
    """Whether a tool touches something, and how that feels."""

    __topic_name__ = "contact"

    NO_CONTACT, INITIAL, STABLE, LOSING, SLIDING = range(5)

    state: u8 = 0  # one of the constants above
    contact_force: f64 = 0.0  # N
    confidence: f32 = 0.0  # 0 to 1
    timestamp_ns: u64 = 0
    stiffness: f64 = 0.0  # N/m, an estimate
    damping: f64 = 0.0  # N s/m, an estimate
    contact_start_ns: u64 = 0  # when it began, by the clock of `timestamp_ns`

    def is_in_contact(self) -> bool:
        return self.state != self.NO_CONTACT

    def contact_duration_seconds(self) -> float:
        """How long it has been touching at `timestamp_ns`; 0 without contact, or before it began."""
        if not self.is_in_contact():
            return 0.0
        return max(self.timestamp_ns - self.contact_start_ns, 0) / 1e9
