"""The picture of the dashboard shows a real run."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path


def test_a_picture_shows_the_nodes_their_topic_and_what_they_printed(
    tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "nodes.py").write_text(
        "def speak(node):\n    node.send('words', 'hello')\n    print('said hello', flush=True)\n"
    )
    (tmp_path / "talk.yaml").write_text("nodes:\n  speaker: {run: 'nodes.py:speak', rate: 20, pubs: [words]}\n")
    done = run_python("-m", "horus_runner.dashboard.picture", "talk.yaml", "out.svg", "1.5")
    assert done.returncode == 0, done.stderr
    picture = (tmp_path / "out.svg").read_text()
    assert picture.startswith("<svg ")
    for shown in ("speaker", "running", "words", "said&#160;hello", "horus&#160;run&#160;talk.yaml", "q&#160;stop"):
        assert shown in picture
