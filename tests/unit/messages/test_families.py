"""The library's messages: constructors and topics that users of HORUS know, and what the methods compute."""

import math
import time
from typing import Any

import numpy as np
import pytest

import horus_runner.messages as messages
from horus_runner.messages import (
    BatteryState,
    BoundingBox2D,
    CmdVel,
    Detection,
    DiagnosticStatus,
    DifferentialDriveCommand,
    Heartbeat,
    Imu,
    LaserScan,
    MotorCommand,
    Odometry,
    Point3,
    Pose2D,
    Pose3D,
    Quaternion,
    ServoCommand,
    Temperature,
    Twist,
    Vector3,
)
from horus_runner.messages.registry import default_topic, message_type

TOPICS = {
    CmdVel: "cmd_vel",
    MotorCommand: "motor_cmd",
    DifferentialDriveCommand: "diff_drive_cmd",
    ServoCommand: "servo_cmd",
    BoundingBox2D: "bbox2d",
    Detection: "detection",
    Imu: "imu",
    Odometry: "odom",
    LaserScan: "scan",
    BatteryState: "battery",
    Temperature: "temperature",
    Heartbeat: "heartbeat",
    DiagnosticStatus: "diagnostics",
    Pose2D: "pose",
    Pose3D: "pose3d",
    Twist: "twist",
}


@pytest.mark.parametrize(("cls", "topic"), TOPICS.items())
def test_topics(cls: type[Any], topic: str) -> None:
    assert default_topic(cls) == topic
    assert message_type(cls.__name__) is cls
    assert cls.__doc__
    assert getattr(messages, cls.__name__) is cls


def test_cmd_vel() -> None:
    command = CmdVel(1.0, 0.5)
    assert (command.linear, command.angular, command.timestamp_ns) == (1.0, 0.5, 0)
    assert CmdVel(linear=1.0, angular=0.5, timestamp_ns=9).timestamp_ns == 9
    assert CmdVel.zero() == CmdVel(0, 0)
    with pytest.raises(TypeError, match=r"CmdVel\(\) needs 'angular'"):
        CmdVel(1.0)  # type: ignore[call-arg]


