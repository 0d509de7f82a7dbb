import dataclasses
import json
import os

import pytest

from horus_runner.bench.measure import Timing, Watch, time_statement


def test_timing_is_median_least_and_ninetieth_percentile():
    timing = Timing.of([float(n) for n in range(100, -1, -1)])
    assert timing == Timing(p50_ns=50.0, best_ns=0.0, p90_ns=90.0, count=101)


def test_one_sample_is_not_a_distribution():
    with pytest.raises(ValueError):
        Timing.of([1.0])


def test_a_statement_is_charged_for_what_it_does():
    """A thousand additions take longer than none, whatever the machine is busy with."""
    nothing = time_statement("pass", {}, batches=5)
    work = time_statement("sum(numbers)", {"numbers": list(range(1000))}, batches=5)
    assert work.best_ns > 10 * nothing.best_ns
    assert nothing.best_ns <= nothing.p50_ns <= nothing.p90_ns
    assert nothing.count == work.count == 5


def test_a_statement_that_fails_says_so():
    with pytest.raises(ZeroDivisionError):
        time_statement("1 / zero", {"zero": 0}, batches=2)


def test_conditions_name_the_machine_and_how_quiet_it_was():
    conditions = Watch().conditions()
    assert conditions.processor
    assert conditions.cores == len(os.sched_getaffinity(0))
    assert conditions.noise_percent >= 0
    assert 0 <= conditions.steal_percent <= 100
    assert conditions.processor in conditions.sentence
    assert "noise" in conditions.sentence
    assert json.loads(json.dumps(dataclasses.asdict(conditions))) == dataclasses.asdict(conditions)


def test_noise_counts_what_disturbed_the_slowest_tenth(monkeypatch):
    took = iter([100] * 80 + [150] * 20)
    monkeypatch.setattr("horus_runner.bench.measure._fixed_loop", lambda: next(took))
    assert Watch().conditions().noise_percent == pytest.approx(50)
