from __future__ import annotations

import pytest

from horus_runner.errors import GraphError, Problem
from horus_runner.graph.marks import Place, Source


def text(line: str, column: int, width: int) -> tuple[str, str]:
    problem = Place(Source("g.yaml", (line,)), 1, column, width).problem("wrong.", "do right")
    where, excerpt, carets, hint = str(problem).splitlines()
    assert (where, hint) == (f"g.yaml:1:{column}: wrong.", "do right")
    return excerpt[4:], carets[4:]


def marked(line: str, column: int, width: int) -> str:
    excerpt, carets = text(line, column, width)
    return excerpt[carets.index("^") : len(carets)]


def test_indentation_is_left_out() -> None:
    assert text("      subs: [camera.rbg]", 14, 10) == ("subs: [camera.rbg]", "       ^^^^^^^^^^")


@pytest.mark.parametrize("column", [1, 80, 500, 990])
def test_of_a_long_line_the_part_is_shown(column: int) -> None:
    line = "".join(f"{n:04d} " for n in range(200))
    excerpt, _ = text(line, column, 4)
    assert len(excerpt) <= 112
    assert marked(line, column, 4) == line[column - 1 : column + 3]


def test_wide_and_combining_characters_keep_the_mark_in_place() -> None:
    # two columns each for the terminal, so the caret stands further right than the column says
    assert text("日本: x", 5, 1)[1] == " " * 6 + "^"
    assert text("e\u0301: x", 5, 1)[1] == " " * 3 + "^"
    assert text("x: 日本", 4, 2)[1] == "   ^^^^"


def test_what_would_upset_a_terminal_is_not_printed() -> None:
    assert "\x1b" not in text("a: \x1b[31m", 4, 1)[0]


def test_a_place_behind_the_end() -> None:
    assert text("abc", 4, 1) == ("abc", "   ^")
    assert str(Place(Source("g", ()), 7, 3).problem("wrong.")) == "g:7:3: wrong."


def test_warnings_say_so() -> None:
    problem = Problem("g.yaml", 3, 1, "odd.", severity="warning")
    assert str(problem) == "g.yaml:3:1: warning: odd."
    assert str(GraphError((problem, problem))).count("odd.") == 2
