"""What the text of a YAML scalar means: substitution of environment variables, then YAML 1.2's core schema.

``off`` and ``1:30`` are text, ``010`` is 10, ``1e3`` is 1000.0: PyYAML follows YAML 1.1, which disagrees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from horus_runner.errors import nearest
from horus_runner.graph.marks import ScalarValue, quoted

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED_INT = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TAG_PREFIX = "tag:yaml.org,2002:"
_TAG_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}

INT_RANGE = (-(2**63), 2**64 - 1)
_INT_DIGITS = 25


class ScalarError(ValueError):
    """A scalar that cannot be read: `message` says what is wrong, `hint` what would be right, `part` where in it."""

    def __init__(self, message: str, hint: str = "", part: str = "") -> None:
        super().__init__(message, hint, part)
        self.message, self.hint, self.part = message, hint, part


def resolve(text: str) -> ScalarValue:
    """The value of an unquoted scalar. Raises ScalarError for a whole number that 64 bits do not hold."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _whole(text, 10)
    if _BASED_INT.fullmatch(text):
        return _whole(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def resolve_tagged(text: str, tag: str) -> ScalarValue:
    """The value of a scalar with an explicit tag such as ``!!str``; `tag` as PyYAML writes it out."""
    name = tag.removeprefix(_TAG_PREFIX)
    if tag == "!" or (name == "str" and tag != name):
        return text
    if name == tag or name not in _TAG_TYPES:
        raise ScalarError(
            f"the tag {quoted(tag.replace(_TAG_PREFIX, '!!'))} is not known here.",
            "Leave it out; YAML's own !!str, !!int, !!float, !!bool and !!null are allowed.",
        )
    value = resolve(text)
    if not isinstance(value, _TAG_TYPES[name]) or (isinstance(value, bool) and name != "bool"):
        raise ScalarError(f"{quoted(text)} is no {name}, as its tag !!{name} says.", "Leave the tag out.")
    return float(value) if name == "float" and isinstance(value, int) else value


def _whole(digits: str, radix: int) -> int:
    # int() of a long text is quadratic, and refused by Python above 4,300 digits
    stripped = digits.lstrip("+-").lstrip("0") or "0"
    value = int(digits, radix) if len(stripped) <= _INT_DIGITS and len(digits) < 4000 else None
    if value is None or not INT_RANGE[0] <= value <= INT_RANGE[1]:
        raise ScalarError(
            f"the number {quoted(digits)} does not fit into 64 bits.", "Quote it if it is meant as text, or write 1e30."
        )
    return value


@dataclass(slots=True)
class Substitution:
    """Replaces ``${NAME}`` and ``${NAME:-default}`` by what `environ` holds; ``$${`` stands for a plain ``${``.

    As in a shell, ``:-`` gives its default for a variable that is unset or empty. `budget` is how many more characters
    may come in: a few lines that repeat a long variable must not fill the memory.
    """

    environ: Mapping[str, str]
    budget: int = 1_000_000

    _PATTERN = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
    _INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL | re.ASCII)

    def __call__(self, text: str) -> str:
        return self._PATTERN.sub(self._replace, text) if "${" in text else text

    def _replace(self, match: re.Match[str]) -> str:
        if match.group() == "$${":
            return "${"
        inside = self._INSIDE.fullmatch(match.group(1) or "")
        if inside is None or "${" in (inside.group(2) or ""):
            raise ScalarError(
                f"{quoted(match.group())} is not a substitution.",
                "Write ${NAME} or ${NAME:-default} (not one inside the other), or $${ for the text ${ itself.",
                match.group(),
            )
        name, default = inside.groups()
        value = self.environ.get(name)
        if default is not None and not value:
            value = default
        if value is None:
            near = nearest(name, [key for key in self.environ if key])
            hint = f" Did you mean '{near}', which is set?" if near else ""
            raise ScalarError(
                f"the environment variable {name} is not set.",
                f"Set it, or give a default: ${{{name}:-default}}.{hint}",
                match.group(),
            )
        self.budget -= len(value)
        if self.budget < 0:
            raise ScalarError(
                "the substitutions of this graph add up to more than 1,000,000 characters.", "", match.group()
            )
        return value
