"""Points, poses and velocities. Lengths are metres, angles radians, times nanoseconds; axes are right-handed."""

from __future__ import annotations

import math

from horus_runner._core.records import Record
from horus_runner.messages.define import f64, message, u64


def _yaw(theta: float) -> tuple[float, float]:
    """(z, w) of the quaternion that turns by theta about the vertical axis."""
    return math.sin(theta / 2), math.cos(theta / 2)


@message
class Point3(Record):
    """A place."""

    x: f64 = 0.0
    y: f64 = 0.0
    z: f64 = 0.0

    @classmethod
    def origin(cls) -> Point3:
        return cls()

    def distance_to(self, other: Point3) -> float:
        """Metres in a straight line."""
        return math.dist((self.x, self.y, self.z), (other.x, other.y, other.z))


@message
class Vector3(Record):
    """A direction with a length."""

    x: f64 = 0.0
    y: f64 = 0.0
    z: f64 = 0.0

    @classmethod
    def zero(cls) -> Vector3:
        return cls()

    def magnitude(self) -> float:
        return math.hypot(self.x, self.y, self.z)

    def dot(self, other: Vector3) -> float:
        return self.x * other.x + self.y * other.y + self.z * other.z

    def cross(self, other: Vector3) -> Vector3:
        return Vector3(
            self.y * other.z - self.z * other.y,
            self.z * other.x - self.x * other.z,
            self.x * other.y - self.y * other.x,
        )

    def normalize(self) -> None:
        """Give this vector length 1. Raises ValueError when it has none."""
        length = self.magnitude()
        if length == 0:
            raise ValueError("a Vector3 of length 0 has no direction")
        self.x, self.y, self.z = self.x / length, self.y / length, self.z / length

    def normalized(self) -> Vector3:
        """A vector of length 1 in the same direction. Raises ValueError when this one has none."""
        unit = self.copy()
        unit.normalize()
        return unit


@message
class Quaternion(Record):
    """A rotation; (0, 0, 0, 1) is none."""

    x: f64 = 0.0
    y: f64 = 0.0
    z: f64 = 0.0
    w: f64 = 1.0

    @classmethod
    def identity(cls) -> Quaternion:
        return cls()

    @classmethod
    def from_euler(cls, roll: float = 0.0, pitch: float = 0.0, yaw: float = 0.0) -> Quaternion:
        """The rotation by roll about x, then pitch about y, then yaw about z, all about fixed axes."""
        (sr, cr), (sp, cp), (sy, cy) = _yaw(roll), _yaw(pitch), _yaw(yaw)
        return cls(
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
            cr * cp * cy + sr * sp * sy,
        )

    def norm(self) -> float:
        return math.hypot(self.x, self.y, self.z, self.w)

    def normalize(self) -> None:
        """Give this quaternion length 1, as a rotation has. Raises ValueError when it has none."""
        length = self.norm()
        if length == 0:
            raise ValueError("a Quaternion of length 0 is no rotation")
        self.x, self.y, self.z, self.w = self.x / length, self.y / length, self.z / length, self.w / length

    def is_valid(self) -> bool:
        """Whether this is a rotation: length 1 within 1 %."""
        return abs(self.norm() - 1) < 0.01


@message
class Pose2D(Record):
    """Position and heading in the plane; heading 0 is along x, counter-clockwise is positive."""

    __topic_name__ = "pose"

    x: f64
    y: f64
    theta: f64
    timestamp_ns: u64 = 0

    @classmethod
    def origin(cls) -> Pose2D:
        return cls(0.0, 0.0, 0.0)

    def distance_to(self, other: Pose2D) -> float:
        """Metres between the positions."""
        return math.hypot(self.x - other.x, self.y - other.y)

    def normalize_angle(self) -> None:
        """Bring the heading into -pi .. pi."""
        self.theta = math.remainder(self.theta, 2 * math.pi)

    def is_valid(self) -> bool:
        """Whether every number is finite."""
        return all(map(math.isfinite, (self.x, self.y, self.theta)))


@message
class Pose3D(Record):
    """Position and orientation in space."""

    __topic_name__ = "pose3d"

    x: f64 = 0.0
    y: f64 = 0.0
    z: f64 = 0.0
    qx: f64 = 0.0
    qy: f64 = 0.0
    qz: f64 = 0.0
    qw: f64 = 1.0
    timestamp_ns: u64 = 0

    @classmethod
    def identity(cls) -> Pose3D:
        return cls()

    @classmethod
    def from_pose_2d(cls, pose: Pose2D) -> Pose3D:
        """The same pose, on the ground."""
        qz, qw = _yaw(pose.theta)
        return cls(pose.x, pose.y, 0.0, 0.0, 0.0, qz, qw, pose.timestamp_ns)

    def distance_to(self, other: Pose3D) -> float:
        """Metres between the positions."""
        return math.dist((self.x, self.y, self.z), (other.x, other.y, other.z))

    def is_valid(self) -> bool:
        """Whether the position is finite and the orientation a rotation."""
        finite = all(map(math.isfinite, (self.x, self.y, self.z)))
        return finite and Quaternion(self.qx, self.qy, self.qz, self.qw).is_valid()


@message
class Twist(Record):
    """Velocity in space: m/s along the axes, rad/s about them."""

    __topic_name__ = "twist"

    linear_x: f64 = 0.0
    linear_y: f64 = 0.0
    linear_z: f64 = 0.0
    angular_x: f64 = 0.0
    angular_y: f64 = 0.0
    angular_z: f64 = 0.0
    timestamp_ns: u64 = 0

    @classmethod
    def new_2d(cls, linear_x: float = 0.0, angular_z: float = 0.0) -> Twist:
        """What a robot on wheels can do: forwards, and turn."""
        return cls(linear_x=linear_x, angular_z=angular_z)

    @classmethod
    def stop(cls) -> Twist:
        return cls()

    def is_valid(self) -> bool:
        """Whether every number is finite."""
        linear = self.linear_x, self.linear_y, self.linear_z
        return all(map(math.isfinite, (*linear, self.angular_x, self.angular_y, self.angular_z)))