def test_bounding_box_by_size_or_by_corners() -> None:
    box = BoundingBox2D(x_min=1, y_min=2, x_max=4, y_max=6)
    assert box == BoundingBox2D(1, 2, 3, 4) == BoundingBox2D(x=1, y=2, width=3, height=4)
    assert box == BoundingBox2D.from_center(2.5, 4, 3, 4)
    assert box.as_tuple() == (1, 2, 3, 4)
    assert box.as_xyxy() == (1, 2, 4, 6) == (box.x_min, box.y_min, box.x_max, box.y_max)
    assert (box.center_x, box.center_y, box.area) == (2.5, 4, 12)
    assert BoundingBox2D().as_tuple() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"x": 1, "x_max": 3}, "never a mix: x came with x_max"),
        ({"width": 0, "x_min": 0, "y_min": 0, "x_max": 1, "y_max": 1}, "never a mix: width came with x_min, y_min"),
        (
            {"x_min": 1, "y_min": 2, "x_max": 3},
            "takes x_min, y_min, x_max, y_max together, not x_min, y_min, x_max alone",
        ),
        ({"x_min": "a", "y_min": 2, "x_max": "b", "y_max": 3}, "unsupported|takes a float"),
        ({"left": 1}, "left"),
    ],
)
def test_bounding_box_refuses_a_mix(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        BoundingBox2D(**arguments)


def test_bounding_box_refuses_corners_that_are_swapped() -> None:
    with pytest.raises(ValueError, match=r"corner \(1, 5\) is left of or above \(3, 4\)"):
        BoundingBox2D(x_min=3, y_min=4, x_max=1, y_max=5)


def test_intersection_over_union() -> None:
    box = BoundingBox2D(0, 0, 10, 10)
    assert box.iou(box) == 1
    assert box.iou(BoundingBox2D(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert box.iou(BoundingBox2D(10, 0, 5, 5)) == 0
    assert BoundingBox2D().iou(BoundingBox2D()) == 0


def test_detection_takes_its_box_one_way() -> None:
    box = BoundingBox2D(1, 2, 3, 4)
    by_box = Detection(class_id=np.int64(3), class_name="cat", confidence=np.float32(0.5), bbox=box)
    by_size = Detection("cat", 0.5, 1, 2, 3, 4, class_id=3)
    assert by_box == by_size
    assert by_box.bbox == box
    by_box.bbox.x = 9
    assert (by_box.bbox.x, box.x) == (9, 1)
    assert Detection() == Detection("", 0.0, bbox=BoundingBox2D())
    assert Detection(x=1).bbox == BoundingBox2D(x=1)
    with pytest.raises(TypeError, match=r"bbox or as x, y, width, height, never both: bbox came with x, height"):
        Detection("cat", 0.5, x=0, height=2, bbox=box)
    with pytest.raises(ValueError, match=r"Detection.class_name holds 64 bytes of UTF-8"):
        Detection("x" * 65)
    with pytest.raises(TypeError, match=r"Detection.bbox takes a BoundingBox2D"):
        Detection(bbox=(1, 2, 3, 4))  # type: ignore[arg-type]
    assert by_size.with_class_id(7).class_id == 7
    assert by_size.class_id == 3
    assert by_size.is_confident(0.5)
    assert not by_size.is_confident(0.6)
    assert Detection.from_dict(by_size.to_dict()) == by_size


def test_points_and_vectors() -> None:
    assert Point3(1, 2, 3).distance_to(Point3.origin()) == pytest.approx(math.sqrt(14))
    x, y, z = Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)
    assert x.cross(y) == z
    assert y.cross(z) == x
    assert x.dot(y) == 0
    long = Vector3(3, 4, 0)
    assert long.magnitude() == 5
    assert long.normalized() == Vector3(0.6, 0.8, 0)
    assert long == Vector3(3, 4, 0)
    long.normalize()
    assert long.magnitude() == pytest.approx(1)
    with pytest.raises(ValueError, match=r"no direction"):
        Vector3.zero().normalize()


def test_quaternions() -> None:
    turned = Quaternion.from_euler(yaw=math.pi / 2)
    assert (turned.z, turned.w) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))
    roll, pitch, yaw = 0.3, -0.4, 1.2
    q = Quaternion.from_euler(roll, pitch, yaw)
    assert math.atan2(2 * (q.w * q.x + q.y * q.z), 1 - 2 * (q.x**2 + q.y**2)) == pytest.approx(roll)
    assert math.asin(2 * (q.w * q.y - q.z * q.x)) == pytest.approx(pitch)
    assert math.atan2(2 * (q.w * q.z + q.x * q.y), 1 - 2 * (q.y**2 + q.z**2)) == pytest.approx(yaw)
    assert Quaternion.identity().is_valid()
    double = Quaternion(0, 0, 0, 2)
    assert not double.is_valid()
    double.normalize()
    assert double == Quaternion()
    with pytest.raises(ValueError, match=r"no rotation"):
        Quaternion(0, 0, 0, 0).normalize()


def test_poses_and_twists() -> None:
    pose = Pose2D(3, 4, 5 * math.pi, 7)
    assert pose.distance_to(Pose2D.origin()) == 5
    pose.normalize_angle()
    assert abs(pose.theta) == pytest.approx(math.pi)
    lifted = Pose3D.from_pose_2d(Pose2D(3, 4, math.pi / 2, 7))
    assert (lifted.x, lifted.y, lifted.z, lifted.timestamp_ns) == (3, 4, 0, 7)
    assert (lifted.qz, lifted.qw) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))
    assert lifted.distance_to(Pose3D.identity()) == 5
    assert lifted.is_valid()
    assert not Pose3D(qw=0.5).is_valid()
    assert not Pose2D(math.nan, 0, 0).is_valid()
    assert Pose2D(1, 0, 0).is_valid()
    assert Twist.new_2d(1, 2) == Twist(linear_x=1, angular_z=2)
    assert Twist.stop() == Twist()
    assert Twist().is_valid()
    assert not Twist(angular_y=math.inf).is_valid()


