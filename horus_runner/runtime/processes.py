"""Which processes belong to a run, and how they are ended.

Everything that a run starts descends from its fork server, whose environment carries a token of the run: a child
inherits it by fork and by exec, into other process groups and sessions too. So the relatives of a run are the
processes with that token, together with the members of the process groups that are known to be its nodes' (a
subprocess started with an emptied environment).

The token names the supervisor too (pid and start time), so that a later command can tell what nobody looks after any
more: supervisor and janitor were both killed, and a node's subprocess lives on.
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
JANITOR_NAME: Final = "horus janitor"
JANITOR_CALL: Final = "from horus_runner.runtime.janitor import main"
_POLL_S: Final = 0.005


def new_token(run_id: str) -> str:
    """The token of a run that this process supervises."""
    return f"{run_id}.{os.getpid()}.{_start_time(os.getpid())}"


def run_of(token: str) -> str:
    """The id of the run that a token marks."""
    return token.partition(".")[0]


def _start_time(pid: int) -> str | None:
    """When a process started, in clock ticks since boot; None when there is none. It tells two users of a pid apart."""
    fields = _stat_fields(pid)
    return None if fields is None else fields[19].decode()


def _stat_fields(pid: int) -> list[bytes] | None:
    """The fields of /proc/PID/stat from the state on."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return stat[stat.rindex(b")") + 2 :].split()


def process_state(pid: int) -> tuple[str, int] | None:
    """The state letter and the process group of `pid`; None when there is no such process."""
    fields = _stat_fields(pid)
    return None if fields is None else (fields[0].decode(), int(fields[2]))


def is_running(pid: int) -> bool:
    """Whether `pid` exists and has not ended (a zombie has)."""
    found = process_state(pid)
    return found is not None and found[0] not in "ZX"


def relatives(token: str, groups: Collection[int] = ()) -> list[int]:
    """The running processes of the run with this token or in one of these groups, this process excepted."""
    return [pid for pid in _others() if _is_in(pid, groups) or _token_of(pid) == token]


def _others() -> list[int]:
    """Every running process but this one."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 (half the time of iterdir)
    return [pid for pid in pids if pid != os.getpid() and is_running(pid)]


def _is_in(pid: int, groups: Collection[int]) -> bool:
    if not groups:
        return False
    found = process_state(pid)
    return found is not None and found[1] in groups


def _token_of(pid: int) -> str | None:
    """The token in a process's environment; None when it has none or is another user's."""
    mark = f"{TOKEN_VARIABLE}=".encode()
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            words = environ.read().split(b"\0")
    except OSError:
        return None
    return next((word[len(mark) :].decode() for word in words if word.startswith(mark)), None)


def end_strays() -> list[int]:
    """Kill what is left of runs whose supervisor and janitor are both gone; returns the pids.

    Only processes of this user in this pid namespace: in another one, the pid in a token means something else.
    """
    families: dict[str, list[int]] = {}
    for pid in _others():
        token = _token_of(pid)
        if token is not None and token.count(".") == 2 and _is_near(pid):
            families.setdefault(token, []).append(pid)
    strays = [pid for token, pids in families.items() if _is_forsaken(token, pids) for pid in pids]
    for pid in strays:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return strays


def _is_near(pid: int) -> bool:
    try:
        process = Path(f"/proc/{pid}")
        same = (process / "ns/pid").readlink() == Path("/proc/self/ns/pid").readlink()
        return same and process.stat().st_uid == os.getuid()
    except OSError:
        return False


def _is_forsaken(token: str, pids: list[int]) -> bool:
    _, supervisor, started = token.split(".")
    if _start_time(int(supervisor)) == started:
        return False
    return not any(_is_janitor(pid) for pid in pids)


def _is_janitor(pid: int) -> bool:
    """Whether a process is a janitor. One that still loads its modules has the name of its interpreter; a forked node
    has the same command, but the node's name."""
    try:
        name = Path(f"/proc/{pid}/comm").read_bytes().rstrip(b"\n")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    interpreter = os.path.basename(command.partition(b"\0")[0])[:15]  # noqa: PTH119 (bytes)
    return name == JANITOR_NAME.encode() or (JANITOR_CALL.encode() in command and name == interpreter)


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
