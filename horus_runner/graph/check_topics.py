"""Do the topics of a graph fit together: each with one spelling, one type, one set of options and both its ends."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from horus_runner.errors import Problem, did_you_mean
from horus_runner.graph.check_ends import check_ends
from horus_runner.graph.marks import quoted
from horus_runner.graph.ports import OPTIONS, Draft, Port
from horus_runner.graph.targets import TargetError, Targets

_UNTYPED = re.compile("any|dict|list|str|string|bytes|int|float|bool|object|json|none|ndarray|array", re.IGNORECASE)


def check_topics(draft: Draft, targets: Targets, type_names: Collection[str]) -> Iterator[Problem]:
    """Every problem between the topics of `draft`; `type_names` are the message types that come with the package."""
    collisions = _case_collisions(draft)
    for first, second in collisions:
        yield second.place.problem(
            f"the topics {quoted(first.topic)} (node '{first.node}', line {first.place.line}) "
            f"and {quoted(second.topic)} differ by case only.",
            f"If they are one topic, write '{first.topic}' in both places; else give one another name.",
        )
    colliding = {second.topic for _, second in collisions}
    yield from _repeated(draft)
    for topic in draft.topics():
        yield from _types(draft, topic, targets, type_names)
        yield from _options(draft, topic)
    yield from check_ends(draft, [topic for topic in draft.topics() if topic not in colliding], type_names)


def _case_collisions(draft: Draft) -> list[tuple[Port, Port]]:
    """Pairs of ports whose topics differ by case only: a first use, and the first use of each other spelling."""
    spellings: dict[str, dict[str, Port]] = {}
    for port in sorted(draft.ports, key=lambda port: (port.direction, port.place.order)):
        spellings.setdefault(port.topic.lower(), {}).setdefault(port.topic, port)
    groups = (list(by_name.values()) for by_name in spellings.values())
    return [(ports[0], other) for ports in groups for other in ports[1:]]


def _repeated(draft: Draft) -> Iterator[Problem]:
    seen: set[tuple[str, str, str]] = set()
    for port in draft.ports:
        use = (port.node, port.direction, port.topic)
        if use in seen:
            yield port.place.problem(
                f"node '{port.node}' names {quoted(port.topic)} twice in {port.direction}.", "Remove one."
            )
        seen.add(use)


def _types(draft: Draft, topic: str, targets: Targets, type_names: Collection[str]) -> Iterator[Problem]:
    claims = draft.type_claims(topic)
    for name, place, _ in claims:
        if name in type_names:
            continue
        if ":" not in name:
            yield place.problem(
                f"topic {quoted(topic)}: {quoted(name)} is not a message type.", _type_hint(name, type_names)
            )
            continue
        try:
            targets.check_type(name)
        except TargetError as error:
            yield place.problem(f"topic {quoted(topic)}: {error.message}", error.hint)
    for name, place, who in claims[1:]:
        expected, first, first_who = claims[0]
        if name != expected and (":" in name or name in type_names) and (":" in expected or expected in type_names):
            yield place.problem(
                f"topic {quoted(topic)} is {name} in {who}, but {expected} in {first_who} (line {first.line}).",
                f"Write {expected} here, or give the two different topics.",
            )


def _type_hint(name: str, type_names: Collection[str]) -> str:
    if _UNTYPED.fullmatch(name):
        return "Leave the type out: a topic without one carries dicts, lists, texts, numbers and arrays."
    hint = did_you_mean(name, type_names).strip()
    return f"{hint} A type of your own is written module:Class.".strip()


def _options(draft: Draft, topic: str) -> Iterator[Problem]:
    for option in OPTIONS:
        claims = draft.option_claims(topic, option)
        for value, place, who in claims[1:]:
            expected, first, first_who = claims[0]
            if value != expected:
                yield place.problem(
                    f"topic {quoted(topic)} has {option} {value} in {who}, "
                    f"but {expected} in {first_who} (line {first.line}).",
                    "A topic has one of it: say it in one place, best in 'topics'.",
                )
