"""The leak check itself: each kind of thing left behind fails the test that left it, and is removed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psutil
import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).resolve().parent.parent / "conftest.py"

LEFTOVERS = {
    "segment": (
        "from multiprocessing import shared_memory as s, resource_tracker as r\n"
        "    m = s.SharedMemory(name={mark!r}, create=True, size=8); r.unregister(m._name, 'shared_memory'); m.close()",
        "shared memory /dev/shm/{mark}",
    ),
    "process": (
        "import subprocess, sys, warnings\n"
        "    warnings.simplefilter('ignore')\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', {mark!r}])",
        "{mark}",
    ),
    "orphan": (
        # not gone from the test before it is what it will be: a fork shows its parent's environment
        "import subprocess, sys\n"
        "    subprocess.run(['sh', '-c', 'sleep 600 0.{digits} >/dev/null 2>&1 & '\n"
        "                    'until grep -qx sleep /proc/$!/comm; do :; done'])",
        "sleep 600 0.{digits}",
    ),
    "file": ("import os, pathlib\n    pathlib.Path(os.environ['XDG_RUNTIME_DIR'], {mark!r}).touch()", "/{mark}"),
}


@pytest.mark.parametrize("kind", LEFTOVERS)
def test_what_a_test_leaves_fails_it_and_is_removed(
    kind: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HORUS_TEST_SETTLE_S", "0.3")
    mark, digits = f"horus.leak-{kind}-{os.getpid()}", f"{os.getpid():07d}"
    code, expected = (part.format(mark=mark, digits=digits) for part in LEFTOVERS[kind])
    shutil.copy(CONFTEST, pytester.path / "conftest.py")
    pytester.makepyfile(test_it=f"def test_leaks():\n    {code}\n\ndef test_after():\n    pass\n")
    done = pytester.run(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore", timeout=60)
    done.assert_outcomes(passed=2, errors=1)
    assert expected in "\n".join(done.outlines)
    assert not Path("/dev/shm", mark).exists()
    cmdlines = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    assert not any("sleep" in line and (mark in line or digits in line) for line in cmdlines)
