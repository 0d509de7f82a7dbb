"""`Topic`: sending and receiving outside of any graph, between any two processes that use the same name."""

from __future__ import annotations

import os
from typing import Any

from horus_runner._core.arrays import ArrayMessage
from horus_runner._core.clock import monotonic_ns
from horus_runner._core.receiver import MESSAGE, wait
from horus_runner._core.records import Record
from horus_runner.errors import UsageError
from horus_runner.graph.plan import TopicPlan
from horus_runner.messages.registry import default_topic, message_type
from horus_runner.transport.names import check_topic_name
from horus_runner.transport.participant import bare_participant

_ANYTHING = (dict, list, tuple, str, bytes, int, float, bool, object)


def message_class(declared: Any) -> type[Any] | None:
    """The message class that a port is declared with: a class, a type's name, or None for whatever is sent.

    Raises UsageError for a class that is no message.
    """
    if declared is None or declared in _ANYTHING or declared is Any:
        return None
    if isinstance(declared, str):
        return message_type(declared)
    if isinstance(declared, type) and issubclass(declared, (Record, ArrayMessage)):
        return declared
    shown = getattr(declared, "__name__", repr(declared))
    raise UsageError(
        f"{shown} is not a message type. Decorate the class with @horus.message, "
        "or give no type: dicts, lists, numbers, text and bytes travel without one."
    )


class Topic:
    """A topic by itself: send to it, receive from it, in any process of the namespace (HORUS_NAMESPACE, else default).

    `topic` is a name, or a message class, whose default topic it is then (``Topic(CmdVel)`` is ``cmd_vel``); `name`
    gives a typed topic another name. `capacity` is the number of messages kept (default 1,024, for arrays and large
    messages 3). What is sent from now on can be received; what was sent before is not.
    """

    def __init__(
        self, topic: str | type[Any], capacity: int | None = None, *, name: str | None = None, max_held: int = 4
    ) -> None:
        declared = message_class(topic)
        if name is None:
            name = topic if isinstance(topic, str) and declared is None else default_topic(declared or dict)
        if capacity is not None and not 1 <= capacity <= 1 << 20:
            raise UsageError(f"topic '{name}': capacity is a number of messages from 1 to 1,048,576, not {capacity}")
        if not 1 <= max_held <= 30:
            raise UsageError(f"topic '{name}': max_held is a number of messages from 1 to 30, not {max_held}")
        plan = TopicPlan(check_topic_name(name), None, capacity, max_held=max_held)
        member = bare_participant()
        who = f"{os.getpid()}"
        self._member = member
        self._publisher = member.publisher(plan, who, member.namespace, declared)
        self._receiver = member.receiver(plan, who, member.namespace, declared)
        self.name = name
        self.type = declared
        #: Publish a message; see `Sender.send`.
        self.send = self._publisher.send
        #: The newest message not received yet, or None.
        self.latest = self._receiver.latest
        #: Every message not received yet, oldest first.
        self.recv_all = self._receiver.recv_all
        self._recv = self._receiver.recv

    def recv(self, timeout: float | None = None) -> Any:
        """The oldest message not received yet, or None; with `timeout` (seconds) waits that long for one."""
        message = self._recv()
        if message is not None or not timeout:
            return message
        until = monotonic_ns() + round(timeout * 1e9)
        while message is None and wait(self._member.doorbell, (self._receiver,), until) == MESSAGE:
            message = self._recv()  # None again when the publisher overwrote it in between
        return message if message is not None else self._recv()

    def wait(self, timeout: float) -> bool:
        """Sleep until a message is there, at most `timeout` seconds; True when one is."""
        until = monotonic_ns() + round(timeout * 1e9)
        return bool(wait(self._member.doorbell, (self._receiver,), until) == MESSAGE)

    def has_msg(self) -> bool:
        """Whether `recv` would return a message now."""
        return self._receiver.has_message()

    def loan(self, **measures: Any) -> Any:
        """An array message in a slot of the topic's ring, to fill in place; see `Publisher.loan`."""
        return self._publisher.loan(**measures)

    def close(self) -> None:
        """Stop receiving: give back this subscriber's place."""
        self._receiver.close()

    def __repr__(self) -> str:
        carried = "any message" if self.type is None else self.type.__name__
        return f"Topic({self.name!r}, carries {carried})"
