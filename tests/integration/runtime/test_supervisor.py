"""`supervise` on real processes, seen through its Observer."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from horus_runner.errors import HorusNotFoundError, UsageError
from horus_runner.graph.plan import GraphPlan, NodePlan, RestartPlan, TopicPlan
from horus_runner.metrics.snapshot import Snapshot
from horus_runner.runtime import control, registry
from horus_runner.runtime.observer import LogLine, Run
from horus_runner.runtime.report import Report
from horus_runner.runtime.supervisor import supervise

from .conftest import GRAPH_NAME, WITHIN_S, is_gone

NODES = """
import os, subprocess, sys, time
from pathlib import Path

def idle(node):
    pass

def finish(node):
    node.request_stop()

def finish_later(node):
    node.ticks = getattr(node, "ticks", 0) + 1
    if node.ticks == 20:
        node.request_stop()

def speak(node):
    print("to stdout")
    print("to stderr", file=sys.stderr)
    os.write(1, b"x" * 100_000 + b"\\nwithout an end")
    node.log_warning("a warning")
    node.log_debug("a detail")
    node.request_stop()

def fail_once(node):
    mark = Path(node.params["mark"])
    if not mark.exists():
        mark.touch()
        raise ValueError("the first time")
    node.request_stop()

def tell(node):
    print("told", os.environ.get("FLAVOUR"), os.environ.get("OMP_NUM_THREADS"), os.environ.get("OPENBLAS_NUM_THREADS"))
    print("tasks", blas_tasks())
    node.request_stop()

def blas_tasks():
    import numpy as np
    a = np.random.rand(500, 500)
    a @ a
    return len(os.listdir("/proc/self/task"))

def note(node):
    node.file = open(node.params["file"], "w")
    node.file.write("not flushed")
    node.request_stop()

def parent(node):
    child = subprocess.Popen(["sleep", "600"])
    daemon = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("children", child.pid, daemon.pid)
    node.request_stop()

def group(node):
    print("own group", os.getpgid(0) == os.getpid(), "parent", os.getppid())
    node.request_stop()

def source(node):
    node.send("data", {"pid": os.getpid()})

def count(node):
    received = node.recv_all("data")
    node.seen = getattr(node, "seen", 0) + len(received)
    if node.seen >= node.params["enough"]:
        node.request_stop()
