"""From what `run:` names to a Node: a Node, a Node subclass or a tick function, in a file or a module."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import sys
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from horus_runner.errors import UsageError, did_you_mean
from horus_runner.graph.plan import NodePlan
from horus_runner.node.api import Node, Params


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
        # One object named by two nodes of a graph that runs inline: each needs its own ports.
        return copy.copy(found) if found.bound else found
    if isinstance(found, type):
        if not issubclass(found, Node):
            raise UsageError(f"node '{plan.name}': {plan.run} is a class, but not a subclass of horus.Node")
        return _construct(plan, found)
    if callable(found):
        return Node(plan.name, found)
    raise UsageError(f"node '{plan.name}': {plan.run} is neither a node nor a function but {found!r:.60}")


def _construct(plan: NodePlan, cls: type[Node]) -> Node:
    """An instance whose own __init__ sees the parameters already."""
    try:
        signature(cls).bind()
    except TypeError as error:
        raise UsageError(
            f"node '{plan.name}': a graph makes it as {cls.__name__}(), but {error}. What it needs belongs in params."
        ) from None
    node = cls.__new__(cls)
    node.params = Params(plan.params)
    cls.__init__(node)
    if not hasattr(node, "name"):
        raise UsageError(f"node '{plan.name}': {cls.__name__}.__init__ has to call super().__init__()")
    return node


def _load_file(path: Path) -> ModuleType:
    """The module of a file, under the file's own name, as if its folder were the script's."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = path.stem
    while (loaded := sys.modules.get(name)) is not None:
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
