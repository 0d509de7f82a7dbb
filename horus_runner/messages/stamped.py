"""Poses, velocities and accelerations with their frame and time, with or without their uncertainty.

Lengths are metres, angles radians, times nanoseconds; axes are right-handed. A covariance has 6 rows of 6, in the
order x, y, z, and about x, y, z.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import f64, message, u64
from horus_runner.messages.geometry import Pose2D, Quaternion, Vector3

Covariance6 = Annotated[NDArray[np.float64], (36,)]  # of x, y, z and the rotations about them: 6 rows of 6
Frame = Annotated[str, 32]

_NONE = np.zeros(36)


def _diagonal(covariance: NDArray[np.float64], first: int) -> Vector3:
    """Three variances of the diagonal, from row `first`."""
    x, y, z = covariance.reshape(6, 6).diagonal()[first : first + 3].tolist()
    return Vector3(x, y, z)


@message
class TransformStamped(Record):
    """Where one frame is in another: a shift by t, after a rotation by the quaternion r."""

    __topic_name__ = "transform"

    tx: f64 = 0.0
    ty: f64 = 0.0
    tz: f64 = 0.0
    rx: f64 = 0.0
    ry: f64 = 0.0
    rz: f64 = 0.0
    rw: f64 = 1.0
    timestamp_ns: u64 = 0

    @classmethod
    def identity(cls) -> TransformStamped:
        return cls()

    @classmethod
    def from_pose_2d(cls, pose: Pose2D) -> TransformStamped:
        """The frame of a base that stands at `pose`, on the ground."""
        turned = Quaternion.from_euler(yaw=pose.theta)
        return cls(pose.x, pose.y, 0.0, 0.0, 0.0, turned.z, turned.w, pose.timestamp_ns)

    def normalize_rotation(self) -> None:
        """Give the quaternion length 1. Raises ValueError when it has none."""
        turned = Quaternion(self.rx, self.ry, self.rz, self.rw)
        turned.normalize()
        self.rx, self.ry, self.rz, self.rw = turned.x, turned.y, turned.z, turned.w

    def is_valid(self) -> bool:
        """Whether the shift is finite and the quaternion a rotation."""
        finite = all(map(math.isfinite, (self.tx, self.ty, self.tz)))
        return finite and Quaternion(self.rx, self.ry, self.rz, self.rw).is_valid()


@message
class PoseStamped(Record):
    """Position and orientation (a quaternion) in the frame `frame_id`."""

    __topic_name__ = "pose_stamped"

    x: f64 = 0.0
    y: f64 = 0.0
    z: f64 = 0.0
    qx: f64 = 0.0
    qy: f64 = 0.0
    qz: f64 = 0.0
    qw: f64 = 1.0
    frame_id: Frame = ""
    timestamp_ns: u64 = 0


@message
class PoseWithCovariance(Record):
    """A pose in `frame_id` and how sure it is."""

    __topic_name__ = "pose_cov"

    x: f64 = 0.0
    y: f64 = 0.0
    z: f64 = 0.0
    qx: f64 = 0.0
    qy: f64 = 0.0
    qz: f64 = 0.0
    qw: f64 = 1.0
    frame_id: Frame = ""
    timestamp_ns: u64 = 0
    covariance: Covariance6 = _NONE  # m^2 and rad^2; all 0: not known

    def position_variance(self) -> Vector3:
        """The variances of x, y and z, in m^2."""
        return _diagonal(self.covariance, 0)

    def orientation_variance(self) -> Vector3:
        """The variances of the rotations about x, y and z, in rad^2."""
        return _diagonal(self.covariance, 3)


@message
class TwistWithCovariance(Record):
    """A velocity in `frame_id` (m/s along the axes, rad/s about them) and how sure it is."""

    __topic_name__ = "twist_cov"

    linear_x: f64 = 0.0
    linear_y: f64 = 0.0
    linear_z: f64 = 0.0
    angular_x: f64 = 0.0
    angular_y: f64 = 0.0
    angular_z: f64 = 0.0
    frame_id: Frame = ""
    timestamp_ns: u64 = 0
    covariance: Covariance6 = _NONE  # (m/s)^2 and (rad/s)^2; all 0: not known

    def linear_variance(self) -> Vector3:
        """The variances of the velocity along x, y and z, in (m/s)^2."""
        return _diagonal(self.covariance, 0)

    def angular_variance(self) -> Vector3:
        """The variances of the velocity about x, y and z, in (rad/s)^2."""
        return _diagonal(self.covariance, 3)


@message
class Accel(Record):
    """Acceleration in space: m/s^2 along the axes, rad/s^2 about them."""

    __topic_name__ = "accel"

    linear_x: f64 = 0.0
    linear_y: f64 = 0.0
    linear_z: f64 = 0.0
    angular_x: f64 = 0.0
    angular_y: f64 = 0.0
    angular_z: f64 = 0.0
    timestamp_ns: u64 = 0

    def is_valid(self) -> bool:
        """Whether every number is finite."""
        linear = self.linear_x, self.linear_y, self.linear_z
        return all(map(math.isfinite, (*linear, self.angular_x, self.angular_y, self.angular_z)))


@message
class AccelStamped(Record):
    """Acceleration in the frame `frame_id`: m/s^2 along the axes, rad/s^2 about them."""

    __topic_name__ = "accel_stamped"

    linear_x: f64 = 0.0
    linear_y: f64 = 0.0
    linear_z: f64 = 0.0
    angular_x: f64 = 0.0
    angular_y: f64 = 0.0
    angular_z: f64 = 0.0
    frame_id: Frame = ""
    timestamp_ns: u64 = 0
