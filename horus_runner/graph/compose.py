"""PyYAML's events to a tree with places: anchors, aliases and merge keys resolved, scalars read by YAML 1.2's rules.

PyYAML's own composer and constructor are not used: they recurse, keep the last of two equal keys, and write aliases
out without a bound. Here nothing recurses, and what aliases add up to is counted while it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from horus_runner.errors import Problem, did_you_mean
from horus_runner.graph.marks import Mapping, Place, Scalar, Sequence, Source, Tree, quoted
from horus_runner.graph.scalars import ScalarError, Substitution, resolve, resolve_tagged
from horus_runner.graph.syntax import syntax_problem

MAX_DEPTH = 40
MAX_ALIASED_VALUES = 20_000
MAX_PROBLEMS = 100


class _Stop(Exception):
    """Nothing behind this problem can be read."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet; `key` waits for its value."""

    place: Place
    flow: bool
    anchor: str | None
    is_mapping: bool
    items: list[Tree] = field(default_factory=list)
    entries: dict[str, tuple[Scalar, Tree]] = field(default_factory=dict)
    merges: list[Tree] = field(default_factory=list)
    key: Tree | None = None


def compose(
    text: str, source: Source, substitution: Substitution | None, shift: int = 0
) -> tuple[Tree | None, list[Problem]]:
    """The tree of the one document in `text`, and all problems met.

    The tree is None when there is no document or when it cannot be read to its end. `text` starts `shift` characters
    into the first line of `source`.
    """
    composer = _Composer(source, substitution, shift)
    loader = yaml.SafeLoader(text)
    try:
        while loader.check_event():
            composer.take(loader.get_event())  # type: ignore[no-untyped-call]
    except _Stop:
        return None, composer.problems
    # PyYAML lets ValueError and OverflowError of chr() and int() through for absurd escapes and directives
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = loader.get_mark()
        composer.problems.append(syntax_problem(error, mark.line, mark.column, source, shift))
        return None, composer.problems
    finally:
        loader.dispose()
    return composer.root, composer.problems


