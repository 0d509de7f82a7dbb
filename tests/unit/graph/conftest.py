"""A directory with nodes in it, and a way to load a graph written there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from horus_runner import graph
from horus_runner.errors import GraphError, Problem
from horus_runner.graph.plan import GraphPlan

NODES = """
import horus

def camera(node): ...
def detect(node): ...
def sink(node): ...

class Starter(horus.Node):
    def init(self): ...
    def tick(self): ...

class Plain(horus.Node):
    def tick(self): ...
"""


class Load(Protocol):
    def __call__(self, text: str, *overrides: str, **environ: str) -> tuple[GraphPlan, tuple[Problem, ...]]: ...


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a graph from its text; `nodes.py` lies beside it."""
    (tmp_path / "nodes.py").write_text(NODES)

    def load(text: str, *overrides: str, **environ: str) -> tuple[GraphPlan, tuple[Problem, ...]]:
        path = tmp_path / "test graph.yaml"
        path.write_text(text)
        return graph.load(path, overrides, environ)

    return load


@pytest.fixture
def problems(load: Load) -> Callable[..., list[str]]:
    """What is wrong with a graph, a line each: its place and message."""

    def problems(text: str, *overrides: str, **environ: str) -> list[str]:
        with pytest.raises(GraphError) as caught:
            load(text, *overrides, **environ)
        return [f"{p.line}:{p.column} {p.message}" for p in caught.value.problems]

    return problems
