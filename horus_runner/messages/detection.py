"""What detectors find: boxes in space, lists of detections, masks. In space metres and radians, in images pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, message, u8, u32, u64
from horus_runner.messages.rows import append_row, count_rows, read_rows
from horus_runner.messages.vision import Detection

MOST_DETECTIONS = 256


@message
class BoundingBox3D(Record):
    """A box in space, by its middle, its size and how it is turned."""

    __topic_name__ = "bbox3d"

    cx: f32 = 0.0
    cy: f32 = 0.0
    cz: f32 = 0.0
    length: f32 = 0.0  # along its own x
    width: f32 = 0.0  # along its own y
    height: f32 = 0.0  # along its own z
    yaw: f32 = 0.0  # about z, after pitch and roll
    pitch: f32 = 0.0  # about y, after roll
    roll: f32 = 0.0  # about x

    @classmethod
    def with_rotation(
        cls,
        cx: float,
        cy: float,
        cz: float,
        length: float,
        width: float,
        height: float,
        roll: float,
        pitch: float,
        yaw: float,
    ) -> BoundingBox3D:
        return cls(cx, cy, cz, length, width, height, yaw, pitch, roll)

    @property
    def volume(self) -> float:
        """Cubic metres."""
        return self.length * self.width * self.height


@message
class Detection3D(Record):
    """One thing that a detector found in space."""

    __topic_name__ = "detection3d"

    class_name: Annotated[str, 64]
    confidence: f32  # 0 to 1
    bbox: BoundingBox3D
    class_id: u32
    instance_id: u32
    velocity_x: f32  # m/s
    velocity_y: f32
    velocity_z: f32

    def __init__(
        self,
        class_name: str = "",
        confidence: float = 0.0,
        cx: float = 0.0,
        cy: float = 0.0,
        cz: float = 0.0,
        length: float = 0.0,
        width: float = 0.0,
        height: float = 0.0,
        yaw: float = 0.0,
        *,
        class_id: int = 0,
        instance_id: int = 0,
    ) -> None:
        self.class_name = class_name
        self.confidence = confidence
        self.bbox = BoundingBox3D(cx, cy, cz, length, width, height, yaw)
        self.class_id = class_id
        self.instance_id = instance_id

    def with_velocity(self, vx: float, vy: float, vz: float) -> Detection3D:
        """The same detection, moving (m/s)."""
        changed = self.copy()
        changed.velocity_x, changed.velocity_y, changed.velocity_z = vx, vy, vz
        return changed


@message
class DetectionList(Record):
    """Up to 256 detections of one image; behaves like a list that only grows."""

    packed: Annotated[NDArray[np.uint8], UpTo(MOST_DETECTIONS * layout_of(Detection).size)] = np.zeros(0, np.uint8)

    @classmethod
    def from_list(cls, detections: Iterable[Detection]) -> DetectionList:
        """Raises ValueError for more than 256 of them."""
        made = cls()
        for detection in detections:
            made.append(detection)
        return made

    @classmethod
    def from_bytes(cls, data: bytes) -> DetectionList:
        """Of what `to_bytes` gave. Raises ValueError when that is not a whole number of detections."""
        made = cls(np.frombuffer(data, np.uint8))
        read_rows("DetectionList", made.packed, Detection)
        return made

    def to_bytes(self) -> bytes:
        """The packed detections, one after the other."""
        return self.packed.tobytes()

    def append(self, detection: Detection) -> None:
        """Raises ValueError when there are 256 already."""
        self.packed = append_row("DetectionList", self.packed, detection, Detection, MOST_DETECTIONS)

    def __len__(self) -> int:
        return count_rows(self.packed, Detection)

    def __iter__(self) -> Iterator[Detection]:
        return iter(read_rows("DetectionList", self.packed, Detection))

    def __getitem__(self, index: int) -> Detection:
        return read_rows("DetectionList", self.packed, Detection)[index]

    def filter_confidence(self, threshold: float) -> DetectionList:
        """Those at least that sure."""
        return DetectionList.from_list(found for found in self if found.is_confident(threshold))

    def filter_class(self, class_name: str) -> DetectionList:
        """Those of that class."""
        return DetectionList.from_list(found for found in self if found.class_name == class_name)

    def to_dicts(self) -> list[dict[str, Any]]:
        return [found.to_dict() for found in self]


@message
class SegmentationMask(Record):
    """What the pixels of a mask mean; the pixels themselves travel beside it, as an Image or a Tensor."""

    __topic_name__ = "segmentation_mask"

    SEMANTIC, INSTANCE, PANOPTIC = range(3)

    width: u32 = 0
    height: u32 = 0
    mask_type: u8 = 0  # one of the constants above
    num_classes: u32 = 0
    timestamp_ns: u64 = 0
    seq: u64 = 0
    frame_id: Annotated[str, 32] = ""

    @classmethod
    def semantic(cls, width: int, height: int, num_classes: int) -> SegmentationMask:
        """A pixel is the number of its class."""
        return cls(width, height, cls.SEMANTIC, num_classes)

    @classmethod
    def instance(cls, width: int, height: int) -> SegmentationMask:
        """A pixel is the number of the thing that it belongs to."""
        return cls(width, height, cls.INSTANCE)

    @classmethod
    def panoptic(cls, width: int, height: int, num_classes: int) -> SegmentationMask:
        """A pixel is both: which class, and which thing of it."""
        return cls(width, height, cls.PANOPTIC, num_classes)

    def is_semantic(self) -> bool:
        return self.mask_type == self.SEMANTIC

    def is_instance(self) -> bool:
        return self.mask_type == self.INSTANCE

    def is_panoptic(self) -> bool:
        return self.mask_type == self.PANOPTIC

    def data_size(self) -> int:
        """Bytes of a mask with 8 bits a pixel."""
        return self.width * self.height

    def data_size_u16(self) -> int:
        """Bytes of a mask with 16 bits a pixel."""
        return 2 * self.data_size()
