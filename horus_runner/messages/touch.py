"""How a tool gives way, what it feels, and what a person feels of it. Six numbers are x, y, z and about x, y, z."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, message, u8, u16, u64

Six = Annotated[NDArray[np.float64], (6,)]


@message
class ImpedanceParameters(Record):
    """How a tool answers to being pushed: as a mass on a spring with a damper."""

    __topic_name__ = "impedance_parameters"

    stiffness: Six = np.array([1000.0, 1000, 1000, 100, 100, 100])  # N/m, N m/rad
    damping: Six = np.array([100.0, 100, 100, 10, 10, 10])  # N s/m, N m s/rad
    inertia: Six = np.array([1.0, 1, 1, 0.1, 0.1, 0.1])  # kg, kg m^2
    force_limits: Six = np.array([50.0, 50, 50, 5, 5, 5])  # N, N m
    enabled: bool = True
    timestamp_ns: u64 = 0

    @classmethod
    def compliant(cls) -> ImpedanceParameters:
        """A tenth of the usual stiffness: gives way to a hand."""
        return cls._scaled(0.1)

    @classmethod
    def stiff(cls) -> ImpedanceParameters:
        """Five times the usual stiffness: holds its place."""
        return cls._scaled(5.0)

    @classmethod
    def _scaled(cls, factor: float) -> ImpedanceParameters:
        made = cls()
        made.stiffness = made.stiffness * factor
        made.damping = made.damping * factor**0.5  # the same share of critical damping
        return made

    def enable(self) -> None:
        self.enabled = True

    def disable(self) -> None:
        self.enabled = False


@message
class HapticFeedback(Record):
    """What a person is to feel."""

    __topic_name__ = "haptic_feedback"

    VIBRATION, PULSE, FORCE = range(3)

    vibration_intensity: f32 = 0.0  # 0 to 1; of a FORCE: N
    vibration_frequency: f32 = 0.0  # Hz
    duration_seconds: f32 = 0.0
    pattern_type: u8 = 0  # one of the constants above
    enabled: bool = True
    timestamp_ns: u64 = 0

    @classmethod
    def vibration(cls, intensity: float, frequency: float, duration: float) -> HapticFeedback:
        return cls(intensity, frequency, duration, cls.VIBRATION)

    @classmethod
    def pulse(cls, intensity: float, frequency: float, duration: float) -> HapticFeedback:
        """On and off, `frequency` times a second."""
        return cls(intensity, frequency, duration, cls.PULSE)

    @classmethod
    def force(cls, force: float, duration: float) -> HapticFeedback:
        """A steady force in N."""
        return cls(force, 0.0, duration, cls.FORCE)


MOST_TAXELS = 4096


@message
class TactileArray(Record):
    """The force on each point of a grid of up to 4096, row by row."""

    __topic_name__ = "tactile_array"

    rows: u16
    cols: u16
    forces: Annotated[NDArray[np.float32], UpTo(MOST_TAXELS)]  # N, `cols` a row
    physical_size: Annotated[NDArray[np.float32], (2,)]  # m, along the columns and along the rows; 0: not known
    timestamp_ns: u64

    def __init__(self, rows: int = 0, cols: int = 0) -> None:
        if rows * cols > MOST_TAXELS:
            raise ValueError(f"TactileArray holds up to {MOST_TAXELS} points, not {rows} x {cols}")
        self.rows, self.cols = rows, cols
        self.forces = np.zeros(rows * cols, np.float32)

    def _index(self, row: int, col: int) -> int:
        if not (0 <= row < self.rows and 0 <= col < self.cols):
            raise IndexError(f"TactileArray has {self.rows} x {self.cols} points, and none at ({row}, {col})")
        return row * self.cols + col

    def get_force(self, row: int, col: int) -> float:
        """N at that point. Raises IndexError when there is no such point."""
        return float(self.forces[self._index(row, col)])

    def set_force(self, row: int, col: int, force: float) -> None:
        """Raises IndexError when there is no such point."""
        self.forces[self._index(row, col)] = force

    @property
    def total_force(self) -> float:
        """N, of all points."""
        return float(self.forces.sum(dtype=np.float64))

    @property
    def in_contact(self) -> bool:
        """Whether any point is pressed."""
        return bool((self.forces > 0).any())

    @property
    def center_of_pressure(self) -> tuple[float, float] | None:
        """(row, column), between points too, where the force is in balance; None when nothing presses."""
        total = self.total_force
        if total <= 0:
            return None
        grid = self.forces.reshape(self.rows, self.cols).astype(np.float64)
        row, col = grid.sum(1) @ np.arange(self.rows) / total, grid.sum(0) @ np.arange(self.cols) / total
        return float(row), float(col)
