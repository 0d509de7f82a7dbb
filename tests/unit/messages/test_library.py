"""Every type of the library: its topic, its constructor, and that nothing is lost on the way through dict and NumPy."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import horus_runner.messages as messages
from horus_runner._core.layouts import layout_of
from horus_runner.messages import Record
from horus_runner.messages.codec import decode, encode
from horus_runner.messages.registry import FAMILIES, default_topic, known_type_names, message_type, resolve_type

RunPython = Callable[..., Any]

# Name -> what its constructor takes, and the topic that the bare type stands for. A '!' has no default.
LISTED = """
    Accel(linear_x, linear_y, linear_z, angular_x, angular_y, angular_z, timestamp_ns) accel
    AccelStamped(linear_x, linear_y, linear_z, angular_x, angular_y, angular_z, frame_id, timestamp_ns) accel_stamped
    AudioFrame(sample_rate, channels, samples, timestamp_ns, frame_id) audioframe
    BatteryState(voltage, percentage, current, temperature, power_supply_status, timestamp_ns) battery
    BoundingBox2D(x, y, width, height) bbox2d
    BoundingBox3D(cx, cy, cz, length, width, height, yaw) bbox3d
    CameraInfo(width, height, fx, fy, cx, cy) camera_info
    Clock(clock_ns, realtime_ns, sim_speed, paused, source, timestamp_ns) clock
    CmdVel(linear!, angular!, timestamp_ns) cmd_vel
    CompressedImage(format, data, width, height) compressed_image
    ContactInfo(state, contact_force, confidence, timestamp_ns) contact
    CostMap(grid, inflation_radius) cost_map
    Detection(class_name, confidence, x, y, width, height, class_id, instance_id) detection
    Detection3D(class_name, confidence, cx, cy, cz, length, width, height, yaw) detection3d
    DetectionList() detectionlist
    DiagnosticReport(component, level) diagnostic_report
    DiagnosticStatus(level, code, message, component, timestamp_ns) diagnostics
    DiagnosticValue(key, value) diagnostic_value
    DifferentialDriveCommand(left_velocity, right_velocity, max_acceleration, enable, timestamp_ns) diff_drive_cmd
    EmergencyStop(engaged, reason, timestamp_ns) estop
    FluidPressure(pressure, variance, timestamp_ns) pressure
    ForceCommand(fx, fy, fz, tx, ty, tz, timeout, timestamp_ns) force_cmd
    GoalResult(goal_id, status, progress, timestamp_ns) nav_result
    HapticFeedback(vibration_intensity, vibration_frequency, duration_seconds, pattern_type) haptic_feedback
    Heartbeat(node_name, node_id, timestamp_ns) heartbeat
    Illuminance(illuminance, variance, timestamp_ns) illuminance
    ImpedanceParameters() impedance_parameters
    Imu(accel_x!, accel_y!, accel_z!, gyro_x!, gyro_y!, gyro_z!, timestamp_ns) imu
    JointCommand(names, positions, velocities, efforts, modes, timestamp_ns) joint_cmd
    JointState(names, positions, velocities, efforts, timestamp_ns) joint_states
    JoystickInput(joystick_id, element_id, value, pressed) joystick
    KeyboardInput(key_name, code, pressed, modifiers) keyboard
    Landmark(x, y, visibility, index) landmark
    Landmark3D(x, y, z, visibility, index) landmark3d
    LandmarkArray(num_landmarks, dimension) landmark_array
    LaserScan(angle_min, angle_max, angle_increment, range_min, range_max, ranges, timestamp_ns) scan
    MagneticField(x, y, z, timestamp_ns) mag
    MotorCommand(motor_id, mode, target, max_velocity, max_acceleration, feed_forward, enable, timestamp_ns) motor_cmd
    NavGoal(x, y, theta, position_tolerance, angle_tolerance, timeout, timestamp_ns) nav_goal
    NavPath() nav_path
    NavSatFix(latitude, longitude, altitude, timestamp_ns) gps
    NodeHeartbeat(state, health) node_heartbeat
    OccupancyGrid(width, height, resolution) occupancy_grid
    Odometry(x, y, theta, linear_velocity, angular_velocity, timestamp_ns) odom
    PathPlan(goal_x, goal_y, goal_theta, timestamp_ns) path_plan
    PidConfig(kp, ki, kd, controller_id, integral_limit, output_limit, anti_windup, timestamp_ns) pid_config
    PlaneArray() plane_array
    PlaneDetection(a, b, c, d, cx, cy, cz, nx, ny, nz) plane_detection
    Point3(x, y, z) point3
    PointCloudBuffer(capacity, frame_id) pointcloudbuffer
    PointField(name, offset, datatype, count) point_field
    PointXYZ(x, y, z) pointxyz
    PointXYZRGB(x, y, z, r, g, b) pointxyzrgb
    Pose2D(x!, y!, theta!, timestamp_ns) pose
    Pose3D(x, y, z, qx, qy, qz, qw, timestamp_ns) pose3d
    PoseStamped(x, y, z, qx, qy, qz, qw, frame_id, timestamp_ns) pose_stamped
    PoseWithCovariance(x, y, z, qx, qy, qz, qw, frame_id, timestamp_ns) pose_cov
    Quaternion(x, y, z, w) quaternion
    RangeSensor(range, sensor_type, field_of_view, min_range, max_range, timestamp_ns) range
    RegionOfInterest(x, y, width, height, do_rectify) region_of_interest
    ResourceUsage(cpu_percent, memory_bytes, memory_percent, timestamp_ns) resources
    SafetyStatus() safety_status
    SegmentationMask(width, height, mask_type, num_classes) segmentation_mask
    ServoCommand(servo_id, position, speed, enable, timestamp_ns) servo_cmd
    StereoInfo(left_camera, right_camera, baseline, depth_scale) stereo_info
    TactileArray(rows, cols) tactile_array
    Temperature(temperature, variance, timestamp_ns) temperature
    TimeReference(time_ref_ns, source, offset_ns, timestamp_ns) time_reference
    TrackedObject(track_id, x, y, width, height, class_id, confidence) tracked_object
    TrackingHeader(num_tracks, frame_id) tracking_header
    TrajectoryPoint(position, velocity, acceleration, orientation, angular_velocity, time_from_start) trajectory_point
    TransformStamped(tx, ty, tz, rx, ry, rz, rw, timestamp_ns) transform
    Twist(linear_x, linear_y, linear_z, angular_x, angular_y, angular_z, timestamp_ns) twist
    TwistWithCovariance(linear_x, linear_y, linear_z, angular_x, angular_y, angular_z, frame_id, timestamp_ns) twist_cov
    Vector3(x, y, z) vector3
    VelocityObstacle(px, py_, vx, vy, radius, time_horizon, obstacle_id) velocity_obstacle
    VelocityObstacles() velocity_obstacles
    Waypoint(x, y, theta) waypoint
    WrenchStamped(fx, fy, fz, tx, ty, tz, timestamp_ns) wrench
