"""Names that lead to publishers and receivers: declared ones, open ones, and wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import horus
from horus_runner.errors import MessageTypeError, UnknownTopicError
from horus_runner.graph.plan import TopicPlan
from horus_runner.node.api import Node
from horus_runner.node.ports import Ports, read_ports
from horus_runner.transport.participant import Participant


def tick(node: Any) -> None:
    """A tick function."""


@pytest.fixture
def ports(participant: Participant) -> Iterator[Callable[..., Ports]]:
    """`ports(pubs, subs, **types)`: the open ports of a node; `types` are those that other nodes declare."""
    made: list[Ports] = []

    def make(pubs: Any = None, subs: Any = None, **types: str) -> Ports:
        topics = {name: TopicPlan(name, kind, publishers=("other",)) for name, kind in types.items()}
        plan = Node(f"node{len(made)}", tick, pubs=pubs, subs=subs).plan(30.0)
        made.append(Ports(plan, topics, participant, lambda level, text: None, lambda: None))
        made[-1].open_declared()
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_five_ways_to_declare_ports() -> None:
    assert [port.topic for port in read_ports("n", "subs", "a", None)] == ["a"]
    assert [port.topic for port in read_ports("n", "subs", ("a", "b"), None)] == ["a", "b"]
    assert [(port.topic, port.type) for port in read_ports("n", "subs", horus.Image, None)] == [(None, horus.Image)]
    named = read_ports(
        "n", "subs", {"a": horus.CmdVel, "b": "Image", "c": {"type": "Imu", "capacity": 2}, "d": dict}, 7
    )
    assert [(port.topic, port.type_name, port.capacity) for port in named] == [
        ("a", "CmdVel", 7),
        ("b", "Image", 7),
        ("c", "Imu", 2),
        ("d", "any message", 7),
    ]
    assert read_ports("n", "subs", None, None) == []


def test_a_misspelt_topic_names_the_nearest_and_where_to_declare_it(ports: Callable[..., Ports]) -> None:
    made = ports(pubs=["cmd_vel", "status"], subs=["camera.rgb"])
    with pytest.raises(UnknownTopicError, match=r"node 'node0' does not publish 'cmdvel'\. Did you mean 'cmd_vel'\?"):
        made.publisher("cmdvel", {})
    with pytest.raises(UnknownTopicError, match=r"not subscribe to 'camera.rbg'\. Did you mean 'camera.rgb'\?"):
        made.receiver("camera.rbg")
    with pytest.raises(UnknownTopicError, match=r"'cmd'\. It declares no pubs at all\. Declare it in pubs"):
        ports(subs="x").publisher("cmd", {})


def test_the_first_use_of_an_open_port_decides_its_topic(ports: Callable[..., Ports]) -> None:
    made = ports(pubs=[horus.CmdVel], subs=[horus.CmdVel])
    receiver = made.receiver("wheel.left")
    assert made.publisher("wheel.left", None).send(horus.CmdVel(1.0, 2.0))
    assert receiver.recv() == horus.CmdVel(1.0, 2.0)
    with pytest.raises(UnknownTopicError, match=r"'wheel\.lft'"):
        made.publisher("wheel.lft", horus.CmdVel(1.0, 2.0))
    with pytest.raises(UnknownTopicError, match=r"'wheel\.lft'"):
        made.receiver("wheel.lft")


@pytest.mark.parametrize(
    "message, declared",
    [
        (horus.CmdVel(1.0, 2.0), horus.CmdVel),
        (horus.Image(2, 2), horus.Image),
        (np.zeros((2, 2, 3), np.uint8), horus.Image),
        ({"linear": 1.0, "angular": 0.5}, horus.CmdVel),
        ("text", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("order", [[dict, horus.CmdVel, horus.Image], [horus.Image, horus.CmdVel, dict]])
def test_of_several_open_ports_a_message_takes_the_one_that_fits(
    ports: Callable[..., Ports], message: Any, declared: type[Any] | None, order: list[type[Any]]
) -> None:
    made = ports(pubs=order)
    publisher = made.publisher("t", message)
    assert publisher.sender.declared is declared
    publisher.send(message)


def test_of_several_open_ports_none_may_fit(ports: Callable[..., Ports]) -> None:
    with pytest.raises(UnknownTopicError, match="does not publish 't'"):
        ports(pubs=[horus.CmdVel, horus.Image]).publisher("t", "text")
    with pytest.raises(MessageTypeError, match="topic 't' carries CmdVel, not str"):
        ports(pubs=[horus.CmdVel]).publisher("t", "text").send("text")


def test_a_loan_takes_the_open_port_of_its_measures(ports: Callable[..., Ports]) -> None:
    made = ports(pubs=[horus.CmdVel, horus.Image, horus.PointCloud])
    cloud = made.lender("cloud", {"num_points": 10, "fields": 3}).loan(num_points=10, fields=3)
    image = made.lender("rgb", {"height": 2, "width": 3}).loan(height=2, width=3)
    assert (type(cloud), type(image)) == (horus.PointCloud, horus.Image)


def test_a_name_that_no_topic_can_have_does_not_use_the_port_up(ports: Callable[..., Ports]) -> None:
    made = ports(pubs=[horus.CmdVel], subs=[horus.CmdVel])
    for use in (lambda: made.publisher("a b", {}), lambda: made.receiver("a b")):
        with pytest.raises(ValueError, match="cannot name a topic"):
            use()
    assert made.publisher("a", {}) and made.receiver("a")


def test_of_several_open_subs_the_declared_type_decides(ports: Callable[..., Ports]) -> None:
    made = ports(subs=[horus.Image, horus.CmdVel], drive="CmdVel", scan="LaserScan")
    with pytest.raises(MessageTypeError, match=re.escape("topic 'scan' carries LaserScan, not Image or CmdVel")):
        made.receiver("scan")
    receiver = made.receiver("drive")
    ports(pubs={"drive": horus.CmdVel}).publisher("drive", None).send(horus.CmdVel(3.0, 0.0))
    assert receiver.recv() == horus.CmdVel(3.0, 0.0)


def test_several_open_subs_whose_topics_nobody_declares_take_what_comes(ports: Callable[..., Ports]) -> None:
    made = ports(subs=[horus.Image, horus.CmdVel])
    first, second = made.receiver("drive"), made.receiver("rgb")
    with pytest.raises(UnknownTopicError, match="'more'"):
        made.receiver("more")
    other = ports(pubs=["drive", "rgb"])
    other.publisher("rgb", None).send(horus.Image(2, 2))
    other.publisher("drive", None).send(horus.CmdVel(1.0, 0.0))
    assert type(first.recv()) is horus.CmdVel
    assert type(second.recv()) is horus.Image


def test_the_topics_that_nobody_publishes(ports: Callable[..., Ports]) -> None:
    made = ports(subs=["declared", "sent", "lonely"], declared="Image")
    assert made.unpublished() == ["sent", "lonely"]
    ports(pubs=["sent"]).publisher("sent", None).send(1)
    made.receiver("sent").has_message()
    assert made.unpublished() == ["lonely"]
    assert made.published() == ["declared"]
