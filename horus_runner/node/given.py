"""What a Node's constructor is given, checked word by word: TypeError and ValueError that name the node."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from numbers import Real
from typing import Any

from horus_runner.errors import did_you_mean

_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Given:
    """The checks; `who` begins every sentence. None, where a word may be left out, stays None."""

    who: str

    def number(self, what: str, value: Any, unit: str) -> float | None:
        """A number above 0 in `unit`."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError(f"{self.who}: {what} is a number ({unit}), not {type(value).__name__}")
        number = float(value)
        if not 0 < number < math.inf:
            raise ValueError(f"{self.who}: {what} is {value}; it must be above 0 {unit}")
        return number

    def duration(self, what: str, value: Any) -> float | None:
        """Seconds, at most a minute: more was probably meant as milliseconds."""
        seconds = self.number(what, value, "seconds")
        if seconds is not None and seconds > _LONGEST_S:
            raise ValueError(
                f"{self.who}: {what}={value} means {value} seconds, more than the {_LONGEST_S:.0f} allowed. "
                f"Did you mean {value} * horus.ms?"
            )
        return seconds

    def whole(self, what: str, value: Any, least: int | None = None, most: int | None = None) -> int:
        """A whole number from `least` to `most`."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{self.who}: {what} is a whole number, not {type(value).__name__}")
        if least is not None and value < least:
            raise ValueError(f"{self.who}: {what} is {value}; it must be at least {least}")
        if most is not None and value > most:
            raise ValueError(f"{self.who}: {what} is {value}; it must be at most {most:,}")
        return value

    def flag(self, what: str, value: Any) -> bool:
        """True or False, and nothing that is merely true."""
        if not isinstance(value, bool):
            raise TypeError(f"{self.who}: {what} is True or False, not {value!r}")
        return value

    def mapping(self, what: str, value: Any) -> Mapping[str, Any]:
        """A dict with names for keys; None is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise TypeError(f"{self.who}: {what} is a dict from names to values, not {value!r:.60}")
        return value

    def choice(self, what: str, value: Any, allowed: tuple[str, ...], default: str) -> Any:
        """One of `allowed`; `default` for None."""
        if value is None:
            return default
        if value not in allowed:
            raise ValueError(
                f"{self.who}: {what}={value!r} is none of {', '.join(allowed)}.{did_you_mean(str(value), allowed)}"
            )
        return value

    def function(self, what: str, value: Any, *arguments: str) -> None:
        """Something that can be called with so many arguments."""
        if not callable(value):
            raise TypeError(f"{self.who}: {what}= takes a function, not {type(value).__name__}")
        _check_call(f"{self.who}: {what} is called as {what}({', '.join(arguments)})", value, arguments)


def _check_call(sentence: str, function: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    try:
        taken = signature(function)
    except ValueError:  # written in C, and says nothing about itself
        return
    try:
        taken.bind(*arguments)
    except TypeError as error:
        raise TypeError(f"{sentence}: {error}") from None
