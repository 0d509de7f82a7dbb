"""What sensors measure. SI units, angles in radians, times in nanoseconds; axes are right-handed."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, f64, message, u8, u64
from horus_runner.messages.geometry import Pose2D, Quaternion, Twist, Vector3

# ROS's sign for "there is no such measurement": -1 as the first number of a covariance.
_UNKNOWN = np.array([-1.0, 0, 0, 0, 0, 0, 0, 0, 0])

Covariance3 = Annotated[NDArray[np.float64], (9,)]  # of x, y, z: 3 rows of 3


@message
class Imu(Record):
    """Acceleration (m/s^2) and turn rate (rad/s), and orientation where the sensor computes one."""

    __topic_name__ = "imu"

    accel_x: f64
    accel_y: f64
    accel_z: f64
    gyro_x: f64
    gyro_y: f64
    gyro_z: f64
    timestamp_ns: u64 = 0
    qx: f64 = 0.0
    qy: f64 = 0.0
    qz: f64 = 0.0
    qw: f64 = 1.0
    orientation_covariance: Covariance3 = _UNKNOWN  # rad^2; starts with -1 when there is no orientation
    angular_velocity_covariance: Covariance3 = np.zeros(9)  # (rad/s)^2
    linear_acceleration_covariance: Covariance3 = np.zeros(9)  # (m/s^2)^2

    def linear_acceleration_vec(self) -> Vector3:
        return Vector3(self.accel_x, self.accel_y, self.accel_z)

    def angular_velocity_vec(self) -> Vector3:
        return Vector3(self.gyro_x, self.gyro_y, self.gyro_z)

    def orientation_quat(self) -> Quaternion:
        return Quaternion(self.qx, self.qy, self.qz, self.qw)

    def has_orientation(self) -> bool:
        return bool(self.orientation_covariance[0] >= 0)

    def set_orientation_from_euler(self, roll: float, pitch: float, yaw: float) -> None:
        """Set the orientation (see Quaternion.from_euler), and its covariance to 0 where it said that there is none."""
        turned = Quaternion.from_euler(roll, pitch, yaw)
        self.qx, self.qy, self.qz, self.qw = turned.x, turned.y, turned.z, turned.w
        if not self.has_orientation():
            self.orientation_covariance[0] = 0.0

    def is_valid(self) -> bool:
        """Whether acceleration and turn rate are finite."""
        turn = self.gyro_x, self.gyro_y, self.gyro_z
        return all(map(math.isfinite, (self.accel_x, self.accel_y, self.accel_z, *turn)))


@message
class Odometry(Record):
    """Where a base on the ground believes to be (in `frame_id`) and how fast it moves (in `child_frame_id`)."""

    __topic_name__ = "odom"

    x: f64 = 0.0
    y: f64 = 0.0
    theta: f64 = 0.0
    linear_velocity: f64 = 0.0  # m/s
    angular_velocity: f64 = 0.0  # rad/s
    timestamp_ns: u64 = 0
    frame_id: Annotated[str, 32] = "odom"
    child_frame_id: Annotated[str, 32] = "base_link"

    def set_frames(self, frame: str, child_frame: str) -> None:
        self.frame_id, self.child_frame_id = frame, child_frame

    def update(self, pose: Pose2D, twist: Twist) -> None:
        """Take pose and velocity, and the pose's time."""
        self.x, self.y, self.theta = pose.x, pose.y, pose.theta
        self.linear_velocity, self.angular_velocity = twist.linear_x, twist.angular_z
        self.timestamp_ns = pose.timestamp_ns

    def is_valid(self) -> bool:
        """Whether every number is finite."""
        moving = self.linear_velocity, self.angular_velocity
        return all(map(math.isfinite, (self.x, self.y, self.theta, *moving)))


