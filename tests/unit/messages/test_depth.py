"""Depth images: metres whatever the array holds."""

from __future__ import annotations

import numpy as np
import pytest

from horus_runner.messages.depth import DepthImage
from horus_runner.messages.registry import default_topic, message_type


def test_float32_is_metres_and_uint16_millimetres() -> None:
    metres, millimetres = DepthImage(2, 3), DepthImage(2, 3, "uint16")
    assert (metres.is_meters(), metres.is_millimeters(), metres.depth_scale) == (True, False, 1.0)
    assert (millimetres.is_meters(), millimetres.is_millimeters(), millimetres.depth_scale) == (False, True, 0.001)
    for depth in (metres, millimetres):
        depth.set_depth(2, 1, 1.5)
        assert depth.get_depth(2, 1) == pytest.approx(1.5)
    assert millimetres.to_numpy()[1, 2] == 1500
    assert repr(metres) == "DepthImage(height=2, width=3, dtype='float32')"


def test_another_scale_counts_everywhere() -> None:
    depth = DepthImage.from_numpy(np.array([[0, 4000]], np.uint16))
    depth.depth_scale = 0.00025
    assert depth.get_depth(1, 0) == pytest.approx(1.0)
    assert depth.depth_statistics() == pytest.approx((1.0, 1.0, 1.0))
    for scale in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="metres above 0"):
            depth.depth_scale = scale


def test_statistics_are_of_what_was_measured() -> None:
    depth = DepthImage.from_numpy(np.array([[0, 1, 3], [np.nan, np.inf, -1]], np.float32))
    assert depth.depth_statistics() == (1.0, 3.0, 2.0)
    assert DepthImage(2, 2).depth_statistics() is None


def test_float64_becomes_float32_and_nothing_else_is_converted() -> None:
    assert DepthImage.from_numpy(np.ones((2, 2))).dtype == np.float32
    with pytest.raises(ValueError, match="not int64"):
        DepthImage.from_numpy(np.ones((2, 2), np.int64))
    depths = np.zeros((2, 2), np.float32)
    DepthImage.from_numpy(depths).set_depth(0, 0, 2.0)
    assert depths[0, 0] == 2.0


def test_what_is_no_depth_image_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel, found height 0"):
        DepthImage(0, 5)
    with pytest.raises(ValueError, match=r"shape \(height, width\), found \(2, 2, 1\)"):
        DepthImage.from_numpy(np.ones((2, 2, 1), np.float32))
    with pytest.raises(TypeError, match="height= and width=, or by shape="):
        DepthImage.plan(4)


def test_what_cannot_be_stored_or_is_not_there_is_refused() -> None:
    depth = DepthImage(2, 3, "uint16")
    for metres in (65.536, -0.1):
        with pytest.raises(ValueError, match=r"uint16 holds 0 to 65.535 m here"):
            depth.set_depth(0, 0, metres)
    for use in (lambda: depth.get_depth(3, 0), lambda: depth.set_depth(0, 2, 1.0)):
        with pytest.raises(IndexError, match="not in a depth image of 3 x 2 pixels"):
            use()


def test_a_plan_sizes_a_loan() -> None:
    assert DepthImage.plan(4, 6, "uint16").nbytes == DepthImage.plan(shape=(4, 6), dtype=np.uint16).nbytes == 256 + 48


def test_a_depth_image_is_known_by_its_name() -> None:
    assert message_type("DepthImage") is DepthImage and default_topic(DepthImage) == "depthimage"
