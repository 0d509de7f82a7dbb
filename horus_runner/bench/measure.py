"""How long a statement takes, and how quiet the machine was meanwhile.

A statement is timed in batches of about BATCH_NS with the garbage collector off; the figure of a batch is its mean.
The median over the batches is what one can expect here, the least is what the code needs when nothing disturbs it.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import time
import timeit
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BATCH_NS = 2_000_000
BATCHES = 100


@dataclass(frozen=True, slots=True)
class Timing:
    """Nanoseconds a call: the median, the least and the 90th percentile, over `count` samples."""

    p50_ns: float
    best_ns: float
    p90_ns: float
    count: int

    @classmethod
    def of(cls, samples_ns: Sequence[float]) -> Timing:
        """The statistics of at least two samples; ValueError for fewer (Python 3.13's own function takes one)."""
        if len(samples_ns) < 2:
            raise ValueError(f"{len(samples_ns)} samples are no distribution")
        deciles = statistics.quantiles(samples_ns, n=10, method="inclusive")
        return cls(statistics.median(samples_ns), min(samples_ns), deciles[8], len(samples_ns))


def time_statement(statement: str, names: Mapping[str, Any], batches: int = BATCHES) -> Timing:
    """Time `statement`, which sees `names`. The loop around it costs about 10 ns a call and is not taken off."""
    timer = timeit.Timer(statement, globals=dict(names), timer=time.perf_counter_ns)
    number = 1
    while timer.timeit(number) < BATCH_NS and number < 1_000_000:
        number *= 2
    return Timing.of([timer.timeit(number) / number for _ in range(batches)])


@dataclass(frozen=True, slots=True)
class Conditions:
    """The machine, and how quiet it was.

    `load` is the load average of the last minute when the run began. `noise_percent` is how much longer than the median
    the slowest tenth of many equal loops took; `steal_percent` the share of processor time that the host gave away.
    """

    processor: str
    cores: int
    kernel: str
    python: str
    numpy: str
    load: float
    noise_percent: float
    steal_percent: float

    @property
    def sentence(self) -> str:
        """One line for above a table."""
        return (
            f"{self.processor}, {self.cores} cores, Linux {self.kernel}, Python {self.python}, NumPy {self.numpy}; "
            f"load {self.load:.2f}, noise {self.noise_percent:.0f} %, steal {self.steal_percent:.1f} %"
        )


class Watch:
    """Looks at the machine from its making to `conditions()`, and in between at each `look()`."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._steal, self._total = _processor_ticks()
        self._loops: list[float] = []
        self.look()

    def look(self) -> None:
        """Time a fixed loop some more; about 20 ms."""
        self._loops.extend(_fixed_loop() for _ in range(50))

    def conditions(self) -> Conditions:
        """What was seen."""
        steal, total = _processor_ticks()
        self.look()
        loops = Timing.of(self._loops)
        return Conditions(
            processor=_processor_name(),
            cores=len(os.sched_getaffinity(0)),
            kernel=platform.release(),
            python=platform.python_version(),
            numpy=importlib.metadata.version("numpy"),
            load=self._load,
            noise_percent=100 * (loops.p90_ns / loops.p50_ns - 1),
            steal_percent=100 * (steal - self._steal) / max(total - self._total, 1),
        )


def _fixed_loop() -> int:
    start = time.perf_counter_ns()
    for _ in range(20_000):
        pass
    return time.perf_counter_ns() - start


def _processor_ticks() -> tuple[int, int]:
    """Clock ticks that the host gave to others, and all, over all processors since boot."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (fields[7] if len(fields) > 7 else 0), sum(fields[:8])


def _processor_name() -> str:
    """As /proc/cpuinfo says it (x86) or, where it does not (ARM), the device tree, or the architecture."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("model name", "Model"):
            return value.strip()
    model = Path("/proc/device-tree/model")
    return model.read_text().rstrip("\0\n") if model.exists() else platform.machine()
