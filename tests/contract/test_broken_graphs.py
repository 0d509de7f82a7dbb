"""Every mistake in a graph file is found at its place, in words that say what would be right, all of them at once.

Each file in broken/ begins with what it must be told, a line for each of its mistakes in their order:
``#! line:column | message | first line of the hint``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from horus_runner import graph
from horus_runner.errors import GraphError, Problem

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(BROKEN.glob("*.yaml"))
ENVIRON = {"HORUS_TEST_UNSETS": "x"}


def expectations(path: Path) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("#! "):
            place, message, hint = line.removeprefix("#! ").split(" | ")
            found.append((place, message, hint))
    return found


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(GraphError) as caught:
        graph.load(path, environ=ENVIRON)
    return caught.value.problems


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 45


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_mistakes_at_once_each_with_place_message_and_hint(path: Path) -> None:
    found = [(f"{p.line}:{p.column}", p.message, p.hint.splitlines()[0]) for p in problems_of(path)]
    assert found == expectations(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_text_shows_the_line_with_the_place_marked(path: Path) -> None:
    shown = {0x1B: "\N{REPLACEMENT CHARACTER}", 0x09: "→"}
    lines = path.read_bytes().decode("utf-8", "replace").translate(shown).split("\n")
    for problem in problems_of(path):
        where, excerpt, carets, *hint = str(problem).splitlines()
        assert where == f"{path}:{problem.line}:{problem.column}: {problem.message}"
        assert hint, "every mistake says what to do"
        line = lines[problem.line - 1]
        at = carets.index("^")
        assert carets.strip() == "^" * problem.width
        # what is marked in the excerpt is what stands at that column of the file
        marked = excerpt[at : at + problem.width].rstrip("…")
        assert marked == line[problem.column - 1 :][: len(marked)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_library_behind_it_is_never_quoted(path: Path) -> None:
    text = "\n".join(map(str, problems_of(path))).lower()
    for word in ("pydantic", "traceback", "yaml.scanner", "input should be", "<unicode string>", "valid dictionary"):
        assert word not in text
