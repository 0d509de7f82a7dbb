"""Records: the layout equals NumPy's, values go in and out unchanged or are refused, nothing is left behind."""

import copy
import gc
import inspect
import pickle
import subprocess
import sys
import weakref
from typing import Annotated, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from horus_runner._core.layouts import layout_of
from horus_runner._core.records import Record, restore
from horus_runner.messages.define import UpTo, f32, f64, i8, i16, message, u8, u16, u32, u64


@message
class Inner(Record):
    left: f32 = 1.0
    right: f64 = 2.0


@message
class Outer(Record):
    """One of everything."""

    flag: bool
    small: i8
    wide: u64 = 7
    name: Annotated[str, 10] = "é"
    key: Annotated[bytes, 5] = b"12345"
    inner: Inner = Inner(3.0, 4.0)
    grid: Annotated[NDArray[np.float64], (2, 3)] = np.arange(6.0).reshape(2, 3)
    trail: Annotated[NDArray[np.int16], UpTo(7)] = np.zeros(0, np.int16)


def test_layout_equals_the_aligned_numpy_dtype() -> None:
    layout = layout_of(Outer)
    inner = np.dtype([("left", "f4"), ("right", "f8")], align=True)
    trail = np.dtype([("used", "u4"), ("values", "i2", (7,))], align=True)
    expected = np.dtype(
        [
            ("flag", "?"),
            ("small", "i1"),
            ("wide", "u8"),
            ("name", "S10"),
            ("key", "V5"),
            ("inner", inner),
            ("grid", "f8", (2, 3)),
            ("trail", trail),
        ],
        align=True,
    )
    assert layout.dtype == expected
    assert layout.size == expected.itemsize
    assert layout.fields == expected.names
    assert (layout.name, layout.required) == ("Outer", 2)
    assert layout.describe() == (
        "Outer{flag: bool, small: i8, wide: u64, name: str[10], key: bytes[5], "
        "inner: Inner{left: f32, right: f64}, grid: f64[2, 3], trail: i16[<=7]}"
    )


def test_hash_is_the_same_in_every_process_and_differs_with_the_fields() -> None:
    def hash_of(**hints: Any) -> int:
        return layout_of(message(type("Probe", (), {"__annotations__": hints, "__module__": __name__}))).hash

    code = (
        "from horus_runner.messages import CmdVel; from horus_runner._core.records import layout_of;"
        "print(layout_of(CmdVel).hash)"
    )
    from horus_runner.messages.control import CmdVel

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(printed) == layout_of(CmdVel).hash
    variants = [{"a": f32}, {"a": f64}, {"b": f32}, {"a": f32, "b": f32}, {"b": f32, "a": f32}, {"a": u32}]
    assert len({hash_of(**hints) for hints in variants}) == len(variants)
    assert hash_of(a=f32) == hash_of(a=f32)


