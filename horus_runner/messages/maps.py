"""Maps of the ground: what is occupied, and what it costs to drive there. Metres; cells of up to 1024 x 1024.

Room for the largest map travels with each message (1 MiB, 2 MiB with costs): send a map when it has changed.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, f64, message, u8, u32, u64
from horus_runner.messages.geometry import Pose2D

MOST_CELLS = 1 << 20
UNKNOWN = -1
OCCUPIED = 50  # percent; from here on a cell counts as occupied, below as free


@message
class OccupancyGrid(Record):
    """For each cell how sure it is that something is there. Cell (0, 0) has its outer corner at `origin`."""

    __topic_name__ = "occupancy_grid"

    width: u32  # cells along the grid's x
    height: u32  # cells along the grid's y
    resolution: f64  # m, the edge of a cell
    data: Annotated[NDArray[np.int8], UpTo(MOST_CELLS)]  # percent 0 to 100, -1: not known; `width` a row
    origin: Pose2D  # where the grid lies in the world, and how it is turned
    timestamp_ns: u64

    def __init__(self, width: int = 0, height: int = 0, resolution: float = 0.05) -> None:
        if width * height > MOST_CELLS:
            raise ValueError(f"OccupancyGrid holds up to {MOST_CELLS} cells, not {width} x {height}")
        if not resolution > 0:
            raise ValueError(f"OccupancyGrid.resolution is the edge of a cell in metres, not {resolution}")
        self.width, self.height, self.resolution = width, height, resolution
        self.data = np.full(width * height, UNKNOWN, np.int8)

    def grid_to_world(self, grid_x: int, grid_y: int) -> tuple[float, float] | None:
        """The middle of that cell; None when there is no such cell."""
        if not (0 <= grid_x < self.width and 0 <= grid_y < self.height):
            return None
        x, y = (grid_x + 0.5) * self.resolution, (grid_y + 0.5) * self.resolution
        cos, sin = math.cos(self.origin.theta), math.sin(self.origin.theta)
        return self.origin.x + cos * x - sin * y, self.origin.y + sin * x + cos * y

    def world_to_grid(self, x: float, y: float) -> tuple[int, int] | None:
        """The cell at that place; None outside of the map."""
        dx, dy = x - self.origin.x, y - self.origin.y
        cos, sin = math.cos(self.origin.theta), math.sin(self.origin.theta)
        grid_x = math.floor((cos * dx + sin * dy) / self.resolution)
        grid_y = math.floor((cos * dy - sin * dx) / self.resolution)
        return (grid_x, grid_y) if 0 <= grid_x < self.width and 0 <= grid_y < self.height else None

    def occupancy(self, grid_x: int, grid_y: int) -> int | None:
        """Percent, -1 when it is not known; None when there is no such cell."""
        if not (0 <= grid_x < self.width and 0 <= grid_y < self.height):
            return None
        return int(self.data[grid_y * self.width + grid_x])

    def set_occupancy(self, grid_x: int, grid_y: int, value: int) -> None:
        """Raises IndexError when there is no such cell, ValueError for another value than -1 to 100."""
        if not (0 <= grid_x < self.width and 0 <= grid_y < self.height):
            raise IndexError(f"OccupancyGrid has {self.width} x {self.height} cells, and none at ({grid_x}, {grid_y})")
        if not UNKNOWN <= value <= 100:
            raise ValueError(f"occupancy is 0 to 100 percent, or -1 when it is not known, not {value}")
        self.data[grid_y * self.width + grid_x] = value

    def is_free(self, x: float, y: float) -> bool:
        """Whether the place in the world is known to be less than half occupied; outside of the map nothing is."""
        cell = self.world_to_grid(x, y)
        return cell is not None and 0 <= (self.occupancy(*cell) or 0) < OCCUPIED

    def is_occupied(self, x: float, y: float) -> bool:
        """Whether the place in the world is at least half occupied; outside of the map nothing is."""
        cell = self.world_to_grid(x, y)
        return cell is not None and (self.occupancy(*cell) or 0) >= OCCUPIED


@message
class CostMap(Record):
    """What it costs to drive over each cell of a grid: the nearer to something, the more."""

    __topic_name__ = "cost_map"

    occupancy_grid: OccupancyGrid
    inflation_radius: f32  # m around an occupied cell that cost something
    cost_scaling_factor: f32  # 1/m: how fast the cost falls
    lethal_cost: u8  # of an occupied cell
    costs: Annotated[NDArray[np.uint8], UpTo(MOST_CELLS)]  # as the grid's cells; of one that is not known 255

    NOT_KNOWN = 255

    def __init__(self, grid: OccupancyGrid | None = None, inflation_radius: float = 0.55) -> None:
        if grid is not None:
            self.occupancy_grid = grid
        self.inflation_radius = inflation_radius
        self.cost_scaling_factor = 10.0
        self.lethal_cost = 253
        self.compute_costs()

    def compute_costs(self) -> None:
        """Set `costs` anew from the grid: `lethal_cost` where it is occupied, then falling by e each 1/factor m."""
        grid = self.occupancy_grid
        cells = grid.data.reshape(grid.height, grid.width)
        occupied = cells >= OCCUPIED
        costs = np.where(occupied, self.lethal_cost, 0).astype(np.uint8)
        for dy, dx, away in self._around(grid):
            value = int(max(self.lethal_cost - 1, 0) * math.exp(-self.cost_scaling_factor * away))
            near = _shifted(costs, dy, dx)
            np.maximum(near, np.uint8(value), out=near, where=_shifted(occupied, -dy, -dx))
        costs[(cells == UNKNOWN) & (costs == 0)] = self.NOT_KNOWN
        self.costs = costs.reshape(-1)

    def _around(self, grid: OccupancyGrid) -> list[tuple[int, int, float]]:
        """(rows, columns, metres) to each other cell within the radius, and within the grid."""
        reach = int(self.inflation_radius / grid.resolution + 1e-6) if grid.data.size else 0
        rows, columns = min(reach, grid.height - 1), min(reach, grid.width - 1)
        steps = ((dy, dx) for dy in range(-rows, rows + 1) for dx in range(-columns, columns + 1) if dy or dx)
        far = [(dy, dx, math.hypot(dy, dx)) for dy, dx in steps]
        return [(dy, dx, away * grid.resolution) for dy, dx, away in far if away <= reach]

    def cost(self, x: float, y: float) -> int | None:
        """Of that place in the world; None outside of the map."""
        cell = self.occupancy_grid.world_to_grid(x, y)
        return None if cell is None else int(self.costs[cell[1] * self.occupancy_grid.width + cell[0]])


def _shifted(cells: NDArray[np.generic], dy: int, dx: int) -> NDArray[np.generic]:
    """The part of `cells` that is still inside when it is moved by (dy, dx), as it lies after that."""
    height, width = cells.shape
    return cells[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
