"""Commands to whatever moves. Lengths are metres, angles radians, times nanoseconds."""

from __future__ import annotations

import math

from horus_runner._core.records import Record
from horus_runner.messages.define import f32, f64, message, u8, u64


@message
class CmdVel(Record):
    """Velocity that a mobile base is asked to have."""

    __topic_name__ = "cmd_vel"

    linear: f32  # m/s, forwards
    angular: f32  # rad/s, counter-clockwise
    timestamp_ns: u64 = 0

    @classmethod
    def zero(cls) -> CmdVel:
        return cls(0.0, 0.0)


@message
class MotorCommand(Record):
    """What one motor is asked to do; `mode` says what `target` means."""

    __topic_name__ = "motor_cmd"

    VELOCITY = 0  # target in rad/s
    POSITION = 1  # target in rad
    TORQUE = 2  # target in N m
    VOLTAGE = 3  # target in V

    motor_id: u8 = 0
    mode: u8 = 0
    target: f64 = 0.0
    max_velocity: f64 = math.inf  # rad/s
    max_acceleration: f64 = math.inf  # rad/s^2
    feed_forward: f64 = 0.0  # added to the controller's output, in its unit
    enable: bool = True
    timestamp_ns: u64 = 0

    @classmethod
    def velocity(cls, motor_id: int, velocity: float) -> MotorCommand:
        return cls(motor_id, cls.VELOCITY, velocity)

    @classmethod
    def position(cls, motor_id: int, position: float, max_velocity: float) -> MotorCommand:
        return cls(motor_id, cls.POSITION, position, max_velocity)

    @classmethod
    def stop(cls, motor_id: int) -> MotorCommand:
        """Velocity 0 and no power."""
        return cls(motor_id, cls.VELOCITY, 0.0, enable=False)

    def is_valid(self) -> bool:
        """Whether the mode exists, the target is finite and the limits are positive."""
        finite = math.isfinite(self.target) and math.isfinite(self.feed_forward)
        return finite and self.mode <= self.VOLTAGE and self.max_velocity > 0 and self.max_acceleration > 0


@message
class DifferentialDriveCommand(Record):
    """Speeds of the two wheels of a base that steers by their difference."""

    __topic_name__ = "diff_drive_cmd"

    left_velocity: f64 = 0.0  # rad/s
    right_velocity: f64 = 0.0  # rad/s
    max_acceleration: f64 = math.inf  # rad/s^2
    enable: bool = True
    timestamp_ns: u64 = 0

    @classmethod
    def from_twist(
        cls, linear: float, angular: float, wheel_base: float, wheel_radius: float
    ) -> DifferentialDriveCommand:
        """The wheel speeds that give the base `linear` m/s and `angular` rad/s.

        Raises ValueError when `wheel_radius` (m) is not positive.
        """
        if wheel_radius <= 0:
            raise ValueError(f"a wheel's radius is more than 0 m, not {wheel_radius}")
        turn = angular * wheel_base / 2
        return cls((linear - turn) / wheel_radius, (linear + turn) / wheel_radius)

    @classmethod
    def stop(cls) -> DifferentialDriveCommand:
        """Both wheels 0 and no power."""
        return cls(enable=False)

    def is_valid(self) -> bool:
        """Whether both speeds are finite and the limit is positive."""
        return math.isfinite(self.left_velocity) and math.isfinite(self.right_velocity) and self.max_acceleration > 0


@message
class ServoCommand(Record):
    """Angle that a servo is asked to go to."""

    __topic_name__ = "servo_cmd"

    servo_id: u8 = 0
    position: f32 = 0.0  # rad
    speed: f32 = 0.5  # share of its fastest, 0 to 1
    enable: bool = True
    timestamp_ns: u64 = 0

    @classmethod
    def from_degrees(cls, servo_id: int, degrees: float) -> ServoCommand:
        return cls(servo_id, math.radians(degrees))

    @classmethod
    def with_speed(cls, servo_id: int, position: float, speed: float) -> ServoCommand:
        return cls(servo_id, position, speed)

    @classmethod
    def disable(cls, servo_id: int) -> ServoCommand:
        """No power: the servo can be turned by hand."""
        return cls(servo_id, enable=False)

    def is_valid(self) -> bool:
        """Whether the angle is finite and the speed within 0 to 1."""
        return math.isfinite(self.position) and 0 <= self.speed <= 1


@message
class PidConfig(Record):
    """Gains and limits of one PID controller; its output is in the unit of what it drives."""

    __topic_name__ = "pid_config"

    kp: f64 = 1.0
    ki: f64 = 0.0  # per second
    kd: f64 = 0.0  # seconds
    controller_id: u8 = 0
    integral_limit: f64 = math.inf  # largest part of the output that the integral may have
    output_limit: f64 = math.inf  # largest output
    anti_windup: bool = True  # stop integrating while the output is at its limit
    timestamp_ns: u64 = 0

    @classmethod
    def proportional(cls, kp: float) -> PidConfig:
        return cls(kp)

    @classmethod
    def pi(cls, kp: float, ki: float) -> PidConfig:
        return cls(kp, ki)

    @classmethod
    def pd(cls, kp: float, kd: float) -> PidConfig:
        return cls(kp, 0.0, kd)

    def with_limits(self, integral_limit: float, output_limit: float) -> PidConfig:
        """The same gains with other limits."""
        changed = self.copy()
        changed.integral_limit, changed.output_limit = integral_limit, output_limit
        return changed

    def is_valid(self) -> bool:
        """Whether the gains are finite and not negative, and the limits positive."""
        gains = all(math.isfinite(gain) and gain >= 0 for gain in (self.kp, self.ki, self.kd))
        return gains and self.integral_limit > 0 and self.output_limit > 0
