"""A namespace of each test's own for bare topics, left at its end as a process leaves its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from horus_runner.transport import participant
from horus_runner.transport.names import digest, process_segments
from horus_runner.transport.runs import unlink_run


@pytest.fixture(autouse=True)
def own_namespace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The namespace. What killed processes leave in it is removed too."""
    namespace = f"topic-{os.getpid()}-{digest(str(tmp_path))}"
    monkeypatch.setenv("HORUS_NAMESPACE", namespace)
    yield namespace
    member = participant._bare.pop((namespace, os.getpid()), None)
    if member is not None:
        member.leave()
    for run in list(process_segments()):
        if run.namespace == namespace:
            unlink_run(run.run_id)