def test_defaults_and_arguments_fill_the_fields() -> None:
    outer = Outer(True, small=-3, name="abc")
    assert (outer.flag, outer.small, outer.wide, outer.name, outer.key) == (True, -3, 7, "abc", b"12345")
    assert outer.inner == Inner(3.0, 4.0)
    np.testing.assert_array_equal(outer.grid, np.arange(6.0).reshape(2, 3))
    assert outer.trail.shape == (0,)
    assert (outer.send_ns, outer.origin_ns) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "named", "text"),
    [
        ((), {}, r"Outer\(\) needs 'flag' and 'small'"),
        ((True,), {"wide": 3}, r"Outer\(\) needs 'small'"),
        ((True, 1), {"smal": 1}, r"Outer has no field 'smal'. Did you mean 'small'\?"),
        ((True, 1), {"small": 1}, r"Outer\(\) was given 'small' twice"),
        ((True, *range(1, 9)), {}, r"Outer\(\) takes up to 8 arguments, not 9"),
    ],
)
def test_wrong_arguments_are_named(arguments: tuple[Any, ...], named: dict[str, Any], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        Outer(*arguments, **named)
    blank = Outer(True, 1)
    with pytest.raises(TypeError, match=text):
        blank.__init__(*arguments, **named)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value", "error", "text"),
    [
        ("flag", 1, TypeError, "Outer.flag takes a bool, not int 1"),
        ("small", 128, ValueError, "Outer.small: 128 is outside i8, which holds -128 to 127"),
        ("small", -129, ValueError, "Outer.small: -129 is outside i8"),
        ("small", 1.0, TypeError, "Outer.small takes an int, not float 1.0"),
        ("wide", -1, ValueError, "Outer.wide: -1 is outside u64, which holds 0 to 18446744073709551615"),
        ("wide", 2**64, ValueError, "Outer.wide: 18446744073709551616 is outside u64"),
        ("wide", "7", TypeError, "Outer.wide takes an int, not str '7'"),
        ("name", "ééééééééé", ValueError, "Outer.name holds 10 bytes of UTF-8, and 'ééééééééé' takes 18"),
        ("name", "a\0b", ValueError, "Outer.name: .* contains a NUL"),
        ("name", b"abc", TypeError, "Outer.name takes a str, not bytes"),
        ("name", "\udc80", UnicodeEncodeError, "surrogates"),
        ("key", b"1234", ValueError, "Outer.key holds exactly 5 bytes, not 4"),
        ("key", "12345", TypeError, "Outer.key takes bytes, not str"),
        ("inner", {"left": 1.0}, TypeError, "Outer.inner takes a Inner, not dict"),
        ("inner", None, TypeError, "Outer.inner takes a Inner, not NoneType"),
        ("grid", np.zeros((3, 2)), ValueError, r"Outer.grid has shape \(2, 3\), not \(3, 2\)"),
        ("grid", np.zeros((2, 3), bool), TypeError, "Outer.grid takes items of float64, not bool"),
        ("grid", [[1, 2, 3], [4]], ValueError, "Outer.grid: "),
        ("trail", range(8), ValueError, "Outer.trail holds up to 7 items in one dimension"),
        ("trail", [[1]], ValueError, "Outer.trail holds up to 7 items in one dimension"),
        ("trail", [32768], ValueError, "Outer.trail: 32768 is outside int16"),
        ("trail", [0.5], TypeError, "Outer.trail takes items of int16, not float64"),
        ("trail", "abc", TypeError, "Outer.trail takes items of int16"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_changes_nothing(
    field: str, value: Any, error: type[Exception], text: str
) -> None:
    outer = Outer(True, 1, trail=[1, 2, 3])
    before = outer.copy()
    with pytest.raises(error, match=text):
        setattr(outer, field, value)
    assert outer == before
    with pytest.raises(error, match=text):
        Outer(**{"flag": True, "small": 1, field: value})


def test_floats_out_of_range_are_refused_and_special_ones_are_kept() -> None:
    inner = Inner()
    with pytest.raises(ValueError, match=r"Inner.left: 1e\+39 is outside f32"):
        inner.left = 1e39
    with pytest.raises(ValueError, match=r"Inner.right: .* is outside f64"):
        inner.right = 10**400
    with pytest.raises(TypeError, match=r"Inner.left takes a float, not str '1'"):
        inner.left = "1"  # type: ignore[assignment]
    inner.left = float("inf")
    assert inner.left == float("inf")
    inner.right = float("nan")
    assert inner != inner.copy()
    for number in (3, np.float32(3), np.int8(3), True):
        inner.left = number
        assert inner.left == float(number)


def test_numpy_integers_and_bools_are_taken() -> None:
    outer = Outer(np.bool_(True), np.int64(-4), wide=np.uint64(2**63))
    assert (outer.flag, outer.small, outer.wide) == (True, -4, 2**63)


def test_array_values_keep_their_signs_between_widths() -> None:
    @message
    class Wide:
        unsigned: Annotated[NDArray[np.uint64], (2,)]
        signed: Annotated[NDArray[np.int64], (2,)]
        single: Annotated[NDArray[np.float32], (2,)]

    wide: Any = Wide([1, 2**64 - 1], [-1, 1], [1, 2])
    assert wide.unsigned.tolist() == [1, 2**64 - 1]
    for field, value in [
        ("unsigned", [-1, 1]),
        ("signed", np.array([1, 2**63], np.uint64)),
        ("single", [1e39, 0.0]),
    ]:
        with pytest.raises(ValueError, match=f"Wide.{field}: .* is outside"):
            setattr(wide, field, value)
    wide.single = [float("inf"), 0.1]
    assert wide.single.tolist() == [float("inf"), float(np.float32(0.1))]


def test_nested_messages_are_views_and_assignment_copies() -> None:
    outer, inner = Outer(True, 1), Inner(9.0, 9.0)
    outer.inner = inner
    inner.left = 0.0
    assert outer.inner.left == 9.0
    outer.inner.left = 5.0
    assert outer.to_dict()["inner"]["left"] == 5.0
    view = outer.inner
    del outer
    gc.collect()
    assert view == Inner(5.0, 9.0)
    detached = view.copy()
    view.left = 6.0
    assert detached.left == 5.0


def test_arrays_are_views_that_keep_the_message_alive() -> None:
    outer = Outer(True, 1, trail=[1, 2, 3])
    trail, grid = outer.trail, outer.grid
    trail[0] = 10
    assert outer.trail.tolist() == [10, 2, 3]
    outer.trail = outer.trail[::-1]
    assert outer.trail.tolist() == [3, 2, 10]
    outer.trail = outer.trail[1:]
    assert outer.trail.tolist() == [2, 10]
    del outer
    gc.collect()
    grid += 1
    assert grid.sum() == 21


def test_a_damaged_length_is_refused_on_reading() -> None:
    outer = Outer(True, 1)
    outer.to_numpy()["trail"]["used"] = 8
    with pytest.raises(ValueError, match=r"Outer.trail claims 8 items and has room for 7"):
        outer.trail  # noqa: B018
    with pytest.raises(ValueError, match=r"claims"):
        outer == outer.copy()  # noqa: B015


def test_damaged_text_is_refused_on_reading() -> None:
    outer = Outer(True, 1)
    outer.to_numpy()["name"] = b"\xff"
    with pytest.raises(UnicodeDecodeError):
        outer.name  # noqa: B018


def test_equality_repr_and_hash() -> None:
    assert Inner(0.1, 2.0) == Inner(0.1, 2.0)
    assert Inner(-0.0, 2.0) == Inner(0.0, 2.0)
    assert Inner(0.1, 2.0) != Inner(0.2, 2.0)
    assert Inner() != "Inner"
    assert repr(Inner(0.1, 0.1)) == "Inner(left=0.1, right=0.1)"
    assert eval(repr(Inner(1 / 3, 1 / 3))) == Inner(1 / 3, 1 / 3)
    with pytest.raises(TypeError, match=r"unhashable"):
        hash(Inner())


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda o: o.copy(), lambda o: pickle.loads(pickle.dumps(o))]
)
def test_copies_are_equal_and_independent(twin: Any) -> None:
    outer = Outer(True, 1, trail=[1, 2], inner=Inner(8.0, 9.0))
    for original in (outer, outer.inner):
        other = twin(original)
        assert type(other) is type(original)
        assert other == original
    other = twin(outer)
    other.inner.left = 0.0
    assert outer.inner.left == 8.0


def test_a_pickle_of_another_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"pickled with another layout than Inner"):
        restore(Inner, 1, bytes(layout_of(Inner).size))
    with pytest.raises(ValueError, match=r"pickled with another layout"):
        restore(Inner, layout_of(Inner).hash, b"")


