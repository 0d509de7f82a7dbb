"""Graph files: read, checked and turned into a plan. Pure: nothing here starts a process or runs a node's code.

`load` is the entrance. The parser and the models are imported when it is called, because a node's process imports
`graph.plan` and with it this file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from horus_runner.errors import Problem
from horus_runner.graph.plan import GraphPlan

__all__ = ["load"]


def load(
    path: str | Path, overrides: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> tuple[GraphPlan, tuple[Problem, ...]]:
    """The plan of the graph file at `path`, and the warnings about it.

    `overrides` are ``nodes.detect.rate=10`` texts; ``${NAME}`` takes its values from `environ`, by default the
    process's own. Raises GraphError with every mistake in the file, in the order of their places.
    """
    from horus_runner.graph.read import read_graph
    from horus_runner.messages.registry import known_type_names

    library_types = frozenset(name for name in known_type_names() if ":" not in name)
    return read_graph(Path(path), overrides, os.environ if environ is None else environ, library_types)
