from __future__ import annotations

import math

import pytest

from horus_runner.graph.scalars import ScalarError, Substitution, resolve, resolve_tagged


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"),
        ("on", "on"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("+12", 12),
        ("-0.5", -0.5),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("2026-11-21", "2026-11-21"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("~", None),
        ("null", None),
        ("", None),
        ("-.inf", -math.inf),
        ("1e", "1e"),
        ("50ms", "50ms"),
        ("-", "-"),
        ("\u0663", "\u0663"),  # a digit, but not of ASCII
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_yaml_1_2_core_schema(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_one() -> None:
    found = resolve(".nan")
    assert isinstance(found, float) and math.isnan(found)


@pytest.mark.parametrize("text", ["18446744073709551616", "-9223372036854775809", "9" * 5000, "0x" + "f" * 5000])
def test_whole_numbers_that_64_bits_do_not_hold_are_refused(text: str) -> None:
    with pytest.raises(ScalarError, match="64 bits"):
        resolve(text)


def test_leading_zeros_do_not_count() -> None:
    assert resolve("0" * 100 + "7") == 7


def test_tags() -> None:
    assert resolve_tagged("10", "tag:yaml.org,2002:str") == "10"
    assert resolve_tagged("10", "!") == "10"
    found = resolve_tagged("10", "tag:yaml.org,2002:float")
    assert isinstance(found, float) and found == 10.0
    with pytest.raises(ScalarError, match="no int"):
        resolve_tagged("true", "tag:yaml.org,2002:int")
    with pytest.raises(ScalarError, match="not known"):
        resolve_tagged("x", "tag:yaml.org,2002:python/object:os.system")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${CAMERA}", "front"),
        ("cam.${CAMERA}.rgb", "cam.front.rgb"),
        ("${UNSET:-back}", "back"),
        ("${UNSET:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-full}", "full"),
        ("${CAMERA:-back}", "front"),
        ("$${CAMERA}", "${CAMERA}"),
        ("$CAMERA", "$CAMERA"),
        ("${A}${A}", "$A$A"),
        ("a $ b } c", "a $ b } c"),
    ],
)
def test_substitution(text: str, value: str) -> None:
    # a value is put in as it is: what looks like a substitution in it stays
    assert Substitution({"CAMERA": "front", "EMPTY": "", "A": "$A"})(text) == value


@pytest.mark.parametrize("text", ["${", "${}", "${1}", "${A B}", "${A-b}", "${A:-${B}}", "a ${A"])
def test_what_is_no_substitution_is_not_passed_over(text: str) -> None:
    with pytest.raises(ScalarError, match="not a substitution"):
        Substitution({"A": "1"})(text)


def test_unset_variable_names_a_near_one() -> None:
    with pytest.raises(ScalarError) as caught:
        Substitution({"HORUS_CAMERA": "1"})("${HORUS_CAMRA}")
    assert "HORUS_CAMRA is not set" in caught.value.message
    assert "'HORUS_CAMERA'" in caught.value.hint and "${HORUS_CAMRA:-default}" in caught.value.hint


def test_substitution_does_not_fill_the_memory() -> None:
    with pytest.raises(ScalarError, match="1,000,000"):
        Substitution({"A": "x" * 100_000})("${A}" * 50)