def test_dict_and_numpy_are_inverses() -> None:
    outer = Outer(True, -1, name="xyz", trail=[4, 5], inner=Inner(8.0, 9.0))
    assert Outer.from_dict(outer.to_dict()) == outer
    assert Outer.from_numpy(outer.to_numpy()) == outer
    assert Outer.from_numpy(outer.to_numpy()[()]) == outer
    with pytest.raises(TypeError, match=r"Outer\(\) needs 'small'"):
        Outer.from_dict({"flag": True})
    with pytest.raises(TypeError, match=r"Inner has no field 'lef'. Did you mean 'left'"):
        Outer.from_dict({"flag": True, "small": 1, "inner": {"lef": 1.0}})
    with pytest.raises(TypeError, match=r"Inner.from_numpy takes one item"):
        Inner.from_numpy(outer.to_numpy())
    with pytest.raises(TypeError, match=r"Inner.from_numpy takes one item"):
        Inner.from_numpy(np.zeros(2, layout_of(Inner).dtype))


def test_to_numpy_is_a_writable_view() -> None:
    inner = Inner()
    inner.to_numpy()["left"] = 4.0
    assert inner.left == 4.0


def test_fields_cannot_be_deleted_nor_attributes_added() -> None:
    inner: Any = Inner()
    with pytest.raises(AttributeError, match=r"Inner.left is a field: it cannot be deleted"):
        del inner.left
    with pytest.raises(AttributeError, match=r"no attribute 'middle'"):
        inner.middle = 1
    with pytest.raises(AttributeError):
        inner.send_ns = 1


