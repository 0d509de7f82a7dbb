"""Do the topics of a graph fit together: each with a publisher, one type, one set of options and one spelling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from horus_runner.errors import Problem, did_you_mean, nearest
from horus_runner.graph.marks import quoted
from horus_runner.graph.ports import OPTIONS, Draft, Port
from horus_runner.graph.targets import TargetError, Targets

# looking for near names is slow: in a graph with more mistakes than this, the rest go without
MAX_SEARCHES = 40
_UNTYPED = {
    "any",
    "dict",
    "list",
    "str",
    "string",
    "bytes",
    "int",
    "float",
    "bool",
    "object",
    "json",
    "none",
    "ndarray",
    "array",
}


def check_topics(draft: Draft, targets: Targets, type_names: Collection[str]) -> Iterator[Problem]:
    """Every problem between the topics of `draft`; `type_names` are the message types that come with the package."""
    collisions = _case_collisions(draft)
    for first, second in collisions:
        yield second.place.problem(
            f"the topics {quoted(first.topic)} (node '{first.node}', line {first.place.line}) "
            f"and {quoted(second.topic)} differ by case only.",
            f"If they are one topic, write '{first.topic}' in both places; else give one another name.",
        )
    searches = iter(range(MAX_SEARCHES))
    colliding = {second.topic for _, second in collisions}
    yield from _repeated(draft)
    for topic in draft.topics():
        yield from _types(draft, topic, targets, type_names)
        yield from _options(draft, topic)
        if topic not in colliding:
            yield from _ends(draft, topic, type_names, searches)


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
    if name.lower() in _UNTYPED:
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


def _ends(draft: Draft, topic: str, type_names: Collection[str], searches: Iterator[int]) -> Iterator[Problem]:
    publishers, subscribers = draft.publishers(topic), draft.subscribers(topic)
    external = draft.topic_model(topic).external
    if not publishers and not subscribers:
        near = _nearest(topic, draft.by_topic, searches)
        yield draft.key_place("topics", topic).problem(
            f"topic {quoted(topic)} is described here, but no node uses it.",
            f"Did you mean '{near}'?" if near else "Remove it, or name it in a node's subs or pubs.",
            "error" if near is not None and near not in draft.model.topics else "warning",
        )
    elif not publishers and not external:
        yield from _unpublished(draft, topic, type_names, searches)
    elif not subscribers and not external and not draft.validated.lost_below("nodes", "*", "subs"):
        port = draft.by_topic[topic][0]
        near = _nearest(topic, [t for t in draft.by_topic if t != topic and not draft.publishers(t)], searches)
        hint = (
            f"Does a node mean it that subscribes to '{near}'?"
            if near
            else "No harm is done; remove it if nobody needs it."
        )
        yield port.place.problem(f"node '{port.node}' publishes {quoted(topic)}, which nobody reads.", hint, "warning")


def _nearest(topic: str, known: Iterable[str], searches: Iterator[int]) -> str | None:
    return nearest(topic, known) if next(searches, None) is not None else None


def _unpublished(draft: Draft, topic: str, type_names: Collection[str], searches: Iterator[int]) -> Iterator[Problem]:
    published = [t for t in draft.topics() if draft.publishers(t) or draft.topic_model(t).external]
    near = _nearest(topic, published, searches)
    if near is None and draft.validated.lost_below("nodes", "*", "pubs"):
        return  # its publisher may be among what could not be read
    if near is not None:
        by = ", ".join(f"'{name}'" for name in draft.publishers(near)) or "another graph"
        hint = f"Did you mean '{near}' (published by {by})?"
    elif topic in type_names:
        hint = f"{topic} is a message type; a port is written 'topic: {topic}'."
    else:
        known = (
            f"Published are {', '.join(published[:8])}{', ...' if len(published) > 8 else ''}. " if published else ""
        )
        hint = f"{known}If it comes from outside of this graph, say so: topics: {{{topic}: {{external: true}}}}"
    for port in draft.by_topic[topic]:
        yield port.place.problem(f"node '{port.node}' subscribes to {quoted(topic)}, which nobody publishes.", hint)
