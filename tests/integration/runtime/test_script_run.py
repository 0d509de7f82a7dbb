"""`horus.run` in scripts that are run as such: ``python script.py``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, Program, is_gone, until

Start = Callable[..., Program]

PAIR = """
import horus

numbers = []

def count(node):
    node.send("numbers", {"n": len(numbers)})
    numbers.append(None)

def make_reader(limit):
    def read(node):
        for message in node.recv_all("numbers"):
            print("n =", message["n"], flush=True)
            if message["n"] >= limit:
                node.request_stop()
    return read

nodes = [
    horus.Node("source", count, pubs=["numbers"], rate=200),
    horus.Node("sink", make_reader(5), subs=["numbers"], rate=200),
]
"""


@pytest.fixture
def script(tmp_path: Path, start: Start) -> Callable[..., Program]:
    """`script(code, *arguments)`: ``python script.py``."""

    def run(code: str, *arguments: str, env: dict[str, str] | None = None) -> Program:
        (tmp_path / "script.py").write_text(code)
        return start("script.py", *arguments, env=env)

    return run


def check(program: Program, code: int = 0) -> str:
    assert program.wait() == code, program.output
    return program.output


def test_without_a_main_guard(script: Start, segments: Callable[[], set[str]]) -> None:
    output = check(script(PAIR + "report = horus.run(*nodes)\nprint('back', report.exit_code)"))
    assert [int(n) for n in re.findall(r"sink \| n = (\d+)", output)][:6] == [0, 1, 2, 3, 4, 5]
    assert output.endswith("back 0\n")
    assert not segments()


def test_with_a_main_guard_and_nodes_made_inside_a_function(script: Start) -> None:
    body = PAIR.replace("\n", "\n    ")
    code = f"def main():\n    {body}\n    horus.run(*nodes)\n    print('back')\n"
    assert check(script(code + "if __name__ == '__main__':\n    main()\n")).endswith("back\n")


def test_lambdas_and_module_state(script: Start) -> None:
    code = """
import horus
factor = 21
horus.run(horus.Node("n", lambda node: (print("answer", 2 * factor, flush=True), node.request_stop())))
"""
    assert "n | answer 42\n" in check(script(code))


def test_module_code_runs_twice_and_its_second_output_is_not_shown(script: Start, tmp_path: Path) -> None:
    code = PAIR + "open('ran', 'a').write('x'); print('module code')\nhorus.run(*nodes)\nprint('after')"
    output = check(script(code))
    assert output.count("module code") == 1
    assert output.count("after") == 1
    assert (tmp_path / "ran").read_text() == "xx"


def test_arguments_and_folder_are_those_of_the_script(script: Start, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    code = """
import os, sys, horus
here, arguments = os.getcwd(), list(sys.argv)
os.chdir("elsewhere")
sys.argv.append("changed")
def show(node):
    print(arguments, here, flush=True)
    node.request_stop()
horus.run(horus.Node("n", show))
"""
    output = check(script(code, "one", "--two"))
    assert f"n | ['script.py', 'one', '--two'] {tmp_path}" in output


def test_each_node_is_a_process_of_its_own(script: Start) -> None:
    code = """
import os, horus
def show(node):
    print("pid", os.getpid(), os.getppid(), flush=True)
    node.request_stop()
