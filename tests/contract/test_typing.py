"""What a user's type checker makes of the public names: right code passes mypy --strict, wrong code does not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

USERS_FILE = """
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

import horus_runner as horus


@horus.message
class Reading:
    volts: horus.f32
    count: horus.u16 = 3
    name: Annotated[str, 32] = ""
    values: Annotated[NDArray[np.float32], (3,)] = np.zeros(3, np.float32)


def tick(node: horus.Node) -> None:
    node.send("reading", Reading(1.0, count=2))
    image: horus.Image | None = node.recv("camera")
    if image is not None:
        frame: NDArray[np.uint8] = image.to_numpy()
        node.send("brightness", {"mean": float(frame.mean())})


def main() -> None:
    report: horus.Report = horus.run(horus.Node("x", tick=tick, budget=50 * horus.ms), duration=1.0)
    topic = horus.Topic(horus.CmdVel)
    topic.send(horus.CmdVel(linear=1.0, angular=0.0))
    print(report.exit_code, topic.recv())
"""

WRONG = {
    'Reading("no")': 'Argument 1 to "Reading" has incompatible type "str"; expected "float"',
    "Reading()": 'Missing positional argument "volts" in call to "Reading"',
    "horus.Nod": 'Module has no attribute "Nod"',
    'horus.Node("x", rate="fast")': 'Argument "rate" to "Node" has incompatible type "str"',
    "horus.CmdVel(linear=None, angular=0.0)": 'Argument "linear" to "CmdVel" has incompatible type "None"',
}


def test_right_code_passes_and_wrong_code_does_not(
    tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    file = tmp_path / "robot.py"
    file.write_text(USERS_FILE + "\n\n" + "\n".join(WRONG) + "\n")
    first_wrong = USERS_FILE.count("\n") + 3
    cache = f"--cache-dir={ROOT / '.mypy_cache'}"
    done = run_python("-m", "mypy", "--strict", "--no-error-summary", cache, file.name, env={"MYPYPATH": str(ROOT)})
    expected = [f"{file.name}:{first_wrong + i}: error: {said}" for i, said in enumerate(WRONG.values())]
    found = [line for line in done.stdout.splitlines() if ": note: " not in line]
    assert len(found) == len(expected), done.stdout
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(start)
