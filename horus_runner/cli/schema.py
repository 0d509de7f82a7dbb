"""``horus schema``: the JSON Schema of graph files."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of graph files, with which an editor completes and checks them.

    Save it beside a graph and name it in the graph's first line: # yaml-language-server: $schema=graph.schema.json
    """
    from horus_runner.graph.schema import json_schema
    from horus_runner.messages.registry import known_type_names

    names = [name for name in known_type_names() if ":" not in name]
    typer.echo(json.dumps(json_schema(names), indent=2))
