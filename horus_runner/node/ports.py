"""A node's topics: what it declares, and, while it runs, the publishers and receivers behind the names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.receiver import Causality, Receiver
from horus_runner._core.records import Record
from horus_runner.errors import HorusNotFoundError, MessageTypeError, UnknownTopicError, UsageError
from horus_runner.graph.plan import NodePlan, TopicPlan
from horus_runner.messages.registry import resolve_type, type_name
from horus_runner.transport.names import check_topic_name, default_namespace
from horus_runner.transport.participant import Participant
from horus_runner.transport.publishing import Publisher
from horus_runner.transport.topic import message_class

MOST_MESSAGES = 1 << 20


@dataclass(frozen=True, slots=True)
class PortSpec:
    """A declared port: a topic, a type, or both. Without a topic its first use decides it."""

    topic: str | None
    type: type[Any] | None = None
    capacity: int | None = None

    @property
    def type_name(self) -> str:
        return "any message" if self.type is None else type_name(self.type)


def read_ports(who: str, direction: str, given: Any, capacity: int | None) -> list[PortSpec]:
    """What `subs=` or `pubs=` says: a name, a type, a list of those, or a dict of names to types.

    Raises UsageError for a form, a type or a capacity that means nothing, and for a topic named twice; ValueError for
    a name that no topic can have.
    """
    try:
        ports = list(_ports(given, capacity))
    except HorusNotFoundError as error:
        raise UsageError(f"{who}: {direction}: {error}") from None
    except (UsageError, ValueError) as error:
        raise type(error)(f"{who}: {direction}: {error}") from None
    names = [port.topic for port in ports if port.topic]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{who}: {direction}: topic '{name}' stands there twice")
    return ports


def _ports(given: Any, capacity: int | None) -> Iterator[PortSpec]:
    if isinstance(given, dict):
        yield from (_named(topic, about, capacity) for topic, about in given.items())
    elif isinstance(given, (str, type)):
        yield _listed(given, capacity)
    elif isinstance(given, Iterable):
        yield from (_listed(item, capacity) for item in given)
    elif given is not None:
        raise UsageError(f"a topic's name, a list of names or message types, or a dict is expected, not {given!r}")


def _listed(item: Any, capacity: int | None) -> PortSpec:
    if isinstance(item, str):
        return PortSpec(check_topic_name(item), None, capacity)
    if isinstance(item, type):
        return PortSpec(None, message_class(item), capacity)
    raise UsageError(f"a topic's name or a message type is expected, not {item!r}")


def _named(topic: Any, about: Any, capacity: int | None) -> PortSpec:
    if not isinstance(topic, str):
        raise UsageError(f"a topic's name is expected, not {topic!r}")
    check_topic_name(topic)
    if not isinstance(about, dict):
        return PortSpec(topic, _resolved(about), capacity)
    extra = [key for key in about if key not in ("type", "capacity")]
    if extra:
        raise UsageError(f"'{topic}': {extra[0]!r} is neither type nor capacity")
    kept = about.get("capacity", capacity)
    if kept is not None and (isinstance(kept, bool) or not isinstance(kept, int) or not 1 <= kept <= MOST_MESSAGES):
        raise UsageError(f"'{topic}': capacity is a number of messages from 1 to {MOST_MESSAGES:,}, not {kept!r}")
    return PortSpec(topic, _resolved(about.get("type")), kept)


def _resolved(declared: Any) -> type[Any] | None:
    return resolve_type(declared) if isinstance(declared, str) else message_class(declared)


class Ports:
    """The publishers and receivers of a running node.

    `sends` and `receives` are the functions behind each topic's name, looked up once; a topic that is not there is
    opened by `publisher` and `receiver`, or is an UnknownTopicError.
    """

    def __init__(
        self,
        plan: NodePlan,
        topics: dict[str, TopicPlan],
        participant: Participant,
        log: Callable[[str, str], None],
        request_stop: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._topics = topics
        self._participant = participant
        self.causality = Causality()
        self.log = log
        self.request_stop = request_stop
        self.sends: dict[str, Callable[[Any, int], bool]] = {}
        self.receives: dict[str, Callable[[], Any]] = {}
        self._publishers: dict[str, Publisher] = {}
        self._receivers: dict[str, Receiver] = {}
        self._open_subs = [resolve_type(name) if name != "any message" else None for name in plan.open_subs]
        self._open_pubs = [resolve_type(name) if name != "any message" else None for name in plan.open_pubs]

    def open_declared(self) -> None:
        """Open every port whose topic is declared, so that no message after this is missed."""
        for topic in self._plan.pubs:
            self._open_publisher(topic, self._declared(topic))
        for topic in self._plan.subs:
            self._open_receiver(topic, self._declared(topic))

    def _topic(self, name: str) -> TopicPlan:
        return self._topics.get(name) or TopicPlan(name)

    def _declared(self, topic: str) -> type[Any] | None:
        name = self._topic(topic).type
        return None if name is None else resolve_type(name)

    def _namespace(self, topic: TopicPlan) -> str:
        return default_namespace() if topic.external else self._participant.namespace

    def _open_publisher(self, topic: str, declared: type[Any] | None) -> Publisher:
        plan = self._topic(topic)
        publisher = self._participant.publisher(plan, self._plan.name, self._namespace(plan), declared, self.causality)
        self._publishers[topic] = publisher
        self.sends[topic] = publisher.send
        return publisher

    def _open_receiver(self, topic: str, declared: type[Any] | None) -> Receiver:
        plan = self._topic(topic)
        receiver = self._participant.receiver(plan, self._plan.name, self._namespace(plan), declared, self.causality)
        self._receivers[topic] = receiver
        self.receives[topic] = receiver.recv
        return receiver

    def publisher(self, topic: str, message: Any) -> Publisher:
        """The publisher of a topic. The first use of a name that is not declared gives it to the open port that fits
        `message` best. Raises UnknownTopicError when there is none."""
        return self._publishers.get(topic) or self._open_port(topic, lambda declared: _fit(declared, message))

    def lender(self, topic: str, measures: dict[str, Any]) -> Publisher:
        """The publisher of a topic, to take a loan of these measures from. Raises UnknownTopicError."""
        return self._publishers.get(topic) or self._open_port(topic, lambda declared: _fit_loan(declared, measures))

    def _open_port(self, topic: str, fit: Callable[[type[Any] | None], int]) -> Publisher:
        best = max(self._open_pubs, key=fit, default=None)
        if not self._open_pubs or (not fit(best) and len(self._open_pubs) > 1):
            raise UnknownTopicError(self._plan.name, topic, "pubs", tuple(self._publishers))
        opened = self._open_publisher(check_topic_name(topic), best)
        self._open_pubs.remove(best)
        return opened

    def receiver(self, topic: str) -> Receiver:
        """The receiver of a topic. The first use of a name that is not declared gives it to an open port: the one of
        the topic's type when another node declares that, else it takes whatever is published there.

        Raises UnknownTopicError when no port is left, MessageTypeError when none has that type.
        """
        receiver = self._receivers.get(topic)
        if receiver is not None:
            return receiver
        if not self._open_subs:
            raise UnknownTopicError(self._plan.name, topic, "subs", tuple(self._receivers))
        check_topic_name(topic)
        place = 0
        if len(set(self._open_subs)) > 1:
            place = self._place_for(topic)
        opened = self._open_receiver(topic, self._open_subs[place])
        del self._open_subs[place]
        return opened

    def _place_for(self, topic: str) -> int:
        """Which of several open ports, of different types, a topic is for. When nobody has declared the topic's type
        the last one is, and takes any: what comes tells."""
        declared = self._declared(topic)
        for wanted in (declared, None):
            if wanted in self._open_subs:
                return self._open_subs.index(wanted)
        if declared is not None:
            known = " or ".join(type_name(port) for port in self._open_subs if port is not None)
            raise MessageTypeError(topic, type_name(declared), known)
        self._open_subs[-1] = None
        return len(self._open_subs) - 1

    def unpublished(self) -> list[str]:
        """The topics read here that no node declares to publish and nobody has published on so far."""
        return [
            topic
            for topic, receiver in self._receivers.items()
            if not receiver.rings and not receiver.received and not self._topic(topic).publishers
        ]

    def published(self) -> list[str]:
        """The topics that nodes declare to publish."""
        return [topic.name for topic in self._topics.values() if topic.publishers]

    def close(self) -> None:
        """Give back the receivers' rows; the rings belong to the run."""
        for receiver in self._receivers.values():
            receiver.close()


def _fit(declared: type[Any] | None, message: Any) -> int:
    """How well an open port fits a message: 0 not at all, 1 it takes anything, 2 as it stands for its type, 3 of it."""
    if declared is None:
        return 1
    if isinstance(message, declared):
        return 3
    stands_for = ArrayMessage if isinstance(message, np.ndarray) else Record if isinstance(message, dict) else None
    return 2 if stands_for is not None and issubclass(declared, stands_for) else 0


def _fit_loan(declared: type[Any] | None, measures: dict[str, Any]) -> int:
    if declared is None:
        return 1
    if not issubclass(declared, ArrayMessage):
        return 0
    lender: Any = declared
    try:
        lender.plan(**measures)
    except (TypeError, ValueError):
        return 0
    return 2
