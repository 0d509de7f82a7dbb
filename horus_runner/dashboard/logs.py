"""What nodes print and log, as lines that begin with the node's name."""

from __future__ import annotations

import re

RUNNER = "horus"  # whose lines these are when they are no node's
MARKED_LEVELS = ("error", "warning", "debug")

_UNSEEN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: titles, links
    r"|\x1b[ -/]*[0-~]"  # the short ones
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


def printable(text: str, keep_colour: bool = False) -> str:
    """`text` without what would move a cursor, set a title or ring a bell; tabs stay."""
    return _UNSEEN.sub(lambda m: m.group() if keep_colour and _COLOUR.fullmatch(m.group()) else "", text)


def level_mark(level: str) -> str:
    """``warning: `` and its like for a logged line; nothing for `info` and for what was printed."""
    return f"{level}: " if level in MARKED_LEVELS else ""


def plain_lines(node: str, level: str, text: str) -> list[str]:
    """``node | text`` for each line of a text, without colour."""
    return [f"{node} | {level_mark(level)}{printable(line)}".rstrip() for line in text.splitlines() or [""]]
