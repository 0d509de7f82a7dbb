"""@horus.message: what a class statement keeps, what annotations may say, what is refused and how."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, f32, f64, i64, message, u8

CALLS: list[str] = []


def counted(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> Any:
        CALLS.append(function.__name__)
        return function(*arguments)

    return wrapper


class Named:
    """A descriptor that is told its owner, as the class statement tells it."""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.owner, self.name = owner, name


@message
class Wheel(Record):
    """A wheel."""

    __topic_name__ = "wheel"
    COUNT: ClassVar[int] = 4
    KINDS = ("front", "rear")
    named = Named()

    speed: f32
    slip: Annotated[f64, "ratio"] = 0.0

    @classmethod
    def stopped(cls) -> "Wheel":
        return cls(0.0)

    @staticmethod
    def unit() -> str:
        return "m/s"

    @property
    def fast(self) -> bool:
        return self.speed > 10

    @fast.setter
    def fast(self, value: bool) -> None:
        self.speed = 20.0 if value else 0.0

    def __len__(self) -> int:
        return 4

    def to_dict(self) -> dict[str, Any]:
        """Extends what every message does."""
        return super().to_dict() | {"class": __class__}  # type: ignore[name-defined]

    @counted
    def doubled(self) -> "Wheel":
        """Twice as fast."""
        return __class__(self.speed * 2)  # type: ignore[name-defined,no-any-return]

    class Nested:
        pass


def test_everything_but_the_fields_stays() -> None:
    wheel = Wheel(2.0)
    assert (Wheel.__name__, Wheel.__qualname__, Wheel.__module__) == ("Wheel", "Wheel", __name__)
    assert Wheel.__doc__ == "A wheel."
    assert (Wheel.COUNT, Wheel.KINDS, Wheel.unit(), Wheel.__topic_name__) == (4, ("front", "rear"), "m/s", "wheel")
    assert Wheel.stopped().speed == 0.0
    assert not wheel.fast
    wheel.fast = True
    assert (wheel.speed, len(wheel)) == (20.0, 4)
    assert wheel.to_dict() == {"speed": 20.0, "slip": 0.0, "class": Wheel}
    assert wheel.doubled() == Wheel(40.0)
    assert CALLS == ["doubled"]
    assert (Wheel.named.owner, Wheel.named.name) == (Wheel, "named")
    assert Wheel.Nested.__qualname__ == "Wheel.Nested"
    assert layout_of(Wheel).fields == ("speed", "slip")
    assert get_type_hints(Wheel, include_extras=True)["speed"] == f32
    assert not hasattr(wheel, "__dict__")


def test_match_statements_take_the_fields_in_order() -> None:
    match Wheel(2.0, 0.5):
        case Wheel(speed, slip):
            assert (speed, slip) == (2.0, 0.5)
        case _:
            pytest.fail("a message matches by position")


def test_plain_number_types_have_64_bits() -> None:
    @message
    class Plain:
        whole: int = 0
        real: float = 0.0
        truth: bool = False

    assert layout_of(Plain).describe() == "Plain{whole: i64, real: f64, truth: bool}"


def test_an_init_of_its_own_starts_from_defaults_and_zeros() -> None:
    @message
    class Disc(Record):
        radius: f64
        area: f64
        colour: Annotated[str, 8] = "red"

        def __init__(self, diameter: float) -> None:
            self.radius = diameter / 2

    @message
    class Chained(Record):
        radius: f64
        colour: Annotated[str, 8] = "red"

        def __init__(self, diameter: float) -> None:
            super().__init__(diameter / 2, colour="blue")

    disc, chained = Disc(4.0), Chained(diameter=4.0)
    assert (disc.radius, disc.area, disc.colour) == (2.0, 0.0, "red")
    assert (chained.radius, chained.colour) == (2.0, "blue")
    assert list(inspect.signature(Disc).parameters) == ["diameter"]
    assert Disc.from_dict({"radius": 1.0, "area": 3.0}).area == 3.0


def test_post_init_runs_after_the_constructor_and_from_dict() -> None:
    @message
    class Share(Record):
        part: f64
        whole: f64 = 1.0

        def __post_init__(self) -> None:
            if self.part > self.whole:
                raise ValueError("a part is not more than the whole")

    assert Share(0.5).part == 0.5
    for make in (lambda: Share(2.0), lambda: Share.from_dict({"part": 2.0})):
        with pytest.raises(ValueError, match=r"a part is not more"):
            make()


def test_a_default_is_copied() -> None:
    given = np.zeros(3, np.float32)
    original = Wheel(1.0)

    @message
    class Holder:
        array: Annotated[NDArray[np.float32], (3,)] = given
        wheel: Wheel = original

    given[:] = 5
    original.speed = 5.0
    first: Any = Holder()
    first.array[:] = 6
    first.wheel.speed = 6.0
    second: Any = Holder()
    assert second.array.tolist() == [0, 0, 0]
    assert second.wheel.speed == 1.0


def test_annotations_as_text_see_local_names() -> None:
    @message
    class Local:
        number: u8

    @message
    class User:
        local: "Local"
        number: "i64" = 3

    user: Any = User(Local(4))
    assert (user.local.number, user.number) == (4, 3)


def define(hints: dict[str, Any], bases: tuple[type, ...] = (), **namespace: Any) -> Any:
    return message(type("Bad", bases, {"__annotations__": hints, "__module__": __name__, **namespace}))


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (str, r"Bad.a: a str needs its size in bytes: Annotated\[str, 32\]"),
        (Annotated[bytes, 0], "Bad.a: a bytes needs its size"),
        (list[int], r"Bad.a: list\[int\] has no fixed layout. A field is bool, int"),
        (int | None, "Bad.a: .* has no fixed layout"),
        (np.float32, "Bad.a: .* has no fixed layout"),
        (NDArray[np.float32], "Bad.a: an array needs its shape"),
        (Annotated[NDArray[np.float32], "m"], "Bad.a: an array needs its shape"),
        (Annotated[NDArray[np.float32], (2, 0)], r"Bad.a: \(2, 0\) is no shape"),
        (Annotated[NDArray[np.float32], UpTo(0)], "Bad.a: .* is no shape"),
        (Annotated[NDArray[np.complex64], (2,)], "Bad.a: items of an array are bool, float32"),
        (Annotated[NDArray[Any], (2,)], "Bad.a: items of an array are"),
        ("Missing", "Bad: an annotation names 'Missing', which is not known here"),
        (Annotated[NDArray[np.float64], (2**31,)], "Bad has no layout: invalid shape"),
        (Annotated[NDArray[np.float64], (2**27,)], "Bad has 1073741824 bytes, and a message at most 268435456"),
    ],
)
def test_an_annotation_without_a_layout_is_refused(hint: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        define({"a": hint})


@pytest.mark.parametrize(
    ("hints", "bases", "namespace", "text"),
    [
        ({}, (), {}, "Bad has no fields"),
        ({"a": int}, (dict,), {}, "Bad has base classes"),
        ({"a": int}, (), {"__new__": None}, "Bad has __new__"),
        ({"a": int}, (), {"__del__": None}, "Bad has __del__"),
        ({"a": int}, (), {"__slots__": ("b",)}, "Bad has __slots__"),
        ({"copy": int}, (), {}, "Bad.copy: every message has a 'copy' of its own"),
        ({"send_ns": int}, (), {}, "Bad.send_ns: every message has"),
        ({"a": int, "b": int}, (), {"a": 1}, "Bad.b has no default and follows a field that has one"),
        ({"a": int}, (), {"a": "x"}, "Bad.a takes an int, not str 'x'"),
    ],
)
def test_a_class_that_cannot_be_a_message_is_refused(
    hints: dict[str, Any], bases: tuple[type, ...], namespace: dict[str, Any], text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        define(hints, bases, **namespace)


def test_a_default_out_of_range_is_refused_where_the_class_is_made() -> None:
    with pytest.raises(ValueError, match=r"Bad.a: 256 is outside u8"):
        define({"a": u8}, a=256)
