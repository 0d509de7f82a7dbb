"""The JSON Schema of graph files, for editors: what each key takes and what it means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from horus_runner.graph.model import EXTENSION_PREFIX, MAX_NAME_BYTES, MESSAGE_TYPE, NAME_PATTERN, GraphModel

# a value that the environment gives when the graph is read
_SUBSTITUTED = {"type": "string", "pattern": r"\$\{[A-Za-z_]"}


def json_schema(type_names: Iterable[str]) -> dict[str, Any]:
    """The schema (draft 2020-12) as plain data; `type_names` are the message types that come with the package.

    A value of any type may also be a text with ``${NAME}`` in it.
    """
    model = GraphModel.model_json_schema()
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model}
    schema["title"] = "horus graph"
    schema["required"] = ["nodes"]
    schema["patternProperties"] = {f"^{EXTENSION_PREFIX}": True}
    nodes = schema["properties"]["nodes"]
    nodes["minProperties"] = 1
    nodes["propertyNames"] = {"pattern": NAME_PATTERN, "maxLength": MAX_NAME_BYTES}
    schema["$defs"]["NodeModel"]["required"] = ["run"]
    schema["$defs"]["NodeModel"]["properties"]["env"]["additionalProperties"] = {
        "type": ["string", "number", "boolean"]
    }
    for owner in (schema, *schema["$defs"].values()):
        owner["properties"] = {name: _property(entry) for name, entry in owner["properties"].items()}
    _finish(schema)
    own_type = {"type": "string", "pattern": ":"}
    schema["$defs"]["MessageType"] = {"anyOf": [{"enum": sorted(type_names)}, own_type, _SUBSTITUTED]}
    return schema


def _property(entry: dict[str, Any]) -> dict[str, Any]:
    """One key's schema: without pydantic's titles and nulls, and open for substitution."""
    entry = {key: value for key, value in entry.items() if key != "title" and (key != "default" or value)}
    if "anyOf" in entry:
        choices = [choice for choice in entry.pop("anyOf") if choice != {"type": "null"}]
        entry = {**choices[0], **entry} if len(choices) == 1 else {"anyOf": choices, **entry}
    if entry.get("format") == MESSAGE_TYPE:
        return entry
    typed = entry.get("type") in ("integer", "number", "boolean")
    if typed or "anyOf" in entry or "enum" in entry or "pattern" in entry:
        outer: dict[str, Any] = {key: entry.pop(key) for key in ("description", "default") if key in entry}
        entry = {"anyOf": [*entry.get("anyOf", [entry]), _SUBSTITUTED], **outer}
    return entry


def _finish(part: Any) -> None:
    """Everywhere in the schema: names of message types by reference, and no topics but those of the right alphabet."""
    if isinstance(part, list):
        for item in part:
            _finish(item)
    elif isinstance(part, dict):
        if part.get("format") == MESSAGE_TYPE:
            del part["format"], part["type"]
            part["$ref"] = "#/$defs/MessageType"
        if "patternProperties" in part:
            part["additionalProperties"] = False
        for value in part.values():
            _finish(value)
