from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color

from horus_runner.dashboard.logs import plain_lines, printable
from horus_runner.dashboard.styled import styled_lines


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain\ttext", "plain\ttext"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b[2J\x1b[Hb", "ab"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://a\x1b\\link", "link"),
        ("\x1b7\x1b8\x1bc\x1b(B.", "."),
        ("50%\r\x07\x9b2J", "50%2J"),
        ("ends in \x1b", "ends in "),
    ],
)
def test_only_text_is_left(text: str, seen: str) -> None:
    assert printable(text) == seen


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    assert not [c for c in printable(text) if (ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160]


def test_each_line_has_its_node_and_its_level() -> None:
    assert plain_lines("camera", "info", "one\ntwo") == ["camera | one", "camera | two"]
    assert plain_lines("camera", "warning", "late") == ["camera | warning: late"]
    assert plain_lines("camera", "stdout", "") == ["camera |"]


def test_a_terminal_keeps_the_nodes_colours_and_nothing_that_moves() -> None:
    (line,) = styled_lines("camera", "stdout", "a \x1b[31mred\x1b[0m\x1b[2K b", 8)
    assert line.plain == "camera   | a red b"
    assert any(getattr(span.style, "color", None) == Color.parse("color(1)") for span in line.spans)


def test_an_error_is_marked_in_words() -> None:
    (line,) = styled_lines("camera", "error", "no device", 6)
    assert line.plain == "camera | error: no device"
