"""How a run ends when it is told to: exit codes, grace, and what a terminal sends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

import pexpect
import pytest

from .conftest import ROOT, Program, is_gone, until

NODES = """
import signal, time

def idle(node):
    if not hasattr(node, "said"):
        node.said = True
        print("ticks", flush=True)

def bye(node):
    print("bye", flush=True)

import horus
polite = horus.Node("polite", idle, shutdown=bye)

def hang(node):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("hangs", flush=True)
    while True:
        time.sleep(1)

def fail(node):
    raise ValueError("this node has no luck")

def finish(node):
    node.request_stop()

def slow(node):
    time.sleep(0.05)

def bad_shutdown(node):
    raise OSError("disk full")

clumsy = horus.Node("clumsy", idle, shutdown=bad_shutdown)

def crash(node):
    import ctypes
    ctypes.string_at(0)
"""

HEALTHY = 'name: g\nnodes:\n  polite: {run: "nodes.py:polite"}\n  other: {run: "nodes.py:idle"}\n'
HUNG = HEALTHY + '  hung: {run: "nodes.py:hang"}\n'

RunGraph = Callable[..., Program]


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=lambda v: str(v)
)
def test_a_signal_ends_a_healthy_graph_with_its_shutdown_hooks(
    run_graph: RunGraph, segments: Callable[[], set[str]], signum: int, code: int
) -> None:
    program = run_graph(NODES, HEALTHY)
    program.expect("ticks", 2)
    pids = list(program.children().values())
    program.signal(signum)
    assert program.wait() == code
    assert "bye" in program.output
    assert all(is_gone(pid) for pid in pids)
    assert not segments()


def test_a_hung_node_is_killed_after_the_grace_period(run_graph: RunGraph) -> None:
    program = run_graph(NODES, HUNG)
    program.expect("hangs")
    program.expect("ticks", 2)
    program.signal(signal.SIGINT)
    assert program.wait() == 130
    assert "node 'hung' did not stop within 1 s of SIGTERM and was killed" in program.output


def test_a_second_signal_does_not_wait_for_the_grace_period(run_graph: RunGraph) -> None:
    program = run_graph(NODES, HUNG)
    program.expect("hangs")
    program.expect("ticks", 2)
    program.signal(signal.SIGTERM)
    program.expect("bye")
    program.signal(signal.SIGINT)
    assert program.wait() == 143
    assert "killing what is left" in program.output
    assert "did not stop within" not in program.output


def test_ctrl_z_is_refused_with_a_sentence(run_graph: RunGraph) -> None:
    program = run_graph(NODES, HEALTHY)
    program.expect("ticks", 2)
    program.signal(signal.SIGTSTP)
    program.expect("Ctrl-Z does not suspend a running graph")
    program.signal(signal.SIGINT)
    assert program.wait() == 130


def test_a_signal_while_the_graph_starts_ends_it(run_graph: RunGraph, segments: Callable[[], set[str]]) -> None:
    program = run_graph(NODES, HEALTHY)
    until(lambda: program.children(), "the fork server started")
    program.signal(signal.SIGTERM)
    assert program.wait() in (143, -signal.SIGTERM)  # the latter before anything but the fork server was there
    assert not segments()


def test_ctrl_c_in_a_terminal(tmp_path: object, run_graph: RunGraph) -> None:
    """The real thing: the terminal sends SIGINT to the foreground process group."""
    prepared = run_graph(NODES, HEALTHY)
    prepared.expect("ticks", 2)
    prepared.signal(signal.SIGINT)
    assert prepared.wait() == 130
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "horus_runner.cli", "run", "graph.yaml", "--no-dashboard"],
        cwd=str(tmp_path),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=20,
        encoding="utf-8",
    )
    try:
        terminal.expect("ticks")
        terminal.sendcontrol("z")
        terminal.expect("Ctrl-Z does not suspend")
        terminal.sendcontrol("c")
        terminal.expect("bye")
        terminal.expect(pexpect.EOF)
        terminal.wait()
        assert terminal.exitstatus == 130
    finally:
        terminal.close(force=True)


@pytest.mark.parametrize(
    ("node", "code", "said"),
    [
        ('n: {run: "nodes.py:fail"}', 1, "node 'n' failed in tick: ValueError: this node has no luck"),
        ('n: {run: "nodes.py:finish"}', 0, "node 'n' asked the graph to stop"),
        ('n: {run: "nodes.py:slow", budget: 5ms, on_miss: stop}', 3, "node 'n' stopped the graph"),
        ('n: {run: "nodes.py:crash"}', 1, "node 'n' was killed by SIGSEGV"),
        (
            'n: {run: "nodes.py:clumsy"}\n  end: {run: "nodes.py:finish"}',
            1,
            "node 'n' failed in shutdown: OSError: disk full",
        ),
    ],
    ids=["failure", "request", "policy", "crash", "shutdown"],
)
def test_the_exit_code_and_the_cause(run_graph: RunGraph, node: str, code: int, said: str) -> None:
    program = run_graph(NODES, f"name: g\nnodes:\n  other: {{run: 'nodes.py:idle'}}\n  {node}\n")
    assert program.wait() == code, program.output
    assert said in program.output


def test_a_failures_traceback_is_shown_once(run_graph: RunGraph) -> None:
    program = run_graph(NODES, 'name: g\nnodes:\n  n: {run: "nodes.py:fail"}\n')
    assert program.wait() == 1
    assert program.output.count("Traceback (most recent call last)") == 1
    assert 'raise ValueError("this node has no luck")' in program.output


def test_the_duration_ends_a_run_with_0(run_graph: RunGraph) -> None:
    program = run_graph(NODES, HEALTHY, "--duration", "200ms")
    assert program.wait() == 0, program.output
    assert "bye" in program.output
