"""What every test gets: a leak check, a private place for sockets and topics, a shown seed, and a word on stale builds.

A test that leaves a shared-memory segment, a process or a file behind fails and is told what it left; that is removed,
so that the next test starts clean. Other sessions may use the same machine: where the system allows it, this one gets a
/dev/shm of its own; elsewhere what a process outside it holds does not count.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.machinery
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHM = Path("/dev/shm")
SEGMENT_PREFIXES = ("horus.", "psm_", "sem.horus")
WATCHED_FOLDERS = (ROOT, ROOT / "graphs", ROOT / "nodes")
LEFT_BY_TOOLS = {
    "__pycache__",
    ".pytest_cache",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
    ".import_linter_cache",
    "build",
}
LIVES_AS_LONG_AS_PYTEST = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
# A janitor may still be clearing up after a test that killed a supervisor.
SETTLE_S = float(os.environ.get("HORUS_TEST_SETTLE_S", "5"))

SESSION = f"{os.getpid()}-{random.SystemRandom().randrange(16**6):06x}"
SEED = int(os.environ.get("HORUS_TEST_SEED", random.SystemRandom().randrange(2**32)))
RUNTIME_DIR = Path(tempfile.mkdtemp(prefix="horus-test-"))

# A runner in the background, or nohup, hands down ignored signals, which every process that a test starts inherits.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

os.environ["HORUS_TEST_SESSION"] = SESSION
os.environ["HORUS_NAMESPACE"] = f"test-{SESSION}"
os.environ["XDG_RUNTIME_DIR"] = str(RUNTIME_DIR)
os.environ.setdefault("HORUS_CHECK", "1")

CLONE_NEWNS, MS_PRIVATE_ALL = 0x20000, 0x44000


def own_shared_memory() -> bool:
    """Give this process, and all that it starts, a /dev/shm that nobody else sees; False where that takes rights."""
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNS) != 0 or libc.mount(b"none", b"/", None, MS_PRIVATE_ALL, None) != 0:
        return False
    return bool(libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"mode=1777") == 0)


SHM_IS_OURS = own_shared_memory()

hypothesis.settings.register_profile("horus", deadline=None, print_blob=True)
hypothesis.settings.load_profile("horus")


def stale_extensions() -> list[str]:
    """A sentence for each compiled module of the core that is missing or older than its source."""
    core = ROOT / "horus_runner" / "_core"
    headers = [*core.glob("*.pxd"), *core.glob("*.h")]
    sentences = []
    for source in sorted(core.glob("*.pyx")):
        built = [core / (source.stem + suffix) for suffix in importlib.machinery.EXTENSION_SUFFIXES]
        found = next((path for path in built if path.exists()), None)
        if found is None:
            sentences.append(f"{source.name} has not been built for this Python")
        elif any(path.stat().st_mtime > found.stat().st_mtime for path in [source, *headers]):
            sentences.append(f"{source.name} (or a header of the core) is newer than {found.name}")
    return sentences


def pytest_report_header() -> list[str]:
    lines = [f"seed: HORUS_TEST_SEED={SEED}; /dev/shm: {'of this session alone' if SHM_IS_OURS else 'the common one'}"]
    stale = stale_extensions()
    if stale:
        lines += [f"STALE CORE: {sentence}" for sentence in stale]
        lines.append("STALE CORE: rebuild with `make build` (or `pip install -e .`)")
    return lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if (terminalreporter.stats.get("failed") or terminalreporter.stats.get("error")) and stale_extensions():
        terminalreporter.write_line(
            "The compiled core is older than its source: rebuild with `make build` first.", yellow=True
        )


def pytest_sessionfinish() -> None:
    shutil.rmtree(RUNTIME_DIR, ignore_errors=True)


def segments() -> set[str]:
    """Names in /dev/shm that this package, or Python's own shared memory, could have made."""
    return {entry.name for entry in os.scandir(SHM) if entry.name.startswith(SEGMENT_PREFIXES)}


