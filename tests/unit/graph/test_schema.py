from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import horus_runner.graph
from horus_runner.graph.model import GraphModel, NodeModel, PortModel, RestartModel, TopicModel
from horus_runner.graph.schema import json_schema
from horus_runner.messages.registry import known_type_names

SCHEMA = json_schema(["Image", "CmdVel"])


def valid(value: Any, schema: dict[str, Any] | bool) -> bool:
    """As much of JSON Schema as ours uses."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return valid(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema and not any(valid(value, s) for s in schema["anyOf"]):
        return False
    if "oneOf" in schema and sum(valid(value, s) for s in schema["oneOf"]) != 1:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None)}
    types = schema.get("type", [])
    for kind in [types] if isinstance(types, str) else types:
        expected: Any = (int, float) if kind == "number" else int if kind == "integer" else kinds[kind]
        if isinstance(value, expected) and (kind == "boolean" or not isinstance(value, bool)):
            break
    else:
        if types:
            return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None and len(value) <= schema.get("maxLength", 10**6)
    if isinstance(value, (int, float)):
        above = "exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"]
        return above and schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if isinstance(value, list):
        return all(valid(item, schema.get("items", True)) for item in value)
    if isinstance(value, dict):
        return valid_mapping(value, schema)
    return True


def valid_mapping(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    if not set(schema.get("required", ())) <= set(value) or len(value) < schema.get("minProperties", 0):
        return False
    for key, item in value.items():
        if "propertyNames" in schema and not valid(key, schema["propertyNames"]):
            return False
        patterns = [s for p, s in schema.get("patternProperties", {}).items() if re.search(p, key)]
        if key in schema.get("properties", {}):
            patterns.append(schema["properties"][key])
        if not all(valid(item, s) for s in patterns or [schema.get("additionalProperties", True)]):
            return False
    return True


def graph(**node: Any) -> dict[str, Any]:
    return {"nodes": {"a": {"run": "n.py:f", **node}}}


@pytest.mark.parametrize(
    "good",
    [
        graph(),
        graph(rate=30)
        | {"x-mine": [1], "tick_rate": "1kHz", "topics": {"a.b": {"type": "Image", "capacity": 3}, "c": None}},
        graph(rate="${RATE}", budget="50ms", compute="${C:-true}", on="x", on_miss="skip"),
        graph(subs=["a"], pubs={"b": "CmdVel", "c": None, "d": {"type": "my.types:Pose", "max_held": 2}}),
        graph(restart="always", critical=False, env={"A": 1, "B": "x"}, params={"x": [1]}, threads=2, order=-1),
        graph(restart={"policy": "on-failure", "backoff": "100ms", "max_restarts": 3}),
    ],
)
def test_good_graphs_are_valid(good: dict[str, Any]) -> None:
    assert valid(good, SCHEMA)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"nodes": {}},
        {"nodes": {"a": {}}},
        {"nodes": {"a b": {"run": "x"}}},
        graph(rat=30),
        graph(rate="fast"),
        graph(rate=0),
        graph(budget=50),
        graph(budget="50"),
        graph(on_miss="drop"),
        graph(subs="a"),
        graph(subs=["a b"]),
        graph(pubs={"a": "Imag"}),
        graph(pubs={"a b": "Image"}),
        graph(compute="yes"),
        graph() | {"version": 1},
        graph() | {"topics": {"x": {"capacity": 0}}},
    ],
)
def test_broken_graphs_are_not(bad: dict[str, Any]) -> None:
    assert not valid(bad, SCHEMA)


def test_the_file_that_editors_read_is_up_to_date() -> None:
    shipped = Path(horus_runner.graph.__file__).with_name("graph.schema.json")
    names = [name for name in known_type_names() if ":" not in name]
    assert json.loads(shipped.read_text()) == json_schema(names), (
        "run: horus schema > horus_runner/graph/graph.schema.json"
    )


def test_every_key_is_described() -> None:
    for model in (GraphModel, NodeModel, TopicModel, PortModel, RestartModel):
        properties = SCHEMA["properties"] if model is GraphModel else SCHEMA["$defs"][model.__name__]["properties"]
        assert set(properties) == set(model.model_fields)
        for name, entry in properties.items():
            assert entry.get("description", "").endswith((".", "default.")), f"{model.__name__}.{name}"
            assert "title" not in entry
