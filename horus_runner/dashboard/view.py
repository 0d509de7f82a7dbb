"""A snapshot as what the terminal shows. Nothing here reads a clock, a file or the terminal.

Colour only repeats what a word or a number says already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.text import Text

from horus_runner.dashboard import quantities
from horus_runner.dashboard.columns import Column, table
from horus_runner.metrics.snapshot import EdgeSnapshot, NodeSnapshot, Quantiles, Snapshot, TopicSnapshot

BAR_WIDTH = 7  # with it, the node table of 80 columns has room for CPU
STATE_STYLES = {
    "starting": "cyan",
    "init": "cyan",
    "running": "green",
    "safe": "yellow",
    "backoff": "yellow",
    "stopping": "dim",
    "ended": "dim",
    "failed": "bold red",
}
ON_TARGET = 0.9  # below this share of its target a rate is coloured

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Frame:
    """What the view is drawn into.

    `sort` is a key of SORTS, `offset` the first row shown of a table that is too long, `keys` a line on what keys do.
    """

    width: int
    height: int
    sort: str = "graph"
    offset: int = 0
    ascii_only: bool = False
    keys: str = ""


def budget_used(node: NodeSnapshot) -> float | None:
    """The share of its budget that the slowest percent of a node's ticks reaches; None without budget or ticks."""
    if not node.budget_ns or node.tick_ns is None:
        return None
    return node.tick_ns.p99 / node.budget_ns


SORTS: dict[str, Callable[[NodeSnapshot], float]] = {
    "graph": lambda node: 0.0,
    "budget": lambda node: -(budget_used(node) or 0.0),
    "misses": lambda node: float(-node.misses),
    "cpu": lambda node: -node.cpu_percent,
}


def slowest_edge(topic: TopicSnapshot) -> EdgeSnapshot | None:
    """The edge with the highest latency: the one to look at first."""
    measured = [edge for edge in topic.edges if edge.latency_ns is not None]
    return max(measured, key=lambda edge: edge.latency_ns.p99 if edge.latency_ns else 0, default=None)


def _quantile(of: Callable[[NodeSnapshot], Quantiles | None], name: str) -> Callable[[NodeSnapshot], Text]:
    def cell(node: NodeSnapshot) -> Text:
        measured = of(node)
        return Text(quantities.duration(None if measured is None or not measured.count else getattr(measured, name)))

    return cell


def _bad(number: int, style: str = "yellow") -> Text:
    return Text(quantities.count(number), style=f"bold {style}" if number else "")


def _rate(node: NodeSnapshot) -> Text:
    behind = node.target_hz is not None and node.state == "running" and node.rate_hz < ON_TARGET * node.target_hz
    return Text(quantities.rate_of_target(node.rate_hz, node.target_hz), style="yellow" if behind else "")


def _budget(ascii_only: bool) -> Callable[[NodeSnapshot], Text]:
    def cell(node: NodeSnapshot) -> Text:
        used = budget_used(node)
        if used is None:
            return Text(quantities.NOT_MEASURED)
        style = "red" if used > 1 else "yellow" if used > 0.8 else "green"
        return Text.assemble(
            (quantities.bar(used, BAR_WIDTH, ascii_only), style), f" {quantities.percent(used * 100):>4}"
        )

    return cell


def _causes(node: NodeSnapshot) -> Text:
    return Text(", ".join(f"{cause} {quantities.count(n)}" for cause, n in Counter(node.causes).most_common() if n))


def node_columns(ascii_only: bool) -> list[Column[NodeSnapshot]]:
    return [
        Column("node", 0, 8, lambda n: Text(n.name, style="bold"), left=True),
        Column("state", 0, 8, lambda n: Text(n.state, style=STATE_STYLES.get(n.state, "")), left=True),
        Column("rate", 1, 12, _rate),
        Column("tick p50", 7, 8, _quantile(lambda n: n.tick_ns, "p50")),
        Column("tick p99", 2, 8, _quantile(lambda n: n.tick_ns, "p99")),
        Column("max", 9, 7, _quantile(lambda n: n.tick_ns, "max")),
        Column("budget", 3, BAR_WIDTH + 5, _budget(ascii_only), left=True),
        Column("misses", 4, 6, lambda n: _bad(n.misses)),
        Column("skipped", 5, 7, lambda n: _bad(n.skipped)),
        Column("restarts", 10, 8, lambda n: _bad(n.restarts)),
        Column("CPU", 6, 4, lambda n: Text(quantities.percent(n.cpu_percent))),
        Column("memory", 8, 7, lambda n: Text(quantities.size(n.rss_bytes or None))),
        Column("late p99", 11, 8, _quantile(lambda n: n.lateness_ns, "p99")),
        Column("late because of", 12, 15, _causes, left=True),
    ]


