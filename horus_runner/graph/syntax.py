"""PyYAML's complaints in words that say what to do: the same mistakes are made in every YAML file."""

from __future__ import annotations

import re

import yaml

from horus_runner.errors import Problem
from horus_runner.graph.marks import Place, Source, quoted

_INDENT = "Lines of one level start in the same column; what belongs to a key stands further in."


def syntax_problem(error: Exception, line: int, column: int, source: Source, shift: int = 0) -> Problem:
    """The problem that ended parsing; `line` and `column` (from 0) serve when the error has no place itself."""
    # PyYAML's scanner gives numbers of any size to chr() and int()
    what, context, opened = "a number in an escape or a directive is too large", "", None
    if isinstance(error, yaml.MarkedYAMLError):
        what, context = error.problem or "", error.context or ""
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            line, column = mark.line, mark.column
        if error.context_mark is not None:
            opened = _place(source, error.context_mark.line, error.context_mark.column, shift)
    place = _place(source, line, column, shift)
    tab = _tab(place, opened)
    if tab is not None:
        return tab.problem("a tab indents this line.", "YAML is indented by spaces: replace the tab.")
    return _explained(what, context, place, opened)


def _place(source: Source, line: int, column: int, shift: int) -> Place:
    """A place that a reader can find: the end of the last line with text for one behind the end of the file."""
    if line == 0:
        column += shift
    last = len(source.lines) - 1
    if line >= last and not source.line(line + 1).strip():
        while last > 0 and not source.lines[last].strip():
            last -= 1
        if last < line:
            line, column = last, len(source.lines[last].rstrip())
    return Place(source, line + 1, column + 1)


def _tab(place: Place, opened: Place | None) -> Place | None:
    """The tab in the indentation of the line that did not parse, or of the one before it."""
    for number in (place.line, place.line - 1):
        line = place.source.line(number)
        indentation = line[: len(line) - len(line.lstrip())]
        if "\t" in indentation and line.strip():
            return Place(place.source, number, indentation.index("\t") + 1)
    return None


def _explained(what: str, context: str, place: Place, opened: Place | None) -> Problem:
    before = place.source.line(place.line)[: place.column - 1]
    if before.endswith("$") and "got '{'" in what:
        start = Place(place.source, place.line, place.column - 1, 2)
        return start.problem("'${' cannot stand unquoted inside { } or [ ].", 'Quote it: "${NAME}".')
    if "quoted scalar" in context and opened is not None and "unexpected end" in what:
        return opened.problem("this quote is never closed.", "Close it, or write a literal quote inside other quotes.")
    if "quoted scalar" in context and "escape" in what:
        return place.problem(
            f"{_escape(place)} is not an escape that YAML knows.",
            r"Write '...' for text as it stands, or \\ for a backslash.",
        )
    if "token" in what and (char := _quoted_char(what)) is not None:
        return place.problem(f"a value cannot start with {quoted(char)}.", f"Quote it: '{char}...'.")
    if "mapping values are not allowed" in what:
        return place.problem("a ':' is not expected here.", f"Quote a text that holds ': '. {_INDENT}")
    if "could not find expected ':'" in what:
        start = opened or place
        return start.problem(
            "this line is neither 'key: value' nor the rest of the value above.", f"Is a ':' missing? {_INDENT}"
        )
    if "flow" in context and opened is not None:
        bracket = place.source.line(opened.line)[opened.column - 1 : opened.column]
        there = "line" if opened.line != place.line else "column"
        number = opened.line if opened.line != place.line else opened.column
        return place.problem(
            f"the '{bracket}' of {there} {number} is not closed, or a ',' is missing before this.",
            "Separate by ',' and close with " + {"[": "']'", "{": "'}'"}.get(bracket, "its bracket") + ".",
        )
    if "block" in context or "<block" in what:
        return place.problem("this does not fit the lines above.", _INDENT)
    reason = re.sub(r"\s+", " ", what).strip() or "this cannot be read"
    return place.problem(f"this is not YAML: {reason}.", "Quote text that has special characters in it.")


def _quoted_char(what: str) -> str | None:
    match = re.search(r"found character '(.+)' that cannot start", what)
    return match.group(1) if match else None


def _escape(place: Place) -> str:
    return quoted(place.source.line(place.line)[max(place.column - 2, 0) : place.column])
