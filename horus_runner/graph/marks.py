"""A YAML file as a tree in which every key and value knows where it stands.

The tree is immutable: an override or a repair makes a new tree that shares what did not change, so that a node of
the file that several places use (an anchor) is never changed for all of them.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from horus_runner.errors import Problem

ScalarValue = str | int | float | bool | None
Step = str | int
Path = tuple[Step, ...]

EXCERPT_BEFORE = 90
EXCERPT_LENGTH = 110


@dataclass(frozen=True, slots=True)
class Source:
    """A text that values come from: a graph file, or one ``--set`` argument (which has no line numbers)."""

    name: str
    lines: tuple[str, ...]
    numbered: bool = True

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty behind the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; `line` and `column` count from 1, `width` is in characters of that line."""

    source: Source
    line: int
    column: int
    width: int = 1

    @property
    def order(self) -> tuple[bool, int, int]:
        """The file from top to bottom, then the overrides."""
        return (not self.source.numbered, self.line, self.column)

    def problem(self, message: str, hint: str = "", severity: str = "error") -> Problem:
        """The problem that `message` describes, with the line it stands on."""
        line = self.source.line(self.line)
        start = min(len(line) - len(line.lstrip()), self.column - 1)
        if self.column - 1 - start > EXCERPT_BEFORE:
            start = self.column - 1 - EXCERPT_BEFORE
        end = max(start + EXCERPT_LENGTH, self.column)
        excerpt = printable(line[start:end]).rstrip()
        if excerpt and len(line) > end:
            excerpt += "…"
        marked = line[self.column - 1 : min(self.column - 1 + self.width, end)]
        return Problem(
            path=self.source.name,
            line=self.line if self.source.numbered else 0,
            column=self.column,
            message=printable(message),
            hint="\n".join(printable(line) for line in hint.split("\n")),
            excerpt=excerpt,
            width=max(cells(marked), 1),
            severity=severity,
            caret=1 + cells(line[start : self.column - 1]),
        )


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: `text` as written (quotes and escapes undone), `value` as YAML 1.2's core schema reads it."""

    text: str
    value: ScalarValue
    place: Place
    depth: int = 0
    size: int = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list. `size` counts all values in it, aliases written out; `depth` is how deep they nest."""

    items: tuple[Tree, ...]
    place: Place
    flow: bool = True
    depth: int = 1
    size: int = 1


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; `entries` by the text of their key, in the order of the file."""

    entries: dict[str, tuple[Scalar, Tree]]
    place: Place
    flow: bool = True
    depth: int = 1
    size: int = 1


Tree = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Spot:
    """What a path leads to: the part of it that exists, and the key and value there."""

    path: Path
    tree: Tree
    key: Scalar | None = None

    @property
    def place(self) -> Place:
        """The value's place; its key's when the value is empty or a block of lines."""
        empty = isinstance(self.tree, Scalar) and self.tree.place.width == 0
        block = not isinstance(self.tree, Scalar) and not self.tree.flow
        return self.key.place if self.key is not None and (empty or block) else self.tree.place

    @property
    def key_place(self) -> Place:
        return self.key.place if self.key is not None else self.tree.place


def find(root: Tree, path: tuple[Step, ...]) -> Spot:
    """The deepest thing on `path` that exists; steps that lead nowhere (names of alternatives) are passed over."""
    spot = Spot((), root)
    for step in path:
        child = _child(spot.tree, step)
        if child is not None:
            spot = Spot((*spot.path, step), child[1], child[0])
    return spot


def get(root: Tree, *path: Step) -> Spot | None:
    """What stands at exactly this path, or None."""
    spot = find(root, path)
    return spot if spot.path == path else None


def _child(tree: Tree, step: Step) -> tuple[Scalar | None, Tree] | None:
    if isinstance(tree, Mapping) and isinstance(step, str):
        return tree.entries.get(step)
    if isinstance(tree, Sequence) and isinstance(step, int) and 0 <= step < len(tree.items):
        return None, tree.items[step]
    return None


def replaced(root: Tree, path: Path, tree: Tree | None, key: Scalar | None = None) -> Tree:
    """A copy of `root` in which `tree` stands at `path` (None: nothing does), under `key` when that is given.

    All of `path` but its last step must exist.
    """
    if not path:
        return root if tree is None else tree
    step, rest = path[0], path[1:]
    if isinstance(root, Sequence) and isinstance(step, int):
        items = list(root.items)
        if not rest and tree is None:
            del items[step]
        elif step < len(items):
            items[step] = replaced(items[step], rest, tree, key)
        elif tree is not None:
            items.append(tree)
        return Sequence(tuple(items), root.place, root.flow)
    if not isinstance(root, Mapping) or not isinstance(step, str):
        raise LookupError(step)
    entries = dict(root.entries)
    if rest:
        old_key, old = entries[step]
        entries[step] = (old_key, replaced(old, rest, tree, key))
    elif tree is None:
        entries.pop(step, None)
    else:
        entries[step] = (key or entries[step][0], tree)
    return Mapping(entries, root.place, root.flow)


def cells(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def printable(text: str) -> str:
    """`text` with an arrow for each tab and a mark for whatever would upset a terminal."""
    odd = {"\t": "→", "\xa0": " "}
    return "".join(c if c.isprintable() else odd.get(c, "\N{REPLACEMENT CHARACTER}") for c in text)


def quoted(value: object) -> str:
    """A short `'text'` for a message, whatever was written."""
    text = printable(str(value).replace("\n", " "))
    return f"'{text if len(text) <= 60 else text[:59] + '…'}'"
