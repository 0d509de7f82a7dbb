"""A checked model to the frozen plan that everything else works with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from horus_runner.graph.model import MAX_NAME_BYTES, NodeModel, RestartModel
from horus_runner.graph.plan import ErrorPolicy, GraphPlan, NodePlan, RestartPlan, TopicPlan
from horus_runner.graph.ports import Draft
from horus_runner.graph.targets import Target


def build(draft: Draft, targets: Mapping[str, Target], source: Path) -> GraphPlan:
    """The plan of a graph in which nothing is wrong; `source` is the graph file."""
    model = draft.model
    return GraphPlan(
        name=model.name or graph_name(source),
        nodes=tuple(_node(draft, name, node, targets[name]) for name, node in model.nodes.items()),
        topics={topic: _topic(draft, topic) for topic in draft.topics()},
        tick_rate_hz=model.tick_rate,
        source=str(source.absolute()),
    )


def graph_name(path: Path) -> str:
    """The name of a graph whose file gives none."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem).lstrip(".-")[:MAX_NAME_BYTES] or "graph"


def _topic(draft: Draft, topic: str) -> TopicPlan:
    described = draft.topic_model(topic)
    types = draft.type_claims(topic)
    options = {
        option: claims[0][0]
        for option in ("capacity", "on_full", "max_held")
        if (claims := draft.option_claims(topic, option))
    }
    return TopicPlan(
        name=topic,
        type=types[0][0] if types else None,
        external=described.external,
        stale_ok=described.stale_ok,
        publishers=draft.publishers(topic),
        subscribers=draft.subscribers(topic),
        **options,  # type: ignore[arg-type]  # each was validated for its key
    )


def _node(draft: Draft, name: str, node: NodeModel, target: Target) -> NodePlan:
    rate = node.rate if node.rate is not None or node.on is not None else draft.model.tick_rate
    return NodePlan(
        name=name,
        run=target.run,
        subs=draft.topics_of(name, "subs"),
        pubs=draft.topics_of(name, "pubs"),
        params=node.params,
        rate_hz=rate,
        on=node.on,
        budget_ns=node.budget,
        deadline_ns=node.deadline,
        on_miss=node.on_miss or "warn",
        on_exception=_on_exception(node),
        compute=node.compute,
        order=node.order,
        restart=_restart(node),
        critical=node.critical if node.critical is not None else True,
        threads=node.threads,
        env=node.env,
    )


def _on_exception(node: NodeModel) -> ErrorPolicy:
    match node.failure_policy:
        case "skip" | "ignore" as policy:
            return policy
    return "exit"


def _restart(node: NodeModel) -> RestartPlan:
    restart = node.restart
    if node.failure_policy == "restart":
        return RestartPlan("on-failure")
    if restart is None:
        return RestartPlan()
    if not isinstance(restart, RestartModel):
        return RestartPlan(restart)
    default = RestartPlan(restart.policy)
    backoff = restart.backoff or default.backoff_ns
    return RestartPlan(
        policy=restart.policy,
        backoff_ns=backoff if restart.max_backoff is None else min(backoff, restart.max_backoff),
        max_backoff_ns=restart.max_backoff or max(default.max_backoff_ns, backoff),
        max_restarts=restart.max_restarts or default.max_restarts,
        window_ns=restart.window or default.window_ns,
    )
