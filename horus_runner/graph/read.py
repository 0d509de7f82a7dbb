"""From a graph file to its plan, in stages that each go on with what the one before could make sense of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from horus_runner.errors import GraphError, Problem
from horus_runner.graph.build import build
from horus_runner.graph.check_cycles import check_cycles
from horus_runner.graph.check_nodes import check_nodes
from horus_runner.graph.check_topics import check_topics
from horus_runner.graph.compose import compose
from horus_runner.graph.data import validate
from horus_runner.graph.explain import found_text
from horus_runner.graph.marks import Mapping as MappingTree
from horus_runner.graph.marks import Place, Scalar, Source, Tree, get
from horus_runner.graph.overrides import apply_overrides
from horus_runner.graph.plan import GraphPlan
from horus_runner.graph.ports import Draft
from horus_runner.graph.scalars import Substitution
from horus_runner.graph.targets import Target, Targets
from horus_runner.graph.text import read_source

MAX_NODES = 1_000
MAX_PORTS = 4_000
_SMALLEST = (
    "The smallest graph is a node with something to run:\n    nodes:\n      camera:\n        run: camera.py:tick"
)


class _Findings:
    """The problems so far; of several about one value only those of the first stage that found any."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, problems: Iterable[Problem]) -> None:
        earlier = tuple(self.problems)
        new = [p for p in problems if not any(_covers(p, other) for other in earlier)]
        self.problems += dict.fromkeys(new)

    def sorted(self, severity: str) -> tuple[Problem, ...]:
        chosen = [p for p in self.problems if p.severity == severity]
        return tuple(sorted(chosen, key=lambda p: (p.line == 0, p.line, p.column)))


def _covers(later: Problem, earlier: Problem) -> bool:
    """Whether `later` is about a value of which `earlier` concerns a part."""
    same_line = (later.path, later.line) == (earlier.path, earlier.line) and (
        later.line > 0 or later.excerpt == earlier.excerpt
    )
    return same_line and later.column <= earlier.column < later.column + later.width


def read_graph(
    path: Path, overrides: Sequence[str], environ: Mapping[str, str], type_names: Collection[str]
) -> tuple[GraphPlan, tuple[Problem, ...]]:
    """The plan of the graph at `path` and the warnings about it. Raises GraphError with every mistake."""
    text, source = read_source(path)
    findings = _Findings()
    root, problems = compose(text, source, Substitution(environ))
    findings.add(problems)
    plan = None
    if _is_graph(root, source, findings):
        root, problems = apply_overrides(root, overrides)
        findings.add(problems)
        plan = _plan(root, path, type_names, findings)
    errors = findings.sorted("error")
    if errors or plan is None:
        raise GraphError(errors)
    return plan, findings.sorted("warning")


def _is_graph(root: Tree | None, source: Source, findings: _Findings) -> TypeGuard[MappingTree]:
    if isinstance(root, MappingTree) or (root is None and findings.problems):
        return root is not None
    if root is None or (isinstance(root, Scalar) and root.value is None):
        findings.add((Place(source, 1, 1).problem("the graph file is empty.", _SMALLEST),))
    else:
        findings.add((root.place.problem(f"a graph is a mapping, but this is {found_text(root)}.", _SMALLEST),))
    return False


def _plan(root: Tree, path: Path, type_names: Collection[str], findings: _Findings) -> GraphPlan | None:
    validated = validate(root)
    findings.add(validated.problems)
    if validated.model is None:
        return None
    draft = Draft.of(validated, validated.model)
    if not draft.model.nodes and not validated.lost_below("nodes"):
        nodes = get(validated.root, "nodes")
        place = nodes.key_place if nodes is not None else root.place
        findings.add((place.problem("the graph has no nodes.", _SMALLEST),))
    if len(draft.model.nodes) > MAX_NODES or len(draft.ports) > MAX_PORTS:
        findings.add(
            (root.place.problem(f"a graph has at most {MAX_NODES:,} nodes and {MAX_PORTS:,} ports.", "Split it."),)
        )
        return None
    directory = Path(path).absolute().parent
    targets, found = Targets(directory), dict[str, Target]()
    linked = [
        *check_nodes(draft, targets, found),
        *check_topics(draft, targets, type_names),
        *check_cycles(draft, found),
    ]
    findings.add(linked)
    return None if findings.sorted("error") else build(draft, found, path)
