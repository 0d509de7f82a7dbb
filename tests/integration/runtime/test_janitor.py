"""Whatever is killed, whenever: no process and no segment stays."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from .conftest import Program, is_gone, until

NODES = """
import signal, subprocess, time

def idle(node):
    pass

def hang(node):
    print("hangs", flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)

def parent(node):
    if not hasattr(node, "children"):
        plain = subprocess.Popen(["sleep", "600"])
        stubborn = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600; sleep 600"])
        in_session = subprocess.Popen(["sleep", "600"], start_new_session=True)
        node.children = [plain, stubborn, in_session]
        print("children", *(child.pid for child in node.children), flush=True)

def talk(node):
    node.send("words", {"text": "x"})

def listen(node):
    if node.recv_all("words"):
        print("heard", flush=True)
"""

GRAPH = """
name: g
nodes:
  talker: {run: "nodes.py:talk", pubs: [words], rate: 100}
  listener: {run: "nodes.py:listen", subs: [words], rate: 100}
"""

WITH_CHILDREN = """
name: g
nodes:
  idle: {run: "nodes.py:idle"}
  parent: {run: "nodes.py:parent"}
"""

RunGraph = Callable[..., Program]
Segments = Callable[[], set[str]]


def children_of_parent(program: Program) -> list[int]:
    program.expect("children")
    found = re.search(r"children ([\d ]+)", program.output)
    assert found is not None
    return [int(word) for word in found[1].split()]


def everything_of(program: Program) -> list[int]:
    return [program.pid, *program.children().values()]


def all_gone(pids: list[int]) -> bool:
    return all(is_gone(pid) for pid in pids)


def test_sigkill_of_the_supervisor(run_graph: RunGraph, segments: Segments) -> None:
    program = run_graph(NODES, GRAPH)
    program.expect("heard")
    pids = everything_of(program)
    assert len(pids) == 4
    assert len(segments()) == 2
    program.signal(signal.SIGKILL)
    until(lambda: all_gone(pids), "every process gone")
    until(lambda: not segments(), "segments gone")


def test_sigkill_of_the_supervisor_with_a_hung_node(run_graph: RunGraph, segments: Segments) -> None:
    program = run_graph(NODES, 'name: g\nnodes:\n  hung: {run: "nodes.py:hang"}\n')
    program.expect("hangs")
    pids = everything_of(program)
    program.signal(signal.SIGKILL)
    until(lambda: all_gone(pids), "every process gone")
    until(lambda: not segments(), "segments gone")


def test_sigkill_of_the_supervisor_ends_the_subprocesses_of_nodes(run_graph: RunGraph, segments: Segments) -> None:
    program = run_graph(NODES, WITH_CHILDREN)
    pids = children_of_parent(program) + everything_of(program)
    program.signal(signal.SIGKILL)
    until(lambda: all_gone(pids), "every process gone")
    until(lambda: not segments(), "segments gone")


@pytest.mark.parametrize("delay_ms", [0, 60, 120, 180, 240, 300, 400, 500, 600])
def test_sigkill_of_the_supervisor_at_any_moment_of_its_start(
    run_graph: RunGraph, segments: Segments, delay_ms: int, session_processes: Callable[[], set[int]]
) -> None:
    program = run_graph(NODES, GRAPH)
    with pytest.raises(subprocess.TimeoutExpired):
        program.process.wait(delay_ms / 1000)
    program.signal(signal.SIGKILL)
    program.wait()
    until(lambda: not session_processes(), "every process gone")
    until(lambda: not segments(), "segments gone")


def test_sigkill_of_the_fork_server_goes_unnoticed_by_nodes(run_graph: RunGraph, segments: Segments) -> None:
    program = run_graph(NODES, GRAPH)
    program.expect("heard")
    before = program.children()
    server = program.janitor
    os.kill(server, signal.SIGKILL)
    program.expect("the fork server died and is replaced")
    until(lambda: program.children().get("horus janitor", server) != server, "another fork server")
    heard = program.output.count("heard")
    program.expect("heard", heard + 20)
    assert program.pid_of("talker") == before["talker"]
    assert program.pid_of("listener") == before["listener"]
    program.signal(signal.SIGINT)
    assert program.wait() == 130
    assert not segments()


def test_the_replaced_fork_server_is_a_janitor_too(run_graph: RunGraph, segments: Segments) -> None:
    program = run_graph(NODES, WITH_CHILDREN)
    pids = children_of_parent(program)
    server = program.janitor
    os.kill(server, signal.SIGKILL)
    until(lambda: program.children().get("horus janitor", server) != server, "another fork server")
    pids += everything_of(program)
    program.signal(signal.SIGKILL)
    until(lambda: all_gone(pids), "every process gone")
    until(lambda: not segments(), "segments gone")


def test_the_replaced_fork_server_bears_nodes(run_graph: RunGraph) -> None:
    program = run_graph(NODES, GRAPH.replace("rate: 100}\n  l", "rate: 100, restart: on-failure}\n  l"))
    program.expect("heard")
    talker = program.pid_of("talker")
    os.kill(program.janitor, signal.SIGKILL)
    os.kill(talker, signal.SIGKILL)
    until(lambda: program.children().get("talker", talker) != talker, "another talker")
    heard = program.output.count("heard")
    program.expect("heard", heard + 20)
    program.signal(signal.SIGINT)
    assert program.wait() == 130


def test_sigkill_of_a_node_ends_its_subprocesses_and_names_the_cause(run_graph: RunGraph, segments: Segments) -> None:
    program = run_graph(NODES, WITH_CHILDREN)
    children = children_of_parent(program)
    os.kill(program.pid_of("parent"), signal.SIGKILL)
    assert program.wait() == 1
    assert "node 'parent' was killed by SIGKILL" in program.output
    assert all_gone(children)
    assert not segments()


@pytest.mark.parametrize("victim", ["talker", "listener"])
def test_a_killed_node_that_is_restarted_is_back_among_its_neighbours(run_graph: RunGraph, victim: str) -> None:
    program = run_graph(NODES, GRAPH.replace("rate: 100", "rate: 100, restart: on-failure"))
    program.expect("heard")
    before = program.pid_of(victim)
    os.kill(before, signal.SIGKILL)
    until(lambda: program.children().get(victim, before) != before, f"another {victim}")
    program.expect("heard", program.output.count("heard") + 20)
    program.signal(signal.SIGINT)
    assert program.wait() == 130


def test_both_killed_at_once_is_cleaned_up_by_the_next_command(run_graph: RunGraph, segments: Segments) -> None:
    program = run_graph(NODES, WITH_CHILDREN)
    pids = children_of_parent(program) + everything_of(program)
    os.kill(program.janitor, signal.SIGKILL)
    program.signal(signal.SIGKILL)
    program.wait()
    until(lambda: is_gone(pids[-1]), "the nodes gone by themselves")
    assert segments()
    again = run_graph(NODES, GRAPH, "--duration", "10ms")
    assert again.wait() == 0, again.output
    until(lambda: all_gone(pids), "every process gone")
    assert not segments()


def test_a_run_leaves_those_of_others_alone(run_graph: RunGraph) -> None:
    program = run_graph(NODES, GRAPH)
    program.expect("heard")
    other = run_graph(NODES, GRAPH, "--duration", "10ms")
    assert other.wait() == 0, other.output
    program.expect("heard", program.output.count("heard") + 20)
    program.signal(signal.SIGINT)
    assert program.wait() == 130


def test_no_node_holds_a_descriptor_of_another_or_of_the_janitor(run_graph: RunGraph) -> None:
    program = run_graph(NODES, GRAPH)
    program.expect("heard")
    owned = {name: descriptors(pid) for name, pid in program.children().items()}
    names = sorted(owned)
    shared = {(a, b): owned[a] & owned[b] for a in names for b in names if a < b and owned[a] & owned[b]}
    assert not shared
    program.signal(signal.SIGINT)
    assert program.wait() == 130


def descriptors(pid: int) -> set[str]:
    """The pipes and sockets that a process has open."""
    links = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()}
    return {link for link in links if link.startswith(("pipe:", "socket:"))}


@pytest.fixture
def session_processes() -> Callable[[], set[int]]:
    """What carries this test session's mark in its environment, beyond what was there before."""

    def found() -> set[int]:
        mark = f"HORUS_TEST_SESSION={os.environ['HORUS_TEST_SESSION']}".encode()
        pids = psutil.pids()
        return {pid for pid in pids if pid != os.getpid() and mark in environment(pid) and not is_gone(pid)}

    before = found()
    return lambda: found() - before


def environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
