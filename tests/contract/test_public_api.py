"""The public surface: what it is, that it is written once, and that it costs nothing until it is used."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import horus_runner

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]

NAMES = """
    Accel AccelStamped AudioFrame BatteryState BoundingBox2D BoundingBox3D BudgetExceededError COCOPose
    CameraInfo Clock CmdVel CompressedImage ContactInfo CostMap DepthImage Detection Detection3D DetectionList
    DiagnosticReport DiagnosticStatus DiagnosticValue DifferentialDriveCommand EmergencyStop FluidPressure
    ForceCommand ForkedTopicError GoalResult GraphError HapticFeedback Heartbeat HorusError HorusNotFoundError
    HorusTimeoutError Illuminance Image ImpedanceParameters Imu JointCommand JointState JoystickInput
    KeyboardInput Landmark Landmark3D LandmarkArray LaserScan LayoutMismatchError LoanLimitError MagneticField
    MessageTypeError MotorCommand NavGoal NavPath NavSatFix Node NodeFailedError NodeHeartbeat OccupancyGrid
    Odometry PathPlan PidConfig PlaneArray PlaneDetection Point3 PointCloud PointCloudBuffer PointField PointXYZ
    PointXYZRGB Pose2D Pose3D PoseStamped PoseWithCovariance Quaternion RangeSensor Record RegionOfInterest
    Report ResourceUsage SafetyStatus SegmentationMask ServoCommand SharedMemoryFullError StereoInfo
    StoppedByPolicyError TactileArray Temperature Tensor TimeReference Topic TopicError TrackedObject
    TrackingHeader TrajectoryPoint TransformStamped Twist TwistWithCovariance UnknownTopicError UpTo UsageError
    Vector3 VelocityObstacle VelocityObstacles Waypoint WrenchStamped f32 f64 i16 i32 i64 i8 message ms run u16
    u32 u64 u8 us
"""
PUBLIC = NAMES.split()


def test_the_public_names() -> None:
    assert sorted(PUBLIC) == horus_runner.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_resolves_and_is_listed(name: str) -> None:
    assert getattr(horus_runner, name) is not None
    assert name in dir(horus_runner)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(horus_runner.__file__).read_text())
    guarded = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    seen = {
        (node.module, alias.name) for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    expected = {(f"horus_runner.{module}", name) for module, names in horus_runner._PUBLIC.items() for name in names}
    assert seen == expected


def test_a_misspelt_name_is_an_error_that_names_the_nearest(run_python: RunPython) -> None:
    with pytest.raises(AttributeError, match="no attribute 'HorusEror'"):
        _ = horus_runner.HorusEror
    done = run_python("-c", "import horus; horus.HorusEror")
    assert "Did you mean: 'HorusError'?" in done.stderr


def test_import_alone_loads_nothing_heavy(run_python: RunPython) -> None:
    done = run_python(
        "-c", "import horus, sys; print({'numpy', 'yaml', 'pydantic', 'rich', 'typer', 'asyncio'} & set(sys.modules))"
    )
    assert done.stdout == "set()\n"


def test_star_import_gives_the_public_names(run_python: RunPython) -> None:
    done = run_python("-c", "from horus import *; print(*sorted(n for n in dir() if n[0] != '_'))")
    assert done.stdout.split() == sorted(PUBLIC)


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("win32", "AMD64"), ("linux", "riscv64")])
def test_an_unsupported_platform_is_refused_in_a_sentence(system: str, machine: str, run_python: RunPython) -> None:
    done = run_python(
        "-c",
        "import importlib.abc, importlib.util, os, sys, types, typing\n"  # what the package imports before it looks
        f"sys.platform = {system!r}\n"
        f"os.uname = lambda: types.SimpleNamespace(machine={machine!r})\n"
        "import horus",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: horus-runner runs on Linux on x86-64 or aarch64")
