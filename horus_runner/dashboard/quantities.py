"""Numbers as a person reads them: three digits that count, and the unit beside them.

All of them give ``-`` for None: not measured is not zero.
"""

from __future__ import annotations

NOT_MEASURED = "-"


def _three_digits(value: float) -> str:
    if value >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def _scaled(value: float, units: tuple[str, ...], step: float = 1000.0) -> str:
    """`value` in the largest of `units` (each `step` times the one before) that leaves it below `step`."""
    for unit in units[:-1]:
        if value < step * 0.9995:
            return f"{_three_digits(value)} {unit}"
        value /= step
    return f"{_three_digits(value)} {units[-1]}"


def duration(ns: int | None) -> str:
    """Nanoseconds as ``0 us``, ``4.21 us``, ``18.3 ms`` or ``2.50 s``."""
    if ns is None:
        return NOT_MEASURED
    return "0 us" if ns == 0 else _scaled(ns / 1e3, ("us", "ms", "s"))


def rate(hz: float | None) -> str:
    """Hertz as ``0 Hz``, ``29.9 Hz`` or ``1.00 kHz``."""
    if hz is None:
        return NOT_MEASURED
    return "0 Hz" if hz == 0 else _scaled(hz, ("Hz", "kHz", "MHz"))


def rate_of_target(hz: float, target_hz: float | None) -> str:
    """Actual and target rate in one unit, ``29.9/30.0 Hz``; the actual one alone when there is no target."""
    if target_hz is None:
        return rate(hz)
    thousands = target_hz >= 999.5
    scale, unit = (1000.0, "kHz") if thousands else (1.0, "Hz")
    return f"{_three_digits(hz / scale)}/{_three_digits(target_hz / scale)} {unit}"


def size(nbytes: float | None) -> str:
    """Bytes as ``512 B``, ``41.0 MB``, in powers of 1000."""
    if nbytes is None:
        return NOT_MEASURED
    return f"{nbytes:.0f} B" if nbytes < 999.5 else _scaled(nbytes, ("B", "kB", "MB", "GB", "TB"))


def bandwidth(bytes_per_s: float | None) -> str:
    """Bytes a second as ``27.6 MB/s``."""
    return NOT_MEASURED if bytes_per_s is None else f"{size(bytes_per_s)}/s"


def count(number: int | None) -> str:
    """A count in full with thousands set off, ``12,345``; from a million on ``1.23 M``."""
    if number is None:
        return NOT_MEASURED
    return f"{number:,}" if number < 1_000_000 else _scaled(number / 1e6, ("M", "G"))


def times(number: int) -> str:
    """How often: ``once``, ``12 times``."""
    return "once" if number == 1 else f"{count(number)} times"


def percent(value: float | None) -> str:
    """A percentage without decimals, ``148%``."""
    return NOT_MEASURED if value is None else f"{value:.0f}%"


def elapsed(seconds: float) -> str:
    """Time since the start as ``4.2 s``, ``2:05`` or ``1:02:05``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds + 0.05), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def bar(fraction: float, width: int, ascii_only: bool = False) -> str:
    """`width` characters filled to `fraction`, in eighths of a character where the terminal has them; full above 1."""
    if ascii_only:
        return ("#" * round(min(max(fraction, 0.0), 1.0) * width)).ljust(width, ".")
    eighths = round(min(max(fraction, 0.0), 1.0) * width * 8)
    full, part = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[part] if part else "")).ljust(width)
