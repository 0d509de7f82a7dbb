"""depth.yaml: a real depth map through shared memory; the closest obstacle is the one that NumPy finds in it."""

import numpy as np
import pytest

pytestmark = pytest.mark.vision
data = pytest.importorskip("skimage.data")


def depth_mm():
    """The scene's depth by the formula of its publishers, in double precision; infinite where it is not known."""
    disparity = data.stereo_motorcycle()[2].astype(np.float64)
    return np.where(np.isinf(disparity), np.inf, 994.978 * 193.001 / (disparity + 31.086))


@pytest.fixture(scope="module")
def run(run_graph):
    return run_graph("depth", "--set", "nodes.show.params.enough=5")


def test_closest_obstacle_is_the_scenes_own(run):
    assert run.exit_code == 0, run.lines
    depth = depth_mm()
    row, column = np.unravel_index(depth.argmin(), depth.shape)
    assert round(depth.min()) == 2110
    lines = run.lines_with("closest obstacle")
    assert len(lines) >= 5
    assert {line.strip() for line in lines} == {f"closest obstacle 2.11 m, at row {row}, column {column}"}


def test_images_pass_without_a_copy_and_are_accounted_for(run):
    assert run.report["topics"]["camera.depth"]["type"] == "DepthImage"
    edge = run.edge("camera.depth", "camera", "closest")
    assert edge["delivered"] >= 5
    assert edge["copied"] == 0
    assert all(edge["balanced"] for edge in run.edges())
