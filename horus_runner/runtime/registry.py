"""Which graphs run, and where each takes commands.

A run's sign of life is the lock on its process segment (`transport.runs.live_runs`); its control socket has the
run's id as its name. Sockets lie in a folder that only the user can enter.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from horus_runner.errors import HorusNotFoundError, UsageError, did_you_mean
from horus_runner.runtime.processes import end_strays

_LONGEST_SOCKET_PATH: Final = 107


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run that is alive. `control` is the path of its control socket, None for one without (a script's inline run,
    a process with a bare Topic)."""

    graph: str
    namespace: str
    run_id: str
    control: Path | None


def control_folder() -> Path:
    """The folder of the control sockets, made when it is not there: under XDG_RUNTIME_DIR, else in /tmp.

    UsageError when somebody else owns it.
    """
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(base) / "horus" if base else Path(f"/tmp/horus-{os.getuid()}")
    if base and len(str(folder)) > _LONGEST_SOCKET_PATH - 16:
        folder = Path(f"/tmp/horus-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(f"{folder} has to be a folder of yours that nobody else can enter (mode 700). Remove it.")
    return folder


def control_path(run_id: str) -> Path:
    return control_folder() / f"{run_id}.sock"


def forget(run_id: str) -> None:
    """Remove what a run that is over has left in the folder."""
    control_path(run_id).unlink(missing_ok=True)


def runs() -> list[RunInfo]:
    """Every run that is alive."""
    from horus_runner.transport.runs import live_runs
    from horus_runner.transport.segment import ProcessSegment

    found: dict[str, RunInfo] = {}
    for run in live_runs():
        if run.run_id in found and not run.namespace.endswith(run.run_id):
            continue  # the second name of a graph with external topics
        with suppress(FileNotFoundError):
            graph = ProcessSegment.open(run.namespace, run.run_id).graph
            path = control_path(run.run_id)
            found[run.run_id] = RunInfo(graph, run.namespace, run.run_id, path if path.exists() else None)
    return list(found.values())


def sweep() -> None:
    """Remove what dead runs have left: their processes, their segments and their sockets."""
    from horus_runner.transport.runs import live_runs, sweep

    end_strays()
    sweep()
    alive = {run.run_id for run in live_runs()}
    for path in control_folder().glob("*.sock"):
        if path.stem not in alive:
            path.unlink(missing_ok=True)


def find(name: str | None = None) -> RunInfo:
    """The run with this graph name or run id; without a name, the only one. HorusNotFoundError when there is none,
    UsageError when there are several."""
    graphs = [run for run in runs() if run.control is not None]
    matching = [run for run in graphs if name is None or name in (run.graph, run.run_id)]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        what = "no graph is running." if name is None else f"no graph '{name}' is running."
        raise HorusNotFoundError(what + did_you_mean(name or "", {run.graph for run in graphs}))
    shown = ", ".join(f"{run.run_id} ({run.graph})" for run in matching)
    raise UsageError(f"several graphs are running; name one by its id: {shown}.")