"""


def listed(line: str) -> tuple[str, list[str], str]:
    """(name, arguments, topic) of a line."""
    name, _, rest = line.strip().partition("(")
    arguments, _, topic = rest.partition(") ")
    return name, [argument for argument in arguments.split(", ") if argument], topic


TYPES = [listed(line) for line in LISTED.strip().splitlines()]
ARRAYS = {"DepthImage", "Image", "PointCloud", "Tensor"}


def made(name: str) -> Record:
    """A message of that type with its defaults, and 0.5, 1.5, ... where it has none."""
    required = next(arguments for listed_name, arguments, _ in TYPES if listed_name == name)
    return getattr(messages, name)(*[i + 0.5 for i, a in enumerate(required) if a.endswith("!")])  # type: ignore[no-any-return]


def test_the_list_is_whole() -> None:
    assert {name for name, *_ in TYPES} | ARRAYS == {name for names in FAMILIES.values() for name in names}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_the_types_that_it_is_said_to_have(family: str) -> None:
    module = importlib.import_module(f"horus_runner.messages.{family}")
    own = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    assert {name for name in own if message_type(name) is not None} == set(FAMILIES[family])


@pytest.mark.parametrize(("name", "arguments", "topic"), TYPES, ids=[name for name, *_ in TYPES])
def test_constructor_and_topic(name: str, arguments: list[str], topic: str) -> None:
    cls = getattr(messages, name)
    assert default_topic(cls) == topic
    assert resolve_type(name) is message_type(name) is cls
    assert cls.__doc__
    parameters = list(inspect.signature(cls).parameters.values())[: len(arguments)]
    found = [p.name + ("!" if p.default is inspect.Parameter.empty else "") for p in parameters]
    assert found == arguments
    assert all(p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for p in parameters)


def structured(cls: type[Record], array: Any) -> Record:
    """Of a structured array; PointCloudBuffer has a `from_numpy` of its own."""
    return super(cls, cls).from_numpy(array)  # type: ignore[misc,no-any-return]


def filled(name: str) -> Record:
    """A message with another byte pattern than zeros in every number that it has."""
    message = made(name)
    array = np.zeros((), layout_of(type(message)).dtype)
    array[()] = Record.to_numpy(message)[()]
    fill(array)
    return structured(type(message), array)


def fill(array: Any) -> None:
    for index, field in enumerate(array.dtype.names):
        value = array[field]
        if value.dtype.names and "values" in value.dtype.names:  # bounded: a length, then room
            if len(value.dtype.names) == 2:
                length, values = value.dtype.names
                value[length] = min(7, value.dtype[values].shape[0])
                value[values][:7] = np.arange(1, 8)[: value[values].size]
        elif value.dtype.names:
            fill(value)
        elif value.dtype.kind == "b":
            array[field] = True
        elif value.dtype.kind in "iuf":
            array[field] = index + 1


@pytest.mark.parametrize("name", [name for name, *_ in TYPES])
@pytest.mark.parametrize("make", [made, filled])
def test_nothing_is_lost(name: str, make: Callable[[str], Record]) -> None:
    message = make(name)
    cls = type(message)
    values = message.to_dict()
    assert list(values) == list(layout_of(cls).fields)
    again = cls.from_dict(values)
    array = Record.to_numpy(message)
    assert array.dtype == layout_of(cls).dtype
    raw = np.frombuffer(array.tobytes(), array.dtype)[0]
    copies = [again, structured(cls, array), structured(cls, raw), message.copy()]
    copies += [copy.deepcopy(message), pickle.loads(pickle.dumps(message))]
    expected = Record.to_numpy(message).tobytes()
    for other in copies:
        assert type(other) is cls
        assert Record.to_numpy(other).tobytes() == expected
    assert name in repr(message)
    assert set(decode(encode({"it": message}))["it"]) == set(values)


def test_names_are_known_before_they_are_imported(run_python: RunPython) -> None:
    assert {name for names in FAMILIES.values() for name in names} <= set(known_type_names())
    done = run_python(
        "-c",
        "import sys, horus_runner.messages as m\n"
        "from horus_runner.messages.registry import message_type\n"
        "loaded = lambda: {n for n in sys.modules if n.endswith(('.control', '.maps', '.navigation'))}\n"
        "print(loaded()); message_type('CmdVel'); print(loaded()); m.NavPath; print(sorted(loaded()))",
    )
    assert done.stdout.splitlines() == [
        "set()",
        "{'horus_runner.messages.control'}",
        "['horus_runner.messages.control', 'horus_runner.messages.navigation']",
    ]


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'CmdVell'"):
        _ = messages.CmdVell  # type: ignore[attr-defined]
    assert message_type("CmdVell") is None
    assert set(messages.__all__) <= set(dir(messages))
