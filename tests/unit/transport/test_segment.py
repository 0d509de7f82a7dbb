"""Making and opening segments, and the process segment of a run."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from horus_runner._core.clock import monotonic_ns
from horus_runner._core.mapping import Mapping
from horus_runner.errors import HorusError
from horus_runner.transport.names import DIRECTORY, RunName, new_run_id
from horus_runner.transport.runs import is_dead, unlink_run
from horus_runner.transport.segment import ProcessSegment, create_segment, open_segment


@pytest.fixture
def run() -> RunName:
    run_id = new_run_id()
    return RunName(f"unit-{run_id}", run_id)


def of_run(run: RunName) -> list[str]:
    return [path.name for path in DIRECTORY.iterdir() if run.run_id in path.name]


def test_a_segment_is_filled_before_it_has_its_name(run: RunName) -> None:
    seen: list[list[str]] = []

    def fill(descriptor: int) -> None:
        Mapping(descriptor, 4096, writable=True).write(0, b"filled")
        seen.append(of_run(run))

    os.close(create_segment(run.segment, 4096, run, fill))
    try:
        (during,) = seen
        assert len(during) == 1
        assert run.segment not in during
        assert of_run(run) == [run.segment]
        path = DIRECTORY / run.segment
        assert path.read_bytes()[:6] == b"filled"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        unlink_run(run.run_id)


def test_a_segment_whose_filling_fails_leaves_nothing(run: RunName) -> None:
    def fill(descriptor: int) -> None:
        raise KeyboardInterrupt

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(KeyboardInterrupt):
        create_segment(run.segment, 4096, run, fill)
    assert of_run(run) == []
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_name_is_taken_once(run: RunName) -> None:
    os.close(create_segment(run.segment, 4096, run, lambda descriptor: os.write(descriptor, b"first") and None))
    try:
        with pytest.raises(FileExistsError):
            create_segment(run.segment, 4096, run, lambda descriptor: None)
        assert (DIRECTORY / run.segment).read_bytes()[:5] == b"first"
        assert of_run(run) == [run.segment]
    finally:
        unlink_run(run.run_id)


def test_a_segment_is_never_opened_through_a_link(run: RunName, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not a segment")
    (DIRECTORY / run.segment).symlink_to(tmp_path / "secret")
    try:
        with pytest.raises(OSError, match="symbolic links"):
            open_segment(run.segment)
    finally:
        unlink_run(run.run_id)


def test_a_process_segment_tells_what_it_was_made_with(segment: ProcessSegment) -> None:
    seen = ProcessSegment.open(segment.name.namespace, segment.name.run_id)
    assert (seen.nodes, seen.graph, seen.owner_pid) == (4, "unit", os.getpid())
    assert seen.started_ns <= monotonic_ns()
    assert [seen.record(n).read()["name"] for n in range(4)] == ["a", "b", "c", "d"]
    assert seen.run_number == int(segment.name.run_id, 16)
    with pytest.raises(IndexError, match="nodes 0 to 3, not 4"):
        seen.record(4)
    with pytest.raises(IndexError, match="doorbells 0 to 3, not 4"):
        seen.doorbell(4)


def test_what_one_mapping_stores_another_reads(segment: ProcessSegment) -> None:
    seen = ProcessSegment.open(segment.name.namespace, segment.name.run_id)
    segment.record(2).set_state("running")
    segment.record(2).set_pid(123)
    about = seen.record(2).read()
    assert (about["state"], about["pid"]) == ("running", 123)


def test_the_first_to_say_go_decides(segment: ProcessSegment) -> None:
    seen = ProcessSegment.open(segment.name.namespace, segment.name.run_id)
    assert seen.go_ns == 0
    segment.go(1234)
    seen.go(5678)
    assert seen.go_ns == segment.go_ns == 1234


def test_a_file_that_is_no_process_segment_is_refused(run: RunName) -> None:
    os.close(create_segment(run.segment, 65536, run, lambda descriptor: None))
    try:
        with pytest.raises(HorusError, match="is not a process segment of this version"):
            ProcessSegment.open(run.namespace, run.run_id)
    finally:
        unlink_run(run.run_id)


def test_an_alias_is_the_same_segment_under_another_namespace(run: RunName) -> None:
    segment = ProcessSegment.create(run.namespace, run.run_id, ["a"], aliases=[f"alias-{run.run_id}", run.namespace])
    try:
        (alias,) = segment.aliases
        same = ProcessSegment.open(alias.namespace, alias.run_id)
        segment.record(0).set_state("ended")
        assert same.record(0).read()["state"] == "ended"
        assert not is_dead(alias)
        segment.close()
        assert is_dead(alias)
        assert is_dead(run)
        segment.unlink()
        assert of_run(run) == []
    finally:
        unlink_run(run.run_id)


def test_closing_ends_the_run_even_while_its_memory_is_mapped(segment: ProcessSegment) -> None:
    assert not is_dead(segment.name)
    segment.close()
    segment.close()
    assert is_dead(segment.name)
    assert segment.record(0).read()["name"] == "a"


def test_no_resource_tracker_is_started(run_python: Callable[..., object]) -> None:
    done = run_python(
        "-c",
        "from multiprocessing import resource_tracker\n"
        "import numpy as np, horus\n"
        "topic = horus.Topic('numbers')\n"
        "topic.send({'n': 1}); topic.send(np.zeros(100_000))\n"
        "assert len(topic.recv_all()) == 2\n"
        "print(resource_tracker._resource_tracker._pid, resource_tracker.register.__name__)\n",
    )
    assert (done.stdout, done.stderr) == ("None register\n", "")  # type: ignore[attr-defined]
