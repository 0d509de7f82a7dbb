"""A graph in this one process and thread, with the same Report at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from horus_runner.graph.plan import GraphPlan
from horus_runner.runtime.console import write_log
from horus_runner.runtime.report import Report

if TYPE_CHECKING:
    from horus_runner.node.api import Node


def run_plan_inline(
    plan: GraphPlan, duration_s: float | None = None, nodes: Sequence[Node | None] | None = None
) -> Report:
    """Run a graph here, ticking in release order. `nodes` are those of the plan, loaded from their files by default.

    KeyboardInterrupt passes through, after every shutdown hook has run.
    """
    from horus_runner.node.inline import run_inline

    end = run_inline(plan, nodes if nodes is not None else [None] * len(plan.nodes), duration_s, write_log)
    said = end.cause
    if end.node is not None and said is not None:
        said = f"node '{end.node}' " + (f"stopped the graph: {said}" if end.exit_code == 3 else said)
    return Report(plan.name, end.snapshot.elapsed_s, end.exit_code, said, end.snapshot, end.node)
