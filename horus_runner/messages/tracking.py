"""Things followed from image to image. Pixels, and pixels a frame."""

from __future__ import annotations

import math
from typing import Annotated

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import f32, message, u8, u32, u64
from horus_runner.messages.vision import BoundingBox2D


@message
class TrackedObject(Record):
    """One thing over several images. Call `update` or `mark_missed` once for each image."""

    __topic_name__ = "tracked_object"

    TENTATIVE, CONFIRMED, DELETED = range(3)

    bbox: BoundingBox2D  # where it was last seen
    predicted_bbox: BoundingBox2D  # where it should be in the next image
    track_id: u64
    confidence: f32  # 0 to 1
    class_id: u32
    class_name: Annotated[str, 64]
    velocity_x: f32  # of its middle, pixels a frame
    velocity_y: f32
    accel_x: f32  # pixels a frame, each frame
    accel_y: f32
    age: u32  # images since it was first seen
    hits: u32  # images that it was seen in
    time_since_update: u32  # images since it was last seen
    state: u8  # one of the constants above

    def __init__(
        self,
        track_id: int = 0,
        x: float = 0.0,
        y: float = 0.0,
        width: float = 0.0,
        height: float = 0.0,
        class_id: int = 0,
        confidence: float = 0.0,
        *,
        class_name: str = "",
    ) -> None:
        self.track_id = track_id
        self.bbox = self.predicted_bbox = BoundingBox2D(x, y, width, height)
        self.class_id, self.class_name = class_id, class_name
        self.confidence = confidence
        self.hits = 1

    @property
    def velocity(self) -> tuple[float, float]:
        """(x, y) in pixels a frame."""
        return self.velocity_x, self.velocity_y

    def speed(self) -> float:
        """Pixels a frame."""
        return math.hypot(self.velocity_x, self.velocity_y)

    def heading(self) -> float:
        """Radians from the image's x axis towards its y axis, which points down."""
        return math.atan2(self.velocity_y, self.velocity_x)

    def update(self, bbox: BoundingBox2D, confidence: float) -> None:
        """It was seen again: take its box, and from the last one its velocity, acceleration and next place."""
        frames = self.time_since_update + 1
        vx = (bbox.center_x - self.bbox.center_x) / frames
        vy = (bbox.center_y - self.bbox.center_y) / frames
        if self.hits > 1:
            self.accel_x, self.accel_y = (vx - self.velocity_x) / frames, (vy - self.velocity_y) / frames
        self.velocity_x, self.velocity_y = vx, vy
        self.bbox, self.confidence = bbox, confidence
        self.predicted_bbox = BoundingBox2D(bbox.x + vx, bbox.y + vy, bbox.width, bbox.height)
        self.age, self.hits, self.time_since_update = self.age + 1, self.hits + 1, 0

    def mark_missed(self) -> None:
        """It was not seen in this image: the next place moves on."""
        self.age, self.time_since_update = self.age + 1, self.time_since_update + 1
        self.predicted_bbox.x += self.velocity_x
        self.predicted_bbox.y += self.velocity_y

    def confirm(self) -> None:
        self.state = self.CONFIRMED

    def delete(self) -> None:
        self.state = self.DELETED

    def is_tentative(self) -> bool:
        return self.state == self.TENTATIVE

    def is_confirmed(self) -> bool:
        return self.state == self.CONFIRMED

    def is_deleted(self) -> bool:
        return self.state == self.DELETED


@message
class TrackingHeader(Record):
    """What stands before the tracks of one image."""

    __topic_name__ = "tracking_header"

    num_tracks: u32 = 0  # that follow
    frame_id: u64 = 0  # which image
    timestamp_ns: u64 = 0
    total_tracks: u64 = 0  # ever made
    active_tracks: u32 = 0  # confirmed

    def data_size(self) -> int:
        """Bytes of the packed tracks."""
        return self.num_tracks * layout_of(TrackedObject).size
