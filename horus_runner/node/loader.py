"""From what `run:` names to a Node: a Node, a Node subclass or a tick function, in a file or a module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from horus_runner.errors import UsageError, did_you_mean
from horus_runner.graph.plan import NodePlan
from horus_runner.node.api import Node


def load_node(plan: NodePlan) -> Node:
    """The node that a graph file's plan describes, with its name, ports, parameters and policies.

    Raises UsageError when there is nothing of that name or it is no node, and whatever importing the code raises.
    """
    if plan.run is None:
        raise UsageError(f"node '{plan.name}' says nothing about what to run")
    place, _, attribute = plan.run.rpartition(":")
    module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    found = getattr(module, attribute, None)
    if found is None:
        names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise UsageError(f"{place} has no '{attribute}'.{did_you_mean(attribute, names)}")
    node = _as_node(plan, found)
    node.bind(plan)
    return node


def _as_node(plan: NodePlan, found: Any) -> Node:
    if isinstance(found, Node):
        return found
    if isinstance(found, type):
        if not issubclass(found, Node):
            raise UsageError(f"node '{plan.name}': {plan.run} is a class, but not a subclass of horus.Node")
        return found()
    if callable(found):
        return Node(plan.name, found)
    raise UsageError(f"node '{plan.name}': {plan.run} is a {type(found).__name__}, not a node or a function")


def _load_file(path: Path) -> ModuleType:
    """The module of a file, under the file's own name, as if its folder were the script's."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem
    loaded = sys.modules.get(name)
    if loaded is not None:
        if getattr(loaded, "__file__", None) == str(path):
            return loaded
        name = f"horus_node_{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
