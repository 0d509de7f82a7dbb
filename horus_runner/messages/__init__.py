"""Message types: `@horus.message` and what it is written with, the library's own types, and the codec for the rest."""

from horus_runner._core.records import Record
from horus_runner.messages.control import CmdVel, DifferentialDriveCommand, MotorCommand, ServoCommand
from horus_runner.messages.define import UpTo, f32, f64, i8, i16, i32, i64, message, u8, u16, u32, u64
from horus_runner.messages.depth import DepthImage
from horus_runner.messages.diagnostics import DiagnosticStatus, Heartbeat
from horus_runner.messages.geometry import Point3, Pose2D, Pose3D, Quaternion, Twist, Vector3
from horus_runner.messages.image import Image
from horus_runner.messages.pointcloud import PointCloud
from horus_runner.messages.sensor import BatteryState, Imu, LaserScan, Odometry, Temperature
from horus_runner.messages.tensor import Tensor
from horus_runner.messages.vision import BoundingBox2D, Detection

__all__ = [
    "BatteryState",
    "BoundingBox2D",
    "CmdVel",
    "DepthImage",
    "Detection",
    "DiagnosticStatus",
    "DifferentialDriveCommand",
    "Heartbeat",
    "Image",
    "Imu",
    "LaserScan",
    "MotorCommand",
    "Odometry",
    "Point3",
    "PointCloud",
    "Pose2D",
    "Pose3D",
    "Quaternion",
    "Record",
    "ServoCommand",
    "Temperature",
    "Tensor",
    "Twist",
    "UpTo",
    "Vector3",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "message",
    "u8",
    "u16",
    "u32",
    "u64",
]
