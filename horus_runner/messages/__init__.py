"""Message types: `@horus.message` and what it is written with, the library's own types, and the codec for the rest.

A family of the library is imported when one of its names is first used: a node pays for what it sends.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from horus_runner._core.records import Record as Record
from horus_runner.messages.define import UpTo as UpTo
from horus_runner.messages.define import f32 as f32
from horus_runner.messages.define import f64 as f64
from horus_runner.messages.define import i8 as i8
from horus_runner.messages.define import i16 as i16
from horus_runner.messages.define import i32 as i32
from horus_runner.messages.define import i64 as i64
from horus_runner.messages.define import message as message
from horus_runner.messages.define import u8 as u8
from horus_runner.messages.define import u16 as u16
from horus_runner.messages.define import u32 as u32
from horus_runner.messages.define import u64 as u64
from horus_runner.messages.depth import DepthImage as DepthImage
from horus_runner.messages.image import Image as Image
from horus_runner.messages.pointcloud import PointCloud as PointCloud
from horus_runner.messages.registry import FAMILIES
from horus_runner.messages.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from horus_runner.messages.audio import AudioFrame as AudioFrame
    from horus_runner.messages.camera import CameraInfo as CameraInfo
    from horus_runner.messages.camera import CompressedImage as CompressedImage
    from horus_runner.messages.camera import RegionOfInterest as RegionOfInterest
    from horus_runner.messages.camera import StereoInfo as StereoInfo
    from horus_runner.messages.clock import Clock as Clock
    from horus_runner.messages.clock import TimeReference as TimeReference
    from horus_runner.messages.control import CmdVel as CmdVel
    from horus_runner.messages.control import DifferentialDriveCommand as DifferentialDriveCommand
    from horus_runner.messages.control import MotorCommand as MotorCommand
    from horus_runner.messages.control import PidConfig as PidConfig
    from horus_runner.messages.control import ServoCommand as ServoCommand
    from horus_runner.messages.detection import BoundingBox3D as BoundingBox3D
    from horus_runner.messages.detection import Detection3D as Detection3D
    from horus_runner.messages.detection import DetectionList as DetectionList
    from horus_runner.messages.detection import SegmentationMask as SegmentationMask
    from horus_runner.messages.diagnostics import DiagnosticReport as DiagnosticReport
    from horus_runner.messages.diagnostics import DiagnosticStatus as DiagnosticStatus
    from horus_runner.messages.diagnostics import DiagnosticValue as DiagnosticValue
    from horus_runner.messages.diagnostics import Heartbeat as Heartbeat
    from horus_runner.messages.diagnostics import NodeHeartbeat as NodeHeartbeat
    from horus_runner.messages.diagnostics import ResourceUsage as ResourceUsage
    from horus_runner.messages.force import ContactInfo as ContactInfo
    from horus_runner.messages.force import ForceCommand as ForceCommand
    from horus_runner.messages.force import WrenchStamped as WrenchStamped
    from horus_runner.messages.geometry import Point3 as Point3
    from horus_runner.messages.geometry import Pose2D as Pose2D
    from horus_runner.messages.geometry import Pose3D as Pose3D
    from horus_runner.messages.geometry import Quaternion as Quaternion
    from horus_runner.messages.geometry import Twist as Twist
    from horus_runner.messages.geometry import Vector3 as Vector3
    from horus_runner.messages.gps import NavSatFix as NavSatFix
    from horus_runner.messages.input import JoystickInput as JoystickInput
    from horus_runner.messages.input import KeyboardInput as KeyboardInput
    from horus_runner.messages.joints import JointCommand as JointCommand
    from horus_runner.messages.joints import JointState as JointState
    from horus_runner.messages.joints import TrajectoryPoint as TrajectoryPoint
    from horus_runner.messages.landmarks import COCOPose as COCOPose
    from horus_runner.messages.landmarks import Landmark as Landmark
    from horus_runner.messages.landmarks import Landmark3D as Landmark3D
    from horus_runner.messages.landmarks import LandmarkArray as LandmarkArray
    from horus_runner.messages.maps import CostMap as CostMap
    from horus_runner.messages.maps import OccupancyGrid as OccupancyGrid
    from horus_runner.messages.navigation import GoalResult as GoalResult
    from horus_runner.messages.navigation import NavGoal as NavGoal
    from horus_runner.messages.navigation import NavPath as NavPath
    from horus_runner.messages.navigation import PathPlan as PathPlan
    from horus_runner.messages.navigation import Waypoint as Waypoint
    from horus_runner.messages.obstacles import VelocityObstacle as VelocityObstacle
    from horus_runner.messages.obstacles import VelocityObstacles as VelocityObstacles
    from horus_runner.messages.planes import PlaneArray as PlaneArray
    from horus_runner.messages.planes import PlaneDetection as PlaneDetection
    from horus_runner.messages.points import PointCloudBuffer as PointCloudBuffer
    from horus_runner.messages.points import PointField as PointField
    from horus_runner.messages.points import PointXYZ as PointXYZ
    from horus_runner.messages.points import PointXYZRGB as PointXYZRGB
    from horus_runner.messages.safety import EmergencyStop as EmergencyStop
    from horus_runner.messages.safety import SafetyStatus as SafetyStatus
    from horus_runner.messages.sensor import BatteryState as BatteryState
    from horus_runner.messages.sensor import FluidPressure as FluidPressure
    from horus_runner.messages.sensor import Illuminance as Illuminance
    from horus_runner.messages.sensor import Imu as Imu
    from horus_runner.messages.sensor import LaserScan as LaserScan
    from horus_runner.messages.sensor import MagneticField as MagneticField
    from horus_runner.messages.sensor import Odometry as Odometry
    from horus_runner.messages.sensor import RangeSensor as RangeSensor
    from horus_runner.messages.sensor import Temperature as Temperature
    from horus_runner.messages.stamped import Accel as Accel
    from horus_runner.messages.stamped import AccelStamped as AccelStamped
    from horus_runner.messages.stamped import PoseStamped as PoseStamped
    from horus_runner.messages.stamped import PoseWithCovariance as PoseWithCovariance
    from horus_runner.messages.stamped import TransformStamped as TransformStamped
    from horus_runner.messages.stamped import TwistWithCovariance as TwistWithCovariance
    from horus_runner.messages.touch import HapticFeedback as HapticFeedback
    from horus_runner.messages.touch import ImpedanceParameters as ImpedanceParameters
    from horus_runner.messages.touch import TactileArray as TactileArray
    from horus_runner.messages.tracking import TrackedObject as TrackedObject
    from horus_runner.messages.tracking import TrackingHeader as TrackingHeader
    from horus_runner.messages.vision import BoundingBox2D as BoundingBox2D
    from horus_runner.messages.vision import Detection as Detection

_DEFINING = ("Record", "UpTo", "f32", "f64", "i8", "i16", "i32", "i64", "message", "u8", "u16", "u32", "u64")
_MODULE_OF = {name: family for family, names in FAMILIES.items() for name in names} | {"COCOPose": "landmarks"}

__all__ = sorted((*_DEFINING, *_MODULE_OF))


if not TYPE_CHECKING:  # to a type checker, a module with this function has every name

    def __getattr__(name: str) -> Any:
        module = _MODULE_OF.get(name)
        if module is None:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
