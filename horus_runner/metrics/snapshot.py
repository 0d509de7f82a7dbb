"""What a run looks like at one moment: frozen values, read from shared memory, the same for every viewer.

Counts are since the start of the run, summed over restarts. Rates are over the time since the reading before,
in the last snapshot of a run over its whole length. None stands for what is not measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Order statistics of a duration in nanoseconds; `count` is how many were measured."""

    p50: int
    p99: int
    max: int
    count: int


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """One node. `state` is one of: starting, init, running, safe, backoff, stopping, ended, failed."""

    name: str
    state: str
    pid: int | None
    on: str | None
    target_hz: float | None
    rate_hz: float
    budget_ns: int | None
    ticks: int
    skipped: int
    overruns: int
    misses: int
    errors: int
    restarts: int
    tick_ns: Quantiles | None
    lateness_ns: Quantiles | None
    cpu_percent: float
    rss_bytes: int
    causes: dict[str, int] = field(default_factory=dict)
    allocations: int | None = None


@dataclass(frozen=True, slots=True)
class EdgeSnapshot:
    """The ledger of one publisher's ring and one subscriber: delivered + lost + superseded + in_flight is what was
    published since the subscriber joined. `balanced` is whether an independent count at hand-over agrees."""

    publisher: str
    subscriber: str
    delivered: int
    lost: int
    superseded: int
    in_flight: int
    copied: int
    latency_ns: Quantiles | None
    age_ns: Quantiles | None
    balanced: bool


@dataclass(frozen=True, slots=True)
class TopicSnapshot:
    """One topic; `published` and the rates are summed over its publishers."""

    name: str
    type: str
    published: int
    rate_hz: float
    bytes_per_s: float
    edges: tuple[EdgeSnapshot, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole run. `elapsed_s` is since its start; `realtime_ns` is the wall clock at the reading."""

    graph: str
    run_id: str
    elapsed_s: float
    realtime_ns: int
    nodes: tuple[NodeSnapshot, ...]
    topics: tuple[TopicSnapshot, ...]
