"""What a graph's policies lead to, in real processes: `horus run FILE --report R`, and what the report then says.

Counts and their relations are held against each other, never durations: the machine may be busy.
"""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

NODES = """
    import os, signal, time
    import horus

    def work(node):
        until = time.monotonic() + node.params["ms"] / 1000
        while time.monotonic() < until:
            time.sleep(0.001)

    def nothing(node):
        pass

    def fail(node):
        raise ValueError("broken sensor")

    def hang(node):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("hanging", flush=True)
        while True:
            pass

    def talk(node):
        node.said = getattr(node, "said", 0) + 1
        if node.said <= node.params.get("most", 1 << 30):
            node.send("t", node.said)

    def listen(node):
        for message in [node.recv("t")]:
            print("heard", message, flush=True)
            if message == node.params["enough"]:
                node.request_stop()

    def sip(node):
        node.recv("t")

    def param(node):
        print("focal is", node.params["focal"], flush=True)
        node.request_stop()

    class Unready(horus.Node):
        def init(self):
            raise OSError("no camera")

        def tick(self):
            pass

        def shutdown(self):
            print("shut down", flush=True)

    class Crashing(horus.Node):
        def init(self):
            print("started", flush=True)

        def tick(self):
            os.kill(os.getpid(), signal.SIGSEGV)

    class Recovering(horus.Node):
        def init(self):
            with open(self.params["marks"], "a") as file:
                file.write("x")
            with open(self.params["marks"]) as file:
                self.life = len(file.read())

        def tick(self):
            if self.life < 3:
                raise ValueError("not yet")
            self.request_stop()
"""

REPORT = {"graph", "duration_s", "exit_code", "cause", "nodes", "topics"}
NODE = {
    "state",
    "rate_hz",
    "target_hz",
    "ticks",
    "skipped",
    "overruns",
    "misses",
    "restarts",
    "tick_ns",
    "lateness_ns",
    "causes",
    "allocations",
    "cpu_percent",
    "rss_bytes",
}
TOPIC = {"type", "published", "rate_hz", "bytes_per_s", "edges"}
EDGE = {"delivered", "lost", "superseded", "in_flight", "copied", "latency_ns", "age_ns", "balanced"}
QUANTILES = {"p50", "p99", "max", "count"}


@dataclass(frozen=True)
class Ended:
    """A run of `horus run` that has ended."""

    exit_code: int
    report: dict[str, Any]
    text: str

    def node(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.report["nodes"][name]
        return found

    def edge(self, topic: str, publisher: str, subscriber: str) -> dict[str, Any]:
        found: dict[str, Any] = self.report["topics"][topic]["edges"][publisher][subscriber]
        return found


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]) -> Run:
    """`run(nodes, *arguments)`: a graph with these nodes, YAML, one node a line."""

    def run_graph(nodes: str, *arguments: str) -> Ended:
        (tmp_path / "made.py").write_text(textwrap.dedent(NODES))
        lines = textwrap.indent(textwrap.dedent(nodes).strip(), "  ").replace("{run: ", "{run: made.py:")
        (tmp_path / "graph.yaml").write_text(f"name: policies\nnodes:\n{lines}\n")
        report = tmp_path / "report.json"
        done = run_python("-m", "horus_runner.cli", "run", "graph.yaml", "--report", str(report), *arguments)
        text = done.stdout + done.stderr
        assert report.exists() and report.stat().st_size, text
        return Ended(done.returncode, json.loads(report.read_text()), text)

    return run_graph


def edges(report: dict[str, Any]) -> list[dict[str, Any]]:
    topics = report["topics"].values()
    return [edge for topic in topics for ends in topic["edges"].values() for edge in ends.values()]


def test_skip_ticks_a_30_hz_node_with_50_ms_of_work_at_15_hz_and_warn_does_not(run: Run) -> None:
    ended = run(
        """
        skips: {run: work, rate: 30, on_miss: skip, params: {ms: 50}}
        warns: {run: work, rate: 30, params: {ms: 50}}
        """,
        "--duration",
        "3s",
    )
    assert ended.exit_code == 0, ended.text
    skips, warns = ended.node("skips"), ended.node("warns")
    assert skips["ticks"] > 20
    assert skips["ticks"] - 1 <= skips["skipped"] <= 1.5 * skips["ticks"]  # every second release
    assert skips["rate_hz"] < 15.5
    assert warns["skipped"] == 0
    assert warns["ticks"] > 1.15 * skips["ticks"]  # back to back: 20 a second, not 15
    assert warns["misses"] == warns["ticks"]
    assert skips["lateness_ns"]["p50"] < 16_000_000 < warns["lateness_ns"]["p50"]  # on the grid, and off it
    assert "ticks missed; the worst took " in ended.text and " of a deadline of 33.3 ms" in ended.text


