"""Pydantic's findings in this package's words: each is looked up in the tree and becomes a Problem there.

Only the findings' types, locations and contexts are used; pydantic's own text is never shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from horus_runner.errors import Problem, did_you_mean, nearest
from horus_runner.graph.marks import Mapping, Path, Scalar, Sequence, Spot, Tree, find, quoted
from horus_runner.graph.model import ALTERNATIVES, GraphModel, NodeModel, PortModel, RestartModel, TopicModel

# words of other systems, and slips that no spelling distance finds
_SYNONYMS = {
    "subs": "in input inputs subscribers subscribes subscriptions",
    "pubs": "out output outputs publishers publishes publications",
    "run": "path file source module operator executable exec command entry",
    "params": "parameters args config settings options",
    "rate": "hz frequency freq fps",
    "on": "trigger",
    "env": "environment",
    "deadline": "timeout",
    "restart": "on_failure",
    "order": "priority",
    "capacity": "queue_size depth size",
    "type": "msg_type message",
    "tick_rate": "default_rate",
}
_MEANT = {word: key for key, words in _SYNONYMS.items() for word in words.split()}


_TEXT_HINTS = {
    "on": "A node ticks on one topic; it reads others beside it when it is named in subs.",
    "run": "Write run: file.py:Name.",
}


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(model.model_fields)


def model_at(path: Path) -> type[BaseModel] | None:
    """The model whose keys stand in the mapping at `path`."""
    match path:
        case ():
            return GraphModel
        case ("nodes", _):
            return NodeModel
        case ("topics", _):
            return TopicModel
        case ("nodes", _, "subs" | "pubs", str()):
            return PortModel
        case ("nodes", _, "restart"):
            return RestartModel
    return None


def meant_key(name: str, model: type[BaseModel]) -> str | None:
    """The key of `model` that was probably meant by `name`."""
    known = keys_of(model)
    synonym = _MEANT.get(name.lower())
    return synonym if synonym in known else nearest(name, known)


def spot_of(error: ErrorDetails, root: Tree) -> Spot:
    """What the finding is about; pydantic's names for alternatives are no steps."""
    return find(root, tuple(step for step in error["loc"] if step not in ALTERNATIVES))


def subject(path: Path) -> str:
    """``node 'detect': rate`` for the path of a value."""
    match path:
        case ():
            return "the graph"
        case ("nodes" | "topics" as section, str(name), *rest):
            parts = [f"{section[:-1]} {quoted(name)}"]
        case (first, *rest):
            parts = [str(first)]
    for step in rest:
        if isinstance(step, int):
            parts[-1] += f"[{step}]"
        elif parts[-1] in ("subs", "pubs", "env", "params"):
            parts[-1] += f" {quoted(step)}"
        else:
            parts.append(step)
    return ": ".join(parts)


def explain(error: ErrorDetails, root: Tree) -> Problem:
    """The problem that a finding of pydantic describes."""
    spot = spot_of(error, root)
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(spot)
    of = subject(spot.path)
    found = found_text(spot.tree)
    if kind == "horus":
        is_key = error["loc"][-1] == "[key]"
        message, hint = str(context["message"]), str(context["hint"])
        separator = ": " if message.startswith("'") else " "
        if is_key:
            return spot.key_place.problem(message, hint)
        return spot.place.problem(f"{of}{separator}{message}", hint)
    if kind == "literal_error" and isinstance(spot.tree, Scalar):
        return _not_a_word(spot, context)
    message, hint = _wrong_kind(kind, context, spot, found)
    return spot.place.problem(f"{of} {message}", hint)


def found_text(tree: Tree) -> str:
    """What was written, for a message: ``the text 'fast'``, ``a list``."""
    if isinstance(tree, Mapping):
        return "a mapping"
    if isinstance(tree, Sequence):
        return "a list"
    if tree.value is None:
        return "empty"
    if isinstance(tree.value, str):
        return f"the text {quoted(tree.text)}"
    return f"the number {quoted(tree.text)[1:-1]}" if not isinstance(tree.value, bool) else f"{tree.text}"


def _unknown_key(spot: Spot) -> Problem:
    name, owner = str(spot.path[-1]), spot.path[:-1]
    model = model_at(owner) or GraphModel
    what = {NodeModel: "a node", TopicModel: "a topic", PortModel: "a port", RestartModel: "restart"}.get(
        model, "a graph"
    )
    known = keys_of(model)
    if name == "optional" and model is NodeModel:
        hint = "Write critical: false for a node that may end without ending the graph."
    elif (meant := meant_key(name, model)) is not None:
        hint = f"Did you mean '{meant}'?"
    else:
        hint = f"Allowed are {listed(known)}."
    who = "" if model is GraphModel else f"{subject(owner)}: "
    return spot.key_place.problem(f"{who}{quoted(name)} is not a key of {what}.", hint)


def _not_a_word(spot: Spot, context: dict[str, Any]) -> Problem:
    words = str(context["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
    value = spot.tree.text if isinstance(spot.tree, Scalar) else ""
    guess = did_you_mean(value, words) if nearest(value, words) else ""
    message = f"{subject(spot.path)} cannot be {quoted(value)}."
    return spot.place.problem(message, f"Allowed are {listed(words)}.{guess}")


def _wrong_kind(kind: str, context: dict[str, Any], spot: Spot, found: str) -> tuple[str, str]:
    """The message and the hint for a value of the wrong kind or out of range."""
    text = spot.tree.text if isinstance(spot.tree, Scalar) else ""
    quote = f'Quote it if it is meant as text: "{text}".' if text else ""
    key = spot.path[-1] if spot.path else ""
    match kind:
        case "greater_than_equal":
            return f"is {text}: at least {context['ge']:,} is needed.", "Leave it out for the default."
        case "less_than_equal":
            return f"is {text}: at most {context['le']:,} is possible.", "Leave it out for the default."
        case "bool_type":
            meant = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}.get(
                text.lower()
            )
            return f"is {found}, not true or false.", f"Write {meant}." if meant else "Write true or false."
        case "int_type" | "int_parsing" | "int_from_float":
            return f"is {found}, not a whole number.", "Write a number such as 8, without quotes."
        case "string_type":
            return f"is {found}, not a text.", _TEXT_HINTS.get(str(key)) or quote or "Write one word or text."
        case "list_type" | "union_tag_not_found" | "union_tag_invalid" if key in ("subs", "pubs"):
            return (
                f"is {found}, not a list of topics or a mapping of topics to types.",
                f"Write {key}: [{text or 'topic'}].",
            )
        case "union_tag_not_found" | "union_tag_invalid" if key == "restart":
            return f"is {found}.", "Write never, on-failure or always, or a mapping with policy, backoff and limits."
        case "union_tag_not_found" | "union_tag_invalid":
            return f"is {found}, not a message type.", "Write its type, such as Image, or nothing for any message."
        case "dict_type" | "model_type" | "model_attributes_type":
            return f"is {found}, not a mapping.", _mapping_hint(spot.path)
    return f"is {found}, which does not fit here.", ""


def _mapping_hint(path: Path) -> str:
    match path:
        case ("nodes",):
            return "Write the nodes by name: 'camera:' and, further in, 'run: file.py:Name'."
        case ("nodes", _):
            return "A node has keys of its own below its name: at least 'run: file.py:Name'."
        case ("topics", *_):
            return "Write topics by name: 'camera.rgb: {type: Image}'."
    return "Write 'name: value' lines below it, or {name: value}."


def listed(words: Iterable[str]) -> str:
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
