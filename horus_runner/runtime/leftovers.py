"""What is still alive of a node's process group after the node itself has ended."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Final

from horus_runner.graph.plan import GRACE_NS

_LOOK_AGAIN_NS: Final = 10_000_000


def reap_group(group: int, spare: int = 0) -> None:
    """Reap the ended members of a process group that this process has adopted, `spare` (its node) excepted."""
    with suppress(ChildProcessError):
        while True:
            found = os.waitid(os.P_PGID, group, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None or found.si_pid == spare:
                return
            os.waitpid(found.si_pid, os.WNOHANG)


def is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


class Leftovers:
    """Process groups that have had their SIGTERM; whoever is left at the end of the grace period gets SIGKILL.

    A group's number is not given to another one while the group has members, so signalling it is safe.
    """

    def __init__(self) -> None:
        self._kill_ns: dict[int, int] = {}

    @property
    def groups(self) -> list[int]:
        return list(self._kill_ns)

    def add(self, group: int, now_ns: int) -> None:
        reap_group(group)
        if not is_empty(group):
            self._kill_ns[group] = now_ns + GRACE_NS

    def look(self, now_ns: int) -> None:
        """Drop the groups that are empty now, kill those whose time is over."""
        for group, kill_ns in list(self._kill_ns.items()):
            reap_group(group)
            if is_empty(group) or now_ns > kill_ns + GRACE_NS:  # what SIGKILL cannot end, waiting does not end either
                del self._kill_ns[group]
            elif now_ns >= kill_ns:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)

    @property
    def due_in_ns(self) -> int | None:
        """How long the next look may wait; None when there is nothing to look at."""
        return _LOOK_AGAIN_NS if self._kill_ns else None
