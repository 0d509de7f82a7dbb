"""The bytes of a graph file to text, or to the one problem that keeps them from being text."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from yaml.reader import Reader

from horus_runner.errors import GraphError, Problem, nearest
from horus_runner.graph.marks import Place, Source, quoted

MAX_BYTES = 256 * 1024
# what YAML counts as the end of a line; CR LF first
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read_source(path: Path) -> tuple[str, Source]:
    """The text of the file at `path`, and its lines. Raises GraphError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise GraphError((_unreadable(path, error),)) from None
    return decode(data, str(path))


def decode(data: bytes, name: str) -> tuple[str, Source]:
    """`data` as text without its byte order mark; `name` is the file's in messages. Raises GraphError."""
    if len(data) > MAX_BYTES:
        hint = "Is it a graph? Large tables belong in a file of their own, named in params."
        raise GraphError((Problem(name, 0, 0, f"the file is larger than {MAX_BYTES // 1024} KB.", hint),))
    mark, encoding = next(((m, e) for m, e in _BYTE_ORDER_MARKS if data.startswith(m)), (b"", "utf-8"))
    data = data[len(mark) :]
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        text = data.decode(encoding, "replace")
        source = Source(name, split_lines(text))
        place = place_at(source, data[: error.start].decode(encoding))
        problem = place.problem(f"byte 0x{data[error.start]:02x} is not {encoding.upper()}.", "Save the file as UTF-8.")
        raise GraphError((problem,)) from None
    source = Source(name, split_lines(text))
    control = Reader.NON_PRINTABLE.search(text)
    if control is not None:
        place = place_at(source, text[: control.start()])
        problem = place.problem(
            f"the character U+{ord(control.group()):04X} is not allowed in a graph file.", "Remove it."
        )
        raise GraphError((problem,))
    return text, source


def split_lines(text: str) -> tuple[str, ...]:
    return tuple(_LINE_BREAK.split(text))


def place_at(source: Source, before: str) -> Place:
    """The place behind the text `before`, which starts at the start of the source."""
    lines = split_lines(before)
    return Place(source, len(lines), len(lines[-1]) + 1)


def _unreadable(path: Path, error: OSError | ValueError) -> Problem:
    name = str(path).encode(errors="backslashreplace").decode()
    if isinstance(error, FileNotFoundError):
        return Problem(name, 0, 0, "there is no such graph file.", _hint_for_missing(path))
    if isinstance(error, IsADirectoryError):
        graphs = sorted(p.name for p in path.glob("*.y*ml"))
        return Problem(
            name, 0, 0, "this is a directory, not a graph file.", f"It holds {', '.join(graphs)}." if graphs else ""
        )
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else "no file can have this name"
    return Problem(name, 0, 0, f"the graph file cannot be read: {reason}.")


def _hint_for_missing(path: Path) -> str:
    try:
        there = [p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml")]
    except OSError:
        return f"There is no directory {quoted(path.parent)} either."
    near = nearest(path.name, there)
    if near is not None:
        return f"Did you mean '{path.parent / near}'?"
    return f"In {quoted(path.parent)} are {', '.join(sorted(there)[:8])}." if there else ""