nodes = [horus.Node(f"n{i}", show, critical=False) for i in range(3)]
print("script", os.getpid(), flush=True)
horus.run(*nodes)
"""
    output = check(script(code))
    pids = dict(re.findall(r"pid (\d+) (\d+)", output))
    own = re.search(r"^script (\d+)", output)
    assert own is not None
    assert set(pids.values()) == {own[1]}
    assert own[1] not in pids


@pytest.mark.parametrize(
    "threads",
    [
        "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "import numpy as np; a = np.random.rand(400, 400); a @ a",
    ],
    ids=["python thread", "BLAS"],
)
def test_a_script_that_has_threads(script: Start, threads: str) -> None:
    env = {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    assert check(script(f"{threads}\n{PAIR}\nhorus.run(*nodes)\nprint('back')", env=env)).endswith("back\n")


def test_openmp_used_before(script: Start, tmp_path: Path) -> None:
    (tmp_path / "omp.c").write_text(
        "#include <omp.h>\nint team(void) { int n = 0;\n#pragma omp parallel reduction(+:n)\n n += 1; return n; }\n"
    )
    subprocess.run(["gcc", "-shared", "-fPIC", "-fopenmp", "-o", "libomp_test.so", "omp.c"], cwd=tmp_path, check=True)
    code = """
import ctypes, horus
library = ctypes.CDLL("./libomp_test.so")
library.omp_set_num_threads(2)
print("before", library.team())
def work(node):
    print("team of", library.team(), flush=True)
    node.request_stop()
horus.run(horus.Node("worker", work))
print("back")
"""
    output = check(script(code))
    assert "worker | team of 2" in output
    assert output.endswith("back\n")


def test_several_runs_and_code_between_them(script: Start) -> None:
    code = """
import horus
def stop(node):
    print("ticked", flush=True)
    node.request_stop()
first = horus.run(horus.Node("a", stop))
print("between", sorted(n.name for n in first.snapshot.nodes))
second = horus.run(horus.Node(f"b{first.snapshot.nodes[0].ticks > 0}", stop))
print("after", sorted(n.name for n in second.snapshot.nodes))
"""
    output = check(script(code))
    assert "between ['a']\n" in output
    assert "bTrue | ticked" in output
    assert "after ['bTrue']\n" in output


def test_a_failure_that_was_caught_is_raised_in_the_second_run_too(script: Start) -> None:
    code = """
import horus
def fail(node):
    raise ValueError("no luck")
def stop(node):
    print("second ticked", flush=True)
    node.request_stop()
try:
    horus.run(horus.Node("a", fail))
except horus.NodeFailedError as error:
    failed = error
horus.run(horus.Node(f"after_{failed.node}", stop))
print("caught:", failed)
"""
    output = check(script(code))
    assert "after_a | second ticked" in output
    assert output.endswith("caught: node 'a' failed in tick: ValueError: no luck\n")


def test_an_uncaught_failure_exits_with_1_and_shows_one_traceback(script: Start) -> None:
    code = """
import horus
def fail(node):
    raise ValueError("no luck")
horus.run(horus.Node("a", fail))
print("never")
"""
    output = check(script(code), 1)
    assert output.count("Traceback") == 1
    assert "node 'a' failed in tick: ValueError: no luck" in output
    assert "never" not in output


def test_an_uncaught_stop_by_policy_exits_with_3(script: Start) -> None:
    code = """
import time, horus
horus.run(horus.Node("late", lambda node: time.sleep(0.05), rate=100, budget=1 * horus.ms, on_miss="stop"))
"""
    output = check(script(code), 3)
    assert "node 'late' stopped the graph" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("where", ["file", "module"])
def test_an_error_in_the_second_run_of_the_module_code_is_shown_once(
    script: Start, start: Start, tmp_path: Path, where: str
) -> None:
    code = """
import os, horus
print("line before")
if os.path.exists("was_here"):
    raise RuntimeError("only the first time")
open("was_here", "w").close()
horus.run(horus.Node("n", lambda node: None))
"""
    (tmp_path / "script.py").write_text(code)
    program = start("script.py") if where == "file" else start("-m", "script")
    output = check(program, 1)
    assert output.count("Traceback") == 1
    assert output.count("RuntimeError: only the first time") >= 1
    assert 'script.py", line 5' in output
    assert "runpy" not in output
    assert "horus | line before" in output


def test_a_second_run_that_makes_other_nodes_is_refused(script: Start) -> None:
    code = """
