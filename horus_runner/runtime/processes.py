"""Which processes belong to a run, and how they are ended.

Everything that a run starts descends from its fork server, whose environment carries a token of the run: a child
inherits it by fork and by exec, into other process groups and sessions too. So the relatives of a run are the
processes with that token, together with the members of the process groups that are known to be its nodes' (a
subprocess started with an emptied environment).

This file is loaded by the janitor and imports the standard library alone.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

TOKEN_VARIABLE: Final = "HORUS_RUN_TOKEN"
_POLL_S: Final = 0.005


def process_state(pid: int) -> tuple[str, int] | None:
    """The state letter and the process group of `pid`; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    state, _parent, group = stat[stat.rindex(b")") + 2 :].split(b" ", 3)[:3]
    return state.decode(), int(group)


def is_running(pid: int) -> bool:
    """Whether `pid` exists and has not ended (a zombie has)."""
    found = process_state(pid)
    return found is not None and found[0] not in "ZX"


def relatives(token: str, groups: Collection[int] = ()) -> list[int]:
    """The running processes of the run with this token or in one of these groups, this process excepted."""
    mark = f"{TOKEN_VARIABLE}={token}".encode()
    own = os.getpid()
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 (half the time of iterdir)
    return [pid for pid in pids if pid != own and _belongs(pid, mark, groups)]


def _belongs(pid: int, mark: bytes, groups: Collection[int]) -> bool:
    found = process_state(pid)
    if found is None or found[0] in "ZX":
        return False
    if found[1] in groups:
        return True
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            return mark in environ.read().split(b"\0")
    except OSError:
        return False


def end_relatives(
    token: str, groups: Collection[int], spare: Collection[int] = (), *, grace_s: float, reap: Callable[[int], None]
) -> None:
    """End all relatives but those in `spare`: SIGTERM, `grace_s` to end, SIGKILL.

    `reap` is called with each pid that has ended, since it may be a child of this process.
    """
    for signum, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 1.0)):
        found = [pid for pid in relatives(token, groups) if pid not in spare]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signum)
        _await_end(found, time.monotonic() + patience_s)
        for pid in found:
            reap(pid)


def _await_end(pids: list[int], until_s: float) -> None:
    while any(is_running(pid) for pid in pids) and time.monotonic() < until_s:
        time.sleep(_POLL_S)
