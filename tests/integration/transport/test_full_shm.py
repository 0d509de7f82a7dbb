"""A full /dev/shm is an error at the send that needs the room, never a SIGBUS: in a /dev/shm of 3 MB of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NAMESPACE = ["unshare", "--mount", "--map-root-user"] if os.getuid() else ["unshare", "--mount"]
SMALL = "mount -t tmpfs -o size=3m tmpfs /dev/shm"


def in_a_small_dev_shm(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code where /dev/shm has 3 MB; skips where a mount namespace may not be made."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare (util-linux) is not installed")
    tried = subprocess.run([*NAMESPACE, "sh", "-c", SMALL], capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode:
        pytest.skip(f"no mount namespace can be made here: {tried.stderr.strip()}")
    return subprocess.run(
        [*NAMESPACE, "sh", "-c", f'{SMALL} && exec "$@"', "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def test_a_send_that_finds_no_room_says_so_and_the_topic_goes_on() -> None:
    done = in_a_small_dev_shm(
        "import horus, numpy as np, os\n"
        "from horus_runner.errors import SharedMemoryFullError\n"
        "topic = horus.Topic('arrays')\n"
        "held = []\n"
        "try:\n"
        "    for n in range(100):\n"
        "        topic.send(np.full(400_000, n, np.uint8))\n"
        "        held.append(topic.recv())\n"
        "except SharedMemoryFullError as error:\n"
        "    print(isinstance(error, OSError), error)\n"
        "assert 2 <= len(held) <= 7, len(held)\n"
        "for n, message in enumerate(held):\n"
        "    assert (message.numpy() == n).all()\n"
        "del held, message\n"
        "for n in range(50):\n"
        "    topic.send(np.full(400_000, n, np.uint8))\n"
        "    assert (topic.recv().numpy() == n).all()\n"
        "print('went on')\n"
    )
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith("True topic 'arrays' needs ")
    assert "bytes of shared memory; /dev/shm has" in first
    assert "--shm-size" in first
    assert last == "went on"


def test_a_ring_that_does_not_fit_leaves_nothing_and_smaller_messages_still_go() -> None:
    done = in_a_small_dev_shm(
        "import horus, numpy as np, os\n"
        "from horus_runner.errors import SharedMemoryFullError\n"
        "topic = horus.Topic('any')\n"
        "topic.send({'n': 1})\n"
        "before = os.listdir('/dev/shm')\n"
        "for _ in range(3):\n"
        "    try:\n"
        "        topic.send(np.zeros(50_000_000, np.uint8))\n"
        "    except SharedMemoryFullError as error:\n"
        "        print(error.needed_bytes >= 50_000_000, error.free_bytes < 3_000_000)\n"
        "topic.send({'n': 2})\n"
        "print(topic.recv_all())\n"
        "print(sum('.new.' in name for name in os.listdir('/dev/shm')))\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True True"] * 3 + ["[{'n': 1}, {'n': 2}]", "0"]


def test_a_run_that_does_not_fit_says_so() -> None:
    done = in_a_small_dev_shm(
        "import os\n"
        "from horus_runner.errors import SharedMemoryFullError\n"
        "from horus_runner.transport.segment import ProcessSegment\n"
        "from horus_runner.transport.names import new_run_id\n"
        "made = []\n"
        "try:\n"
        "    for n in range(100):\n"
        "        made.append(ProcessSegment.create('ns', new_run_id(), ['a'] * 10, 'graph'))\n"
        "except SharedMemoryFullError as error:\n"
        "    print(error)\n"
        "print(len(made) == len(os.listdir('/dev/shm')), len(made) > 0)\n"
    )
    assert done.returncode == 0, done.stderr
    message, counts = done.stdout.splitlines()
    assert message.startswith("the process segment of 'graph' needs ")
    assert counts == "True True"
