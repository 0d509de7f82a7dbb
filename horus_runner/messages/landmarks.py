"""Points of a body, a hand or a face. Pixels, or shares of the image from 0 to 1, as the detector has them."""

from __future__ import annotations

import math

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import f32, message, u8, u32, u64


class COCOPose:
    """Which landmark of the COCO data set's 17 is which."""

    NOSE, LEFT_EYE, RIGHT_EYE, LEFT_EAR, RIGHT_EAR = range(5)
    LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST = range(5, 11)
    LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE = range(11, 17)
    NUM_KEYPOINTS = 17


@message
class Landmark(Record):
    """A point in an image."""

    __topic_name__ = "landmark"

    x: f32 = 0.0
    y: f32 = 0.0
    visibility: f32 = 1.0  # 0 to 1: how sure it is that nothing hides it
    index: u32 = 0  # which one, see COCOPose

    @classmethod
    def visible(cls, x: float, y: float, index: int) -> Landmark:
        return cls(x, y, 1.0, index)

    def is_visible(self, threshold: float) -> bool:
        return self.visibility >= threshold

    def distance_to(self, other: Landmark) -> float:
        return math.hypot(self.x - other.x, self.y - other.y)


@message
class Landmark3D(Record):
    """A point in an image with its depth, or in space (m)."""

    __topic_name__ = "landmark3d"

    x: f32 = 0.0
    y: f32 = 0.0
    z: f32 = 0.0
    visibility: f32 = 1.0  # 0 to 1: how sure it is that nothing hides it
    index: u32 = 0  # which one, see COCOPose

    @classmethod
    def visible(cls, x: float, y: float, z: float, index: int) -> Landmark3D:
        return cls(x, y, z, 1.0, index)

    def is_visible(self, threshold: float) -> bool:
        return self.visibility >= threshold

    def distance_to(self, other: Landmark3D) -> float:
        return math.dist((self.x, self.y, self.z), (other.x, other.y, other.z))

    def to_2d(self) -> Landmark:
        """Without its depth."""
        return Landmark(self.x, self.y, self.visibility, self.index)


@message
class LandmarkArray(Record):
    """What stands before the landmarks of one body, hand or face."""

    __topic_name__ = "landmark_array"

    num_landmarks: u32 = 17  # that follow
    dimension: u8 = 2  # 2: each a Landmark; 3: each a Landmark3D
    instance_id: u32 = 0  # which body
    confidence: f32 = 0.0  # 0 to 1
    timestamp_ns: u64 = 0
    bbox_x: f32 = 0.0  # of the box around them all, its left upper corner
    bbox_y: f32 = 0.0
    bbox_width: f32 = 0.0
    bbox_height: f32 = 0.0

    @classmethod
    def coco_pose(cls) -> LandmarkArray:
        return cls(COCOPose.NUM_KEYPOINTS, 2)

    @classmethod
    def mediapipe_pose(cls) -> LandmarkArray:
        return cls(33, 3)

    @classmethod
    def mediapipe_hand(cls) -> LandmarkArray:
        return cls(21, 3)

    @classmethod
    def mediapipe_face(cls) -> LandmarkArray:
        return cls(468, 3)

    def data_size(self) -> int:
        """Bytes of the packed landmarks. Raises ValueError when `dimension` is neither 2 nor 3."""
        kinds = {2: Landmark, 3: Landmark3D}
        if self.dimension not in kinds:
            raise ValueError(f"LandmarkArray.dimension is 2 or 3, not {self.dimension}")
        return self.num_landmarks * layout_of(kinds[self.dimension]).size
