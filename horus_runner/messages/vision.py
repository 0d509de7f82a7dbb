"""What was seen in an image. Lengths are pixels; x counts from the left edge, y from the top."""

from __future__ import annotations

from typing import Annotated, overload

from horus_runner._core.records import Record
from horus_runner.messages.define import f32, message, u32


@message
class BoundingBox2D(Record):
    """A rectangle in an image, by its left upper corner and its size, or by two corners; never by a mix of both."""

    __topic_name__ = "bbox2d"

    x: f32
    y: f32
    width: f32
    height: f32

    @overload
    def __init__(self, x: float = ..., y: float = ..., width: float = ..., height: float = ...) -> None: ...
    @overload
    def __init__(self, *, x_min: float, y_min: float, x_max: float, y_max: float) -> None: ...
    def __init__(
        self,
        x: float | None = None,
        y: float | None = None,
        width: float | None = None,
        height: float | None = None,
        *,
        x_min: float | None = None,
        y_min: float | None = None,
        x_max: float | None = None,
        y_max: float | None = None,
    ) -> None:
        if x_min is None and y_min is None and x_max is None and y_max is None:
            self.x = 0.0 if x is None else x
            self.y = 0.0 if y is None else y
            self.width = 0.0 if width is None else width
            self.height = 0.0 if height is None else height
            return
        if not (x is None and y is None and width is None and height is None):
            raise TypeError(
                "BoundingBox2D takes x, y, width, height or x_min, y_min, x_max, y_max, never a mix: "
                f"{_given(x=x, y=y, width=width, height=height)} came with "
                f"{_given(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)}"
            )
        if x_min is None or y_min is None or x_max is None or y_max is None:
            given = _given(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)
            raise TypeError(f"BoundingBox2D takes x_min, y_min, x_max, y_max together, not {given} alone")
        if x_max < x_min or y_max < y_min:
            raise ValueError(f"BoundingBox2D: corner ({x_max}, {y_max}) is left of or above ({x_min}, {y_min})")
        self.x, self.y, self.width, self.height = x_min, y_min, x_max - x_min, y_max - y_min

    @classmethod
    def from_center(cls, cx: float, cy: float, width: float, height: float) -> BoundingBox2D:
        return cls(cx - width / 2, cy - height / 2, width, height)

    @property
    def x_min(self) -> float:
        return self.x

    @property
    def y_min(self) -> float:
        return self.y

    @property
    def x_max(self) -> float:
        return self.x + self.width

    @property
    def y_max(self) -> float:
        return self.y + self.height

    @property
    def center_x(self) -> float:
        return self.x + self.width / 2

    @property
    def center_y(self) -> float:
        return self.y + self.height / 2

    @property
    def area(self) -> float:
        """Square pixels; 0 when width or height is negative."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def as_tuple(self) -> tuple[float, float, float, float]:
        """(x, y, width, height)."""
        return self.x, self.y, self.width, self.height

    def as_xyxy(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max)."""
        return self.x, self.y, self.x_max, self.y_max

    def iou(self, other: BoundingBox2D) -> float:
        """Intersection over union: 1 for equal boxes, 0 for boxes that do not touch or have no area."""
        width = min(self.x_max, other.x_max) - max(self.x, other.x)
        height = min(self.y_max, other.y_max) - max(self.y, other.y)
        common = max(width, 0.0) * max(height, 0.0)
        union = self.area + other.area - common
        return common / union if union > 0 else 0.0


def _given(**arguments: float | None) -> str:
    return ", ".join(name for name, value in arguments.items() if value is not None)


@message
class Detection(Record):
    """One thing that a detector found; its box is given as `bbox` or as x, y, width, height, never as both."""

    __topic_name__ = "detection"

    class_name: Annotated[str, 64]
    confidence: f32  # 0 to 1
    bbox: BoundingBox2D
    class_id: u32
    instance_id: u32

    def __init__(
        self,
        class_name: str = "",
        confidence: float = 0.0,
        x: float | None = None,
        y: float | None = None,
        width: float | None = None,
        height: float | None = None,
        class_id: int = 0,
        instance_id: int = 0,
        *,
        bbox: BoundingBox2D | None = None,
    ) -> None:
        self.class_name = class_name
        self.confidence = confidence
        self.class_id = class_id
        self.instance_id = instance_id
        if x is None and y is None and width is None and height is None:
            if bbox is not None:
                self.bbox = bbox
            return
        if bbox is not None:
            raise TypeError(
                "Detection takes its box as bbox or as x, y, width, height, never both: "
                f"bbox came with {_given(x=x, y=y, width=width, height=height)}"
            )
        self.bbox = BoundingBox2D(x or 0.0, y or 0.0, width or 0.0, height or 0.0)

    def with_class_id(self, class_id: int) -> Detection:
        """The same detection with another class id."""
        changed = self.copy()
        changed.class_id = class_id
        return changed

    def is_confident(self, threshold: float) -> bool:
        return self.confidence >= threshold
