"""What the messages of motion compute: stamped poses, joints, controllers, forces, touch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from horus_runner.messages import (
    Accel,
    ContactInfo,
    ForceCommand,
    HapticFeedback,
    ImpedanceParameters,
    JointCommand,
    JointState,
    PidConfig,
    Pose2D,
    PoseWithCovariance,
    TactileArray,
    TrajectoryPoint,
    TransformStamped,
    TwistWithCovariance,
    Vector3,
    WrenchStamped,
)

DIAGONAL = np.diag([1.0, 2, 3, 4, 5, 6]).reshape(-1)


def test_transform() -> None:
    moved = TransformStamped.from_pose_2d(Pose2D(1, 2, math.pi / 2, 9))
    assert (moved.tx, moved.ty, moved.tz, moved.timestamp_ns) == (1, 2, 0, 9)
    assert (moved.rx, moved.ry, moved.rz, moved.rw) == pytest.approx((0, 0, math.sqrt(0.5), math.sqrt(0.5)))
    assert moved.is_valid()
    assert TransformStamped.identity().is_valid()
    double = TransformStamped(rw=2)
    assert not double.is_valid()
    double.normalize_rotation()
    assert double == TransformStamped.identity()
    assert not TransformStamped(tx=math.nan).is_valid()
    with pytest.raises(ValueError, match="no rotation"):
        TransformStamped(rw=0).normalize_rotation()


def test_covariances() -> None:
    pose = PoseWithCovariance(frame_id="map", covariance=DIAGONAL)
    assert pose.position_variance() == Vector3(1, 2, 3)
    assert pose.orientation_variance() == Vector3(4, 5, 6)
    twist = TwistWithCovariance(1.0, covariance=DIAGONAL)
    assert twist.linear_variance() == Vector3(1, 2, 3)
    assert twist.angular_variance() == Vector3(4, 5, 6)
    assert TwistWithCovariance().linear_variance() == Vector3.zero()
    with pytest.raises(ValueError, match="frame_id"):
        PoseWithCovariance(frame_id="x" * 33)


def test_accel() -> None:
    assert Accel(linear_x=9.81).is_valid()
    assert not Accel(angular_z=math.inf).is_valid()


def test_pid() -> None:
    assert PidConfig.proportional(2) == PidConfig(2)
    assert PidConfig.pi(2, 3) == PidConfig(2, ki=3)
    assert PidConfig.pd(2, 4) == PidConfig(2, kd=4)
    base = PidConfig()
    limited = base.with_limits(1, 5)
    assert (limited.integral_limit, limited.output_limit) == (1, 5)
    assert base.output_limit == math.inf
    assert base.is_valid()
    assert not PidConfig(-1).is_valid()
    assert not PidConfig(math.nan).is_valid()
    assert not PidConfig(output_limit=0).is_valid()


def test_joint_state() -> None:
    state = JointState(["shoulder", "elbow"], [0.5, 1.5], efforts=np.array([3, 4]), timestamp_ns=7)
    assert state.names == ["shoulder", "elbow"]
    assert (state.position("elbow"), state.effort("shoulder")) == (1.5, 3)
    assert state.velocity("elbow") is None
    assert state.position("wrist") is None
    assert JointState().names == []
    assert JointState.from_dict(state.to_dict()) == state


@pytest.mark.parametrize("kind", [JointState, JointCommand])
@pytest.mark.parametrize(
    ("names", "positions", "text"),
    [
        (["a", "b"], [1.0], "positions has 1 values for 2 names"),
        (["a", "a"], None, "each name once"),
        (["a\nb"], None, "is no name of a joint"),
        ([""], None, "is no name of a joint"),
        ([f"j{i}" for i in range(65)], None, "up to 64 names, not 65"),
        (None, np.zeros(65), "positions holds up to 64 items"),
        (["x" * 2049], None, "holds 2048 bytes"),
    ],
)
def test_joints_that_do_not_fit_are_refused(
    kind: type[JointState | JointCommand], names: list[str] | None, positions: list[float] | None, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        kind(names, positions)


def test_joint_command() -> None:
    command = JointCommand()
    assert not command.is_valid()
    command.add_position("lift", 0.25)
    command.add_velocity("wheel", 3.0)
    assert command.names == ["lift", "wheel"]
    assert command.modes.tolist() == [JointCommand.POSITION, JointCommand.VELOCITY]
    np.testing.assert_array_equal(command.positions, [0.25, math.nan])
    np.testing.assert_array_equal(command.velocities, [math.nan, 3.0])
    assert command.is_valid()
    with pytest.raises(ValueError, match="each name once"):
        command.add_position("lift", 1.0)
    assert len(command.names) == len(command.positions) == 2
    for index in range(62):
        command.add_position(f"j{index}", 0)
    with pytest.raises(ValueError, match="up to 64"):
        command.add_position("one more", 0)
    assert JointCommand(["a"], [1.0]).is_valid()
    assert not JointCommand(["a"], [math.nan]).is_valid()
    assert not JointCommand(["a"], [1.0], modes=[JointCommand.EFFORT]).is_valid()
    assert not JointCommand(["a"], [1.0], modes=[3]).is_valid()
    grown = JointCommand(["a"], efforts=[2.0], modes=[JointCommand.EFFORT])
    grown.add_position("b", 1.0)
    np.testing.assert_array_equal(grown.efforts, [2.0, math.nan])
    assert grown.is_valid()
    with pytest.raises(ValueError, match="modes has 2 values for 1 names"):
        JointCommand(["a"], modes=[0, 0])


def test_trajectory_point() -> None:
    point = TrajectoryPoint.new_2d(1, 2, 3, 4, 5)
    assert (point.position.tolist(), point.velocity.tolist(), point.time_from_start) == ([1, 2, 0], [3, 4, 0], 5)
    assert TrajectoryPoint().orientation.tolist() == [0, 0, 0, 1]
    still = TrajectoryPoint.stationary(1, 2, 3)
    assert (still.position.tolist(), still.velocity.tolist()) == ([1, 2, 3], [0, 0, 0])
    with pytest.raises((TypeError, ValueError), match=r"TrajectoryPoint\.position"):
        TrajectoryPoint([1.0, 2.0])


def test_wrench() -> None:
    wrench = WrenchStamped(3, 4, 0, 0, 0, 2)
    assert (wrench.force_magnitude(), wrench.torque_magnitude()) == (5, 2)
    assert not wrench.exceeds_limits(5, 2)
    assert wrench.exceeds_limits(4.9, 2)
    assert wrench.exceeds_limits(5, 1.9)
    assert WrenchStamped(math.nan).exceeds_limits(5, 5)
    wrench.filter(WrenchStamped(1, 0, 8), 0.25)
    assert (wrench.fx, wrench.fy, wrench.fz, wrench.tz) == (1.5, 1, 6, 0.5)
    assert WrenchStamped.force_only(Vector3(1, 2, 3)) == WrenchStamped(1, 2, 3)
    assert WrenchStamped.torque_only(Vector3(1, 2, 3)) == WrenchStamped(tx=1, ty=2, tz=3)
    with pytest.raises(ValueError, match="share from 0 to 1"):
        wrench.filter(wrench, 1.5)


def test_force_command() -> None:
    command = ForceCommand.surface_contact(10, Vector3(0, 0, -2))
    assert (command.fx, command.fy, command.fz) == (0, 0, -10)
    assert ForceCommand.force_only(Vector3(1, 2, 3)) == ForceCommand(1, 2, 3)
    assert ForceCommand(timeout=2).timeout_seconds == 2
    assert command.with_timeout(3).timeout_seconds == 3
    assert command.timeout_seconds == 0
    with pytest.raises(ValueError, match="no direction"):
        ForceCommand.surface_contact(10, Vector3())


def test_contact() -> None:
    contact = ContactInfo(ContactInfo.STABLE, 2.0, 0.5, timestamp_ns=3_500_000_000, contact_start_ns=2_000_000_000)
    assert contact.is_in_contact()
    assert contact.contact_duration_seconds() == 1.5
    assert ContactInfo().contact_duration_seconds() == 0
    assert not ContactInfo().is_in_contact()
    assert ContactInfo(1, timestamp_ns=1, contact_start_ns=2).contact_duration_seconds() == 0


def test_impedance() -> None:
    usual, soft, hard = ImpedanceParameters(), ImpedanceParameters.compliant(), ImpedanceParameters.stiff()
    assert soft.stiffness == pytest.approx(usual.stiffness * 0.1)
    assert hard.stiffness == pytest.approx(usual.stiffness * 5)
    ratio = usual.damping / np.sqrt(usual.stiffness * usual.inertia)
    for other in (soft, hard):
        assert other.damping / np.sqrt(other.stiffness * other.inertia) == pytest.approx(ratio)
    usual.disable()
    assert not usual.enabled
    usual.enable()
    assert usual.enabled


def test_haptics() -> None:
    assert HapticFeedback.vibration(0.5, 100, 2) == HapticFeedback(0.5, 100, 2, HapticFeedback.VIBRATION)
    assert HapticFeedback.pulse(0.5, 4, 2).pattern_type == HapticFeedback.PULSE
    felt = HapticFeedback.force(3, 1.5)
    assert (felt.vibration_intensity, felt.duration_seconds, felt.pattern_type) == (3, 1.5, HapticFeedback.FORCE)


def test_tactile() -> None:
    skin = TactileArray(2, 3)
    assert not skin.in_contact
    assert skin.center_of_pressure is None
    skin.set_force(0, 2, 1.0)
    skin.set_force(1, 0, 3.0)
    assert skin.forces.tolist() == [0, 0, 1, 3, 0, 0]
    assert skin.get_force(1, 0) == 3
    assert skin.in_contact
    assert skin.total_force == 4
    assert skin.center_of_pressure == (0.75, 0.5)
    for place in [(2, 0), (0, 3), (-1, 0)]:
        with pytest.raises(IndexError, match="2 x 3 points"):
            skin.get_force(*place)
        with pytest.raises(IndexError, match="2 x 3 points"):
            skin.set_force(*place, 1.0)
    assert TactileArray(64, 64).forces.size == 4096
    with pytest.raises(ValueError, match="up to 4096 points, not 64 x 65"):
        TactileArray(64, 65)