"""


class Recorder:
    """Notes what it is told; `on_line` may act on a line."""

    interval_s = 0.05

    def __init__(self, on_line: Callable[[Run, LogLine], None] | None = None) -> None:
        self.run: Run | None = None
        self.lines: list[LogLine] = []
        self.snapshots: list[Snapshot] = []
        self.report: Report | None = None
        self._on_line = on_line

    def started(self, run: Run) -> None:
        self.run = run

    def log(self, line: LogLine) -> None:
        self.lines.append(line)
        if self._on_line is not None and self.run is not None:
            self._on_line(self.run, line)

    def refresh(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    def finished(self, report: Report) -> None:
        self.report = report

    def texts(self, node: str | None = None, level: str | None = None) -> list[str]:
        return [line.text for line in self.lines if line.node == node and level in (None, line.level)]


@pytest.fixture
def nodes(tmp_path: Path) -> Callable[..., NodePlan]:
    """`nodes(function, **fields)`: the plan of a node that runs a function of NODES."""
    file = tmp_path / "some_nodes.py"
    file.write_text(NODES)
    return lambda function, name="n", **fields: NodePlan(name, run=f"{file}:{function}", **fields)


def graph(*plans: NodePlan, topics: dict[str, TopicPlan] | None = None) -> GraphPlan:
    return GraphPlan(GRAPH_NAME, plans, topics or {})


def run(*plans: NodePlan, recorder: Recorder | None = None) -> tuple[Report, Recorder]:
    recorder = recorder or Recorder()
    report = supervise(graph(*plans), duration_s=WITHIN_S, observer=recorder)
    assert recorder.report == report
    return report, recorder


def test_what_a_node_prints_and_logs_arrives_with_its_name(nodes: Callable[..., NodePlan]) -> None:
    report, seen = run(nodes("speak"))
    assert report.exit_code == 0
    assert seen.texts("n", "stderr") == ["to stderr"]
    printed = seen.texts("n", "stdout")
    assert printed[-1] == "without an end"
    assert "to stdout" in printed
    assert sum(text.count("x") for text in printed) == 100_000
    assert seen.texts("n", "warning") == ["a warning"]
    assert seen.texts("n", "debug") == []


def test_a_failed_node_is_restarted_and_counted(nodes: Callable[..., NodePlan], tmp_path: Path) -> None:
    again = RestartPlan("on-failure", backoff_ns=1_000_000)
    report, seen = run(nodes("fail_once", restart=again, params={"mark": str(tmp_path / "mark")}))
    assert (report.exit_code, report.cause) == (0, "node 'n' asked the graph to stop")
    assert report.snapshot.nodes[0].restarts == 1
    said = "node 'n' failed in tick: ValueError: the first time; restart 1 of 5 in 0.001 s"
    assert seen.texts(None, "warning") == [said]


def test_an_optional_nodes_failure_is_shown_in_its_state_alone(nodes: Callable[..., NodePlan], tmp_path: Path) -> None:
    report, _ = run(
        nodes("fail_once", "optional", critical=False, params={"mark": str(tmp_path / "mark")}),
        nodes("finish_later", "other"),
    )
    assert report.exit_code == 0
    assert {node.name: node.state for node in report.snapshot.nodes} == {"optional": "failed", "other": "ended"}


def test_a_node_with_an_environment_of_its_own(nodes: Callable[..., NodePlan]) -> None:
    _, seen = run(nodes("tell", env={"FLAVOUR": "sour"}, threads=3))
    assert seen.texts("n", "stdout")[0] == "told sour 3 3"


@pytest.mark.parametrize(("threads", "said"), [(None, "1"), (2, "2")])
def test_blas_threads_of_a_forked_node(nodes: Callable[..., NodePlan], threads: int | None, said: str) -> None:
    if "openblas" not in str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]):
        pytest.skip("NumPy stands on another BLAS here")
    _, seen = run(nodes("tell", threads=threads))
    assert seen.texts("n", "stdout") == [f"told None {said} {said}", f"tasks {said}"]


def test_a_computing_node_gets_the_users_threads(
    nodes: Callable[..., NodePlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    _, seen = run(nodes("tell", compute=True))
    assert seen.texts("n", "stdout")[0] == "told None 2 None"


def test_open_files_are_written_out_at_the_end(nodes: Callable[..., NodePlan], tmp_path: Path) -> None:
    run(nodes("note", params={"file": str(tmp_path / "notes")}))
    assert (tmp_path / "notes").read_text() == "not flushed"


def test_subprocesses_of_a_node_end_with_it(nodes: Callable[..., NodePlan]) -> None:
    _, seen = run(nodes("parent"))
    pids = [int(word) for word in re.findall(r"\d+", seen.texts("n", "stdout")[0])]
    assert len(pids) == 2
    assert all(is_gone(pid) for pid in pids)


def test_nodes_are_children_of_the_supervisor_in_groups_of_their_own(nodes: Callable[..., NodePlan]) -> None:
    _, seen = run(nodes("group"))
    assert seen.texts("n", "stdout") == [f"own group True parent {os.getpid()}"]


def test_twenty_nodes(nodes: Callable[..., NodePlan]) -> None:
    topics = {"data": TopicPlan("data", publishers=tuple(f"s{i}" for i in range(19)), subscribers=("sink",))}
    sources = [nodes("source", f"s{i}", pubs=("data",), rate_hz=20.0) for i in range(19)]
    sink = nodes("count", "sink", subs=("data",), params={"enough": 200}, rate_hz=50.0)
    report = supervise(graph(*sources, sink, topics=topics), duration_s=60)
    assert (report.exit_code, report.cause) == (0, "node 'sink' asked the graph to stop")
    assert len(report.snapshot.topics[0].edges) == 19
    assert all(edge.balanced for edge in report.snapshot.topics[0].edges)


def test_snapshots_come_at_the_observers_interval(nodes: Callable[..., NodePlan]) -> None:
    recorder = Recorder()
    supervise(graph(nodes("idle")), duration_s=0.5, observer=recorder)
    assert len(recorder.snapshots) >= 2
    assert recorder.snapshots[-1].nodes[0].state in ("running", "stopping", "ended")


def test_in_another_thread_than_the_main_one(nodes: Callable[..., NodePlan]) -> None:
    reports: list[Report] = []
    thread = threading.Thread(target=lambda: reports.append(supervise(graph(nodes("finish")))))
    thread.start()
    thread.join(WITHIN_S)
    assert [report.exit_code for report in reports] == [0]


def test_an_observers_error_ends_every_process(nodes: Callable[..., NodePlan]) -> None:
    def stumble(run: Run, line: LogLine) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        supervise(graph(nodes("speak"), nodes("idle", "other")), observer=Recorder(stumble))


# -- the control socket ----------------------------------------------------------------------------------------------


def ask(answers: list[str], run: Run, **request: str) -> threading.Thread:
    """Send a request from another thread, since the supervisor answers from its loop; the answer is a sentence."""

    def send() -> None:
        try:
            info = registry.find(run.graph)
            assert info.control is not None
            control.request(info.control, **request)
            answers.append("ok")
        except UsageError as error:
            answers.append(str(error))

    thread = threading.Thread(target=send)
    thread.start()
    return thread


class Commander(Recorder):
    """Sends requests one after the other, and then a stop, from the loop's refresh."""

    def __init__(self, *requests: dict[str, str]) -> None:
        super().__init__()
        self.answers: list[str] = []
        self._requests = [*requests, {"do": "stop"}]
        self._thread: threading.Thread | None = None

    def refresh(self, snapshot: Snapshot) -> None:
        super().refresh(snapshot)
        running = all(node.state == "running" for node in snapshot.nodes)
        if running and self._requests and self.run and (self._thread is None or not self._thread.is_alive()):
            self._thread = ask(self.answers, self.run, **self._requests.pop(0))


