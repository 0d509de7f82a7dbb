"""The ring's model, its stress and ring.h say the same, and each sees the faults that are planted in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CORE = ROOT / "horus_runner" / "_core"
MODEL = CORE / "model"

MODELS = ("ring.pml", "doorbell.pml", "growth.pml")
MODELLED = {
    "payload of message n visible to readers",
    "a descriptor is odd before any of it changes",
    "head before sleepers, sequence before leases",
    "reads of a leased slot end before its cell is clear",
    "a row is filled before it is live",
    "the final head before the successor mark",
}
# Counters and lossless rings: what they order is tested by running them.
NOT_MODELLED = {
    "a ledger copy changes only after the sequence names the other",
    "a ledger copy is whole when its sequence names it",
    "what the ledger says before what was handed over after it",
    "a bank copy changes only after the sequence names the other",
    "a bank copy is whole when its sequence names it",
    "cursors before the waiting writer",
}

needs_spin = pytest.mark.skipif(
    shutil.which("spin") is None or shutil.which("gcc") is None, reason="spin and gcc check the model: not installed"
)
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc builds the stress: not installed")


def run(script: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {"PATH": str(path)} if path else None
    bash = shutil.which("bash")
    assert bash
    command = [bash, str(script), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=500, check=False)


def copied_model(tmp_path: Path) -> Path:
    """The model in a tree of its own, with the headers that its stress includes."""
    shutil.copytree(MODEL, tmp_path / "model")
    for header in CORE.glob("*.h"):
        shutil.copy(header, tmp_path)
    return tmp_path / "model"


def sync_ends(text: str) -> list[tuple[str, str]]:
    """(words, memory order of what follows) of each SYNC comment."""
    ends = []
    for found in re.finditer(r"SYNC: (.+?)(?: \*/)?\n", text):
        order = re.compile(r"memory_order_(\w+)").search(text, found.end())
        assert order, found[1]
        ends.append((found[1], order[1]))
    return ends


def planted(model: str) -> set[str]:
    """The faults that a model's first comment lists."""
    return set(re.findall(r"^ \*   ([A-Z_]+)  ", (MODEL / model).read_text(), re.MULTILINE))


def test_sync_words_stand_at_both_ends() -> None:
    orders: dict[str, list[str]] = {}
    for words, order in sync_ends((CORE / "ring.h").read_text()):
        orders.setdefault(words, []).append(order)
    for words, found in orders.items():
        fences = found.count("seq_cst")
        assert fences >= 2 or {"release", "acquire"} <= set(found), (words, found)
    assert set(orders) == MODELLED | NOT_MODELLED


def test_the_models_use_the_same_words() -> None:
    said = {words for model in MODELS for words in re.findall(r"SYNC: (.+?) \*/", (MODEL / model).read_text())}
    assert said == MODELLED


@needs_spin
def test_the_model_holds_and_sees_every_planted_fault() -> None:
    done = run(MODEL / "verify.sh", "quick")
    assert done.returncode == 0, done.stdout + done.stderr
    results = [line.split() for line in done.stdout.splitlines()]
    assert sum(words[0] == "holds" for words in results) == 6
    assert all(re.search(r" [1-9]\d* states", line) for line in done.stdout.splitlines())
    faults = {fault for model in MODELS for fault in planted(model)}
    assert len(faults) == 17
    assert {words[1] for words in results if words[0] == "caught"} == faults


@needs_spin
def test_a_fault_that_is_not_seen_fails(tmp_path: Path) -> None:
    model = copied_model(tmp_path)
    text = (model / "ring.pml").read_text()
    (model / "ring.pml").write_text(text.replace("#ifdef ONE_SLOT_FEWER", "#ifdef UNHEARD_OF"))
    done = run(model / "verify.sh", "quick", "ONE_SLOT_FEWER")
    assert done.returncode == 1
    assert done.stdout.startswith("MISSED   ONE_SLOT_FEWER")


@needs_spin
def test_a_model_that_does_not_hold_fails(tmp_path: Path) -> None:
    model = copied_model(tmp_path)
    text = (model / "doorbell.pml").read_text()
    (model / "doorbell.pml").write_text(text.replace("#ifndef RESTART_SILENT", "#ifdef RESTART_SILENT"))
    done = run(model / "verify.sh", "quick", "taken over")
    assert done.returncode == 1
    assert done.stdout.startswith("FAILS    doorbell: dead publisher taken over")


def test_a_missing_spin_is_said_in_a_sentence(tmp_path: Path) -> None:
    dirname = shutil.which("dirname")
    assert dirname
    (tmp_path / "dirname").symlink_to(dirname)
    done = run(MODEL / "verify.sh", path=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "horus-runner: spin is not installed, which checks the model. "
        "On Debian or Ubuntu: sudo apt-get install spin gcc\n"
    )


@needs_gcc
def test_the_stress_finds_nothing_and_thread_sanitizer_sees_a_relaxed_clear() -> None:
    done = run(MODEL / "stress.sh", "1")
    if "has no ThreadSanitizer" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    plain, sanitized, fault = done.stdout.splitlines()
    assert plain.endswith(ok := "none torn, no wake-up lost, no slot missing")
    assert sanitized.endswith(ok)
    assert fault.endswith("a relaxed clear is reported as a data race")


@needs_gcc
def test_the_stress_sees_a_lease_that_comes_too_late(tmp_path: Path) -> None:
    """The lease store left out: what a reader holds is overwritten."""
    copied_model(tmp_path)
    header = (tmp_path / "ring.h").read_text()
    store = "atomic_store_explicit(&r->row->cells[cell], (uint64_t)look->slot + 1, memory_order_release);"
    assert header.count(store) == 1
    (tmp_path / "ring.h").write_text(header.replace(store, ""))
    done = run(tmp_path / "model" / "stress.sh", "5")
    assert done.returncode == 1
    assert re.search(r"stress: message \d+ is torn", done.stderr)
