"""What the command promises: exit codes, what goes to standard output, and no more than a sentence for a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import horus
from horus_runner import cli, errors

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
Horus = Callable[..., "subprocess.CompletedProcess[str]"]

NODES = """
import time

def count(node):
    node.send("numbers", {"n": node.params["start"]})

def stop_after_three(node):
    if node.recv("numbers") is not None:
        node.log_info("got one")
        count.seen = getattr(count, "seen", 0) + 1
        if count.seen == 3:
            node.request_stop()

def fail(node):
    raise ValueError("no such device")

def slow(node):
    time.sleep(0.05)
"""

COUNTING = """
name: counting
nodes:
  source: {run: "nodes.py:count", rate: 50, pubs: [numbers], params: {start: 7}}
  sink: {run: "nodes.py:stop_after_three", on: numbers, subs: [numbers]}
"""
ENDLESS = """
nodes:
  source: {run: "nodes.py:count", rate: 50, pubs: [numbers], params: {start: 7}}
"""
FAILING = """
nodes:
  bad: {run: "nodes.py:fail", rate: 20}
"""
STOPPED_BY_POLICY = """
nodes:
  slow: {run: "nodes.py:slow", rate: 10, budget: 1ms, on_miss: stop}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nodes.py").write_text(NODES)
    for name, text in (
        ("counting", COUNTING),
        ("endless", ENDLESS),
        ("failing", FAILING),
        ("policy", STOPPED_BY_POLICY),
    ):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.fixture
def horus_command(folder: Path, run_python: RunPython) -> Horus:
    return lambda *args, **kwargs: run_python("-m", "horus", *args, cwd=folder, **kwargs)


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What was said of a mistake, once it is sure that it was nothing else: no traceback, nothing on stdout."""
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    return done.stderr


def test_version_and_help_are_results(horus_command: Horus) -> None:
    done = horus_command("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"horus {horus.__version__}\n", "")
    done = horus_command("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for verb in ("run", "check", "top", "stop", "msg", "schema", "bench"):
        assert f"\n  {verb} " in done.stdout
        help_of_verb = horus_command(verb, "--help")
        assert (help_of_verb.returncode, help_of_verb.stderr) == (0, "")
        assert help_of_verb.stdout.isascii()


def test_help_loads_neither_numpy_nor_rich(folder: Path, run_python: RunPython) -> None:
    done = run_python(
        "-c",
        "import sys, runpy; sys.argv = ['horus', '--help']\n"
        "try: runpy.run_module('horus_runner.cli', run_name='__main__', alter_sys=True)\n"
        "except SystemExit: print(sorted({'numpy', 'rich', 'yaml', 'psutil'} & set(sys.modules)))",
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "No such command 'rnu'"),
        (["run"], "Missing argument 'GRAPH'"),
        (["run", "counting.yaml", "--durtion", "1s"], "--duration"),
        (["run", "counting.yaml", "--duration", "5"], "--duration is '5' without a unit. Write 5ms"),
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["run", "counting.yaml", "--set", "nodes.sourc.rate=1"], "source"),
        (["run", "counting.yaml", "--report", "no/such/folder.json"], "--report no/such/folder.json: No such file"),
        (["check", "nowhere.yaml"], "nowhere.yaml"),
        (["top"], "no graph is running."),
        (["top", "--json"], "no graph is running."),
        (["top", "counting"], "no graph 'counting' is running."),
        (["stop"], "no graph is running."),
    ],
)
def test_a_mistake_is_a_sentence_on_stderr_and_exit_2(arguments: list[str], said: str, horus_command: Horus) -> None:
    done = horus_command(*arguments)
    assert said in told(done)
    assert done.returncode == 2


def test_a_run_that_ends_by_itself(horus_command: Horus, folder: Path) -> None:
    done = horus_command("run", "counting.yaml", "--report", "out.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("counting ran for ")
    assert "\x1b" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert done.stderr.count("sink | got one\n") == 3
    assert done.stderr.startswith("horus | counting: 2 nodes, run ")
    report = json.loads((folder / "out.json").read_text())
    assert report["exit_code"] == 0
    assert report["topics"]["numbers"]["edges"]["source"]["sink"]["balanced"] is True
    assert report["nodes"]["sink"]["state"] == "ended"


def test_json_instead_of_the_table(horus_command: Horus) -> None:
    done = horus_command("run", "counting.yaml", "--json")
    assert json.loads(done.stdout)["nodes"]["source"]["target_hz"] == 50.0


def test_a_duration_ends_it(horus_command: Horus) -> None:
    done = horus_command("run", "endless.yaml", "--duration", "300ms", "--json", "--set", "nodes.source.rate=100")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["duration_s"] >= 0.3
    assert report["nodes"]["source"]["target_hz"] == 100.0
    assert report["nodes"]["source"]["ticks"] >= 1


def test_a_failed_node_is_exit_1_and_named_first(horus_command: Horus) -> None:
    done = horus_command("run", "failing.yaml")
    assert done.returncode == 1
    assert "ended because node 'bad' failed in tick: ValueError: no such device" in done.stdout
    assert 'raise ValueError("no such device")' in done.stderr  # the node's own traceback helps its author
    assert "horus_runner/cli" not in done.stderr


def test_stopped_by_policy_is_exit_3(horus_command: Horus) -> None:
    done = horus_command("run", "policy.yaml", "--duration", "20s")
    assert done.returncode == 3, done.stderr
    assert "slow" in next(line for line in done.stdout.splitlines() if line.startswith("ended because"))


def test_inline_is_the_same_in_one_process(horus_command: Horus) -> None:
    done = horus_command("run", "counting.yaml", "--inline")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("counting ran for ")
    done = horus_command("run", "failing.yaml", "--inline")
    assert done.returncode == 1
    assert "ended because node 'bad' failed in tick: ValueError: no such device" in done.stdout


@pytest.mark.parametrize("arguments", [["run", "counting.yaml"], ["schema"], ["check", "counting.yaml"]])
def test_a_reader_that_goes_early_is_no_error(arguments: list[str], folder: Path) -> None:
    root = Path(horus.__file__).parent.parent
    command = subprocess.Popen(
        [sys.executable, "-m", "horus", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()
    said = command.stderr.read()
    command.stderr.close()
    code = command.wait(timeout=60)
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
    assert code == (0 if arguments[0] == "run" else cli.NOBODY_READS)


def test_stderr_that_goes_early_does_not_end_the_run(folder: Path) -> None:
    root = Path(horus.__file__).parent.parent
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "horus", "run", "counting.yaml"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=write_end,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(write_end)
    assert done.returncode == 0
    assert done.stdout.startswith("counting ran for ")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("x"), 2),
        (errors.GraphError(()), 2),
        (errors.HorusNotFoundError("x"), 2),
        (errors.NodeFailedError("a", "b"), 1),
        (errors.StoppedByPolicyError("a", "b"), 3),
        (errors.SharedMemoryFullError("a", 1, 0), 1),
        (errors.HorusTimeoutError("x"), 1),
    ],
)
def test_errors_become_exit_codes_in_one_place(error: errors.HorusError, code: int) -> None:
    assert cli.exit_code(error) == code
