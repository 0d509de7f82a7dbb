"""Keys, on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import termios
from collections.abc import Callable, Iterator

import pytest

from horus_runner.dashboard.keyboard import Controls, Keyboard, parse_keys
from horus_runner.dashboard.view import SORTS


def test_parse_keys() -> None:
    assert parse_keys(b"qs\x1b[A\x1bOB\x1b[6~j\x1b[200~") == ["q", "s", "up", "down", "page down", "j", ""]
    assert parse_keys("é".encode())  # not a key of ours, and no error


def test_controls_follow_the_keys() -> None:
    controls = Controls()
    seen = []
    for _ in SORTS:
        controls = controls.pressed("s")
        seen.append(controls.sort)
    assert sorted(seen) == sorted(SORTS)
    assert controls.sort == "graph"
    for key in ("down", "down", "page down", "up"):
        controls = controls.pressed(key)
    assert controls.offset == 11
    assert controls.pressed("home").offset == 0
    assert not controls.stop
    assert controls.pressed("q").stop
    assert controls.pressed("x") == controls


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """Both ends of a pseudo-terminal, taken to have this process in its foreground."""
    ours, theirs = pty.openpty()
    monkeypatch.setattr(os, "tcgetpgrp", lambda fd: os.getpgrp())
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def echo_and_lines(fd: int) -> int:
    return int(termios.tcgetattr(fd)[3] & (termios.ECHO | termios.ICANON))


def test_keys_come_singly_and_the_terminal_is_put_back(
    terminal: tuple[int, int], wait_until: Callable[..., None]
) -> None:
    ours, theirs = terminal
    before = termios.tcgetattr(theirs)
    got: list[str] = []
    with pytest.raises(ZeroDivisionError), Keyboard(theirs) as keyboard:
        assert keyboard.active
        assert not echo_and_lines(theirs)
        assert termios.tcgetattr(theirs)[3] & termios.ISIG  # Ctrl-C stays Ctrl-C
        assert keyboard.read() == []
        os.write(ours, b"s\x1b[B")
        wait_until(lambda: got.extend(keyboard.read()) or len(got) == 2, "two keys")
        raise ZeroDivisionError
    assert got == ["s", "down"]
    assert termios.tcgetattr(theirs) == before


def test_a_terminal_that_is_not_ours_is_left_alone(terminal: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = terminal
    monkeypatch.setattr(os, "tcgetpgrp", lambda fd: os.getpgrp() + 1)
    before = termios.tcgetattr(theirs)
    with Keyboard(theirs) as keyboard:
        os.write(ours, b"q\n")
        assert not keyboard.active
        assert keyboard.read() == []
        assert termios.tcgetattr(theirs) == before


def test_without_a_terminal_there_are_no_keys() -> None:
    read_end, write_end = os.pipe()
    with Keyboard(read_end) as keyboard:
        os.write(write_end, b"q")
        assert not keyboard.active
        assert keyboard.read() == []
    os.close(read_end)
    os.close(write_end)
