"""The words of a graph file: which keys there are, what each takes, and a sentence about each.

The sentences are the descriptions of the JSON Schema, so an editor shows them while the file is being written.
Validation is strict: a text is never taken for a number. What a key means together with others is checked in `check`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from horus_runner.graph import durations
from horus_runner.graph.marks import quoted
from horus_runner.graph.plan import DEFAULT_TICK_RATE_HZ, MissPolicy, OnFull, RestartPolicy

TOPIC_PATTERN = r"^[A-Za-z0-9_./-]+$"
NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
MAX_TOPIC_BYTES = 200
MAX_NAME_BYTES = 64
CAPACITY_RANGE = (1, 65_536)
HELD_RANGE = (1, 30)
EXTENSION_PREFIX = "x-"  # keys of the graph that are the author's own: a place for anchors
MESSAGE_TYPE = "message-type"
LIST, MAPPING, TYPE, PORT, BARE, WORD = "<list>", "<mapping>", "<type>", "<port>", "<bare>", "<word>"
ALTERNATIVES = frozenset((LIST, MAPPING, TYPE, PORT, BARE, WORD, "[key]"))


def problem(message: str, hint: str = "") -> PydanticCustomError:
    """A finding whose `message` goes on after the name of what it is about ("nodes 'a': rate ...")."""
    return PydanticCustomError("horus", "{message}", {"message": message, "hint": hint})


def _name_checker(what: str, pattern: str, allowed: str, longest: int) -> AfterValidator:
    compiled = re.compile(pattern.removesuffix("$"), re.ASCII)

    def check(name: str) -> str:
        if len(name) > longest:
            raise problem(
                f"{quoted(name)} is {len(name)} characters long.", f"The name of a {what} has at most {longest}."
            )
        if compiled.fullmatch(name) is None:
            raise problem(f"{quoted(name)} cannot be the name of a {what}.", f"Allowed are {allowed}.")
        return name

    return AfterValidator(check)


def _quantity(read: Any, schema: dict[str, Any]) -> tuple[BeforeValidator, WithJsonSchema]:
    def check(value: object) -> object:
        try:
            return read(value)
        except durations.QuantityError as error:
            raise problem(error.message, error.hint) from None

    return BeforeValidator(check), WithJsonSchema(schema)


TopicName = Annotated[
    str,
    _name_checker("topic", TOPIC_PATTERN, "letters A to Z, digits, '_', '.', '/' and '-'", MAX_TOPIC_BYTES),
    WithJsonSchema({"type": "string", "pattern": TOPIC_PATTERN, "maxLength": MAX_TOPIC_BYTES}),
]
_LETTERS = "letters A to Z, digits, '_', '.' and '-', the first neither '.' nor '-'"
NodeName = Annotated[str, _name_checker("node", NAME_PATTERN, _LETTERS, MAX_NAME_BYTES)]
GraphName = Annotated[
    str,
    _name_checker("graph", NAME_PATTERN, _LETTERS, MAX_NAME_BYTES),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN, "maxLength": MAX_NAME_BYTES}),
]
_duration_check, _duration_schema = _quantity(
    durations.duration_ns, {"type": "string", "pattern": durations.DURATION_PATTERN, "examples": ["50ms", "1.5s"]}
)
Duration = Annotated[int, _duration_check, _duration_schema]
_rate_check, _rate_schema = _quantity(
    durations.rate_hz,
    {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": durations.RATE_PATTERN}]},
)
Rate = Annotated[float, _rate_check, _rate_schema]
TypeName = Annotated[str, WithJsonSchema({"type": "string", "format": MESSAGE_TYPE})]
Capacity = Annotated[int, Field(ge=CAPACITY_RANGE[0], le=CAPACITY_RANGE[1])]
Held = Annotated[int, Field(ge=HELD_RANGE[0], le=HELD_RANGE[1])]

_CAPACITY = "How many messages the topic keeps; by default 1024 small ones, or 3 arrays."
_ON_FULL = (
    "What a publisher does when the topic is full: overwrite the oldest message (it is counted as lost), "
    "or wait for the slowest subscriber."
)
_MAX_HELD = "How many received messages a subscriber may hold at once without a copy being made; default 4."


class Strict(BaseModel):
    """A mapping with known keys only; a key without a value is as good as left out."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: object) -> object:
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


class TopicModel(Strict):
    """A topic of the graph; needed only where the defaults do not fit."""

    type: TypeName | None = Field(None, description="The message type; known from the publisher when left out.")
    capacity: Capacity | None = Field(None, description=_CAPACITY)
    on_full: OnFull | None = Field(None, description=_ON_FULL)
    max_held: Held | None = Field(None, description=_MAX_HELD)
    external: bool = Field(
        False, description="Published or read outside of this graph too, in the namespace 'default'."
    )
    stale_ok: bool = Field(
        False, description="A topic of settings: its messages do not count for the age of what a node sends."
    )


