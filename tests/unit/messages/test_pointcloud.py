"""Point clouds: one point a row."""

from __future__ import annotations

import numpy as np
import pytest

from horus_runner.messages.pointcloud import PointCloud
from horus_runner.messages.registry import default_topic, message_type


def test_a_new_cloud_is_zeros_and_tells_its_measures() -> None:
    cloud = PointCloud(100)
    assert (cloud.point_count, cloud.fields_per_point, cloud.dtype, cloud.nbytes) == (100, 3, np.float32, 1200)
    assert len(cloud) == 100 and not cloud.to_numpy().any()
    assert repr(cloud) == "PointCloud(num_points=100, fields=3, dtype='float32')"


@pytest.mark.parametrize(
    ("fields", "found"),
    [(3, (True, False, False)), (4, (False, True, False)), (6, (False, False, True)), (7, (False, False, False))],
)
def test_fields_tell_what_a_point_is(fields: int, found: tuple[bool, bool, bool]) -> None:
    cloud = PointCloud(2, fields, "float64")
    assert (cloud.is_xyz(), cloud.has_intensity(), cloud.has_color()) == found


def test_from_numpy_copies_nothing_and_keeps_the_dtype() -> None:
    points = np.arange(8, dtype=np.float64).reshape(2, 4)
    cloud = PointCloud.from_numpy(points)
    points[1, 3] = 70
    assert cloud.point_at(1) == [4.0, 5.0, 6.0, 70.0] and cloud.dtype == np.float64
    for index in (2, -1):
        with pytest.raises(IndexError, match=f"point {index} is not in a cloud of 2 points"):
            cloud.point_at(index)


def test_a_cloud_without_points_is_a_cloud() -> None:
    cloud = PointCloud.from_numpy(np.empty((0, 3), np.float32))
    assert cloud.to_numpy().shape == (0, 3) and bool(cloud) and len(cloud) == 0
    assert np.from_dlpack(cloud).shape == (0, 3)


def test_what_is_no_cloud_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(points, fields\), found \(3,\)"):
        PointCloud.from_numpy(np.zeros(3))
    with pytest.raises(ValueError, match="found -1 points of 3"):
        PointCloud(-1)
    with pytest.raises(ValueError, match="found 1 points of 0"):
        PointCloud(1, 0)
    with pytest.raises(TypeError, match="num_points=, or by shape="):
        PointCloud.plan()
    with pytest.raises(TypeError, match="can hold"):
        PointCloud.from_numpy(np.array([["a"]]))


def test_a_plan_sizes_a_loan() -> None:
    assert PointCloud.plan(10, 4).nbytes == PointCloud.plan(shape=(10, 4), dtype="float32").nbytes == 256 + 160


def test_a_cloud_is_known_by_its_name() -> None:
    assert message_type("PointCloud") is PointCloud and default_topic(PointCloud) == "pointcloud"
