"""The log-linear histogram behind every quantile, through a node's record: its lateness is what it is told."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horus_runner._core.clock import monotonic_ns
from horus_runner._core.mapping import Mapping
from horus_runner._core.meter import RECORD_BYTES, NodeRecord

BUCKET = 0.0625
LONGEST_NS = 2**45


def new_record() -> NodeRecord:
    descriptor = os.memfd_create("record")
    os.ftruncate(descriptor, RECORD_BYTES)
    mapping = Mapping(descriptor, RECORD_BYTES, writable=True)
    os.close(descriptor)
    return NodeRecord(mapping, 0)


def lateness_of(values: list[int]) -> tuple[int, int, int, int]:
    """(p50, p99, max, count) of ticks that started that many nanoseconds late."""
    record = new_record()
    for value in values:
        start = monotonic_ns()
        record.end(start - value, start)
    found = record.read()["lateness"]
    assert isinstance(found, tuple)
    return found


DRAWS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "uniform": lambda rng: rng.uniform(1_000, 2_000_000, 20_000),
    "lognormal": lambda rng: rng.lognormal(10.0, 2.0, 20_000),
    "exponential": lambda rng: rng.exponential(50_000.0, 20_000),
    "two modes": lambda rng: np.where(rng.random(20_000) < 0.9, 2_000, 5e9) * rng.uniform(0.9, 1.1, 20_000),
    "small": lambda rng: rng.integers(0, 16, 20_000).astype(float),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_quantiles_are_within_a_bucket_of_numpys(draw: Callable[[np.random.Generator], np.ndarray], seed: int) -> None:
    values = draw(np.random.default_rng(seed)).astype(np.int64)
    p50, p99, longest, count = lateness_of(values.tolist())
    exact50, exact99 = np.quantile(values, [0.5, 0.99], method="inverted_cdf")
    assert p50 == pytest.approx(exact50, rel=BUCKET)
    assert p99 == pytest.approx(exact99, rel=BUCKET)
    assert longest == values.max()
    assert count == len(values)


@given(st.lists(st.integers(0, LONGEST_NS), min_size=1, max_size=50))
def test_any_values_keep_their_order_and_their_bounds(values: list[int]) -> None:
    p50, p99, longest, count = lateness_of(values)
    exact = int(np.quantile(values, 0.5, method="inverted_cdf"))
    assert abs(p50 - exact) <= BUCKET * exact
    assert p50 <= p99 <= longest == max(values)
    assert count == len(values)


@pytest.mark.parametrize("value", [0, 1, 15, 16, 17, 31, 32, 33, 1023, 1024, 10**6, 10**9, LONGEST_NS])
def test_a_single_value_is_itself_within_half_a_bucket(value: int) -> None:
    p50, p99, longest, count = lateness_of([value])
    assert p50 == p99
    assert abs(p50 - value) <= BUCKET / 2 * value
    assert (longest, count) == (value, 1)


def test_what_is_negative_counts_as_zero_and_what_is_too_long_in_the_last_bucket() -> None:
    assert lateness_of([-5, -(10**9)]) == (0, 0, 0, 2)
    _, p99, longest, _ = lateness_of([2**50])
    assert LONGEST_NS <= p99 <= longest == 2**50


def test_nothing_measured_is_none() -> None:
    about = new_record().read()
    assert (about["tick"], about["lateness"]) == (None, None)
