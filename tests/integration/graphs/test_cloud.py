"""cloud.yaml: a depth map becomes a cloud; as many points are near as NumPy counts in the same points."""

import numpy as np
import pytest

pytestmark = pytest.mark.vision
data = pytest.importorskip("skimage.data")


def points():
    """The scene's points in metres, (N, 3) in double precision, straight from the disparities."""
    disparity = data.stereo_motorcycle()[2].astype(np.float64)
    row, column = np.nonzero(np.isfinite(disparity))
    z = 994.978 * 0.193001 / (disparity[row, column] + 31.086)
    return np.column_stack([(column - 311.193) * z / 994.978, (row - 254.877) * z / 994.978, z])


@pytest.mark.parametrize("radius_m", [2.2, 3.0, 4.0])
def test_count_of_near_points_is_numpys(run_graph, radius_m):
    run = run_graph("cloud", "--set", "nodes.show.params.enough=2", "--set", f"nodes.nearby.params.radius_m={radius_m}")
    assert run.exit_code == 0, run.lines
    near = int((np.linalg.norm(points(), axis=1) < radius_m).sum())
    lines = run.lines_with(f"{near:,} of ")
    assert len(lines) >= 2, run.lines
    assert {line.strip() for line in lines} == {f"{near:,} of 343,274 points within {radius_m} m"}
    assert len(lines) == len(run.lines_with("points within"))


def test_clouds_pass_whole(run_graph):
    run = run_graph("cloud", "--set", "nodes.show.params.enough=3")
    assert run.report["topics"]["camera.points"]["type"] == "PointCloud"
    edge = run.edge("camera.points", "cloud", "nearby")
    assert edge["delivered"] >= 3
    assert edge["copied"] == 0
    assert all(edge["balanced"] for edge in run.edges())
