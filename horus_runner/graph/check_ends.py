"""Has every topic somebody who publishes it and somebody who reads it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from horus_runner.errors import Problem, nearest
from horus_runner.graph.marks import quoted
from horus_runner.graph.ports import Draft

# looking for near names is slow: in a graph with more mistakes than this, the rest go without
MAX_SEARCHES = 40


def check_ends(draft: Draft, topics: Iterable[str], type_names: Collection[str]) -> Iterator[Problem]:
    """The problems of `topics` with a missing end; a topic that is `external` may have it elsewhere."""
    ends = _Ends(
        draft,
        type_names,
        published=[t for t in draft.topics() if draft.publishers(t) or draft.topic_model(t).external],
        wanted=[t for t in draft.by_topic if not draft.publishers(t)],
    )
    for topic in topics:
        publishers, subscribers = draft.publishers(topic), draft.subscribers(topic)
        external = draft.topic_model(topic).external
        if not publishers and not subscribers:
            yield ends.unused(topic)
        elif not publishers and not external:
            yield from ends.unpublished(topic)
        elif not subscribers and not external and not draft.validated.lost_below("nodes", "*", "subs"):
            yield ends.unread(topic)


@dataclass(slots=True)
class _Ends:
    """Words for a missing end; `published` and `wanted` (read, but not published) are the topics to choose from."""

    draft: Draft
    type_names: Collection[str]
    published: list[str]
    wanted: list[str]
    searches: Iterator[int] = field(default_factory=lambda: iter(range(MAX_SEARCHES)))

    def _nearest(self, topic: str, known: Iterable[str]) -> str | None:
        return nearest(topic, known) if next(self.searches, None) is not None else None

    def unused(self, topic: str) -> Problem:
        near = self._nearest(topic, self.draft.by_topic)
        return self.draft.key_place("topics", topic).problem(
            f"topic {quoted(topic)} is described here, but no node uses it.",
            f"Did you mean '{near}'?" if near else "Remove it, or name it in a node's subs or pubs.",
            "error" if near is not None and near not in self.draft.model.topics else "warning",
        )

    def unread(self, topic: str) -> Problem:
        port = self.draft.by_topic[topic][0]
        near = self._nearest(topic, self.wanted)
        meant = f"Does a node mean it that subscribes to '{near}'?"
        hint = meant if near else "No harm is done; remove it if nobody needs it."
        return port.place.problem(f"node '{port.node}' publishes {quoted(topic)}, which nobody reads.", hint, "warning")

    def unpublished(self, topic: str) -> Iterator[Problem]:
        near = self._nearest(topic, self.published)
        if near is None and self.draft.validated.lost_below("nodes", "*", "pubs"):
            return  # its publisher may be among what could not be read
        hint = self._hint(topic, near)
        for port in self.draft.by_topic[topic]:
            yield port.place.problem(f"node '{port.node}' subscribes to {quoted(topic)}, which nobody publishes.", hint)

    def _hint(self, topic: str, near: str | None) -> str:
        if near is not None:
            by = ", ".join(f"'{name}'" for name in self.draft.publishers(near)) or "another graph"
            return f"Did you mean '{near}' (published by {by})?"
        if topic in self.type_names:
            return f"{topic} is a message type; a port is written 'topic: {topic}'."
        shown = ", ".join(self.published[:8]) + (", ..." if len(self.published) > 8 else "")
        published = f"Published are {shown}. " if self.published else ""
        return f"{published}If it comes from outside of this graph, say so: topics: {{{topic}: {{external: true}}}}"