def test_stop_by_the_control_socket(nodes: Callable[..., NodePlan]) -> None:
    commander = Commander()
    report, _ = run(nodes("idle"), recorder=commander)
    assert (report.exit_code, report.cause) == (0, "stopped by request")
    assert commander.answers == ["ok"]
    with pytest.raises(HorusNotFoundError):
        registry.find(GRAPH_NAME)


def test_restart_by_the_control_socket(nodes: Callable[..., NodePlan]) -> None:
    commander = Commander({"do": "restart", "node": "n"})
    report, _ = run(nodes("idle"), recorder=commander)
    assert report.exit_code == 0
    assert report.snapshot.nodes[0].restarts == 1


@pytest.mark.parametrize(
    ("request_fields", "answer"),
    [
        ({"do": "restart", "node": "m"}, "the graph has no node 'm'. Known here: 'n'"),
        ({"do": "stpo"}, "Did you mean 'stop'"),
        ({"do": "param", "node": "n", "key": "k", "value": "1"}, "reads its params when it starts"),
        ({"do": "level", "level": "loud"}, "'loud' is no level"),
        ({"do": "level", "level": "debug"}, "ok"),
    ],
)
def test_requests_are_answered(nodes: Callable[..., NodePlan], request_fields: dict[str, str], answer: str) -> None:
    commander = Commander(request_fields)
    report, _ = run(nodes("idle", "n"), recorder=commander)
    assert report.exit_code == 0
    assert answer in commander.answers[0]


def test_the_control_socket_is_the_users_alone(nodes: Callable[..., NodePlan]) -> None:
    modes: list[int] = []

    def look(run: Run, line: LogLine) -> None:
        path = registry.control_path(run.run_id)
        modes.extend([path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777])

    run(nodes("speak"), recorder=Recorder(look))
    assert modes[:2] == [0o600, 0o700]
