"""`Node`: what a user writes. Everything that it is given is checked here, in the constructor."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any, get_args

from horus_runner.errors import UsageError, did_you_mean
from horus_runner.graph.plan import ErrorPolicy, MissPolicy, NodePlan, RestartPlan, RestartPolicy, TopicPlan
from horus_runner.messages.registry import type_name
from horus_runner.node.given import Given
from horus_runner.node.ports import MOST_MESSAGES, PortSpec, read_ports

if TYPE_CHECKING:
    from horus_runner.node.ports import Ports

us = 1e-6
"""A microsecond, in seconds: ``budget=300 * horus.us``."""
ms = 1e-3
"""A millisecond, in seconds: ``budget=50 * horus.ms``."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_FAILURE_POLICIES: dict[str, tuple[RestartPolicy, ErrorPolicy]] = {
    "fatal": ("never", "exit"),
    "restart": ("on-failure", "exit"),
    "skip": ("never", "skip"),
    "ignore": ("never", "ignore"),
}
_unnamed = 0


class Params(dict[str, Any]):
    """A node's parameters. A name that is not there raises KeyError with the nearest one that is."""

    def __missing__(self, name: str) -> Any:
        raise KeyError(f"there is no parameter '{name}'.{did_you_mean(name, self)}")


class Node:
    """A node: a function or a subclass that ticks, the topics that it uses, the time that it may take.

    `tick(node)` runs `rate` times a second (default: the graph's `tick_rate`), or, with `on`, whenever a message
    arrives on that topic, at most `rate` times a second. `budget` and `deadline` are seconds (``50 * horus.ms``):
    execution may not exceed the one, end - release not the other. `on_miss` is ``warn``, ``skip``, ``safe_mode`` or
    ``stop``. `init(node)` and `shutdown(node)` run in the node's process before the first tick and after the last.
    `on_error(node, error)` is told of an exception in a tick; then `failure_policy` decides: ``fatal`` (the graph
    stops), ``restart``, ``skip`` (the tick is given up and counted) or ``ignore`` (the same, logged once). All of these
    may be coroutine functions: the node has an event loop, which runs while one of them does.

    `subs` and `pubs` name topics: a name, a list of names or message types, or a dict of names to types. A bare type
    makes a port whose topic its first use decides. A subclass overrides `tick`, `init`, `shutdown`, `on_error` and
    `enter_safe_state` instead of passing functions.

    Raises UsageError, TypeError or ValueError with what is wrong, what is allowed and the nearest right name.
    """

    def __init__(
        self,
        name: str | None = None,
        tick: Callable[[Any], Any] | None = None,
        rate: float | None = None,
        pubs: Any = None,
        subs: Any = None,
        init: Callable[[Any], Any] | None = None,
        shutdown: Callable[[Any], Any] | None = None,
        on_error: Callable[[Any, BaseException], Any] | None = None,
        order: int = 0,
        budget: float | None = None,
        deadline: float | None = None,
        on_miss: MissPolicy | None = None,
        failure_policy: str | None = None,
        compute: bool = False,
        on: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        restart: RestartPolicy | None = None,
        critical: bool = True,
        threads: int | None = None,
        env: Mapping[str, str] | None = None,
        default_capacity: int | None = None,
        **unknown: Any,
    ) -> None:
        global _unnamed
        if unknown:
            word = next(iter(unknown))
            raise TypeError(f"Node() has no parameter '{word}'.{did_you_mean(word, _PARAMETERS)}")
        if name is None:
            _unnamed += 1
            name = getattr(tick, "__name__", "") if type(self) is Node else type(self).__name__.lower()
            name = name if _NAME.fullmatch(name) else f"node_{_unnamed}"
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} cannot name a node: letters, digits and _ . - are allowed, at most 100 of them")
        self.name = name
        self._say = f"node '{name}'"
        self._hooks: dict[str, Callable[..., Any] | None] = {
            "tick": tick,
            "init": init,
            "shutdown": shutdown,
            "on_error": on_error,
        }
        given = Given(self._say)
        self._check_hooks(given)
        self.rate = given.number("rate", rate, "Hz")
        self.budget = given.duration("budget", budget)
        self.deadline = given.duration("deadline", deadline)
        self.order = given.whole("order", order)
        self.on_miss: MissPolicy = given.choice("on_miss", on_miss, get_args(MissPolicy), "warn")
        self.compute = given.flag("compute", compute)
        self.critical = given.flag("critical", critical)
        self.failure_policy = given.choice("failure_policy", failure_policy, tuple(_FAILURE_POLICIES), "fatal")
        usual = _FAILURE_POLICIES[self.failure_policy][0]
        self.restart: RestartPolicy = given.choice("restart", restart, get_args(RestartPolicy), usual)
        if failure_policy is not None and (restart is not None or not critical):
            raise UsageError(
                f"{self._say}: failure_policy says what restart and critical say in another way: give it, or them"
            )
        self.threads = None if threads is None else given.whole("threads", threads, 1)
        self.env = {key: str(value) for key, value in given.mapping("env", env).items()}
        if params is not None or "params" not in vars(self):
            self.params = Params(given.mapping("params", params))
        capacity = (
            None if default_capacity is None else given.whole("default_capacity", default_capacity, 1, MOST_MESSAGES)
        )
        self._subs = read_ports(self._say, "subs", subs, capacity)
        self._pubs = read_ports(self._say, "pubs", pubs, capacity)
        self.on = on
        if on is not None:
            self._check_on(on)
        self._ports: Ports | None = None
        self.bound = False

    # ---- checks

    def _check_hooks(self, given: Given) -> None:
        for hook, function in self._hooks.items():
            words = ("error",) if hook == "on_error" else ()
            if function is not None:
                given.function(hook, function, "node", *words)
            elif getattr(type(self), hook) is not getattr(Node, hook):
                given.function(hook, getattr(self, hook), *words)
        if self._hooks["tick"] is None and type(self).tick is Node.tick:
            raise UsageError(f"{self._say} has no tick: pass tick=function, or override tick(self) in a subclass")

    def _check_on(self, on: Any) -> None:
        if not isinstance(on, str):
            raise TypeError(f"{self._say}: on= takes a topic's name, not {type(on).__name__}")
        known = [port.topic for port in self._subs if port.topic]
        if on not in known and len(known) == len(self._subs):  # else it is the first use of a port without a topic
            raise UsageError(
                f"{self._say}: on='{on}' is not among its subs.{did_you_mean(on, known) or ' Add it to subs=[...].'}"
            )

    # ---- what a node does; a subclass overrides these

    def tick(self) -> Any:
        """One tick. The default calls the function that was passed."""
        function = self._hooks["tick"]
        return None if function is None else function(self)

    def init(self) -> Any:
        """Before the first tick, in the node's own process: open devices, load models."""
        function = self._hooks["init"]
        return None if function is None else function(self)

    def shutdown(self) -> Any:
        """After the last tick, also after a failure."""
        function = self._hooks["shutdown"]
        return None if function is None else function(self)

    def on_error(self, error: BaseException) -> Any:
        """A tick raised `error`; `failure_policy` decides what follows."""
        function = self._hooks["on_error"]
        return None if function is None else function(self, error)

    def enter_safe_state(self) -> None:
        """`on_miss: safe_mode` found a miss: bring what this node drives into a safe state."""

    # ---- what a node uses while it runs

    @property
    def _running(self) -> Ports:
        if self._ports is None:
            raise RuntimeError(f"{self._say} does not run: topics, logs and stops are for its init, tick and shutdown")
        return self._ports

    def send(self, topic: str, data: Any, origin_ns: int = 0) -> bool:
        """Publish `data` on a topic of `pubs`. `origin_ns` (CLOCK_MONOTONIC): when it was measured.

        Returns True. Raises UnknownTopicError, MessageTypeError, SharedMemoryFullError.
        """
        ports = self._ports
        if ports is None:
            ports = self._running
        sends = ports.sends.get(topic)
        if sends is None:
            sends = ports.publisher(topic, data).send
        return sends(data, origin_ns)

    def recv(self, topic: str) -> Any:
        """The oldest message of a topic of `subs` that this node has not received yet, or None.

        Raises UnknownTopicError for a topic that is not declared, MessageTypeError or LayoutMismatchError for one that
        carries something else.
        """
        ports = self._ports
        if ports is None:
            ports = self._running
        receives = ports.receives.get(topic)
        if receives is None:
            receives = ports.receiver(topic).recv
        return receives()

    def recv_all(self, topic: str) -> list[Any]:
        """All messages of a topic that this node has not received yet, oldest first."""
        return self._running.receiver(topic).recv_all()

    def latest(self, topic: str) -> Any:
        """The newest message not received yet, or None; the ones before it count as superseded."""
        return self._running.receiver(topic).latest()

    def has_msg(self, topic: str) -> bool:
        """Whether `recv` would return a message now."""
        return self._running.receiver(topic).has_message()

    def loan(self, topic: str, **measures: Any) -> Any:
        """An array message in a slot of the topic's ring, to fill in place and send without a copy.

        `measures`: ``height=, width=, encoding=`` or ``shape=, dtype=``. The slot holds old bytes until it is filled.
        """
        return self._running.lender(topic, measures).loan(**measures)

    def publishers(self) -> list[str]:
        """The topics that this node publishes."""
        return [port.topic or port.type_name for port in self._pubs]

    def subscribers(self) -> list[str]:
        """The topics that this node subscribes to."""
        return [port.topic or port.type_name for port in self._subs]

    def log_debug(self, text: str) -> None:
        """A line for the log, with this node's name, shown at level debug."""
        self._running.log("debug", text)

    def log_info(self, text: str) -> None:
        """A line for the log, with this node's name."""
        self._running.log("info", text)

    def log_warning(self, text: str) -> None:
        """A warning for the log, with this node's name."""
        self._running.log("warning", text)

    def log_error(self, text: str) -> None:
        """An error for the log, with this node's name. It does not end anything."""
        self._running.log("error", text)

    def request_stop(self) -> None:
        """Stop the whole graph after this tick, as if its work were done: exit code 0."""
        self._running.request_stop()

    # ---- as a plan

    def plan(self, default_rate_hz: float) -> NodePlan:
        """This node as the runtime takes it; `default_rate_hz` is the graph's tick rate.

        Its params stay with the node: they may be objects that no record carries.
        """
        on_exception = _FAILURE_POLICIES[self.failure_policy][1]
        return NodePlan(
            name=self.name,
            subs=tuple(port.topic for port in self._subs if port.topic),
            pubs=tuple(port.topic for port in self._pubs if port.topic),
            open_subs=tuple(port.type_name for port in self._subs if not port.topic),
            open_pubs=tuple(port.type_name for port in self._pubs if not port.topic),
            rate_hz=self.rate or (None if self.on else float(default_rate_hz)),
            on=self.on,
            budget_ns=None if self.budget is None else round(self.budget * 1e9),
            deadline_ns=None if self.deadline is None else round(self.deadline * 1e9),
            on_miss=self.on_miss,
            on_exception=on_exception,
            compute=self.compute,
            order=self.order,
            restart=RestartPlan(policy=self.restart),
            critical=self.critical,
            threads=self.threads,
            env=dict(self.env),
        )

    def bind(self, plan: NodePlan) -> None:
        """Take name, ports, parameters and policies from a graph file's plan."""
        self.name, self.bound = plan.name, True
        self._say = f"node '{plan.name}'"
        self.params = Params(plan.params)
        self.rate, self.on, self.order = plan.rate_hz, plan.on, plan.order
        self.on_miss, self.compute, self.threads = plan.on_miss, plan.compute, plan.threads
        self.restart, self.critical, self.env = plan.restart.policy, plan.critical, dict(plan.env)
        self.failure_policy = _failure_policy(plan)
        self.budget = None if plan.budget_ns is None else plan.budget_ns / 1e9
        self.deadline = None if plan.deadline_ns is None else plan.deadline_ns / 1e9
        self._subs = [PortSpec(topic) for topic in plan.subs]
        self._pubs = [PortSpec(topic) for topic in plan.pubs]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} '{self.name}' subs={self.subscribers()} pubs={self.publishers()}>"