def _edge_quantile(of: Callable[[EdgeSnapshot], Quantiles | None], name: str) -> Callable[[TopicSnapshot], Text]:
    def cell(topic: TopicSnapshot) -> Text:
        edge = slowest_edge(topic)
        measured = of(edge) if edge else None
        return Text(quantities.duration(None if measured is None or not measured.count else getattr(measured, name)))

    return cell


def _superseded(topic: TopicSnapshot) -> Text:
    return Text(quantities.count(sum(edge.superseded for edge in topic.edges)))


TOPIC_COLUMNS: list[Column[TopicSnapshot]] = [
    Column("topic", 0, 8, lambda t: Text(t.name, style="bold"), left=True),
    Column("type", 5, 8, lambda t: Text(t.type), left=True),
    Column("rate", 0, 8, lambda t: Text(quantities.rate(t.rate_hz))),
    Column("bandwidth", 4, 9, lambda t: Text(quantities.bandwidth(t.bytes_per_s))),
    Column("latency p50", 3, 11, _edge_quantile(lambda e: e.latency_ns, "p50")),
    Column("p99", 1, 7, _edge_quantile(lambda e: e.latency_ns, "p99")),
    Column("age p99", 6, 7, _edge_quantile(lambda e: e.age_ns, "p99")),
    Column("lost", 2, 6, lambda t: _bad(sum(e.lost for e in t.edges))),
    Column("superseded", 9, 10, _superseded),
    Column("published", 7, 9, lambda t: Text(quantities.count(t.published))),
    Column("subscribers", 8, 11, lambda t: Text(str(len({e.subscriber for e in t.edges})))),
]


def shares(height: int, nodes: int, topics: int, logs: int) -> tuple[int, int, int]:
    """How `height` lines are shared out among the rows of nodes and topics, titles not counted, and the log lines."""
    left = max(height - 3 - (2 if topics else 0) - (1 if logs else 0), 1)  # heading, blanks and titles
    few_logs, few_topics = min(logs, left // 5), min(topics, left // 3)
    node_rows = min(nodes, max(left - few_logs - few_topics, 1))
    topic_rows = min(topics, left - node_rows - few_logs)
    return node_rows, topic_rows, min(logs, left - node_rows - topic_rows)


def window(items: Sequence[Item], rows: int, offset: int) -> tuple[Sequence[Item], str]:
    """The items that `rows` lines can show from `offset` on, and what to say about the others ('' when all fit)."""
    if len(items) <= rows:
        return items, ""
    rows = max(rows - 1, 0)  # the last line tells of the others
    start = max(0, min(offset, len(items) - rows))
    return items[start : start + rows], f"{start + 1}-{start + rows} of {len(items)}"


def heading(snapshot: Snapshot) -> Text:
    states = Counter(node.state for node in snapshot.nodes)
    told = ", ".join(f"{n} {state}" for state, n in states.most_common()) or "no nodes"
    misses, lost = sum(n.misses for n in snapshot.nodes), sum(e.lost for t in snapshot.topics for e in t.edges)
    return Text.assemble(
        (snapshot.graph, "bold"),
        f"  {quantities.elapsed(snapshot.elapsed_s)}",
        f"  {told}",
        (f"  {quantities.count(misses)} misses", "yellow") if misses else "",
        (f"  {quantities.count(lost)} lost", "yellow") if lost else "",
        (f"  run {snapshot.run_id}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def view(snapshot: Snapshot, frame: Frame, logs: Sequence[Text] = ()) -> RenderableType:
    """The whole screen, at most `frame.height - 1` lines and `frame.width` columns."""
    height = frame.height - 1 - (2 if frame.keys else 0)  # a line in the last row would scroll
    node_rows, topic_rows, log_rows = shares(height, len(snapshot.nodes), len(snapshot.topics), len(logs))
    ordered = sorted(snapshot.nodes, key=SORTS[frame.sort])
    nodes, more_nodes = window(ordered, node_rows, frame.offset)
    parts: list[RenderableType] = [heading(snapshot), Text()]
    parts.append(table(node_columns(frame.ascii_only), nodes, frame.width))
    if more_nodes:
        parts.append(Text(f"nodes {more_nodes}", style="dim"))
    if topic_rows:
        topics, more_topics = window(snapshot.topics, topic_rows, frame.offset)
        parts += [Text(), table(TOPIC_COLUMNS, topics, frame.width)]
        if more_topics:
            parts.append(Text(f"topics {more_topics}", style="dim"))
    if log_rows:
        parts += [Text(), *logs[-log_rows:]]
    if frame.keys:
        parts += [Text(), Text(frame.keys, style="dim", no_wrap=True, overflow="ellipsis")]
    return Group(*parts)
