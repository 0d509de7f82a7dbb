"""Durations and rates as a person writes them, to integer nanoseconds and hertz.

A duration always has its unit, because 50 may be meant as milliseconds and read as seconds; a rate is in hertz
with or without saying so.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import isfinite

from horus_runner.graph.marks import quoted

UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000}
_SAME_UNITS = {
    "µs": "us",
    "μs": "us",
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "msec": "ms",
    "usec": "us",
}
_SAME_UNITS |= {"minute": "min", "minutes": "min", "m": "min", "nsec": "ns", "milliseconds": "ms", "microseconds": "us"}

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)? ?(ns|us|ms|s|min)$"
RATE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?k?Hz$"
MAX_DURATION_NS = 86_400 * 1_000_000_000
RATE_RANGE_HZ = (1e-5, 1e6)

_NUMBER = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?) ?([A-Za-zµμ]*)")
_ALLOWED = "Write a number and its unit: ns, us, ms, s or min, as in 50ms."


class QuantityError(ValueError):
    """A duration or rate that cannot be read: `message` follows a name ("budget ..."), `hint` what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message, self.hint = message, hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}"


def duration_ns(value: object) -> int:
    """The nanoseconds of ``'50ms'``, ``'1.5 s'``, ``'2min'``; at least 1 ns, at most a day. Raises QuantityError."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise QuantityError(f"is {value!r} without a unit.", f"Write {_with_unit(value)}.")
    if not isinstance(value, str):
        raise QuantityError("is not a duration.", _ALLOWED)
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise QuantityError(f"is {quoted(value)}, which is not a duration.", _ALLOWED)
    number, unit = match.groups()
    if not unit:
        raise QuantityError(f"is {quoted(value)} without a unit.", f"Write {_with_unit(number)}.")
    if unit not in UNITS_NS:
        meant = _SAME_UNITS.get(unit.lower()) or (unit.lower() if unit.lower() in UNITS_NS else None)
        raise QuantityError(
            f"has the unit {quoted(unit)}, which is not known.", f"Write {number}{meant}." if meant else _ALLOWED
        )
    nanoseconds = round(Fraction(number) * UNITS_NS[unit])
    if nanoseconds < 1:
        raise QuantityError(f"is {quoted(value)}: it must be longer than nothing.", "Leave it out for no limit.")
    if nanoseconds > MAX_DURATION_NS:
        raise QuantityError(f"is {quoted(value)}: longer than a day.", "Leave it out for no limit.")
    return nanoseconds


def _with_unit(number: object) -> str:
    return f"{number}ms, {number}us or {number}s, whichever is meant"


def rate_hz(value: object) -> float:
    """The hertz of ``30``, ``'30Hz'``, ``'1.5 kHz'``. Raises QuantityError."""
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        scale = {"Hz": 1.0, "kHz": 1e3}.get(match.group(2)) if match else None
        if match is None or scale is None:
            raise QuantityError(f"is {quoted(value)}, which is not a rate.", _rate_hint(match))
        value = float(match.group(1)) * scale
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise QuantityError("is not a rate.", _rate_hint(None))
    low, high = RATE_RANGE_HZ
    if not isfinite(value) or not low <= value <= high:
        raise QuantityError(
            f"is {value:g} Hz: it must lie between {low:.5f} and {high:,.0f}.", "A rate is in ticks a second."
        )
    return float(value)


def _rate_hint(match: re.Match[str] | None) -> str:
    if match is not None and match.group(2) in UNITS_NS and Fraction(match.group(1)):
        hertz = float(Fraction(1_000_000_000) / (Fraction(match.group(1)) * UNITS_NS[match.group(2)]))
        return f"A rate is in ticks a second: for one tick each {match.group()}, write {hertz:g}."
    if match is not None and not match.group(2):
        return f"Write {match.group(1)} without quotes, or '{match.group(1)}Hz'."
    return "Write a number, or one with its unit as in 30Hz."


def format_ns(nanoseconds: int) -> str:
    """The shortest exact way to write a duration: 50_000_000 is ``50ms``."""
    for unit in ("min", "s", "ms", "us"):
        if nanoseconds >= UNITS_NS[unit] and nanoseconds * 1000 % UNITS_NS[unit] == 0:
            return f"{nanoseconds / UNITS_NS[unit]:.3f}".rstrip("0").rstrip(".") + unit
    return f"{nanoseconds}ns"
