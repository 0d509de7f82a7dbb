"""horus-runner: graphs of Python nodes, each in its own process, wired by shared-memory rings, held to their rates.

The layers, each importing only from those to its left:

    errors < _core < messages, kernels < graph < transport < metrics < node < runtime < dashboard < bench < cli

    errors      every exception                     metrics    counters in shared memory -> frozen snapshots
    _core       compiled: rings, records, arrays    node       what runs in a node's process: api, tick grid, policies
    messages    typed messages, arrays, MessagePack runtime    processes: fork server, supervisor, control, report
    graph       the graph file, checked; pure       dashboard  a snapshot -> what the terminal shows
    transport   segments and topics by name         bench, cli what a person calls

Configuration flows down as frozen values, messages flow sideways through rings, numbers flow up through shared memory.
A node's process imports nothing right of `node`, and of `graph` only the plain values of `graph.plan`.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if not sys.platform.startswith("linux") or os.uname().machine not in ("x86_64", "aarch64"):
    raise ImportError(
        "horus-runner runs on Linux on x86-64 or aarch64: its rings sleep on futexes and rely on /dev/shm."
    )

if TYPE_CHECKING:
    from horus_runner.errors import BudgetExceededError as BudgetExceededError
    from horus_runner.errors import ForkedTopicError as ForkedTopicError
    from horus_runner.errors import GraphError as GraphError
    from horus_runner.errors import HorusError as HorusError
    from horus_runner.errors import HorusNotFoundError as HorusNotFoundError
    from horus_runner.errors import HorusTimeoutError as HorusTimeoutError
    from horus_runner.errors import LayoutMismatchError as LayoutMismatchError
    from horus_runner.errors import LoanLimitError as LoanLimitError
    from horus_runner.errors import MessageTypeError as MessageTypeError
    from horus_runner.errors import NodeFailedError as NodeFailedError
    from horus_runner.errors import SharedMemoryFullError as SharedMemoryFullError
    from horus_runner.errors import StoppedByPolicyError as StoppedByPolicyError
    from horus_runner.errors import TopicError as TopicError
    from horus_runner.errors import UnknownTopicError as UnknownTopicError
    from horus_runner.errors import UsageError as UsageError
    from horus_runner.messages import Accel as Accel
    from horus_runner.messages import AccelStamped as AccelStamped
    from horus_runner.messages import AudioFrame as AudioFrame
    from horus_runner.messages import BatteryState as BatteryState
    from horus_runner.messages import BoundingBox2D as BoundingBox2D
    from horus_runner.messages import BoundingBox3D as BoundingBox3D
    from horus_runner.messages import CameraInfo as CameraInfo
    from horus_runner.messages import Clock as Clock
    from horus_runner.messages import CmdVel as CmdVel
    from horus_runner.messages import COCOPose as COCOPose
    from horus_runner.messages import CompressedImage as CompressedImage
    from horus_runner.messages import ContactInfo as ContactInfo
    from horus_runner.messages import CostMap as CostMap
    from horus_runner.messages import DepthImage as DepthImage
    from horus_runner.messages import Detection as Detection
    from horus_runner.messages import Detection3D as Detection3D
    from horus_runner.messages import DetectionList as DetectionList
    from horus_runner.messages import DiagnosticReport as DiagnosticReport
    from horus_runner.messages import DiagnosticStatus as DiagnosticStatus
    from horus_runner.messages import DiagnosticValue as DiagnosticValue
    from horus_runner.messages import DifferentialDriveCommand as DifferentialDriveCommand
    from horus_runner.messages import EmergencyStop as EmergencyStop
    from horus_runner.messages import FluidPressure as FluidPressure
    from horus_runner.messages import ForceCommand as ForceCommand
    from horus_runner.messages import GoalResult as GoalResult
    from horus_runner.messages import HapticFeedback as HapticFeedback
    from horus_runner.messages import Heartbeat as Heartbeat
    from horus_runner.messages import Illuminance as Illuminance
    from horus_runner.messages import Image as Image
    from horus_runner.messages import ImpedanceParameters as ImpedanceParameters
    from horus_runner.messages import Imu as Imu
    from horus_runner.messages import JointCommand as JointCommand
    from horus_runner.messages import JointState as JointState
    from horus_runner.messages import JoystickInput as JoystickInput
    from horus_runner.messages import KeyboardInput as KeyboardInput
    from horus_runner.messages import Landmark as Landmark
    from horus_runner.messages import Landmark3D as Landmark3D
    from horus_runner.messages import LandmarkArray as LandmarkArray
    from horus_runner.messages import LaserScan as LaserScan
    from horus_runner.messages import MagneticField as MagneticField
    from horus_runner.messages import MotorCommand as MotorCommand
    from horus_runner.messages import NavGoal as NavGoal
    from horus_runner.messages import NavPath as NavPath
    from horus_runner.messages import NavSatFix as NavSatFix
    from horus_runner.messages import NodeHeartbeat as NodeHeartbeat
    from horus_runner.messages import OccupancyGrid as OccupancyGrid
    from horus_runner.messages import Odometry as Odometry
    from horus_runner.messages import PathPlan as PathPlan
    from horus_runner.messages import PidConfig as PidConfig
    from horus_runner.messages import PlaneArray as PlaneArray
    from horus_runner.messages import PlaneDetection as PlaneDetection
    from horus_runner.messages import Point3 as Point3
    from horus_runner.messages import PointCloud as PointCloud
    from horus_runner.messages import PointCloudBuffer as PointCloudBuffer
    from horus_runner.messages import PointField as PointField
    from horus_runner.messages import PointXYZ as PointXYZ
    from horus_runner.messages import PointXYZRGB as PointXYZRGB
    from horus_runner.messages import Pose2D as Pose2D
    from horus_runner.messages import Pose3D as Pose3D
    from horus_runner.messages import PoseStamped as PoseStamped
    from horus_runner.messages import PoseWithCovariance as PoseWithCovariance
    from horus_runner.messages import Quaternion as Quaternion
    from horus_runner.messages import RangeSensor as RangeSensor
    from horus_runner.messages import Record as Record
    from horus_runner.messages import RegionOfInterest as RegionOfInterest
    from horus_runner.messages import ResourceUsage as ResourceUsage
    from horus_runner.messages import SafetyStatus as SafetyStatus
    from horus_runner.messages import SegmentationMask as SegmentationMask
    from horus_runner.messages import ServoCommand as ServoCommand
    from horus_runner.messages import StereoInfo as StereoInfo
    from horus_runner.messages import TactileArray as TactileArray
    from horus_runner.messages import Temperature as Temperature
    from horus_runner.messages import Tensor as Tensor
    from horus_runner.messages import TimeReference as TimeReference
    from horus_runner.messages import TrackedObject as TrackedObject
    from horus_runner.messages import TrackingHeader as TrackingHeader
    from horus_runner.messages import TrajectoryPoint as TrajectoryPoint
    from horus_runner.messages import TransformStamped as TransformStamped
    from horus_runner.messages import Twist as Twist
    from horus_runner.messages import TwistWithCovariance as TwistWithCovariance
    from horus_runner.messages import UpTo as UpTo
    from horus_runner.messages import Vector3 as Vector3
    from horus_runner.messages import VelocityObstacle as VelocityObstacle
    from horus_runner.messages import VelocityObstacles as VelocityObstacles
    from horus_runner.messages import Waypoint as Waypoint
    from horus_runner.messages import WrenchStamped as WrenchStamped
    from horus_runner.messages import f32 as f32
    from horus_runner.messages import f64 as f64
    from horus_runner.messages import i8 as i8
    from horus_runner.messages import i16 as i16
    from horus_runner.messages import i32 as i32
    from horus_runner.messages import i64 as i64
    from horus_runner.messages import message as message
    from horus_runner.messages import u8 as u8
    from horus_runner.messages import u16 as u16
    from horus_runner.messages import u32 as u32
    from horus_runner.messages import u64 as u64
    from horus_runner.node.api import Node as Node
    from horus_runner.node.api import ms as ms
    from horus_runner.node.api import us as us
    from horus_runner.runtime.report import Report as Report
    from horus_runner.runtime.script import run as run
    from horus_runner.transport.topic import Topic as Topic

__version__ = "0.1.0"

# Each name is imported on its first use: what a node's process does not touch costs it nothing.
_PUBLIC = {
    "errors": (
        "BudgetExceededError",
        "ForkedTopicError",
        "GraphError",
        "HorusError",
        "HorusNotFoundError",
        "HorusTimeoutError",
        "LayoutMismatchError",
        "LoanLimitError",
        "MessageTypeError",
        "NodeFailedError",
        "SharedMemoryFullError",
        "StoppedByPolicyError",
        "TopicError",
        "UnknownTopicError",
        "UsageError",
    ),
    "messages": (
        "Accel",
        "AccelStamped",
        "AudioFrame",
        "BatteryState",
        "BoundingBox2D",
        "BoundingBox3D",
        "COCOPose",
        "CameraInfo",
        "Clock",
        "CmdVel",
        "CompressedImage",
        "ContactInfo",
        "CostMap",
        "DepthImage",
        "Detection",
        "Detection3D",
        "DetectionList",
        "DiagnosticReport",
        "DiagnosticStatus",
        "DiagnosticValue",
        "DifferentialDriveCommand",
        "EmergencyStop",
        "FluidPressure",
        "ForceCommand",
        "GoalResult",
        "HapticFeedback",
        "Heartbeat",
        "Illuminance",
        "Image",
        "ImpedanceParameters",
        "Imu",
        "JointCommand",
        "JointState",
        "JoystickInput",
        "KeyboardInput",
        "Landmark",
        "Landmark3D",
        "LandmarkArray",
        "LaserScan",
        "MagneticField",
        "MotorCommand",
        "NavGoal",
        "NavPath",
        "NavSatFix",
        "NodeHeartbeat",
        "OccupancyGrid",
        "Odometry",
        "PathPlan",
        "PidConfig",
        "PlaneArray",
        "PlaneDetection",
        "Point3",
        "PointCloud",
        "PointCloudBuffer",
        "PointField",
        "PointXYZ",
        "PointXYZRGB",
        "Pose2D",
        "Pose3D",
        "PoseStamped",
        "PoseWithCovariance",
        "Quaternion",
        "RangeSensor",
        "Record",
        "RegionOfInterest",
        "ResourceUsage",
        "SafetyStatus",
        "SegmentationMask",
        "ServoCommand",
        "StereoInfo",
        "TactileArray",
        "Temperature",
        "Tensor",
        "TimeReference",
        "TrackedObject",
        "TrackingHeader",
        "TrajectoryPoint",
        "TransformStamped",
        "Twist",
        "TwistWithCovariance",
        "UpTo",
        "Vector3",
        "VelocityObstacle",
        "VelocityObstacles",
        "Waypoint",
        "WrenchStamped",
        "f32",
        "f64",
        "i16",
        "i32",
        "i64",
        "i8",
        "message",
        "u16",
        "u32",
        "u64",
        "u8",
    ),
    "node.api": (
        "Node",
        "ms",
        "us",
    ),
    "runtime.report": ("Report",),
    "runtime.script": ("run",),
    "transport.topic": ("Topic",),
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_MODULE_OF)


if not TYPE_CHECKING:  # to a type checker, a module with this function has every name

    def __getattr__(name: str) -> Any:
        module = _MODULE_OF.get(name)
        if module is None:  # with name and obj, the interpreter adds the nearest right name
            raise AttributeError(f"module 'horus' has no attribute '{name}'", name=name, obj=sys.modules[__name__])
        value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