def test_commands() -> None:
    assert MotorCommand.velocity(1, 2.5) == MotorCommand(1, MotorCommand.VELOCITY, 2.5)
    assert MotorCommand.position(1, 2.5, 3.0) == MotorCommand(1, 1, 2.5, 3.0)
    assert not MotorCommand.stop(1).enable
    assert MotorCommand().is_valid()
    assert not MotorCommand(mode=9).is_valid()
    assert not MotorCommand(target=math.nan).is_valid()
    drive = DifferentialDriveCommand.from_twist(1.0, 2.0, wheel_base=0.5, wheel_radius=0.1)
    assert (drive.left_velocity, drive.right_velocity) == pytest.approx((5.0, 15.0))
    assert drive.is_valid()
    assert not DifferentialDriveCommand.stop().enable
    with pytest.raises(ValueError, match=r"radius"):
        DifferentialDriveCommand.from_twist(1.0, 2.0, 0.5, 0.0)
    assert ServoCommand.from_degrees(2, 180).position == pytest.approx(math.pi)
    assert ServoCommand.with_speed(2, 1.0, 0.25).speed == 0.25
    assert not ServoCommand.disable(2).enable
    assert ServoCommand().is_valid()
    assert not ServoCommand(speed=2).is_valid()


def test_imu() -> None:
    imu = Imu(1, 2, 3, 4, 5, 6, 7)
    assert imu.timestamp_ns == 7
    assert imu.linear_acceleration_vec() == Vector3(1, 2, 3)
    assert imu.angular_velocity_vec() == Vector3(4, 5, 6)
    assert not imu.has_orientation()
    imu.set_orientation_from_euler(0, 0, math.pi)
    assert imu.has_orientation()
    assert imu.orientation_quat().z == pytest.approx(1)
    assert imu.is_valid()
    assert not Imu(1, 2, 3, 4, 5, math.nan).is_valid()


def test_odometry() -> None:
    odometry = Odometry()
    odometry.update(Pose2D(1, 2, 3, 4), Twist.new_2d(5, 6))
    assert odometry == Odometry(1, 2, 3, 5, 6, 4)
    odometry.set_frames("map", "base")
    assert (odometry.frame_id, odometry.child_frame_id) == ("map", "base")
    assert odometry.is_valid()
    assert not Odometry(x=math.inf).is_valid()


def test_laser_scan() -> None:
    scan = LaserScan(-1.0, 1.0, 0.5, 0.2, 10.0, np.array([0.1, 3.0, 2.0, math.inf, math.nan]))
    assert scan.angle_at(2) == 0.0
    assert [scan.is_range_valid(index) for index in range(5)] == [False, True, True, False, False]
    assert scan.min_range() == 2.0
    assert LaserScan(range_max=9.0).min_range() is None
    with pytest.raises(IndexError):
        scan.is_range_valid(5)
    assert len(LaserScan(ranges=np.zeros(2048, np.float32)).ranges) == 2048
    with pytest.raises(ValueError, match=r"LaserScan.ranges holds up to 2048 items"):
        LaserScan(ranges=np.zeros(2049, np.float32))


def test_battery() -> None:
    assert BatteryState(percentage=15).is_low(20)
    assert BatteryState(percentage=9).is_critical()
    assert not BatteryState(percentage=10).is_critical()
    assert BatteryState(current=-2.0, charge=1.0).time_remaining() == 1800
    assert BatteryState(current=-2.0).time_remaining() is None
    assert BatteryState(current=2.0, charge=1.0).time_remaining() is None


def test_diagnostics() -> None:
    beat = Heartbeat("camera", 3)
    before = time.monotonic_ns()
    beat.update(1.5)
    beat.update(2.5)
    assert (beat.sequence, beat.uptime, beat.alive) == (2, 2.5, True)
    assert before <= beat.timestamp_ns <= time.monotonic_ns()
    assert DiagnosticStatus.ok("fine").level == DiagnosticStatus.OK
    warned = DiagnosticStatus.warn(4, "warm").with_component("motor")
    assert (warned.level, warned.code, warned.message, warned.component) == (1, 4, "warm", "motor")
    assert DiagnosticStatus.error(4, "hot").level == 2
    assert DiagnosticStatus.fatal(4, "fire").level == 3


def test_temperature() -> None:
    assert Temperature(21.5).temperature == 21.5


def test_all_names_what_is_there() -> None:
    for name in messages.__all__:
        assert hasattr(messages, name)
