"""Which way a run is shown: live where the terminal can redraw, else as plain lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from horus_runner.runtime.observer import Observer


def can_redraw() -> bool:
    """Whether standard error is a terminal that can move its cursor."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


@contextmanager
def watching(plain: bool = False) -> Iterator[Observer]:
    """An observer on standard error; however the block ends, the terminal is as it was before."""
    if plain or not can_redraw():
        from horus_runner.dashboard.plain import PlainObserver

        with PlainObserver() as lines:
            yield lines
    else:
        from horus_runner.dashboard.live import LiveObserver, Screen

        with Screen() as screen:
            yield LiveObserver(screen)
