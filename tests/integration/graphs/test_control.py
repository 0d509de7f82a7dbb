"""control.yaml: a loop at 1 kHz closed through three processes; the simulated robot gets where it is sent."""

import math
import re

import pytest

REACHED = re.compile(r"waypoint \((.+), (.+)\) reached at \((.+), (.+)\)")
WAYPOINTS = [(0.5, 0.0), (0.5, 0.5), (0.0, 0.5), (0.0, 0.0)]


@pytest.fixture(scope="module")
def run(run_graph):
    return run_graph("control")


def test_robot_reaches_every_waypoint_in_order(run):
    assert run.exit_code == 0, run.lines
    reached = [tuple(map(float, REACHED.search(line).groups())) for line in run.lines if REACHED.search(line)]
    assert [goal for *goal, _, _ in reached] == [list(waypoint) for waypoint in WAYPOINTS]
    for goal_x, goal_y, x, y in reached:
        assert math.dist((goal_x, goal_y), (x, y)) <= 0.021  # 0.02 and the rounding of what is printed


def test_loop_runs_on_its_grid_and_loses_no_command(run):
    controller = run.report["nodes"]["controller"]
    commands = run.edge("cmd_vel", "controller", "robot")
    assert controller["target_hz"] == 1000
    assert controller["ticks"] == run.report["topics"]["cmd_vel"]["published"]
    assert commands["lost"] == commands["superseded"] == 0
    # The edge ends with the robot's row; what the controller published after that belongs to no edge.
    assert 0 <= controller["ticks"] - commands["delivered"] - commands["in_flight"] <= 100
    assert run.report["topics"]["pose"]["published"] == commands["delivered"]
    assert all(edge["balanced"] for edge in run.edges())


def test_age_of_a_command_counts_from_the_pose_that_it_answers(run):
    """Not from the goal, which is `stale_ok`, nor round and round the loop from its first message."""
    edge = run.edge("cmd_vel", "controller", "robot")
    assert edge["age_ns"]["count"] == edge["latency_ns"]["count"] == edge["delivered"]
    assert edge["latency_ns"]["p50"] <= edge["age_ns"]["p50"] < run.report["duration_s"] * 1e9 / 20