def test_stop_ends_the_graph_with_3_and_names_the_cause(run: Run) -> None:
    ended = run("slow: {run: work, rate: 10, budget: 5ms, on_miss: stop, params: {ms: 20}}\nother: {run: nothing}")
    assert ended.exit_code == ended.report["exit_code"] == 3
    cause = ended.report["cause"]
    assert cause.startswith("node 'slow' stopped the graph: took ") and cause.endswith(" ms of a budget of 5.0 ms")
    assert cause in ended.text
    assert (ended.node("slow")["ticks"], ended.node("slow")["overruns"]) == (1, 1)
    assert ended.node("slow")["state"] == ended.node("other")["state"] == "ended"


def test_restart_on_failure_starts_again_until_it_works(run: Run, tmp_path: Path) -> None:
    ended = run(f"n: {{run: Recovering, restart: on-failure, params: {{marks: {tmp_path / 'marks'}}}}}")
    assert ended.exit_code == 0, ended.text
    assert (tmp_path / "marks").read_text() == "xxx"
    assert ended.node("n")["restarts"] == 2
    assert "failed in tick: ValueError: not yet; restart 1 of 5 in 0.1 s" in ended.text
    assert "failed in tick: ValueError: not yet; restart 2 of 5 in 0.2 s" in ended.text


def test_restart_gives_up_and_says_so(run: Run) -> None:
    ended = run("n: {run: Crashing, restart: {policy: on-failure, backoff: 1ms, max_restarts: 2, window: 60s}}")
    assert ended.exit_code == 1
    assert "was killed by SIGSEGV; given up after 2 restarts in 60 s" in ended.report["cause"]
    assert ended.text.count("n | started") == 3
    assert (ended.node("n")["state"], ended.node("n")["restarts"]) == ("failed", 2)


def test_a_failing_init_ends_the_graph_and_its_traceback_is_shown(run: Run) -> None:
    ended = run("bad: {run: Unready}\nother: {run: nothing}")
    assert ended.exit_code == 1
    assert ended.report["cause"] == "node 'bad' failed in init: OSError: no camera"
    assert 'raise OSError("no camera")' in ended.text
    assert "shut down" in ended.text
    assert (ended.node("bad")["state"], ended.node("bad")["ticks"]) == ("failed", 0)
    assert ended.node("bad")["tick_ns"] is None


def test_an_optional_node_fails_alone(run: Run) -> None:
    ended = run("bad: {run: Unready, critical: false}\nother: {run: nothing, rate: 50}", "--duration", "0.5s")
    assert (ended.exit_code, ended.report["cause"]) == (0, None)
    assert (ended.node("bad")["state"], ended.node("other")["state"]) == ("failed", "ended")
    assert ended.node("other")["ticks"] > 5


@pytest.mark.parametrize("mode", [(), ("--inline",)])
def test_ticks_that_are_given_up_do_not_end_anything(run: Run, mode: tuple[str, ...]) -> None:
    ended = run("n: {run: fail, rate: 50, failure_policy: skip}", "--duration", "1s", *mode)
    assert ended.exit_code == 0, ended.text
    assert ended.node("n")["ticks"] > 10
    assert 1 <= ended.text.count("raised ValueError: broken sensor") < ended.node("n")["ticks"]


@pytest.mark.parametrize("mode", [(), ("--inline",)])
def test_an_exception_in_a_tick_ends_the_graph_with_1(run: Run, mode: tuple[str, ...]) -> None:
    ended = run("n: {run: fail}\nother: {run: nothing}", *mode)
    assert ended.exit_code == 1
    assert ended.report["cause"] == "node 'n' failed in tick: ValueError: broken sensor"
    assert 'raise ValueError("broken sensor")' in ended.text
    assert [node["state"] for node in ended.report["nodes"].values()] == ["failed", "ended"]


@pytest.mark.parametrize("mode", [(), ("--inline",)])
def test_an_event_driven_node_ticks_once_a_message(run: Run, mode: tuple[str, ...]) -> None:
    ended = run(
        """
        talk: {run: talk, rate: 100, pubs: [t], params: {most: 40}}
        listen: {run: listen, on: t, subs: [t], params: {enough: 40}}
        """,
        *mode,
    )
    assert ended.exit_code == 0, ended.text
    assert [line.split("heard ")[1] for line in ended.text.splitlines() if "heard " in line] == [
        str(number) for number in range(1, 41)
    ]
    edge = ended.edge("t", "talk", "listen")
    assert ended.node("listen")["ticks"] == edge["delivered"] == 40
    assert (edge["lost"], edge["in_flight"], edge["balanced"]) == (0, 0, True)


def test_an_event_driven_node_that_reads_nothing_ticks_once_a_message_and_does_not_spin(run: Run) -> None:
    ended = run(
        "talk: {run: talk, rate: 100, pubs: [t], params: {most: 40}}\nwatch: {run: nothing, on: t, subs: [t]}",
        "--duration",
        "1.5s",
    )
    assert ended.exit_code == 0, ended.text
    assert 0 < ended.node("watch")["ticks"] <= 40
    edge = ended.edge("t", "talk", "watch")
    assert (edge["delivered"], edge["in_flight"], edge["balanced"]) == (0, 40, True)


