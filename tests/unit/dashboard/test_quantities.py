from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horus_runner.dashboard import quantities


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (None, "-"),
        (0, "0 us"),
        (350, "0.35 us"),
        (18_000, "18.0 us"),
        (182_400, "182 us"),
        (999_400, "999 us"),
        (999_600, "1.00 ms"),
        (9_996_000, "10.0 ms"),
        (48_000_000, "48.0 ms"),
        (2_500_000_000, "2.50 s"),
        (3_600_000_000_000, "3600 s"),
    ],
)
def test_duration(ns: int | None, text: str) -> None:
    assert quantities.duration(ns) == text


@pytest.mark.parametrize(
    ("hz", "text"), [(None, "-"), (0.0, "0 Hz"), (0.5, "0.50 Hz"), (29.97, "30.0 Hz"), (1000.0, "1.00 kHz")]
)
def test_rate(hz: float | None, text: str) -> None:
    assert quantities.rate(hz) == text


@pytest.mark.parametrize(
    ("hz", "target", "text"),
    [
        (14.92, 30.0, "14.9/30.0 Hz"),
        (999.8, 1000.0, "1.00/1.00 kHz"),
        (3.0, 1000.0, "0.00/1.00 kHz"),
        (12.0, None, "12.0 Hz"),
    ],
)
def test_rate_of_target_has_one_unit(hz: float, target: float | None, text: str) -> None:
    assert quantities.rate_of_target(hz, target) == text


@pytest.mark.parametrize(
    ("nbytes", "text"), [(None, "-"), (0, "0 B"), (999, "999 B"), (41_000_000, "41.0 MB"), (2.5e9, "2.50 GB")]
)
def test_size(nbytes: float | None, text: str) -> None:
    assert quantities.size(nbytes) == text


def test_bandwidth_count_percent() -> None:
    assert quantities.bandwidth(27_648_000.0) == "27.6 MB/s"
    assert quantities.bandwidth(None) == quantities.count(None) == quantities.percent(None) == "-"
    assert [quantities.count(n) for n in (0, 12_345, 1_234_567)] == ["0", "12,345", "1.23 M"]
    assert quantities.percent(147.6) == "148%"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0.0 s"), (12.34, "12.3 s"), (59.97, "1:00"), (125.0, "2:05"), (3725.0, "1:02:05")]
)
def test_elapsed(seconds: float, text: str) -> None:
    assert quantities.elapsed(seconds) == text


@given(st.integers(min_value=1, max_value=10**15))
def test_a_duration_keeps_three_digits(ns: int) -> None:
    number, unit = quantities.duration(ns).split()
    read_back = float(number) * {"us": 1e3, "ms": 1e6, "s": 1e9}[unit]
    assert abs(read_back - ns) <= max(0.006 * ns, 5.0)


@given(st.floats(min_value=-1, max_value=3), st.integers(1, 40), st.booleans())
def test_a_bar_has_its_width_and_its_share(fraction: float, width: int, ascii_only: bool) -> None:
    bar = quantities.bar(fraction, width, ascii_only)
    assert len(bar) == width
    filled = sum(bar.count(c) for c in "█#")
    assert abs(filled - min(max(fraction, 0), 1) * width) <= 1
    assert bar.isascii() or not ascii_only
