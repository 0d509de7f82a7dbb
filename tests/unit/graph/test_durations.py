from __future__ import annotations

import pytest

from horus_runner.graph.durations import QuantityError, duration_ns, format_ns, rate_hz


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1ns", 1),
        ("800us", 800_000),
        ("50ms", 50_000_000),
        ("1.5s", 1_500_000_000),
        ("1.5 s", 1_500_000_000),
        ("2min", 120_000_000_000),
        ("0.1us", 100),
        ("16.666666ms", 16_666_666),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert duration_ns(text) == nanoseconds


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (50, "50ms"),
        (0.05, "0.05s"),
        ("50", "50ms"),
        ("50MS", "Write 50ms."),
        ("50 sec", "Write 50s."),
        ("1m", "Write 1min."),
        ("5 hours", "ns, us, ms, s or min"),
        ("ms", "as in 50ms"),
        ("-5ms", "as in 50ms"),
        ("1e3ms", "as in 50ms"),
        ("", "as in 50ms"),
        (True, "as in 50ms"),
        (None, "as in 50ms"),
        (["1ms"], "as in 50ms"),
        ("0s", "Leave it out"),
        ("0.1ns", "Leave it out"),
        ("9999999min", "Leave it out"),
        ("9" * 400 + "s", "as in 50ms"),
    ],
)
def test_a_duration_has_its_unit(value: object, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        duration_ns(value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(("value", "hertz"), [(30, 30.0), (0.5, 0.5), ("30Hz", 30.0), ("1.5 kHz", 1500.0)])
def test_rates(value: object, hertz: float) -> None:
    assert rate_hz(value) == hertz


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("20ms", "write 50"),
        ("30", "30Hz"),
        ("30 fps", "30Hz"),
        ("0ms", "30Hz"),
        (0, "ticks a second"),
        (-30, "ticks a second"),
        (float("nan"), "ticks a second"),
        (float("inf"), "ticks a second"),
        (1e9, "ticks a second"),
        (2**64 - 1, "ticks a second"),
        (True, "30Hz"),
        (None, "30Hz"),
    ],
)
def test_what_is_no_rate(value: object, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        rate_hz(value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(50_000_000, "50ms"), (1_500_000, "1.5ms"), (1, "1ns"), (1_500, "1.5us"), (60_000_000_000, "1min"), (10**9, "1s")],
)
def test_durations_are_written_short_and_exact(nanoseconds: int, text: str) -> None:
    assert format_ns(nanoseconds) == text
    assert duration_ns(text) == nanoseconds