def test_an_event_driven_node_with_a_rate_ticks_at_most_that_often(run: Run) -> None:
    ended = run(
        "talk: {run: talk, rate: 200, pubs: [t]}\nsip: {run: sip, on: t, rate: 20, subs: [t]}", "--duration", "1s"
    )
    assert ended.node("talk")["ticks"] > 40
    assert 0 < ended.node("sip")["ticks"] <= ended.node("talk")["ticks"] / 4
    edge = ended.edge("t", "talk", "sip")
    assert edge["in_flight"] > 0 and edge["balanced"]


def test_what_a_slow_subscriber_loses_is_counted(run: Run) -> None:
    ended = run(
        """
        talk: {run: talk, rate: 500, pubs: {t: {capacity: 8}}}
        sip: {run: sip, rate: 10, subs: [t]}
        """,
        "--duration",
        "2s",
    )
    assert ended.exit_code == 0, ended.text
    edge = ended.edge("t", "talk", "sip")
    published = ended.report["topics"]["t"]["published"]
    assert edge["lost"] > published / 2
    assert edge["delivered"] <= ended.node("sip")["ticks"]
    assert edge["delivered"] + edge["lost"] + edge["superseded"] + edge["in_flight"] == published
    assert edge["balanced"]


def test_the_report_has_exactly_the_keys_that_are_promised(run: Run) -> None:
    ended = run(
        """
        talk: {run: talk, rate: 50, pubs: [t]}
        sip: {run: sip, on: t, subs: [t]}
        never: {run: nothing, on: t, subs: [t], rate: 0.001}
        """,
        "--duration",
        "1s",
    )
    report = ended.report
    assert set(report) == REPORT
    assert (report["graph"], report["exit_code"], report["cause"]) == ("policies", 0, None)
    assert all(set(node) == NODE for node in report["nodes"].values())
    assert all(set(topic) == TOPIC for topic in report["topics"].values())
    assert edges(report) and all(set(edge) == EDGE for edge in edges(report))
    assert set(ended.node("talk")["tick_ns"]) == set(ended.edge("t", "talk", "sip")["latency_ns"]) == QUANTILES
    assert all(edge["balanced"] for edge in edges(report))
    assert ended.node("talk")["tick_ns"]["count"] == ended.node("talk")["ticks"]
    assert (ended.node("talk")["target_hz"], ended.node("sip")["target_hz"]) == (50.0, None)
    assert ended.node("talk")["allocations"] is None  # not measured
    unread = ended.edge("t", "talk", "never")
    assert (unread["delivered"], unread["latency_ns"], unread["age_ns"]) == (0, None, None)


def test_a_node_that_ignores_sigterm_is_killed_and_the_exit_code_says_so(run: Run) -> None:
    ended = run("stuck: {run: hang}\nother: {run: nothing}", "--duration", "1s")
    assert "hanging" in ended.text
    assert ended.exit_code == 1
    assert ended.report["cause"] == "node 'stuck' did not stop within 1 s of SIGTERM and was killed"
    assert (ended.node("stuck")["state"], ended.node("stuck")["ticks"]) == ("failed", 0)
    assert ended.node("stuck")["misses"] == 1  # the tick that hung
    assert ended.node("other")["state"] == "ended"


@pytest.mark.parametrize("mode", [(), ("--inline",)])
def test_a_parameter_that_is_not_there_names_the_nearest(run: Run, mode: tuple[str, ...]) -> None:
    ended = run("n: {run: param, params: {focal_px: 3}}", *mode)
    assert ended.exit_code == 1
    assert "there is no parameter 'focal'. Did you mean 'focal_px'?" in ended.report["cause"]
    assert run("n: {run: param, params: {focal: 3}}", *mode).exit_code == 0


def test_a_script_is_warned_of_a_topic_that_nobody_publishes(
    tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
            import asyncio
            import horus

            async def talk(node):
                await asyncio.sleep(0)
                node.send("camera.rgb", 1)

            def listen(node):
                node.recv("camera.rbg")

            def end(node):
                node.ticks = getattr(node, "ticks", 0) + 1
                if node.ticks == 31:
                    node.request_stop()

            horus.run(
                horus.Node("camera", talk, pubs=["camera.rgb"], rate=50),
                horus.Node("detect", listen, subs=["camera.rbg"], on="camera.rbg"),
                horus.Node("end", end, rate=10),
            )
        """)
    )
    done = run_python(str(script))
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "nobody publishes" in line]
    assert len(said) == 1
    assert "nobody publishes 'camera.rbg' 2 s after the start. Did you mean 'camera.rgb'?" in said[0]
