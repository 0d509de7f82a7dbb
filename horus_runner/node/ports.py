"""A node's topics: what it declares, and, while it runs, the publishers and receivers behind the names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from horus_runner._core.channel import Causality, Receiver
from horus_runner.errors import MessageTypeError, UnknownTopicError, UsageError
from horus_runner.graph.plan import NodePlan, TopicPlan
from horus_runner.messages.registry import resolve_type, type_name
from horus_runner.transport.names import DEFAULT_NAMESPACE, check_topic_name
from horus_runner.transport.participant import Participant
from horus_runner.transport.publishing import Publisher
from horus_runner.transport.topic import message_class


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

    Raises UsageError for a form or a type that means nothing, and for a topic named twice; ValueError for a name that
    no topic can have.
    """
    if given is None:
        return []
    try:
        if isinstance(given, dict):
            ports = [_named(topic, about, capacity) for topic, about in given.items()]
        else:
            items = [given] if isinstance(given, (str, type)) else list(given)
            ports = [_listed(item, capacity) for item in items]
    except (UsageError, ValueError, TypeError) as error:
        raise type(error)(f"{who}: {direction}: {error}") from None
    names = [port.topic for port in ports if port.topic]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{who}: {direction}: topic '{name}' stands there twice")
    return ports


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
    if isinstance(about, dict):
        extra = set(about) - {"type", "capacity"}
        if extra:
            raise UsageError(f"'{topic}': {sorted(extra)[0]!r} is neither type nor capacity")
        return PortSpec(topic, _resolved(about.get("type")), about.get("capacity", capacity))
    return PortSpec(topic, _resolved(about), capacity)


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
        return DEFAULT_NAMESPACE if topic.external else self._participant.namespace

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
        """The publisher of a topic. The first use of a name that is not declared gives it to an open port that takes
        `message` (None: a loan). Raises UnknownTopicError."""
        publisher = self._publishers.get(topic)
        if publisher is not None:
            return publisher
        for declared in self._open_pubs:
            if declared is None or message is None or isinstance(message, (declared, dict)) or not self._open_pubs[1:]:
                self._open_pubs.remove(declared)
                return self._open_publisher(check_topic_name(topic), declared)
        raise UnknownTopicError(self._plan.name, topic, "pubs", tuple(self._publishers))

    def receiver(self, topic: str) -> Receiver:
        """The receiver of a topic. The first use of a name that is not declared gives it to an open port.

        Raises UnknownTopicError.
        """
        receiver = self._receivers.get(topic)
        if receiver is not None:
            return receiver
        if len(self._open_subs) == 1:
            return self._open_receiver(check_topic_name(topic), self._open_subs.pop())
        for declared in self._open_subs:
            opened = self._try_open(topic, declared)
            if opened is not None:
                self._open_subs.remove(declared)
                return opened
        raise UnknownTopicError(self._plan.name, topic, "subs", tuple(self._receivers))

    def _try_open(self, topic: str, declared: type[Any] | None) -> Receiver | None:
        """With several open ports, the one whose type is published on the topic."""
        try:
            return self._open_receiver(check_topic_name(topic), declared)
        except MessageTypeError:
            return None

    def close(self) -> None:
        """Give back the receivers' rows; the rings belong to the run."""
        for receiver in self._receivers.values():
            receiver.close()
