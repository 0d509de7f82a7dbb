"""Reading a run from its shared memory: the same numbers for the supervisor, a dashboard and any other terminal."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psutil

from horus_runner._core.clock import monotonic_ns, realtime_ns
from horus_runner._core.mapping import Mapping
from horus_runner._core.table import HEADER_BYTES, describe_ring, describe_rows
from horus_runner.errors import HorusError
from horus_runner.metrics.snapshot import EdgeSnapshot, NodeSnapshot, Quantiles, Snapshot, TopicSnapshot
from horus_runner.transport.names import RingName, default_namespace, ring_segments
from horus_runner.transport.segment import ProcessSegment, open_segment

_WINDOW_NS = 2_000_000_000
"""Rates are over the last two seconds: shorter, and a 30 Hz node would seem to waver by whole hertz."""


@dataclass(slots=True)
class _Reading:
    """The running totals at one moment."""

    at_ns: int
    ticks: list[int] = field(default_factory=list)
    cpu_ns: list[int] = field(default_factory=list)
    published: dict[str, int] = field(default_factory=dict)
    nbytes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Ring:
    """A ring as this reader has it mapped: header and table."""

    control: Mapping
    file_bytes: int

    def describe(self) -> dict[str, Any]:
        return describe_ring(self.control, self.file_bytes)

    def rows(self) -> list[dict[str, Any]]:
        return describe_rows(self.control, self.file_bytes)


class RunReader:
    """Reads one run again and again. `topics` are shown even before anything is published on them.

    Raises FileNotFoundError when the run is not there.
    """

    def __init__(self, namespace: str, run_id: str, topics: Iterable[tuple[str, str | None]] = ()) -> None:
        self._segment = ProcessSegment.open(namespace, run_id)
        self._topics = dict(topics)
        self._rings: dict[RingName, _Ring] = {}
        self._history: deque[_Reading] = deque()
        self._first = _Reading(self._segment.started_ns)

    def close(self) -> None:
        """Let go of the run's memory."""
        self._rings.clear()

    def snapshot(self) -> Snapshot:
        """The run now; rates over the last two seconds, or as long as this reader has looked."""
        now = monotonic_ns()
        while len(self._history) > 1 and self._history[1].at_ns <= now - _WINDOW_NS:
            self._history.popleft()
        return self._read(now, self._history[0] if self._history else None)

    def final(self) -> Snapshot:
        """The run now; rates over its whole length."""
        return self._read(monotonic_ns(), None)

    def _read(self, now: int, since: _Reading | None) -> Snapshot:
        reading = _Reading(now)
        nodes = tuple(self._node(index, reading, since) for index in range(self._segment.nodes))
        topics = self._read_topics(reading, since)
        self._history.append(reading)
        return Snapshot(
            graph=self._segment.graph,
            run_id=self._segment.name.run_id,
            elapsed_s=(now - self._segment.started_ns) / 1e9,
            realtime_ns=realtime_ns(),
            nodes=nodes,
            topics=topics,
        )

    def _node(self, index: int, reading: _Reading, since: _Reading | None) -> NodeSnapshot:
        about = self._segment.record(index).read()
        live_cpu_ns, rss = _usage(about["pid"])
        cpu_ns = about["ended_cpu_ns"] + live_cpu_ns
        reading.ticks.append(about["ticks"])
        reading.cpu_ns.append(cpu_ns)
        if since is not None:
            span = max(reading.at_ns - since.at_ns, 1)
            rate = (about["ticks"] - since.ticks[index]) * 1e9 / span
            cpu = (cpu_ns - since.cpu_ns[index]) / span
        else:
            ticking = about["last_tick_ns"] - about["first_tick_ns"]
            rate = (about["ticks"] - 1) * 1e9 / ticking if about["ticks"] > 1 else 0.0
            cpu = cpu_ns / max(reading.at_ns - self._first.at_ns, 1)
        return NodeSnapshot(
            name=about["name"],
            state=about["state"],
            pid=about["pid"] or None,
            on=about["on"],
            target_hz=1e9 / about["period_ns"] if about["period_ns"] else None,
            rate_hz=max(rate, 0.0),
            budget_ns=about["budget_ns"] or None,
            ticks=about["ticks"],
            skipped=about["skipped"],
            overruns=about["overruns"],
            misses=about["misses"],
            errors=about["errors"],
            restarts=about["restarts"],
            tick_ns=_quantiles(about["tick"]),
            lateness_ns=_quantiles(about["lateness"]),
            cpu_percent=max(100.0 * cpu, 0.0),
            rss_bytes=rss or about["ended_rss_bytes"],
            causes={cause: count for cause, count in about["causes"].items() if count},
        )

    def _read_topics(self, reading: _Reading, since: _Reading | None) -> tuple[TopicSnapshot, ...]:
        self._find_rings()
        chains: dict[tuple[str, tuple[str, str, str]], list[_Ring]] = {}
        for name in sorted(self._rings, key=lambda ring: ring.generation):
            chains.setdefault((name.namespace, name.chain), []).append(self._rings[name])
        edges: dict[str, list[EdgeSnapshot]] = {topic: [] for topic in self._topics}
        types = {topic: kind or "any" for topic, kind in self._topics.items()}
        for generations in chains.values():
            abouts = [ring.describe() for ring in generations]
            topic = abouts[-1]["topic"]
            types[topic] = abouts[-1]["type"] or types.get(topic, "any")
            reading.published[topic] = reading.published.get(topic, 0) + abouts[-1]["head"]
            reading.nbytes[topic] = reading.nbytes.get(topic, 0) + sum(about["bytes"] for about in abouts)
            edges.setdefault(topic, []).extend(_edges(abouts[-1]["publisher"], generations))
        before = since or _Reading(self._segment.go_ns or self._segment.started_ns)
        span_s = max(reading.at_ns - before.at_ns, 1) / 1e9
        return tuple(
            TopicSnapshot(
                name=topic,
                type=types[topic],
                published=reading.published.get(topic, 0),
                rate_hz=(reading.published.get(topic, 0) - before.published.get(topic, 0)) / span_s,
                bytes_per_s=(reading.nbytes.get(topic, 0) - before.nbytes.get(topic, 0)) / span_s,
                edges=tuple(sorted(edges[topic], key=lambda edge: (edge.publisher, edge.subscriber))),
            )
            for topic in sorted(edges)
        )

    def _find_rings(self) -> None:
        run_id = self._segment.name.run_id
        for name in ring_segments():
            if name.run_id != run_id or name in self._rings:
                continue
            if name.namespace not in (self._segment.name.namespace, default_namespace()):
                continue
            opened = _open_ring(name)
            if opened is not None:
                self._rings[name] = opened


