"""The tree as plain Python values for validation, and the repair of what failed it.

A graph is validated until nothing fails: what is wrong is reported, then left out (or renamed to what was probably
meant), so that one mistake hides no other and causes no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from horus_runner.errors import Problem
from horus_runner.graph.explain import explain, meant_key, model_at, spot_of
from horus_runner.graph.marks import Mapping, Path, Scalar, Sequence, Tree, get, replaced
from horus_runner.graph.model import EXTENSION_PREFIX, MAX_NAME_BYTES, GraphModel

# of a file with more mistakes than this the first ones are told, and nothing is built on the rest
MAX_PROBLEMS = 100
_ROUNDS = 6


def plain(tree: Tree, path: Path = ()) -> object:
    """`tree` as dicts, lists and scalars.

    Keys are text, except below a node's parameters; environment variables are text as written.
    """
    match tree:
        case Sequence():
            return [plain(item, (*path, index)) for index, item in enumerate(tree.items)]
        case Mapping():
            typed = path[:1] == ("nodes",) and path[2:3] == ("params",) and len(path) > 3
            if not path:
                # the author's own keys are read for their anchors only
                tree = Mapping(
                    {n: e for n, e in tree.entries.items() if not n.startswith(EXTENSION_PREFIX)}, tree.place
                )
            return {
                (key.value if typed else name): plain(value, (*path, name))
                for name, (key, value) in tree.entries.items()
            }
        case Scalar():
            in_env = len(path) == 4 and path[0] == "nodes" and path[2] == "env"
            return tree.text if in_env else tree.value


@dataclass(slots=True)
class Validated:
    """What is right in a graph (`model` and the `root` that it was made of), what was wrong, and what was left out."""

    root: Tree
    model: GraphModel | None = None
    problems: list[Problem] = field(default_factory=list)
    lost: set[Path] = field(default_factory=set)

    def lost_below(self, *path: str) -> bool:
        """Whether anything at `path`, above or below it was left out; ``*`` stands for any name."""
        return any(all(a in (b, "*") for a, b in zip(path, gone, strict=False)) for gone in self.lost)


def validate(root: Tree) -> Validated:
    """Validates and repairs until nothing is wrong; without a model when nothing sensible is left."""
    result = Validated(root)
    for _ in range(_ROUNDS):
        try:
            result.model = GraphModel.model_validate(plain(result.root))
            break
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
        before = result.root
        result.problems += [explain(item, before) for item in found[:MAX_PROBLEMS]]
        if len(found) > MAX_PROBLEMS:
            break
        # from the last to the first, so that an item taken out of a list moves none that is still to come
        for item in reversed(found):
            _repair(result, item, before)
        if result.root is before:
            break
    return result


def _repair(result: Validated, error: ErrorDetails, before: Tree) -> None:
    path = spot_of(error, before).path
    spot = get(result.root, *path)
    if spot is None or not path:
        return
    new_name = _meant_name(error, path)
    if new_name is None or get(result.root, *path[:-1], new_name) is not None:
        result.lost.add(path)
    else:
        result.root = replaced(result.root, (*path[:-1], new_name), spot.tree, spot.key)
    result.root = replaced(result.root, path, None)


def _meant_name(error: ErrorDetails, path: Path) -> str | None:
    """The name under which a misnamed key's value can be checked further."""
    if error["type"] == "extra_forbidden" and (model := model_at(path[:-1])) is not None:
        return meant_key(str(path[-1]), model)
    if error["loc"][-1] == "[key]" and path[0] == "nodes":
        return re.sub(r"[^A-Za-z0-9_.-]", "_", str(path[-1])).lstrip(".-")[:MAX_NAME_BYTES] or "node"
    return None
