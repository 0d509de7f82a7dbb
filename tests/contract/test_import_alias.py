"""``horus`` is ``horus_runner``: the same module objects, however they are imported."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pickle
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import horus
import horus_runner
import horus_runner.graph.plan

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]
# The first imports setuptools, which is there only while the package is built; the second is a command.
NOT_FOR_IMPORT = {"horus_runner._core.build", "horus_runner.cli.__main__"}
SUBMODULES = sorted({m.name for m in pkgutil.walk_packages(horus_runner.__path__, "horus_runner.")} - NOT_FOR_IMPORT)


def test_horus_is_the_package_itself() -> None:
    assert horus is horus_runner
    assert sys.modules["horus"] is horus_runner


@pytest.mark.parametrize("real_name", SUBMODULES)
def test_every_submodule_is_one_object(real_name: str) -> None:
    alias = importlib.import_module(real_name.replace("horus_runner", "horus", 1))
    real = importlib.import_module(real_name)
    assert alias is real
    assert real.__name__ == real_name
    assert real.__spec__ is not None
    assert real.__spec__.name == real_name


def test_alias_first_loads_each_module_once(run_python: RunPython) -> None:
    done = run_python(
        "-c",
        "import horus.graph.plan as m, horus_runner.graph.plan as n, sys, json\n"
        "from horus.graph import plan\n"
        "from horus import errors\n"
        "import horus_runner\n"
        "same = m is n is plan is horus_runner.graph.plan and errors is horus_runner.errors\n"
        "twice = [k for k, v in sys.modules.items() if k.startswith('horus.') and v.__name__ == k]\n"
        "print(json.dumps([same, twice]))",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [True, []]


def test_from_horus_import_name() -> None:
    from horus import GraphError

    assert GraphError is horus_runner.errors.GraphError
    assert pickle.loads(pickle.dumps(GraphError)) is GraphError


def test_an_unknown_submodule_is_named_as_it_was_asked_for() -> None:
    assert importlib.util.find_spec("horus.nothing_here") is None
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'horus\.nothing_here'"):
        importlib.import_module("horus.nothing_here")


def test_reload_keeps_the_object() -> None:
    plan = importlib.import_module("horus.graph.plan")
    classes = dict(vars(plan))
    try:
        assert importlib.reload(plan) is horus_runner.graph.plan
        assert importlib.reload(horus) is horus_runner
        assert sys.modules["horus.graph.plan"] is sys.modules["horus_runner.graph.plan"]
    finally:
        vars(plan).update(classes)


def test_executing_horus_py_again_adds_no_second_finder() -> None:
    before = len(sys.meta_path)
    spec = importlib.util.spec_from_file_location("horus_again", Path(horus_runner.__file__).parent.parent / "horus.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert len(sys.meta_path) == before


@pytest.mark.parametrize("module", ["horus", "horus.cli", "horus_runner.cli"])
def test_python_dash_m(module: str, run_python: RunPython) -> None:
    done = run_python("-m", module, "--version")
    assert (done.returncode, done.stdout) == (0, f"horus {horus.__version__}\n"), done.stderr
