"""Runs made in the test process itself: participants of one run, as the nodes of a graph are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from horus_runner.transport.names import new_run_id
from horus_runner.transport.participant import Participant
from horus_runner.transport.runs import unlink_run
from horus_runner.transport.segment import ProcessSegment


@pytest.fixture
def segment() -> Iterator[ProcessSegment]:
    """The process segment of a run with four nodes."""
    run_id = new_run_id()
    made = ProcessSegment.create(f"unit-{run_id}", run_id, ["a", "b", "c", "d"], "unit")
    yield made
    made.close()
    unlink_run(run_id)


@pytest.fixture
def participant(segment: ProcessSegment) -> Participant:
    return Participant(segment, 0)


@pytest.fixture
def participants(segment: ProcessSegment) -> Callable[[int], Participant]:
    """Other members of the same run, with mappings of their own."""
    return lambda index: Participant(ProcessSegment.open(segment.name.namespace, segment.name.run_id), index)
