"""Which runs live, and removing what dead ones left behind.

A run is dead when its process segment is missing or its lock can be taken; nothing is decided by a process id, which
means nothing across containers.
"""

from __future__ import annotations

import fcntl
import os
import time

from horus_runner.transport.names import (
    DIRECTORY,
    RunName,
    process_segments,
    ring_segments,
    unfinished_segments,
)
from horus_runner.transport.segment import open_segment

_UNFINISHED_AGE_S = 10.0


def is_dead(run: RunName) -> bool:
    """Whether nobody holds the run's lock any more."""
    try:
        descriptor = open_segment(run.segment)
    except FileNotFoundError:
        return True
    except PermissionError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def find_run(run_id: str) -> RunName | None:
    """A name of the run's process segment in any namespace, None when it has none."""
    return next((run for run in process_segments() if run.run_id == run_id), None)


def live_runs() -> list[RunName]:
    """Every run whose owner lives, in the order of namespaces. A run that stands in two appears twice."""
    return sorted((run for run in process_segments() if not is_dead(run)), key=lambda run: (run.namespace, run.run_id))


def unlink_run(run_id: str) -> list[str]:
    """Remove every segment of a run, rings first; returns their names."""
    removed = [_unlink(ring.segment) for ring in list(ring_segments()) if ring.run_id == run_id]
    removed += [_unlink(name) for name, run in list(unfinished_segments()) if run == run_id]
    removed += [_unlink(run.segment) for run in list(process_segments()) if run.run_id == run_id]
    return [name for name in removed if name]


def sweep() -> list[str]:
    """Remove the segments of all dead runs; returns their names."""
    known = list(process_segments())
    living = {run.run_id for run in known if not is_dead(run)}
    dead = {run.run_id for run in known} | {ring.run_id for ring in ring_segments()}
    removed: list[str] = []
    for run_id in sorted(dead - living):
        # A run that began after the look above has its process segment by the time it has rings.
        run = find_run(run_id)
        if run is None or is_dead(run):
            removed += unlink_run(run_id)
    removed += [_unlink(name) for name, run_id in list(unfinished_segments()) if run_id not in living and _is_old(name)]
    return [name for name in removed if name]


def _is_old(name: str) -> bool:
    try:
        return time.time() - (DIRECTORY / name).stat().st_mtime > _UNFINISHED_AGE_S
    except FileNotFoundError:
        return False


def _unlink(name: str) -> str:
    try:
        (DIRECTORY / name).unlink()
    except (FileNotFoundError, PermissionError):
        return ""
    return name
