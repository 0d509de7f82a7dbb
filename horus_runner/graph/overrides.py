"""``--set nodes.detect.rate=10``: values from the command line, put into the tree before anything is checked.

A name with dots in it is quoted: ``--set 'topics."camera.rgb".capacity=8'``. The value is YAML, so that
``rate=10`` is a number and ``subs=[a, b]`` a list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Strings
from dataclasses import dataclass

from yaml.reader import Reader

from horus_runner.errors import Problem, did_you_mean
from horus_runner.graph.compose import compose
from horus_runner.graph.marks import (
    Mapping,
    Path,
    Place,
    Scalar,
    Sequence,
    Source,
    Step,
    Tree,
    find,
    get,
    quoted,
    replaced,
)

_NAME = re.compile(r'"([^"]*)"|([^".=]+)')
_EXAMPLE = "Write it as nodes.NAME.rate=10; a name with dots in it in quotes: 'topics.\"camera.rgb\".capacity=8'."


@dataclass(frozen=True, slots=True)
class _Override:
    names: tuple[Scalar, ...]
    value: Tree


class _BadOverride(Exception):
    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems)
        self.problems = problems


def apply_overrides(root: Tree, overrides: Strings[str]) -> tuple[Tree, list[Problem]]:
    """`root` with every override in it, the later ones last, and what is wrong with those that are left out."""
    problems: list[Problem] = []
    for argument in overrides:
        root, found = _attempted(root, argument)
        problems += found
    return root, problems


def _attempted(root: Tree, argument: str) -> tuple[Tree, tuple[Problem, ...]]:
    try:
        return _applied(root, _parse(argument)), ()
    except _BadOverride as error:
        return root, error.problems


def _parse(argument: str) -> _Override:
    source = Source("--set", (argument,), numbered=False)
    names: list[Scalar] = []
    at = 0
    while True:
        match = _NAME.match(argument, at)
        if match is None:
            raise _BadOverride(Place(source, 1, at + 1).problem(_expected(argument, at), _EXAMPLE))
        text = match.group(1) if match.group(1) is not None else match.group(2).strip()
        names.append(Scalar(text, text, Place(source, 1, at + 1, match.end() - at)))
        at = match.end()
        if argument[at : at + 1] == "=":
            break
        if argument[at : at + 1] != ".":
            raise _BadOverride(Place(source, 1, at + 1).problem(_expected(argument, at), _EXAMPLE))
        at += 1
    return _Override(tuple(names), _value(argument, at + 1, source))


def _expected(argument: str, at: int) -> str:
    if at >= len(argument):
        return f"{quoted(argument)} sets nothing: there is no '='."
    return f"a name is expected here, not {quoted(argument[at])}."


def _value(argument: str, start: int, source: Source) -> Tree:
    text = argument[start:]
    place = Place(source, 1, start + 1, len(text))
    if Reader.NON_PRINTABLE.search(text):
        raise _BadOverride(place.problem("the value has a character in it that YAML does not allow."))
    tree, problems = compose(text, source, None, shift=start)
    if problems:
        raise _BadOverride(*problems)
    return tree if tree is not None else Scalar("", None, Place(source, 1, 1, len(argument)))


def _applied(root: Tree, override: _Override) -> Tree:
    path: Path = ()
    for position, name in enumerate(override.names):
        parent = find(root, path).tree
        step = _step(parent, name, path, last=position == len(override.names) - 1)
        path = (*path, step)
        if position == len(override.names) - 1:
            return replaced(root, path, override.value, name)
        if _is_missing(root, path):
            root = replaced(root, path, Mapping({}, name.place), name)
    return root


def _is_missing(root: Tree, path: Path) -> bool:
    spot = get(root, *path)
    return spot is None or (isinstance(spot.tree, Scalar) and spot.tree.value is None)


def _step(parent: Tree, name: Scalar, path: Path, last: bool) -> Step:
    """The step into `parent` that `name` means. Only a node that exists can be changed; the rest may be new."""
    if isinstance(parent, Sequence):
        if not re.fullmatch(r"[0-9]{1,6}", name.text) or int(name.text) >= len(parent.items):
            hint = f"It has {len(parent.items)} items, counted from 0."
            raise _BadOverride(name.place.problem(f"{quoted(name.text)} is no item of this list.", hint))
        return int(name.text)
    if not isinstance(parent, Mapping):
        what = f"{quoted('.'.join(map(str, path)))} is one value" if path else "the graph is no mapping"
        raise _BadOverride(name.place.problem(f"{what}: there is no {quoted(name.text)} in it.", _EXAMPLE))
    if path == ("nodes",) and name.text not in parent.entries and not last:
        hint = did_you_mean(name.text, parent.entries).strip()
        raise _BadOverride(name.place.problem(f"the graph has no node {quoted(name.text)}.", hint))
    return name.text
