"""What a graph is, once it has been checked: plain frozen values, the only part of `graph` that a node's process loads.

Durations are integer nanoseconds, rates are hertz. The records travel from supervisor to node as MessagePack.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

MissPolicy = Literal["warn", "skip", "safe_mode", "stop"]
RestartPolicy = Literal["never", "on-failure", "always"]
ErrorPolicy = Literal["exit", "skip", "ignore"]
OnFull = Literal["overwrite", "wait"]

DEFAULT_TICK_RATE_HZ = 30.0
GRACE_NS = 1_000_000_000
FULL_TIMEOUT_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """A topic and everything its rings need to be made.

    `type` is the name of a message type (``Image``, ``CmdVel``, or ``module:Class`` for a user's own), None when
    the topic carries whatever is sent. `capacity` is the number of messages kept, None for the default. With
    `on_full` wait a publisher sleeps until the slowest subscriber has read, `full_timeout_ns` at the most.
    """

    name: str
    type: str | None = None
    capacity: int | None = None
    on_full: OnFull = "overwrite"
    max_held: int = 4
    external: bool = False
    stale_ok: bool = False
    publishers: tuple[str, ...] = ()
    subscribers: tuple[str, ...] = ()
    full_timeout_ns: int = FULL_TIMEOUT_NS


@dataclass(frozen=True, slots=True)
class RestartPlan:
    """When an ended node is started again: after `backoff_ns`, doubled each time up to `max_backoff_ns`,
    at most `max_restarts` times in `window_ns`; a run that lasts `window_ns` starts the count afresh."""

    policy: RestartPolicy = "never"
    backoff_ns: int = 100_000_000
    max_backoff_ns: int = 5_000_000_000
    max_restarts: int = 5
    window_ns: int = 60_000_000_000


@dataclass(frozen=True, slots=True)
class NodePlan:
    """A node, its ports and its policies.

    `run` is ``/absolute/file.py:Name`` or ``module:Name``; None for a node that a script gave to `horus.run`.
    `rate_hz` is None only for an `on:` node without a maximum. `subs` and `pubs` are topic names.
    `open_subs`/`open_pubs` are type names of ports whose topic the first use decides.
    """

    name: str
    run: str | None = None
    subs: tuple[str, ...] = ()
    pubs: tuple[str, ...] = ()
    open_subs: tuple[str, ...] = ()
    open_pubs: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    rate_hz: float | None = DEFAULT_TICK_RATE_HZ
    on: str | None = None
    budget_ns: int | None = None
    deadline_ns: int | None = None
    on_miss: MissPolicy = "warn"
    on_exception: ErrorPolicy = "exit"
    compute: bool = False
    order: int = 0
    restart: RestartPlan = RestartPlan()
    critical: bool = True
    threads: int | None = None
    env: dict[str, str] = field(default_factory=dict)

    @property
    def period_ns(self) -> int | None:
        """Nanoseconds between two releases; None for an `on:` node without a maximum rate."""
        return None if self.rate_hz is None else round(1e9 / self.rate_hz)

    @property
    def effective_deadline_ns(self) -> int | None:
        """The deadline that counts: the one given, else the longer of period and budget (None without either)."""
        if self.deadline_ns is not None:
            return self.deadline_ns
        return max(self.period_ns or 0, self.budget_ns or 0) or None


@dataclass(frozen=True, slots=True)
class GraphPlan:
    """A checked graph. `nodes` are in the order of the file; a node's index there is its index everywhere."""

    name: str
    nodes: tuple[NodePlan, ...]
    topics: dict[str, TopicPlan]
    tick_rate_hz: float = DEFAULT_TICK_RATE_HZ
    source: str | None = None


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """All that a node's process is told, as one MessagePack record.

    `index` is the node's doorbell and record in the process segment; `incarnation` counts its starts from 0.
    """

    plan: NodePlan
    topics: dict[str, TopicPlan]
    graph: str
    namespace: str
    run_id: str
    index: int
    incarnation: int
    source: str | None = None

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @staticmethod
    def decode(data: bytes) -> NodeSettings:
        return msgspec.msgpack.decode(data, type=NodeSettings)
