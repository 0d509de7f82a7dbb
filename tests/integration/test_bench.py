"""`horus bench` as a user types it."""

import json
import subprocess
import sys

import pytest

DOCUMENT_US = {
    "np.from_dlpack(img)": 1.1,
    "img.to_numpy()": 3.0,
    "np.copy(img)": 14.0,
    "np.array(img)": 14.0,
    "CmdVel send + recv": 1.7,
    "dict send + recv": 6.2,
}


@pytest.fixture(scope="module")
def measured():
    done = subprocess.run(
        [sys.executable, "-m", "horus_runner.cli", "bench", "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_bench_measures_every_row_of_the_page_and_the_way_between_processes(measured):
    rows = {row["name"]: row for row in measured["rows"]}
    assert {name: row["document_us"] for name, row in rows.items() if row["document_us"]} == DOCUMENT_US
    for name in ("8 bytes, one way", "900 KB loaned, one way"):
        assert rows[name]["limit_us"] > 0
        assert rows[name]["samples"] == 1000
    assert all(0 < row["best_us"] <= row["p50_us"] <= row["p90_us"] for row in rows.values())
    assert {"processor", "cores", "load", "noise_percent"} <= measured["machine"].keys()


def test_views_cost_less_than_copies_and_a_loan_less_than_a_pipe(measured):
    """What the product is for, seen in the same run: these are factors of ten and more, not noise."""
    us = {row["name"]: row["best_us"] for row in measured["rows"]}
    assert us["img.to_numpy()"] < us["np.copy(img)"] / 10
    assert us["np.from_dlpack(img)"] < us["np.copy(img)"] / 10
    assert us["900 KB loaned, one way"] < us["900 KB through a pipe"]