@message
class LaserScan(Record):
    """Distances around a spinning laser, up to 2048 of them, the first at `angle_min`."""

    __topic_name__ = "scan"

    angle_min: f32 = 0.0
    angle_max: f32 = 0.0
    angle_increment: f32 = 0.0  # between two ranges
    range_min: f32 = 0.0  # m; nearer readings mean nothing
    range_max: f32 = 0.0  # m
    ranges: Annotated[NDArray[np.float32], UpTo(2048)] = np.zeros(0, np.float32)  # m
    timestamp_ns: u64 = 0

    def angle_at(self, index: int) -> float:
        """The direction of ranges[index]."""
        return self.angle_min + index * self.angle_increment

    def is_range_valid(self, index: int) -> bool:
        """Whether ranges[index] is finite and between `range_min` and `range_max`. Raises IndexError."""
        distance = float(self.ranges[index])
        return math.isfinite(distance) and self.range_min <= distance <= self.range_max

    def min_range(self) -> float | None:
        """The nearest valid range in metres, None when none is valid."""
        ranges = self.ranges
        valid = ranges[np.isfinite(ranges) & (ranges >= self.range_min) & (ranges <= self.range_max)]
        return float(valid.min()) if valid.size else None


@message
class BatteryState(Record):
    """A battery; `current` is negative while it discharges."""

    __topic_name__ = "battery"

    UNKNOWN, CHARGING, DISCHARGING, NOT_CHARGING, FULL = range(5)

    voltage: f32 = 0.0  # V
    percentage: f32 = 0.0  # 0 to 100
    current: f32 = 0.0  # A
    temperature: f32 = 25.0  # degrees Celsius
    power_supply_status: u8 = 0  # one of the constants above
    timestamp_ns: u64 = 0
    charge: f32 = math.nan  # A h that are left; NaN when the battery does not say

    def is_low(self, threshold: float) -> bool:
        """Whether less than `threshold` percent are left."""
        return self.percentage < threshold

    def is_critical(self) -> bool:
        """Whether less than 10 percent are left."""
        return self.is_low(10.0)

    def time_remaining(self) -> float | None:
        """Seconds until empty at this current; None while it charges or when `charge` is not known."""
        if not self.current < 0 or math.isnan(self.charge):
            return None
        return self.charge * 3600 / -self.current


@message
class Temperature(Record):
    """A temperature."""

    __topic_name__ = "temperature"

    temperature: f64 = 0.0  # degrees Celsius
    variance: f64 = 0.0  # 0 when it is not known
    timestamp_ns: u64 = 0


@message
class RangeSensor(Record):
    """The distance to whatever is nearest in a cone."""

    __topic_name__ = "range"

    ULTRASOUND, INFRARED, LASER = 0, 1, 2

    range: f32 = 0.0  # m
    sensor_type: u8 = 0  # one of the constants above
    field_of_view: f32 = 0.1  # rad, the whole angle of the cone
    min_range: f32 = 0.02  # m
    max_range: f32 = 4.0  # m
    timestamp_ns: u64 = 0

    def is_valid(self) -> bool:
        """Whether the distance is finite and between `min_range` and `max_range`."""
        return math.isfinite(self.range) and self.min_range <= self.range <= self.max_range


@message
class MagneticField(Record):
    """The magnetic field along the sensor's axes."""

    __topic_name__ = "mag"

    x: f64 = 0.0  # tesla
    y: f64 = 0.0
    z: f64 = 0.0
    timestamp_ns: u64 = 0


@message
class FluidPressure(Record):
    """A pressure, of air or water."""

    __topic_name__ = "pressure"

    pressure: f64 = 0.0  # pascal
    variance: f64 = 0.0  # Pa^2; 0 when it is not known
    timestamp_ns: u64 = 0


@message
class Illuminance(Record):
    """How bright it is."""

    __topic_name__ = "illuminance"

    illuminance: f64 = 0.0  # lux
    variance: f64 = 0.0  # lux^2; 0 when it is not known
    timestamp_ns: u64 = 0
