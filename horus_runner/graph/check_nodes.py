"""Does each node make sense by itself: is there code to run, can its times be kept, do its policies agree."""

from __future__ import annotations

from collections.abc import Iterator

from horus_runner.errors import Problem, nearest
from horus_runner.graph.durations import format_ns
from horus_runner.graph.marks import quoted
from horus_runner.graph.model import NodeModel, RestartModel
from horus_runner.graph.ports import Draft
from horus_runner.graph.targets import Target, TargetError, Targets


def check_nodes(draft: Draft, targets: Targets, found: dict[str, Target]) -> Iterator[Problem]:
    """Every problem inside of a node; what `run` names goes into `found`, by node."""
    for name, node in draft.model.nodes.items():
        yield from _run(draft, name, node, targets, found)
        yield from _on(draft, name, node)
        yield from _times(draft, name, node)
        yield from _policies(draft, name, node)
        yield from _env(draft, name, node)


def _run(draft: Draft, name: str, node: NodeModel, targets: Targets, found: dict[str, Target]) -> Iterator[Problem]:
    if node.run is None:
        if not draft.validated.lost_below("nodes", name, "run"):
            yield draft.key_place("nodes", name).problem(
                f"node {quoted(name)} has no 'run'.", "Say what it runs: 'run: file.py:Name' or 'run: module:Name'."
            )
        return
    try:
        found[name] = targets.find(node.run)
    except TargetError as error:
        yield draft.place("nodes", name, "run").problem(f"node {quoted(name)}: {error.message}", error.hint)


def _on(draft: Draft, name: str, node: NodeModel) -> Iterator[Problem]:
    subs = draft.topics_of(name, "subs")
    if node.on is None or node.on in subs:
        return
    near = nearest(node.on, subs)
    if near is None and draft.validated.lost_below("nodes", name, "subs"):
        return
    hint = f"Did you mean '{near}'?" if near else f"Add it: subs: [{', '.join([*subs, node.on])}]."
    yield draft.place("nodes", name, "on").problem(
        f"node {quoted(name)} ticks on {quoted(node.on)}, which is not among its subs.", hint
    )


def _times(draft: Draft, name: str, node: NodeModel) -> Iterator[Problem]:
    rate = node.rate if node.rate is not None or node.on is not None else draft.model.tick_rate
    period = round(1e9 / rate) if rate is not None else None
    if node.budget is not None and node.deadline is not None and node.budget > node.deadline:
        yield draft.place("nodes", name, "budget").problem(
            f"node {quoted(name)} has a budget of {format_ns(node.budget)}, longer than its deadline of "
            f"{format_ns(node.deadline)}: a tick that uses it has missed already.",
            "Lower the budget or raise the deadline: the one runs from a tick's start, the other from its release.",
        )
    elif (
        node.budget is not None and period is not None and node.budget > period and node.on_miss not in ("skip", "stop")
    ):
        yield draft.place("nodes", name, "budget").problem(
            f"node {quoted(name)} has a budget of {format_ns(node.budget)}, longer than its period of "
            f"{period / 1e6:.4g}ms (rate {rate:g}): a tick that uses it delays the next ones.",
            "Add 'on_miss: skip' to leave out the releases that pass, or lower the rate.",
            "warning",
        )
    if node.on_miss is not None and rate is None and node.budget is None and node.deadline is None:
        yield draft.place("nodes", name, "on_miss").problem(
            f"node {quoted(name)} has nothing to miss: it ticks on messages, without rate, budget or deadline.",
            "Give it a budget or a deadline, or remove on_miss.",
            "warning",
        )


def _policies(draft: Draft, name: str, node: NodeModel) -> Iterator[Problem]:
    for other in ("restart", "critical"):
        if node.failure_policy is not None and getattr(node, other) is not None:
            yield draft.place("nodes", name, "failure_policy").problem(
                f"node {quoted(name)} has both 'failure_policy' and '{other}', which say the same in two ways.",
                "Keep one of them: fatal is restart: never with critical: true, restart is restart: on-failure.",
            )
    restart = node.restart
    if isinstance(restart, RestartModel):
        if restart.policy == "never" and (extra := restart.model_fields_set - {"policy"}):
            key = sorted(extra)[0]
            yield draft.key_place("nodes", name, "restart", key).problem(
                f"node {quoted(name)} is never restarted, so '{key}' has no meaning.",
                "Write policy: on-failure, or remove it.",
                "warning",
            )
        if restart.backoff is not None and restart.max_backoff is not None and restart.backoff > restart.max_backoff:
            yield draft.place("nodes", name, "restart", "backoff").problem(
                f"node {quoted(name)}: the first backoff of {format_ns(restart.backoff)} is longer than "
                f"max_backoff, {format_ns(restart.max_backoff)}.",
                "The backoff grows from the one to the other.",
            )


def _env(draft: Draft, name: str, node: NodeModel) -> Iterator[Problem]:
    for variable in node.env:
        if not variable or "=" in variable:
            yield draft.key_place("nodes", name, "env", variable).problem(
                f"node {quoted(name)}: {quoted(variable)} cannot be the name of an environment variable.",
                "Write NAME: value.",
            )