class PortModel(Strict):
    """One topic of a node, with what has to be said about it."""

    type: TypeName | None = Field(
        None, description="The message type: Image, CmdVel, ..., or module:Class for one of your own."
    )
    capacity: Capacity | None = Field(None, description=_CAPACITY)
    on_full: OnFull | None = Field(None, description=_ON_FULL)
    max_held: Held | None = Field(None, description=_MAX_HELD)


_PORT_KINDS: dict[type, str] = {str: TYPE, dict: PORT, type(None): BARE, PortModel: PORT}
_PORTS_KINDS: dict[type, str] = {list: LIST, dict: MAPPING}


def _port_kind(value: object) -> str | None:
    return _PORT_KINDS.get(type(value))


def _ports_kind(value: object) -> str | None:
    return _PORTS_KINDS.get(type(value))


Port = Annotated[
    Annotated[TypeName, Tag(TYPE)] | Annotated[PortModel, Tag(PORT)] | Annotated[None, Tag(BARE)],
    Discriminator(_port_kind),
]
Ports = Annotated[
    Annotated[list[TopicName], Tag(LIST)] | Annotated[dict[TopicName, Port], Tag(MAPPING)], Discriminator(_ports_kind)
]


class RestartModel(Strict):
    """When and how often an ended node is started again."""

    policy: RestartPolicy = Field("on-failure", description="After which ends: never, on-failure or always.")
    backoff: Duration | None = Field(
        None, description="The pause before the first restart, doubled each time; default 100ms."
    )
    max_backoff: Duration | None = Field(None, description="The longest pause before a restart; default 5s.")
    max_restarts: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="How many restarts are made within the window before the node is given up; default 5."
    )
    window: Duration | None = Field(None, description="The time in which restarts are counted; default 60s.")


_RESTART_KINDS: dict[type, str] = {str: WORD, dict: PORT, RestartModel: PORT}


def _restart_kind(value: object) -> str | None:
    return _RESTART_KINDS.get(type(value))


Restart = Annotated[
    Annotated[RestartPolicy, Tag(WORD)] | Annotated[RestartModel, Tag(PORT)], Discriminator(_restart_kind)
]


class NodeModel(Strict):
    """A node: a process that ticks."""

    run: str | None = Field(
        None,
        description="file.py:Name (relative to the graph file) or module:Name, "
        "where Name is a Node, a Node subclass or a function tick(node).",
    )
    subs: Ports | None = Field(
        None, description="The topics that the node reads: a list of names, or names with their types."
    )
    pubs: Ports | None = Field(
        None, description="The topics that the node publishes: a list of names, or names with their types."
    )
    params: dict[str, Any] = Field({}, description="Settings for the node's own code, read as node.params.")
    rate: Rate | None = Field(
        None,
        description="Ticks a second, 30 or 30Hz; with 'on' the most ticks a second. Without it, tick_rate applies.",
    )
    on: TopicName | None = Field(
        None, description="Tick when a message arrives on this topic, one of subs, instead of by the clock."
    )
    budget: Duration | None = Field(None, description="The longest that a tick may run, such as 50ms.")
    deadline: Duration | None = Field(
        None, description="The longest from a tick's release to its end; by default the longer of period and budget."
    )
    on_miss: MissPolicy | None = Field(
        None,
        description="After a missed deadline or budget: warn (count and log), skip (drop the releases that passed), "
        "safe_mode (call the safe-state hook), stop (end the graph).",
    )
    compute: bool = Field(
        False, description="Throughput work: runs at low priority, in the time that timed nodes leave."
    )
    order: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] = Field(
        0, description="Within one process (inline mode), nodes with a lower order run first."
    )
    restart: Restart | None = Field(
        None,
        description="Whether an ended node is started again: never, on-failure or always, "
        "or a mapping with backoff and limits.",
    )
    critical: bool | None = Field(None, description="Whether the final end of this node ends the graph; default true.")
    failure_policy: Literal["fatal", "restart", "skip", "ignore"] | None = Field(
        None,
        description="In one word: fatal (an exception ends the graph), restart (the node), skip (give up the tick), "
        "ignore (same, logged once).",
    )
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="BLAS and OpenMP threads; 1 for timed nodes that are not compute."
    )
    env: dict[str, str] = Field({}, description="Environment variables of the node's process.")


class GraphModel(Strict):
    """A graph of nodes for horus run."""

    name: GraphName | None = Field(None, description="The graph's name; by default that of its file.")
    tick_rate: Rate = Field(DEFAULT_TICK_RATE_HZ, description="The rate of nodes that give none, in ticks a second.")
    topics: dict[TopicName, TopicModel | None] = Field({}, description="What has to be said about topics themselves.")
    nodes: dict[NodeName, NodeModel] = Field({}, description="The nodes by their names.")
