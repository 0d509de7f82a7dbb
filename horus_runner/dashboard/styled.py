"""Log lines for a terminal: each node's name in its own colour, in a column; the node's own colours kept."""

from __future__ import annotations

import zlib

from rich.text import Text

from horus_runner.dashboard.logs import level_mark, printable

WIDEST_NAME = 16
# Blue on black is hard to read, red and yellow mean trouble.
NAME_STYLES = ("cyan", "magenta", "green", "bright_blue", "bright_magenta", "bright_cyan")
LEVEL_STYLES = {"error": "bold red", "warning": "yellow", "debug": "dim"}


def styled_lines(node: str, level: str, text: str, name_width: int) -> list[Text]:
    """``node | text`` for each line of a text, names padded to `name_width` but not beyond WIDEST_NAME."""
    name_style = NAME_STYLES[zlib.crc32(node.encode()) % len(NAME_STYLES)]
    lines = []
    for line in text.splitlines() or [""]:
        body = Text.from_ansi(level_mark(level) + printable(line, keep_colour=True))
        body.style = LEVEL_STYLES.get(level, "")
        lines.append(Text.assemble((f"{node:<{min(name_width, WIDEST_NAME)}} | ", name_style), body))
    return lines
