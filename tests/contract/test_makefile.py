"""What a machine may lack is said in one sentence, before pip is asked for anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "VENV", "PYTHON", "MFLAGS")}
    return subprocess.run(
        ["make", *arguments],
        cwd=ROOT,
        env={**inherited, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(sitecustomize: str, tmp_path: Path, **env: str) -> str:
    """What `make build` says to an interpreter whose sitecustomize.py is this; it must not get as far as pip."""
    (tmp_path / "sitecustomize.py").write_text(sitecustomize)
    venv = tmp_path / "venv"
    done = make("build", f"PYTHON={sys.executable}", f"VENV={venv}", PYTHONPATH=str(tmp_path), **env)
    assert done.returncode == 2
    assert not venv.exists()
    assert done.stdout == ""
    said, by_make = done.stderr.splitlines()
    assert by_make.startswith("make: ***")
    return said


def test_an_old_python(tmp_path: Path) -> None:
    said = refused("import sys; sys.version_info = (3, 8, 18, 'final', 0)", tmp_path)
    assert said == (
        "horus-runner: Python 3.10 or newer is needed and this is 3.8. Name another: make PYTHON=python3.12 ..."
    )


def test_no_venv_module(tmp_path: Path) -> None:
    version = "{}.{}".format(*sys.version_info)
    assert refused("import sys; sys.modules['ensurepip'] = None", tmp_path) == (
        f"horus-runner: Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install python{version}-venv"
    )


def test_no_compiler(tmp_path: Path) -> None:
    said = refused("import shutil; shutil.which = lambda name: None", tmp_path)
    assert said == "horus-runner: there is no C compiler. On Debian or Ubuntu: sudo apt-get install gcc"


def test_no_header(tmp_path: Path) -> None:
    said = refused(
        "import sysconfig\n"
        "paths = {**sysconfig.get_paths(), 'include': '/nowhere'}\n"
        "sysconfig.get_paths = lambda *_, **__: paths",
        tmp_path,
    )
    assert said.startswith(
        "horus-runner: /nowhere/Python.h is missing. On Debian or Ubuntu: sudo apt-get install python3."
    )


def test_no_python() -> None:
    done = make("build", "PYTHON=python3.99")
    assert done.stderr.splitlines()[0] == (
        "horus-runner: there is no python3.99. Install Python 3.10 or newer, or name one: make PYTHON=python3.12 ..."
    )


def test_another_system(tmp_path: Path) -> None:
    said = refused("import sys; sys.platform = 'darwin'", tmp_path)
    assert said == "horus-runner: this is darwin; it needs Linux (x86-64 or aarch64)."


def test_help_lists_the_targets() -> None:
    done = make("help")
    listed = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"help", "run", "test", "check", "test-pythons", "bench", "clean"} <= listed
    assert make().stdout == done.stdout


def test_a_set_up_environment_is_not_set_up_again_until_a_source_changes(tmp_path: Path) -> None:
    (tmp_path / ".vision").touch()
    assert "up to date" in make("-n", f"{tmp_path}/.vision", f"VENV={tmp_path}").stdout
    os.utime(tmp_path / ".vision", (0, 0))
    assert "pip install" in make("-n", f"{tmp_path}/.vision", f"VENV={tmp_path}").stdout


def test_check_and_test_together_run_the_tests_once() -> None:
    plan = make("-n", "check", "test", "VENV=/nowhere").stdout
    assert plan.count("-m pytest") == 1
    for tool in ("ruff check", "ruff format --check", "/mypy", "mypy.stubtest", "lint-imports"):
        assert tool in plan


def test_another_interpreter_gets_an_environment_of_its_own() -> None:
    assert ".venv-python3.99/bin/python -m pytest" in make("-n", "test", "PYTHON=python3.99").stdout
    assert " .venv/bin/python -m pytest" in f" {make('-n', 'test').stdout}".replace("\n", " ")