class _Composer:
    def __init__(self, source: Source, substitution: Substitution | None, shift: int) -> None:
        self.source, self.substitution, self.shift = source, substitution, shift
        self.problems: list[Problem] = []
        self.root: Tree | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, Tree | None] = {}
        self._aliased = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(
                    self._place(event),
                    "a second document begins here.",
                    "A graph file holds one graph: remove the '---'.",
                )
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._start(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.ScalarEvent):
            scalar = self._scalar(event)
            self._remember(event.anchor, scalar)
            self._add(scalar, merge=scalar.text == "<<" and event.implicit[0])

    def _place(self, event: yaml.Event) -> Place:
        start, end = event.start_mark, event.end_mark
        assert start is not None and end is not None  # only events made by hand have none
        column = start.column + 1 + (self.shift if start.line == 0 else 0)
        width = (
            end.column - start.column
            if end.line == start.line
            else max(len(self.source.line(start.line + 1)) - column + 1, 1)
        )
        return Place(self.source, start.line + 1, column, width)

    def _report(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(place.problem(message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def _stop(self, place: Place, message: str, hint: str) -> None:
        self._report(place, message, hint)
        raise _Stop

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        place = self._place(event)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", "tag:yaml.org,2002:map" if is_mapping else "tag:yaml.org,2002:seq"):
            self._report(place, f"the tag {quoted(event.tag)} is not known here.", "Leave it out.")
        if len(self._open) >= MAX_DEPTH:
            self._stop(place, f"values nest deeper than {MAX_DEPTH} levels here.", "A graph needs five or so.")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(place, bool(event.flow_style), event.anchor, is_mapping))

    def _end(self) -> None:
        done = self._open.pop()
        tree: Tree
        if done.is_mapping:
            for merged in done.merges:
                self._merge(done.entries, merged)
            children = [value for _, value in done.entries.values()]
        else:
            children = done.items
        depth = 1 + max((child.depth for child in children), default=0)
        size = 1 + sum(child.size for child in children)
        if done.is_mapping:
            tree = Mapping(done.entries, done.place, done.flow, depth, size)
        else:
            tree = Sequence(tuple(done.items), done.place, done.flow, depth, size)
        self._remember(done.anchor, tree)
        self._add(tree)

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = self._place(event)
        name = str(event.anchor)
        if name not in self._anchors:
            self._report(
                place,
                f"no anchor '&{name}' stands before this alias.",
                did_you_mean(name, list(self._anchors)[:MAX_PROBLEMS]).strip(),
            )
            self._add(Scalar("", None, place))
            return
        target = self._anchors[name]
        if target is None:
            self._stop(
                place,
                f"'*{name}' stands inside of what '&{name}' names: it would contain itself.",
                "Write the value out.",
            )
            return
        self._aliased += target.size
        if self._aliased > MAX_ALIASED_VALUES:
            self._stop(
                place,
                f"the aliases up to here stand for more than {MAX_ALIASED_VALUES:,} values.",
                "Write out what the graph needs.",
            )
        if len(self._open) + target.depth > MAX_DEPTH:
            self._stop(
                place, f"values nest deeper than {MAX_DEPTH} levels behind this alias.", "A graph needs five or so."
            )
        self._add(target)

    def _remember(self, anchor: str | None, tree: Tree) -> None:
        if anchor is not None:
            self._anchors[anchor] = tree

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        place = self._place(event)
        text: str = event.value
        try:
            if self.substitution is not None:
                text = self.substitution(text)
            odd = next((char for char in text if char == "\0" or "\ud800" <= char <= "\udfff"), None)
            if odd is not None:
                raise ScalarError(f"the character U+{ord(odd):04X} is not allowed in a graph.", "Remove it.")
            if event.tag is not None:
                return Scalar(text, resolve_tagged(text, event.tag), place)
            return Scalar(text, resolve(text) if event.implicit[0] else text, place)
        except ScalarError as error:
            self._report(self._part_of(place, error.part), error.message, error.hint)
            return Scalar(text.replace("\0", ""), text, place)

    def _part_of(self, place: Place, part: str) -> Place:
        at = place.source.line(place.line).find(part, place.column - 1) if part else -1
        return place if at < 0 else Place(place.source, place.line, at + 1, len(part))

    def _add(self, tree: Tree, merge: bool = False) -> None:
        if not self._open:
            self.root = tree
            return
        parent = self._open[-1]
        if not parent.is_mapping:
            parent.items.append(tree)
        elif parent.key is None:
            parent.key = Scalar("<<", None, tree.place) if merge and isinstance(tree, Scalar) else tree
        else:
            key, parent.key = parent.key, None
            self._entry(parent, key, tree)

    def _entry(self, parent: _Open, key: Tree, value: Tree) -> None:
        if not isinstance(key, Scalar):
            self._report(key.place, "this key is a list or a mapping.", "A key is one word.")
        elif key.text == "<<" and key.value is None:
            parent.merges.extend(value.items if isinstance(value, Sequence) else (value,))
        elif key.text in parent.entries:
            self._duplicate(parent, key, value)
        else:
            parent.entries[key.text] = (key, value)

    def _duplicate(self, parent: _Open, second: Scalar, value: Tree) -> None:
        first = parent.entries[second.text][0]
        outer = self._open[0].key if len(self._open) == 2 else None
        section = outer.text if isinstance(outer, Scalar) else ""
        what = section[:-1] if section in ("nodes", "topics") else "key"
        where = f"line {first.place.line}" if first.place.line != second.place.line else f"column {first.place.column}"
        # a second node is kept, so that what is wrong in it is found too and its topics are known
        kept = f"{second.text}_{second.place.line}" if section == "nodes" else ""
        hint = (
            f"Rename or remove one; this one is called '{kept}' in other messages." if kept else "Rename or remove one."
        )
        self._report(
            second.place, f"the {what} {quoted(second.text)} stands here a second time; the first is in {where}.", hint
        )
        if kept:
            parent.entries.setdefault(kept, (second, value))

    def _merge(self, entries: dict[str, tuple[Scalar, Tree]], merged: Tree) -> None:
        if isinstance(merged, Mapping):
            for name, entry in merged.entries.items():
                entries.setdefault(name, entry)
        else:
            self._report(merged.place, "'<<' merges a mapping, and this is none.", "Write <<: *anchor of a mapping.")
