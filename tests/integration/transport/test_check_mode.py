"""HORUS_CHECK=1: what a publisher writes into a message that it has sent is caught in the act, with its line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """\
import numpy as np
import horus

camera = horus.Topic(horus.Image)
loan = camera.loan(height=480, width=640, encoding="rgb8")
pixels = loan.to_numpy()
pixels[:] = 7
camera.send(loan)
received = camera.recv()
pixels[0, 0, 0] = 8  # the frame is the subscribers' by now
print("unnoticed", received.to_numpy()[0, 0, 0], flush=True)
"""
LINE = next(n for n, line in enumerate(SCRIPT.splitlines(), 1) if "by now" in line)


def run_script(tmp_path: Path, check: str, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    path = tmp_path / "writes_late.py"
    path.write_text(script)
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HORUS_CHECK": check},
        check=False,
    )


def test_writing_to_a_sent_loan_is_reported_with_its_line(tmp_path: Path) -> None:
    done = run_script(tmp_path, "1")
    assert done.returncode == -signal.SIGSEGV
    assert "unnoticed" not in done.stdout
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert f'writes_late.py", line {LINE} in <module>' in done.stderr


def test_without_the_check_it_goes_unnoticed(tmp_path: Path) -> None:
    """What the check is for: nothing else would tell."""
    assert run_script(tmp_path, "0").stdout == "unnoticed 8\n"


def test_the_check_leaves_right_code_alone(tmp_path: Path) -> None:
    script = (
        "import numpy as np, horus\n"
        "camera = horus.Topic(horus.Image)\n"
        "for n in range(100):\n"
        "    loan = camera.loan(height=48, width=64, encoding='mono8')\n"
        "    loan.to_numpy()[:] = n\n"
        "    camera.send(loan)\n"
        "    camera.send(np.full((48, 64), n, np.uint8))\n"
        "    del loan\n"
        "    assert [(one.to_numpy() == n).all() for one in camera.recv_all()] == [True, True]\n"
        "print('fine')\n"
    )
    done = run_script(tmp_path, "1", script)
    assert (done.stdout, done.stderr) == ("fine\n", "")


@pytest.mark.parametrize("expression", ["received.to_numpy()", "np.from_dlpack(received)", "np.asarray(received)"])
def test_a_received_view_cannot_be_written(tmp_path: Path, expression: str) -> None:
    script = (
        "import numpy as np, horus\n"
        "camera = horus.Topic(horus.Image)\n"
        "camera.send(horus.Image(4, 4))\n"
        "received = camera.recv()\n"
        f"view = {expression}\n"
        "try:\n"
        "    view[:] = 1\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    assert "read-only" in run_script(tmp_path, "0", script).stdout