import os, horus
count = 1 if os.path.exists("was_here") else 2
open("was_here", "w").close()
horus.run(*(horus.Node(f"n{i}", lambda node: None) for i in range(count)))
"""
    output = check(script(code), 1)
    assert "gives 1 nodes to horus.run, the first gave 2" in output


def test_a_second_run_that_never_comes_to_the_call(script: Start) -> None:
    code = """
import os, sys, horus
if os.path.exists("was_here"):
    sys.exit(0)
open("was_here", "w").close()
horus.run(horus.Node("n", lambda node: None))
"""
    assert "ended before it came to horus.run" in check(script(code), 1)


def test_a_module_of_a_package(start: Start, tmp_path: Path) -> None:
    package = tmp_path / "robot"
    package.mkdir()
    (package / "__init__.py").write_text("name = 'robot'")
    end = "horus.run(*nodes)\nprint('back', name, sys.argv[1:])"
    (package / "drive.py").write_text(f"import sys\nfrom . import name\n{PAIR}\n{end}")
    output = check(start("-m", "robot.drive", "--fast"))
    assert "sink | n = 5" in output
    assert output.endswith("back robot ['--fast']\n")


@pytest.mark.parametrize("how", ["command", "stdin"])
def test_without_a_file_the_way_out_is_named(how: str) -> None:
    code = "import horus; horus.run(horus.Node('n', lambda node: None))"
    arguments = ["-c", code] if how == "command" else ["-"]
    done = subprocess.run(
        [sys.executable, *arguments],
        input=code,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "UsageError" in done.stderr
    assert "inline=True" in done.stderr


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_inline_needs_no_second_run(script: Start, way: str) -> None:
    argument = ", inline=True" if way == "argument" else ""
    env = {"HORUS_INLINE": "1"} if way == "variable" else {}
    call = f"print('module code')\nreport = horus.run(*nodes{argument})\nprint('back', report.exit_code)"
    output = check(script(f"{PAIR}\n{call}", env=env))
    assert output.count("module code") == 1
    assert "n = 5" in output
    assert output.endswith("back 0\n")


def test_the_report_file(script: Start, tmp_path: Path) -> None:
    check(script(PAIR + "horus.run(*nodes, report='report.json', name='pair')"))
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["graph"] == "pair"
    assert report["exit_code"] == 0
    assert set(report["nodes"]) == {"source", "sink"}
    assert report["topics"]["numbers"]["edges"]["source"]["sink"]["balanced"] is True


def test_ctrl_c_ends_nodes_and_script_with_130(script: Start, segments: Callable[[], set[str]]) -> None:
    code = "import horus\nhorus.run(horus.Node('n', lambda node: print('tick', flush=True)))\nprint('never')"
    program = script(code)
    program.expect("tick")
    node = program.pid_of("n")
    program.signal(signal.SIGINT)
    output = check(program, 130)
    assert is_gone(node)
    assert "Traceback" not in output
    assert "never" not in output
    assert not segments()


def test_ctrl_c_can_be_caught(script: Start) -> None:
    code = """
import horus
try:
    horus.run(horus.Node('n', lambda node: print('tick', flush=True)))
except KeyboardInterrupt as end:
    print("caught", end.report.exit_code)
"""
    program = script(code)
    program.expect("tick")
    program.signal(signal.SIGINT)
    assert check(program).endswith("caught 130\n")


def test_ctrl_c_during_the_second_run(script: Start, segments: Callable[[], set[str]]) -> None:
    code = """
import os, time, horus
if os.path.exists("was_here"):
    open("second", "w").close()
    time.sleep(60)
open("was_here", "w").close()
horus.run(horus.Node('n', lambda node: None))
"""
    program = script(code)
    folder = Path(f"/proc/{program.pid}/cwd").resolve()
    until(lambda: (folder / "second").exists(), "the second run")
    program.signal(signal.SIGINT)
    check(program, 130)
    assert not segments()


@pytest.mark.parametrize("victims", ["script", "script and fork server", "script in its second run"])
def test_sigkill_leaves_nothing(script: Start, segments: Callable[[], set[str]], victims: str) -> None:
    code = """
