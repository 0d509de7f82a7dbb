"""The ports of a graph's nodes, gathered from the ways in which they may be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from horus_runner.graph.data import Validated
from horus_runner.graph.marks import Place, Tree, find
from horus_runner.graph.model import GraphModel, PortModel, TopicModel

Direction = Literal["subs", "pubs"]
Option = int | str | bool
_PLAIN = TopicModel.model_construct()
OPTIONS = ("capacity", "on_full", "max_held")


@dataclass(frozen=True, slots=True)
class Port:
    """One node's use of one topic: where its name stands, what it says about the topic and where it says so."""

    node: str
    direction: Direction
    topic: str
    place: Place
    type: str | None = None
    type_place: Place | None = None
    options: dict[str, tuple[Option, Place]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A graph that is valid key by key, for the checks of how its parts fit together."""

    validated: Validated
    model: GraphModel
    ports: tuple[Port, ...]
    by_topic: dict[str, list[Port]]
    by_node: dict[str, list[Port]]

    @classmethod
    def of(cls, validated: Validated, model: GraphModel) -> Draft:
        ports = tuple(_ports(model, validated.root))
        by_topic: dict[str, list[Port]] = {}
        by_node: dict[str, list[Port]] = {name: [] for name in model.nodes}
        for port in ports:
            by_topic.setdefault(port.topic, []).append(port)
            by_node[port.node].append(port)
        return cls(validated, model, ports, by_topic, by_node)

    @property
    def root(self) -> Tree:
        return self.validated.root

    def place(self, *path: str | int) -> Place:
        return find(self.root, path).place

    def key_place(self, *path: str | int) -> Place:
        return find(self.root, path).key_place

    def publishers(self, topic: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.node for p in self.by_topic.get(topic, ()) if p.direction == "pubs"))

    def subscribers(self, topic: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.node for p in self.by_topic.get(topic, ()) if p.direction == "subs"))

    def topics_of(self, node: str, direction: Direction) -> tuple[str, ...]:
        """The topics that the node names in its subs or pubs, in the order of the file."""
        return tuple(p.topic for p in self.by_node[node] if p.direction == direction)

    def topic_model(self, topic: str) -> TopicModel:
        return self.model.topics.get(topic) or _PLAIN

    def topics(self) -> tuple[str, ...]:
        """Every topic of the graph: those described first, then in the order of their first use."""
        return tuple(dict.fromkeys((*self.model.topics, *self.by_topic)))

    def type_claims(self, topic: str) -> list[tuple[str, Place, str]]:
        """What is said about the topic's type: type, place, who says so; the one that counts first."""
        claims = []
        described = self.topic_model(topic).type
        if described is not None:
            claims.append((described, self.place("topics", topic, "type"), "'topics'"))
        uses = list(self.by_topic.get(topic, ()))
        uses.sort(key=lambda port: port.direction)  # "pubs" before "subs"
        claims += [
            (port.type, port.type_place, f"node '{port.node}'") for port in uses if port.type and port.type_place
        ]
        return claims

    def option_claims(self, topic: str, option: str) -> list[tuple[Option, Place, str]]:
        """What is said about one option of the topic, the one that counts first."""
        claims: list[tuple[Option, Place, str]] = []
        described = getattr(self.topic_model(topic), option)
        if described is not None:
            claims.append((described, self.place("topics", topic, option), "'topics'"))
        for port in self.by_topic.get(topic, ()):
            if option in port.options:
                value, place = port.options[option]
                claims.append((value, place, f"node '{port.node}'"))
        return claims


def _ports(model: GraphModel, root: Tree) -> Iterator[Port]:
    for name, node in model.nodes.items():
        for direction in ("subs", "pubs"):
            yield from _declared(name, direction, getattr(node, direction) or (), root)


def _declared(node: str, direction: Direction, declared: object, root: Tree) -> Iterator[Port]:
    base = ("nodes", node, direction)
    if isinstance(declared, list):
        for index, topic in enumerate(declared):
            yield Port(node, direction, topic, find(root, (*base, index)).place)
    elif isinstance(declared, dict):
        for topic, port in declared.items():
            spot = find(root, (*base, topic))
            if isinstance(port, PortModel):
                type_place = find(root, (*base, topic, "type")).place
                options = {
                    option: (value, find(root, (*base, topic, option)).place)
                    for option in OPTIONS
                    if (value := getattr(port, option)) is not None
                }
                yield Port(node, direction, topic, spot.key_place, port.type, type_place, options)
            else:
                yield Port(node, direction, topic, spot.key_place, port, spot.place)
