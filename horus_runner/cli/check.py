"""``horus check``: is a graph file right, without running it."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from horus_runner import graph as graphs
from horus_runner.errors import GraphError, Problem
from horus_runner.graph.durations import format_ns
from horus_runner.graph.plan import GraphPlan, NodePlan, TopicPlan

NODE_COLUMNS = ("node", "rate", "budget", "on miss", "reads", "publishes", "runs")
TOPIC_COLUMNS = ("topic", "type", "published by", "read by")


def check(
    graph: Annotated[Path, typer.Argument(help="The graph file.", show_default=False)],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="K=V", help="Override a value: nodes.detect.rate=10.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the plan, or the problems, as JSON.")] = False,
) -> None:
    """Check a graph file and show what it would run. Nothing of it is started.

    Every mistake is reported with its place and what would be right; then the exit code is 2.
    """
    try:
        plan, warnings = graphs.load(graph, set_ or ())
    except GraphError as error:
        if json_:
            _print_json(str(graph), None, error.problems)
        raise
    if json_:
        _print_json(str(graph), plan, warnings)
        return
    for warning in warnings:
        typer.echo(str(warning), err=True)
    if sys.stdout.isatty():
        _print_tables(plan)
    else:
        typer.echo(summary(plan))


def _print_json(path: str, plan: GraphPlan | None, problems: tuple[Problem, ...]) -> None:
    report = {
        "file": path,
        "ok": plan is not None,
        "problems": [dataclasses.asdict(problem) for problem in problems],
        "plan": None if plan is None else dataclasses.asdict(plan),
    }
    typer.echo(json.dumps(report, indent=2))


def node_row(node: NodePlan) -> tuple[str, ...]:
    """The cells of a node under NODE_COLUMNS."""
    rate = f"on {node.on}" if node.on is not None else ""
    if node.rate_hz is not None:
        rate += f"{', at most ' if rate else ''}{node.rate_hz:g} Hz"
    budget = "-" if node.budget_ns is None else format_ns(node.budget_ns)
    where, _, name = (node.run or "").rpartition(":")
    runs = f"{Path(where).name if where.endswith('.py') else where}:{name}"
    return node.name, rate, budget, node.on_miss, _names(node.subs), _names(node.pubs), runs


def topic_row(topic: TopicPlan) -> tuple[str, ...]:
    """The cells of a topic under TOPIC_COLUMNS."""
    outside = ("(outside)",) if topic.external else ()
    return topic.name, topic.type or "any", _names((*topic.publishers, *outside)), _names(topic.subscribers)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "-"


def summary(plan: GraphPlan) -> str:
    """The graph in plain aligned columns."""
    parts = [f"{plan.name}: {_count(len(plan.nodes), 'node')}, {_count(len(plan.topics), 'topic')}"]
    parts += columns(NODE_COLUMNS, [node_row(node) for node in plan.nodes])
    if plan.topics:
        parts += columns(TOPIC_COLUMNS, [topic_row(topic) for topic in plan.topics.values()])
    return "\n".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def columns(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines with each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in (titles, *rows)]


def _print_tables(plan: GraphPlan) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(Text(f"{plan.name}: {_count(len(plan.nodes), 'node')}, {_count(len(plan.topics), 'topic')}", "bold"))
    nodes, topics = Table(*NODE_COLUMNS), Table(*TOPIC_COLUMNS)
    for node in plan.nodes:
        nodes.add_row(*map(Text, node_row(node)))
    for topic in plan.topics.values():
        topics.add_row(*map(Text, topic_row(topic)))
    console.print(nodes)
    if plan.topics:
        console.print(topics)