def is_ours(pid: int) -> bool:
    """Whether a process was started, however indirectly, by this test session."""
    try:
        return f"HORUS_TEST_SESSION={SESSION}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def processes() -> dict[int, psutil.Process]:
    """Every process of this session but pytest: its descendants, and what carries its mark after losing its parent."""
    found = {child.pid: child for child in psutil.Process().children(recursive=True)}
    for pid in psutil.pids():
        if pid != os.getpid() and pid not in found and is_ours(pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                found[pid] = psutil.Process(pid)
    return found


def described(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"process {process.pid} ({process.status()}): {' '.join(process.cmdline()) or process.name()}"
    return f"process {process.pid}"


def lives_on(process: psutil.Process) -> bool:
    """Whether a process is one that Python itself keeps for as long as its parent lives."""
    with contextlib.suppress(psutil.Error):
        return any(name in part for part in process.cmdline() for name in LIVES_AS_LONG_AS_PYTEST)
    return True


def mapped(pid: int, names: set[str]) -> set[str]:
    """Those of `names` that a process has mapped."""
    with contextlib.suppress(OSError):
        maps = Path(f"/proc/{pid}/maps").read_text(errors="replace")
        return {name for name in names if f"{SHM}/{name}\n" in maps}
    return set()


def held_by_others(names: set[str]) -> set[str]:
    """Those of `names` that a process outside this session has mapped: another session's, in use."""
    mine = {os.getpid(), *processes()}
    return set().union(*(mapped(pid, names) for pid in psutil.pids() if pid not in mine))


def files() -> set[Path]:
    """What lies in the runtime directory and, tools' caches aside, in the folders where a test might drop something."""
    found = set(RUNTIME_DIR.rglob("*"))
    for folder in WATCHED_FOLDERS:
        if folder.is_dir():
            found |= {
                Path(e.path) for e in os.scandir(folder) if e.name not in LEFT_BY_TOOLS and ".egg-info" not in e.name
            }
    return {path for path in found if not path.is_dir() or path.parent in WATCHED_FOLDERS}


class Surroundings:
    """The segments, processes and files that were there before a test, and what is there beyond them after it."""

    def __init__(self) -> None:
        self.segments, self.processes, self.files = segments(), set(processes()), files()

    def left(self) -> set[psutil.Process | Path]:
        """What is there now and was not before."""
        return self._processes() | self._segments() | (files() - self.files)

    def _processes(self) -> set[psutil.Process | Path]:
        return {p for pid, p in processes().items() if pid not in self.processes and not lives_on(p)}

    def _segments(self) -> set[psutil.Process | Path]:
        # The process segment of a bare Topic belongs to the process that made it, here pytest, and ends with it.
        lasting = {n for n in mapped(os.getpid(), segments()) if n.startswith(f"horus.test-{SESSION}.proc.")}
        new = segments() - self.segments - lasting
        return {SHM / name for name in (new if SHM_IS_OURS or not new else new - held_by_others(new))}

    def leaks(self) -> set[psutil.Process | Path]:
        """What is left for all of SETTLE_S; what comes and goes meanwhile is another session's, or on its way out."""
        left = self.left()
        deadline = time.monotonic() + SETTLE_S
        while left and time.monotonic() < deadline:
            gc.collect()
            time.sleep(0.05)
            left &= self.left()
        return left


def removed(leak: psutil.Process | Path) -> str:
    """Remove a leak and say what it was."""
    if isinstance(leak, psutil.Process):
        sentence = described(leak)
        with contextlib.suppress(psutil.Error):
            leak.kill()
        psutil.wait_procs([leak], timeout=2.0)
        return sentence
    if leak.is_dir():
        shutil.rmtree(leak)
    else:
        leak.unlink(missing_ok=True)
    return f"{'shared memory' if leak.parent == SHM else 'file'} {leak}"


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a segment, a process or a file behind."""
    before = Surroundings()
    yield
    left = before.leaks()
    if left:
        pytest.fail("the test left behind:\n  " + "\n  ".join(sorted(map(removed, left))), pytrace=False)


@pytest.fixture
def seed() -> int:
    """The session's seed for tests that draw numbers; shown in pytest's header, set by HORUS_TEST_SEED."""
    return SEED


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """`wait_until(condition, what, within_s=10)`: wait for a condition, fail with `what` when it does not come true."""

    def wait(condition: Callable[[], object], what: str = "the condition", within_s: float = 10.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not come true within {within_s:g} s")
            time.sleep(0.005)

    return wait


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_python(*args, env={}, cwd=tmp_path)`: this interpreter on this checkout, output captured, 60 s at most."""

    def run(*args: str, env: dict[str, str] | None = None, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        merged = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        return subprocess.run(
            [sys.executable, *args], capture_output=True, text=True, cwd=cwd, timeout=60.0, env=merged, check=False
        )

    return run