def test_what_is_no_message_class_is_refused() -> None:
    class Bare(Record):
        pass

    for cls in (Record, Bare):
        with pytest.raises(TypeError, match=f"{cls.__name__} is not a message class: decorate it"):
            cls()
        with pytest.raises(TypeError, match=r"is not a message class"):
            layout_of(cls)
    with pytest.raises(TypeError, match=r"Wider cannot be a subclass of the message Inner, whose layout is fixed"):
        type("Wider", (Inner,), {})
    with pytest.raises(TypeError):
        Record.__new__(Inner)


def test_a_class_nobody_uses_is_collected() -> None:
    @message
    class Passing:
        number: u16
        inner: Inner = Inner()

        def me(self) -> Any:
            return __class__  # type: ignore[name-defined]

    passing: Any = Passing(3)
    assert passing.me() is Passing
    reference = weakref.ref(Passing)
    view = passing.inner
    del Passing, passing
    gc.collect()
    assert view.left == 1.0
    assert reference() is not None  # the view's owner is of that class
    del view
    gc.collect()
    assert reference() is None


def test_references_are_balanced() -> None:
    outer, inner = Outer(True, 1, trail=[1]), Inner()
    kept = (Outer, Inner, outer, inner, "Outer")

    def use() -> None:
        Outer(True, small=2).inner.left = 3.0
        outer.inner, outer.grid, outer.name = inner, outer.grid[:], outer.name
        outer.copy()
        outer.to_numpy()
        Outer.from_dict(outer.to_dict())
        for wrong in (lambda: Outer(), lambda: Outer(1, 1), lambda: setattr(outer, "name", "x" * 99)):
            with pytest.raises((TypeError, ValueError)):
                wrong()

    use()
    gc.collect()
    before = [sys.getrefcount(one) for one in kept]
    for _ in range(50):
        use()
    gc.collect()
    assert [sys.getrefcount(one) for one in kept] == before


def test_help_shows_the_constructor() -> None:
    assert str(inspect.signature(Inner)) == "(left=1.0, right=2.0)"
    assert list(inspect.signature(Outer).parameters) == list(layout_of(Outer).fields)
    assert Outer.__doc__ == "One of everything."
    assert Inner.__doc__ is None or Inner.__doc__ == ""


def test_unsigned_items_of_one_byte_compare_all_of_them() -> None:
    @message
    class Bytes:
        data: Annotated[NDArray[np.uint8], UpTo(1)]
        last: u8 = 0

    one: Any = Bytes([1])
    assert one == Bytes([1])
    assert one != Bytes([2])
    assert one != Bytes([])
    assert i16 is not u16
