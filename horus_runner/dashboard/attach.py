"""A run that another process supervises, watched from outside: its numbers are read from shared memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing

from horus_runner.dashboard.live import Screen
from horus_runner.dashboard.summary import print_snapshot
from horus_runner.metrics.reader import RunReader
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.runtime import registry
from horus_runner.runtime.registry import RunInfo
from horus_runner.runtime.report import Report

INTERVAL_S = 0.5
ONE_READING_S = 1.0


def watch(info: RunInfo) -> None:
    """Show the live screen until q is pressed or the run ends; the last numbers stay on standard output."""
    snapshot = None
    with Screen() as screen:
        for snapshot in _snapshots(info):
            screen.show(snapshot, stop_means="quit")
            if screen.pause(INTERVAL_S).stop:
                return
    if snapshot is not None:
        print_snapshot(snapshot, "ran for")


def print_once(info: RunInfo) -> None:
    """Print the numbers of one second to standard output."""
    print_snapshot(_one_second(info), "has been running for")


def print_json(info: RunInfo) -> None:
    """Print the numbers of one second as JSON: those of ``horus run --report`` that a run under way has."""
    snapshot = _one_second(info)
    report = Report(snapshot.graph, snapshot.elapsed_s, 0, None, snapshot).to_dict()
    shown = {key: report[key] for key in ("graph", "duration_s", "nodes", "topics")}
    sys.stdout.write(json.dumps({"run_id": snapshot.run_id, **shown}, indent=2) + "\n")


def _one_second(info: RunInfo) -> Snapshot:
    with closing(RunReader(info.namespace, info.run_id)) as reader:
        reader.snapshot()  # rates are over the time since the reading before
        time.sleep(ONE_READING_S)
        return reader.snapshot()


def _snapshots(info: RunInfo) -> Iterator[Snapshot]:
    with closing(RunReader(info.namespace, info.run_id)) as reader:
        while any(run.run_id == info.run_id for run in registry.runs()):
            yield reader.snapshot()
