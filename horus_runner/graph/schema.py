"""The JSON Schema of graph files, for editors: what each key takes and what it means."""

from __future__ import annotations

from typing import Any

from horus_runner.graph.model import MAX_NAME_BYTES, NAME_PATTERN, GraphModel

# a value that the environment gives when the graph is read
_SUBSTITUTED = {"type": "string", "pattern": r"\$\{[A-Za-z_]"}


def json_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) as plain data; a value of any type may also be a text with ``${NAME}`` in it."""
    schema = GraphModel.model_json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "horus graph"}
    schema["required"] = ["nodes"]
    nodes = schema["properties"]["nodes"]
    nodes["minProperties"] = 1
    nodes["propertyNames"] = {"pattern": NAME_PATTERN, "maxLength": MAX_NAME_BYTES}
    schema["$defs"]["NodeModel"]["required"] = ["run"]
    for model in (schema, *schema["$defs"].values()):
        for name, entry in model.get("properties", {}).items():
            model["properties"][name] = _property(entry)
    return schema


def _property(entry: dict[str, Any]) -> dict[str, Any]:
    """One key's schema: without pydantic's titles and nulls, and open for substitution."""
    entry = {
        key: value for key, value in entry.items() if key not in ("title", "default") or (key == "default" and value)
    }
    if "anyOf" in entry:
        choices = [choice for choice in entry.pop("anyOf") if choice != {"type": "null"}]
        entry = {**choices[0], **entry} if len(choices) == 1 else {"anyOf": choices, **entry}
    if (
        entry.get("type") in ("integer", "number", "boolean")
        or "anyOf" in entry
        or "enum" in entry
        or "pattern" in entry
    ):
        outer: dict[str, Any] = {key: entry.pop(key) for key in ("description", "default") if key in entry}
        choices = entry.get("anyOf", [entry])
        entry = {"anyOf": [*choices, _SUBSTITUTED], **outer}
    return entry