import os, sys, time, horus
if os.path.exists("was_here") and "wait" in sys.argv:
    open("second", "w").close()
    time.sleep(60)
open("was_here", "w").close()
horus.run(horus.Node('n', lambda node: print('tick', flush=True)))
"""
    if victims == "script in its second run":
        program = script(code, "wait")
        folder = Path(f"/proc/{program.pid}/cwd").resolve()
        until(lambda: (folder / "second").exists(), "the second run")
    else:
        program = script(code)
        program.expect("tick")
    pids = list(program.children().values())
    if victims == "script and fork server":
        os.kill(program.janitor, signal.SIGKILL)
        program.expect("the fork server died and is replaced")
        until(lambda: program.children().get("horus janitor", pids[0]) not in pids, "another fork server")
        pids += program.children().values()
    program.signal(signal.SIGKILL)
    until(lambda: all(is_gone(pid) for pid in pids), "every process gone")
    until(lambda: not segments(), "segments gone")


def test_a_node_restarted_after_the_fork_server_died_gets_a_run_of_its_own(script: Start) -> None:
    made = "horus.Node('n', lambda node: print('tick', flush=True), restart='on-failure')"
    program = script(f"import horus\nhorus.run({made})")
    program.expect("tick")
    node = program.pid_of("n")
    os.kill(program.janitor, signal.SIGKILL)
    os.kill(node, signal.SIGKILL)
    until(lambda: program.children().get("n", node) != node, "another process of the node")
    ticks = program.output.count("tick")
    program.expect("tick", ticks + 5)
    program.signal(signal.SIGINT)
    check(program, 130)


def test_a_script_keeps_its_own_children_and_signal_handlers(script: Start) -> None:
    code = """
import signal, subprocess, sys, horus
handler = lambda *_: None
signal.signal(signal.SIGTERM, handler)
if "horus_runner.runtime.rerun" not in sys.modules:
    child = subprocess.Popen(["sh", "-c", "exit 7"])
horus.run(horus.Node("n", lambda node: node.request_stop()))
print(signal.getsignal(signal.SIGTERM) is handler, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print("child", child.wait())
"""
    output = check(script(code))
    assert output.endswith("True True\nchild 7\n")


def test_random_numbers_differ_between_nodes_and_follow_a_seed(script: Start) -> None:
    code = """
import sys, numpy as np, horus
if len(sys.argv) > 1:
    np.random.seed(int(sys.argv[1]))
def draw(node):
    if not hasattr(node, "drew"):
        node.drew = np.random.rand()
        print("drew", node.name, node.drew, flush=True)
    if node.name == "b" or node.recv("stop"):
        node.send("stop", True) if node.name == "b" else node.request_stop()
horus.run(horus.Node("a", draw, subs="stop"), horus.Node("b", draw, pubs="stop"))
"""
    drawn = [dict(re.findall(r"drew (\w) (\S+)", check(script(code, "5")))) for _ in range(2)]
    assert drawn[0]["a"] != drawn[0]["b"]
    assert drawn[0] == drawn[1]


def test_what_cannot_run_is_refused_in_the_script(script: Start) -> None:
    code = """
import horus
for call in (
    lambda: horus.run(),
    lambda: horus.run([horus.Node("n", print)]),
    lambda: horus.run(horus.Node("n", print), horus.Node("n", print)),
    lambda: horus.run(horus.Node("n", print), duration=0),
    lambda: horus.run(horus.Node("n", print), tick_rate=-1),
):
    try:
        call()
    except horus.UsageError as error:
        print(error)
"""
    lines = check(script(code)).splitlines()
    assert len(lines) == 5
    assert "at least one node" in lines[0]
    assert "horus.run(*nodes)" in lines[1]
    assert "two nodes are named 'n'" in lines[2]
