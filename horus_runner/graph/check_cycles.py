"""Nodes that tick on each other's messages and on nothing else never start: no message is ever the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from horus_runner.errors import Problem
from horus_runner.graph.ports import Draft
from horus_runner.graph.targets import Target


def check_cycles(draft: Draft, targets: Mapping[str, Target]) -> Iterator[Problem]:
    """One problem for each circle that nothing starts: a warning where a node of it might send from its init."""
    asleep = _never_started(draft)
    reported: set[str] = set()
    for name in draft.model.nodes:
        circle = _circle(draft, name, asleep)
        if not circle or reported.intersection(circle):
            continue
        reported.update(circle)
        yield _problem(draft, circle, any(n not in targets or targets[n].may_send_in_init for n in circle))


def _never_started(draft: Draft) -> set[str]:
    """The nodes that wait for a message which only nodes that wait themselves could send."""
    nodes = draft.model.nodes
    asleep = {name for name, node in nodes.items() if node.on is not None}
    while True:
        awake = {
            name
            for name in asleep
            if (topic := nodes[name].on) is not None
            and (
                draft.topic_model(topic).external
                or not asleep.issuperset(draft.publishers(topic))
                or not draft.publishers(topic)
            )
        }
        if not awake:
            return asleep
        asleep -= awake


def _circle(draft: Draft, start: str, asleep: set[str]) -> list[str]:
    """The circle that `start` leads into, from its first node in the file on; empty when it waits for none."""
    path: list[str] = []
    name = start
    while name in asleep and name not in path:
        path.append(name)
        name = draft.publishers(draft.model.nodes[name].on or "")[0]
    if name not in path:
        return []
    circle = path[path.index(name) :]
    first = min(range(len(circle)), key=lambda i: list(draft.model.nodes).index(circle[i]))
    return circle[first:] + circle[:first]


def _problem(draft: Draft, circle: list[str], may_start: bool) -> Problem:
    links = []
    for position, name in enumerate(circle):
        topic, sender = draft.model.nodes[name].on, circle[(position + 1) % len(circle)]
        links.append(f"'{name}' waits for '{topic}' from '{sender}'")
    place = draft.place("nodes", circle[0], "on")
    chain = ", ".join(links)
    if may_start:
        return place.problem(
            f"{chain}: they start only if one of them sends from its init.",
            "If none does, give one of them a rate instead of 'on'.",
            "warning",
        )
    return place.problem(
        f"{chain}: none of them can ever start.",
        "Give one of them a rate instead of 'on', or let it send from its init.",
    )