def _open_ring(name: RingName) -> _Ring | None:
    try:
        descriptor = open_segment(name.segment)
    except FileNotFoundError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        about = describe_ring(Mapping(descriptor, HEADER_BYTES), size)
        return _Ring(Mapping(descriptor, about["descriptors_offset"]), size)
    except HorusError:
        return None
    finally:
        os.close(descriptor)


def _edges(publisher: str, generations: list[_Ring]) -> list[EdgeSnapshot]:
    """One edge for each subscriber, summed over the generations of the ring and the lives of the subscriber."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for ring in generations:
        for row in ring.rows():
            rows.setdefault(row["subscriber"], []).append(row)
    return [
        EdgeSnapshot(
            publisher=publisher,
            subscriber=subscriber,
            delivered=sum(row["delivered"] for row in lives),
            lost=sum(row["lost"] for row in lives),
            superseded=sum(row["superseded"] for row in lives),
            in_flight=sum(row["in_flight"] for row in lives),
            copied=sum(row["copied"] for row in lives),
            latency_ns=_longest([row["latency"] for row in lives]),
            age_ns=_longest([row["age"] for row in lives]),
            balanced=all(row["balanced"] for row in lives),
        )
        for subscriber, lives in rows.items()
    ]


def _longest(found: list[tuple[int, int, int, int] | None]) -> Quantiles | None:
    """The quantiles that stand on the most messages: those of the generation that was in use longest."""
    measured = [one for one in found if one is not None]
    return _quantiles(max(measured, key=lambda one: one[3])) if measured else None


def _quantiles(found: tuple[int, int, int, int] | None) -> Quantiles | None:
    return None if found is None else Quantiles(*found)


def _usage(pid: int) -> tuple[int, int]:
    """CPU nanoseconds and resident bytes of a process, zeros when it is gone."""
    if not pid:
        return 0, 0
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            return round((times.user + times.system) * 1e9), process.memory_info().rss
    except psutil.Error:
        return 0, 0
