"""What the messages of driving and of a robot's state compute: goals, paths, maps, positions, clocks, diagnostics."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from horus_runner.messages import (
    Clock,
    CostMap,
    DiagnosticReport,
    DiagnosticStatus,
    DiagnosticValue,
    EmergencyStop,
    GoalResult,
    JoystickInput,
    KeyboardInput,
    NavGoal,
    NavPath,
    NavSatFix,
    NodeHeartbeat,
    OccupancyGrid,
    PathPlan,
    Pose2D,
    RangeSensor,
    ResourceUsage,
    SafetyStatus,
    TimeReference,
    Twist,
    VelocityObstacle,
    VelocityObstacles,
    Waypoint,
)


def test_goal() -> None:
    goal = NavGoal(1, 2, math.pi - 0.01, position_tolerance=0.5, timeout=9)
    assert (goal.tolerance_position, goal.tolerance_angle, goal.timeout_seconds) == (0.5, 0.1, 9)
    assert goal.is_position_reached(Pose2D(1.3, 2.4, 0))
    assert not goal.is_position_reached(Pose2D(1.4, 2.4, 0))
    assert goal.is_orientation_reached(Pose2D(0, 0, -math.pi + 0.01))
    assert not goal.is_orientation_reached(Pose2D(0, 0, 0))
    assert goal.is_reached(Pose2D(1, 2, 3 * math.pi))
    assert not goal.is_reached(Pose2D(1, 2, 0))
    assert (goal.with_priority(7).priority, goal.with_timeout(3).timeout_seconds) == (7, 3)
    assert (goal.priority, goal.timeout_seconds) == (0, 9)
    failed = GoalResult(4, GoalResult.ACTIVE, 0.5).with_error("blocked")
    assert (failed.goal_id, failed.status, failed.error) == (4, GoalResult.ABORTED, "blocked")


def test_plan() -> None:
    plan = PathPlan.from_waypoints([(1, 2, 3), (4, 5, 6)], 7, 8, 9)
    assert (plan.waypoint_count, plan.waypoint(1), plan.goal_pose) == (2, (4, 5, 6), Pose2D(7, 8, 9))
    assert not plan.is_empty()
    assert PathPlan().is_empty()
    with pytest.raises(IndexError):
        plan.waypoint(2)
    with pytest.raises(ValueError, match="holds up to 256 waypoints"):
        PathPlan.from_waypoints([(0, 0, 0)] * 257)


def test_path() -> None:
    path = NavPath()
    assert (path.total_length, path.duration_seconds, path.closest_waypoint_index(Pose2D(0, 0, 0))) == (0, 0, None)
    assert path.calculate_progress(Pose2D(0, 0, 0)) == 1
    for x, y in [(0, 0), (3, 4), (3, 9)]:
        path.add_waypoint(Waypoint(x, y))
    last = Waypoint(3, 9).with_velocity(Twist.new_2d(1, 0))
    last.time_from_start = 12
    path.add_waypoint(last)
    assert path.waypoint_count == 4
    assert path.get_waypoints()[3] == last
    assert (path.total_length, path.duration_seconds) == (10, 12)
    assert path.closest_waypoint_index(Pose2D(3, 5, 0)) == 1
    assert path.calculate_progress(Pose2D(3, 5, 0)) == 0.5
    assert path.calculate_progress(Pose2D(-1, 0, 0)) == 0
    assert (last.with_stop().stop_required, last.with_stop().velocity, last.stop_required) == (True, Twist(), False)
    for _ in range(252):
        path.add_waypoint(last)
    with pytest.raises(ValueError, match="holds up to 256"):
        path.add_waypoint(last)


def test_obstacles() -> None:
    one = VelocityObstacle(1, 2, 3, 4, 0.5, 2.0, 9)
    assert (one.position.tolist(), one.velocity.tolist(), one.radius, one.obstacle_id) == ([1, 2], [3, 4], 0.5, 9)
    several = VelocityObstacles()
    for _ in range(32):
        several.add_obstacle(one)
    assert (several.count, several.get_obstacles()[31]) == (32, one)
    with pytest.raises(ValueError, match="holds up to 32"):
        several.add_obstacle(one)


def test_occupancy_grid() -> None:
    grid = OccupancyGrid(4, 3, 0.5)
    assert grid.data.tolist() == [-1] * 12
    grid.origin = Pose2D(10, 20, 0)
    assert grid.grid_to_world(0, 0) == (10.25, 20.25)
    assert grid.world_to_grid(11.9, 21.4) == (3, 2)
    assert grid.world_to_grid(12.1, 20) is None
    assert grid.world_to_grid(9.9, 20) is None
    assert grid.grid_to_world(4, 0) is None
    grid.set_occupancy(3, 2, 50)
    grid.set_occupancy(0, 0, 49)
    assert (grid.occupancy(3, 2), grid.occupancy(1, 1), grid.occupancy(0, 3)) == (50, -1, None)
    assert grid.data[11] == 50
    assert (grid.is_occupied(11.9, 21.4), grid.is_free(11.9, 21.4)) == (True, False)
    assert (grid.is_occupied(10.1, 20.1), grid.is_free(10.1, 20.1)) == (False, True)
    assert (grid.is_occupied(11.1, 20.6), grid.is_free(11.1, 20.6)) == (False, False)
    assert (grid.is_occupied(0, 0), grid.is_free(0, 0)) == (False, False)
    with pytest.raises(IndexError, match="4 x 3 cells"):
        grid.set_occupancy(4, 0, 1)
    with pytest.raises(ValueError, match="0 to 100 percent"):
        grid.set_occupancy(0, 0, 101)
    with pytest.raises(ValueError, match="up to 1048576 cells"):
        OccupancyGrid(1024, 1025)
    with pytest.raises(ValueError, match="edge of a cell"):
        OccupancyGrid(1, 1, 0)


def test_a_grid_that_is_turned() -> None:
    grid = OccupancyGrid(4, 3, 1.0)
    grid.origin = Pose2D(1, 2, math.pi / 2)  # its x is the world's y
    assert grid.grid_to_world(2, 0) == pytest.approx((0.5, 4.5))
    for x in range(4):
        for y in range(3):
            assert grid.world_to_grid(*(grid.grid_to_world(x, y) or ())) == (x, y)


def test_cost_map() -> None:
    grid = OccupancyGrid(5, 5, 0.1)
    grid.data[:] = 0
    grid.set_occupancy(1, 2, 100)
    grid.set_occupancy(4, 0, -1)
    costs = CostMap(grid, inflation_radius=0.2)
    near, far, across = (int(252 * math.exp(-10 * away)) for away in (0.1, 0.2, 0.1 * math.sqrt(2)))
    assert costs.costs.reshape(5, 5).tolist() == [
        [0, far, 0, 0, 255],
        [across, near, across, 0, 0],
        [near, 253, near, far, 0],
        [across, near, across, 0, 0],
        [0, far, 0, 0, 0],
    ]
    assert costs.cost(0.15, 0.25) == 253
    assert costs.cost(0.25, 0.25) == near
    assert costs.cost(1, 1) is None
    grid.set_occupancy(1, 2, 0)
    assert costs.cost(0.15, 0.25) == 253
    costs.occupancy_grid.set_occupancy(1, 2, 0)
    costs.compute_costs()
    assert costs.cost(0.15, 0.25) == 0
    assert CostMap().costs.size == 0


def test_position() -> None:
    berlin, paris = NavSatFix.from_coordinates(52.52, 13.405, 34), NavSatFix.from_coordinates(48.8566, 2.3522, 35)
    assert berlin.distance_to(paris) == pytest.approx(877_500, rel=2e-3)
    assert berlin.distance_to(berlin) == 0
    assert NavSatFix().distance_to(NavSatFix(0, 180)) == pytest.approx(math.pi * 6_371_008.8)
    assert berlin.has_fix()
    assert berlin.is_valid()
    assert not NavSatFix().is_valid()
    assert not NavSatFix.from_coordinates(91, 0, 0).is_valid()
    assert not NavSatFix.from_coordinates(0, math.nan, 0).is_valid()
    assert math.isnan(berlin.horizontal_accuracy())
    assert NavSatFix(hdop=1.5).horizontal_accuracy() == 7.5


def test_clock() -> None:
    before = time.time_ns()
    wall = Clock.wall_clock()
    assert before <= wall.clock_ns <= time.time_ns()
    assert (wall.source, wall.is_paused()) == (Clock.WALL, False)
    sim, later = Clock.sim_time(1000, 2.0), Clock.sim_time(1500, 0)
    assert (later.elapsed_since(sim), sim.elapsed_since(later)) == (500, -500)
    assert (sim.source, sim.sim_speed, later.is_paused()) == (Clock.SIMULATION, 2.0, True)
    assert Clock.replay_time(1, 1).source == Clock.REPLAY
    assert TimeReference(offset_ns=30).correct_timestamp(100) == 70
    assert TimeReference(offset_ns=-30).correct_timestamp(100) == 130


def test_range() -> None:
    assert RangeSensor(1.0).is_valid()
    assert not any(RangeSensor(value).is_valid() for value in (0.01, 4.5, math.nan, math.inf))


def test_inputs() -> None:
    button = JoystickInput.new_button(1, 2, "A", True)
    assert (button.is_button(), button.pressed, button.value, button.element_name) == (True, True, 1, "A")
    axis = JoystickInput.new_axis(1, 2, "X", -0.5)
    assert (axis.is_axis(), axis.is_button(), axis.value) == (True, False, -0.5)
    assert JoystickInput.new_hat(1, 2, "H", 1).is_hat()
    plugged, pulled = JoystickInput.new_connection(1, True), JoystickInput.new_connection(1, False)
    assert (plugged.is_connection_event(), plugged.is_connected()) == (True, True)
    assert (pulled.is_connection_event(), pulled.is_connected()) == (True, False)
    assert not button.is_connected()
    assert 0 < axis.timestamp_ms <= time.monotonic_ns() // 1_000_000
    key = KeyboardInput("c", 54, True, KeyboardInput.CTRL | KeyboardInput.SHIFT)
    assert (key.is_ctrl(), key.is_alt(), key.is_shift()) == (True, False, True)
    assert KeyboardInput(modifiers=KeyboardInput.ALT).is_alt()


def test_safety() -> None:
    stop = EmergencyStop.engage("fire").with_source("hall 3")
    assert (stop.engaged, stop.reason_str(), stop.source) == (True, "fire", "hall 3")
    assert not EmergencyStop.release().engaged
    with pytest.raises(ValueError, match=r"EmergencyStop.reason holds 64 bytes"):
        EmergencyStop.engage("x" * 65)
    status = SafetyStatus()
    assert status.is_safe()
    status.set_fault(5)
    assert (status.is_safe(), status.fault_code, status.mode) == (False, 5, SafetyStatus.SAFE_STOP)
    status.clear_faults()
    assert (status.is_safe(), status.mode) == (True, SafetyStatus.NORMAL)
    for name, value in [("enabled", False), ("estop_engaged", True), ("watchdog_ok", False), ("comms_ok", False)]:
        assert not SafetyStatus(**{name: value}).is_safe()  # type: ignore[arg-type]


def test_resources() -> None:
    usage = ResourceUsage(90, 1 << 40, 50, temperature=70)
    assert (usage.is_cpu_high(89), usage.is_cpu_high(90)) == (True, False)
    assert (usage.is_memory_high(49), usage.is_memory_high(50)) == (True, False)
    assert (usage.is_temperature_high(69), usage.is_temperature_high(70)) == (True, False)


def test_heartbeat() -> None:
    beat = NodeHeartbeat()
    beat.update_timestamp()
    assert beat.is_fresh(60)
    beat.heartbeat_timestamp -= 61_000_000_000
    assert not beat.is_fresh(60)


def test_report() -> None:
    report = DiagnosticReport("motor", DiagnosticStatus.WARN)
    report.add_string("name", "left")
    report.add_int("steps", -3)
    report.add_float("load", 0.1)
    report.add_bool("hot", True)
    report.add_value(DiagnosticValue("key", "value"))
    assert [(v.key, v.value, v.value_type) for v in report.get_values()] == [
        ("name", "left", DiagnosticValue.STRING),
        ("steps", "-3", DiagnosticValue.INT),
        ("load", "0.1", DiagnosticValue.FLOAT),
        ("hot", "true", DiagnosticValue.BOOL),
        ("key", "value", DiagnosticValue.STRING),
    ]
    for _ in range(11):
        report.add_int("more", 1)
    assert report.value_count == 16
    with pytest.raises(ValueError, match="holds up to 16 of DiagnosticValue"):
        report.add_int("more", 1)
    broken = DiagnosticReport(values=np.zeros(5, np.uint8))
    with pytest.raises(ValueError, match="has 5 bytes"):
        broken.get_values()
    status = DiagnosticStatus.ok("fine").with_component("arm")
    assert (status.message_str(), status.component_str()) == ("fine", "arm")
