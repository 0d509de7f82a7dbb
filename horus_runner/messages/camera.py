"""Cameras: how they see, what part, and their compressed images. Pixels, metres, nanoseconds."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f64, message, u32, u64

MOST_BYTES = 1 << 20


@message
class CompressedImage(Record):
    """An encoded image of up to 1 MiB; room for all of that travels along. An Image needs no encoding at all."""

    __topic_name__ = "compressed_image"

    format: Annotated[str, 16]  # "jpeg", "png", ...
    data: Annotated[NDArray[np.uint8], UpTo(MOST_BYTES)]  # the file; bytes(data) gives it to a decoder
    width: u32  # pixels, 0 when it is not known
    height: u32
    timestamp_ns: u64

    def __init__(
        self,
        format: str = "jpeg",
        data: bytes | bytearray | memoryview | NDArray[np.uint8] = b"",
        width: int = 0,
        height: int = 0,
    ) -> None:
        self.format = format
        self.data = np.frombuffer(data, np.uint8)
        self.width, self.height = width, height

    def data_len(self) -> int:
        """Bytes."""
        return int(self.data.size)


@message
class CameraInfo(Record):
    """How a camera maps space to its image: x = fx X / Z + cx, y = fy Y / Z + cy."""

    __topic_name__ = "camera_info"

    width: u32
    height: u32
    distortion_model: Annotated[str, 32]
    distortion_coefficients: Annotated[NDArray[np.float64], (8,)]  # as the model has them; the rest 0
    camera_matrix: Annotated[NDArray[np.float64], (9,)]  # 3 rows of 3: fx 0 cx, 0 fy cy, 0 0 1
    rectification_matrix: Annotated[NDArray[np.float64], (9,)]  # 3 rows of 3
    projection_matrix: Annotated[NDArray[np.float64], (12,)]  # 3 rows of 4
    timestamp_ns: u64

    def __init__(
        self, width: int = 0, height: int = 0, fx: float = 0.0, fy: float = 0.0, cx: float = 0.0, cy: float = 0.0
    ) -> None:
        self.width, self.height = width, height
        self.distortion_model = "plumb_bob"
        self.camera_matrix = np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1])
        self.rectification_matrix = np.eye(3).reshape(-1)
        self.projection_matrix = np.array([fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0])

    def focal_lengths(self) -> tuple[float, float]:
        """(fx, fy) in pixels."""
        return float(self.camera_matrix[0]), float(self.camera_matrix[4])

    def principal_point(self) -> tuple[float, float]:
        """(cx, cy) in pixels."""
        return float(self.camera_matrix[2]), float(self.camera_matrix[5])

    def with_distortion_model(self, model: str) -> CameraInfo:
        """The same camera with another model: "plumb_bob", "rational_polynomial", "equidistant", ..."""
        changed = self.copy()
        changed.distortion_model = model
        return changed


@message
class RegionOfInterest(Record):
    """A part of an image."""

    __topic_name__ = "region_of_interest"

    x_offset: u32  # of its left upper corner
    y_offset: u32
    width: u32
    height: u32
    do_rectify: bool  # whether it is to be cut from the rectified image

    def __init__(self, x: int = 0, y: int = 0, width: int = 0, height: int = 0, do_rectify: bool = False) -> None:
        self.x_offset, self.y_offset = x, y
        self.width, self.height = width, height
        self.do_rectify = do_rectify

    def contains(self, x: int, y: int) -> bool:
        """Whether that pixel of the image is in it."""
        return 0 <= x - self.x_offset < self.width and 0 <= y - self.y_offset < self.height

    def area(self) -> int:
        """Pixels."""
        return self.width * self.height


@message
class StereoInfo(Record):
    """Two cameras side by side."""

    __topic_name__ = "stereo_info"

    left_camera: CameraInfo
    right_camera: CameraInfo
    baseline: f64  # m between them
    depth_scale: f64  # what a computed depth is multiplied by; 1: metres

    def __init__(
        self,
        left_camera: CameraInfo | None = None,
        right_camera: CameraInfo | None = None,
        baseline: float = 0.0,
        depth_scale: float = 1.0,
    ) -> None:
        self.left_camera = CameraInfo() if left_camera is None else left_camera
        self.right_camera = CameraInfo() if right_camera is None else right_camera
        self.baseline, self.depth_scale = baseline, depth_scale

    def depth_from_disparity(self, disparity: float) -> float:
        """How far away something is that is shifted by `disparity` pixels; infinite when it is not shifted."""
        if disparity <= 0:
            return math.inf
        return self.baseline * self.left_camera.focal_lengths()[0] / disparity * self.depth_scale

    def disparity_from_depth(self, depth: float) -> float:
        """By how many pixels something that far away is shifted. Raises ValueError for a depth of 0 or less."""
        if depth <= 0:
            raise ValueError(f"a depth is more than 0, not {depth}")
        return self.baseline * self.left_camera.focal_lengths()[0] / depth * self.depth_scale
