"""Message types by name: what a graph file, a ring header and another process call a Python class.

The library's types go by their bare name (``CmdVel``), all others by ``module:Class``. A family of the library is
imported when one of its names is first asked for: making all classes of all families takes 50 ms.
"""

from __future__ import annotations

import importlib
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

from horus_runner.errors import HorusNotFoundError, did_you_mean

_LIBRARY = "horus_runner.messages."
# Module of the library -> the message types in it. What arrays are made of is loaded by the package itself.
FAMILIES = {
    "audio": ("AudioFrame",),
    "camera": ("CameraInfo", "CompressedImage", "RegionOfInterest", "StereoInfo"),
    "clock": ("Clock", "TimeReference"),
    "control": ("CmdVel", "DifferentialDriveCommand", "MotorCommand", "PidConfig", "ServoCommand"),
    "depth": ("DepthImage",),
    "detection": ("BoundingBox3D", "Detection3D", "DetectionList", "SegmentationMask"),
    "diagnostics": (
        "DiagnosticReport",
        "DiagnosticStatus",
        "DiagnosticValue",
        "Heartbeat",
        "NodeHeartbeat",
        "ResourceUsage",
    ),
    "force": ("ContactInfo", "ForceCommand", "WrenchStamped"),
    "geometry": ("Point3", "Pose2D", "Pose3D", "Quaternion", "Twist", "Vector3"),
    "gps": ("NavSatFix",),
    "image": ("Image",),
    "input": ("JoystickInput", "KeyboardInput"),
    "joints": ("JointCommand", "JointState", "TrajectoryPoint"),
    "landmarks": ("Landmark", "Landmark3D", "LandmarkArray"),
    "maps": ("CostMap", "OccupancyGrid"),
    "navigation": ("GoalResult", "NavGoal", "NavPath", "PathPlan", "Waypoint"),
    "obstacles": ("VelocityObstacle", "VelocityObstacles"),
    "planes": ("PlaneArray", "PlaneDetection"),
    "pointcloud": ("PointCloud",),
    "points": ("PointCloudBuffer", "PointField", "PointXYZ", "PointXYZRGB"),
    "safety": ("EmergencyStop", "SafetyStatus"),
    "sensor": (
        "BatteryState",
        "FluidPressure",
        "Illuminance",
        "Imu",
        "LaserScan",
        "MagneticField",
        "Odometry",
        "RangeSensor",
        "Temperature",
    ),
    "stamped": (
        "Accel",
        "AccelStamped",
        "PoseStamped",
        "PoseWithCovariance",
        "TransformStamped",
        "TwistWithCovariance",
    ),
    "tensor": ("Tensor",),
    "touch": ("HapticFeedback", "ImpedanceParameters", "TactileArray"),
    "tracking": ("TrackedObject", "TrackingHeader"),
    "vision": ("BoundingBox2D", "Detection"),
}
_family_of = {name: family for family, names in FAMILIES.items() for name in names}
# Weak, so that a class made in a function or a notebook cell can go; a second one of its name replaces it.
_types: WeakValueDictionary[str, type[Any]] = WeakValueDictionary()

T = TypeVar("T")


def type_name(cls: type[Any]) -> str:
    """The name that finds `cls` again, here and in another process."""
    if cls.__module__.startswith(_LIBRARY):
        return cls.__name__
    return f"{cls.__module__}:{cls.__qualname__}"


def register(cls: type[T]) -> type[T]:
    """Make `cls` known by its name; usable as a decorator."""
    _types[type_name(cls)] = cls
    return cls


def message_type(name: str) -> type[Any] | None:
    """The type of that name in the library or among those registered, None when there is none."""
    found = _types.get(name)
    if found is None and name in _family_of:
        importlib.import_module(_LIBRARY + _family_of[name])
        found = _types.get(name)
    return found


def resolve_type(name: str) -> type[Any]:
    """The message type of that name; imports the module of ``module:Class`` where needed.

    Raises HorusNotFoundError when there is no such module, or no such message type in it.
    """
    found = message_type(name)
    if found is not None:
        return found
    module_name, colon, class_name = name.partition(":")
    if not colon:
        known = [known for known in known_type_names() if ":" not in known]
        raise HorusNotFoundError(f"there is no message type '{name}'.{did_you_mean(name, known)}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise HorusNotFoundError(f"message type '{name}': {error}") from error
    cls = _attribute(module, class_name)
    if not is_registered(cls):
        raise HorusNotFoundError(
            f"module '{module_name}' has no message type '{class_name}'."
            f"{did_you_mean(class_name, [n for n, v in vars(module).items() if is_registered(v)])}"
        )
    return cast("type[Any]", cls)


def is_registered(cls: Any) -> bool:
    """Whether `cls` is a message type; under whichever name a module offers it, it is known by its own."""
    return isinstance(cls, type) and _types.get(type_name(cls)) is cls


def _attribute(module: object, dotted: str) -> Any:
    """What `dotted` (``Outer.Inner``) names in `module`, None when nothing."""
    for part in dotted.split("."):
        module = getattr(module, part, None)
    return module


def default_topic(cls: type[Any]) -> str:
    """The topic that a bare type stands for: its ``__topic_name__``, else its name in lower case."""
    topic = getattr(cls, "__topic_name__", None)
    return topic if isinstance(topic, str) else cls.__name__.lower()


def known_type_names() -> list[str]:
    """The names of the library's types and of all registered ones, sorted; imports nothing."""
    return sorted({*_types, *_family_of})