def _failure_policy(plan: NodePlan) -> str:
    if plan.on_exception != "exit":
        return plan.on_exception
    return "fatal" if plan.restart.policy == "never" else "restart"


_PARAMETERS = [name for name in signature(Node.__init__).parameters if name not in ("self", "unknown")]


def topic_plans(nodes: Iterable[Node]) -> dict[str, TopicPlan]:
    """The topics that a script's nodes name, with who publishes and who subscribes.

    Raises UsageError when two nodes give one topic different types, or names differ by case only.
    """
    found: dict[str, TopicPlan] = {}
    folded: dict[str, str] = {}
    for node in nodes:
        for port, publishes in [(p, True) for p in node._pubs] + [(s, False) for s in node._subs]:
            if port.topic is None:
                continue
            twin = folded.setdefault(port.topic.lower(), port.topic)
            if twin != port.topic:
                raise UsageError(f"topics '{twin}' and '{port.topic}' differ by case only: use one of the two names")
            before = found.get(port.topic, TopicPlan(port.topic))
            name = None if port.type is None else type_name(port.type)
            if name and before.type and before.type != name:
                raise UsageError(f"topic '{port.topic}' is {before.type} to one node and {name} to '{node.name}'")
            found[port.topic] = TopicPlan(
                port.topic,
                before.type or name,
                max(before.capacity or 0, port.capacity or 0) or None,
                publishers=(*before.publishers, node.name) if publishes else before.publishers,
                subscribers=before.subscribers if publishes else (*before.subscribers, node.name),
            )
    return found
