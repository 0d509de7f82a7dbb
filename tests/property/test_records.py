"""Random layouts and values: a record equals a NumPy structured array; the codec gives back what it was given."""

import contextlib
from typing import Annotated, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from horus_runner._core.layouts import KINDS, layout_of
from horus_runner._core.records import Record
from horus_runner.messages import define
from horus_runner.messages.codec import decode, encode

ITEMS = {name: np.dtype("?" if name == "bool" else f"{name[0]}{int(name[1:]) // 8}") for name in KINDS}


def scalars(name: str) -> st.SearchStrategy[Any]:
    return hnp.from_dtype(ITEMS[name], allow_nan=False).map(lambda value: value.item())


def texts(size: int) -> st.SearchStrategy[str]:
    characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    return st.text(characters, max_size=size).filter(lambda text: len(text.encode()) <= size)


@st.composite
def fields(draw: st.DrawFn, depth: int = 1) -> tuple[Any, Any]:
    """An annotation and a value for it."""
    kind = draw(st.sampled_from(["scalar", "str", "bytes", "array", "bounded", "record"][: 6 if depth else 5]))
    name = draw(st.sampled_from(KINDS))
    size = draw(st.integers(1, 9))
    if kind == "scalar":
        return (bool if name == "bool" else getattr(define, name)), draw(scalars(name))
    if kind == "str":
        return Annotated[str, size], draw(texts(size))
    if kind == "bytes":
        return Annotated[bytes, size], draw(st.binary(min_size=size, max_size=size))
    if kind == "record":
        record = draw(records(depth - 1))
        return type(record), record
    item: Any = NDArray[ITEMS[name].type]  # type: ignore[misc]
    if kind == "array":
        shape = draw(hnp.array_shapes(max_dims=3, max_side=3))
        return Annotated[item, shape], draw(
            hnp.arrays(ITEMS[name], shape, elements={"allow_nan": False} if name[0] == "f" else None)
        )
    length = draw(st.integers(0, size))
    elements = {"allow_nan": False} if name[0] == "f" else None
    return Annotated[item, define.UpTo(size)], draw(hnp.arrays(ITEMS[name], length, elements=elements))


@st.composite
def records(draw: st.DrawFn, depth: int = 1) -> Record:
    """A message of a random class."""
    drawn = draw(st.lists(fields(depth), min_size=1, max_size=6))
    hints = {f"field_{index}": hint for index, (hint, _) in enumerate(drawn)}
    cls: Any = define.message(type("Random", (Record,), {"__annotations__": hints, "__module__": __name__}))
    record: Record = cls(*[value for _, value in drawn])
    for (_, value), name in zip(drawn, hints, strict=True):
        np.testing.assert_array_equal(getattr(record, name), value)
    return record


def plain(record: Record) -> tuple[Any, ...]:
    """What NumPy makes of the same values in a structured array of the same dtype."""
    values = []
    for name in layout_of(type(record)).fields:
        value = getattr(record, name)
        dtype = layout_of(type(record)).dtype.fields[name][0]  # type: ignore[index]
        if isinstance(value, Record):
            value = plain(value)
        elif isinstance(value, str):
            value = value.encode()
        elif dtype.names == ("used", "values"):
            room = np.zeros(dtype["values"].shape, dtype["values"].base)
            room[: len(value)] = value
            value = (len(value), room)
        values.append(value)
    return tuple(values)


@settings(deadline=None, max_examples=150)
@given(records())
def test_a_record_equals_a_structured_array(record: Record) -> None:
    layout = layout_of(type(record))
    array = np.zeros((), layout.dtype)
    array[()] = plain(record)
    assert record.to_numpy().dtype == layout.dtype
    for name in layout.fields:
        assert record.to_numpy()[name].tobytes() == array[name].tobytes()
    assert type(record).from_numpy(array) == record


@settings(deadline=None, max_examples=100)
@given(records())
def test_every_way_to_copy_a_record_gives_an_equal_one(record: Record) -> None:
    assert record.copy() == record
    assert type(record).from_dict(record.to_dict()) == record
    assert isinstance(repr(record), str)


@settings(deadline=None)
@given(st.sampled_from(KINDS[1:9]), st.integers(-(2**65), 2**65))
def test_an_integer_is_kept_or_refused(name: str, number: int) -> None:
    record: Any = INTEGERS()
    limits = np.iinfo(ITEMS[name])
    if limits.min <= number <= limits.max:
        setattr(record, name, number)
        assert getattr(record, name) == number
    else:
        try:
            setattr(record, name, number)
        except ValueError as error:
            assert f"Integers.{name}: {number} is outside {name}" in str(error)
        else:
            raise AssertionError(f"{number} went into {name}")


INTEGERS: Any = define.message(
    type(
        "Integers",
        (),
        {
            "__annotations__": {name: getattr(define, name) for name in KINDS[1:9]},
            "__module__": __name__,
            **dict.fromkeys(KINDS[1:9], 0),
        },
    )
)

numbers = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
leaves = numbers | st.text(st.characters(exclude_categories=["Cs"])) | st.binary()
keys = st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-(2**63), 2**64 - 1) | st.binary()
arrays = st.sampled_from(list(ITEMS.values())).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0))
)


def nests(content: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(content, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)


@settings(deadline=None)
@given(nests(leaves))
def test_the_codec_gives_back_plain_values(value: Any) -> None:
    assert decode(encode(value)) == value


def same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@settings(deadline=None)
@given(nests(leaves | arrays))
def test_the_codec_gives_back_arrays(value: Any) -> None:
    assert same(value, decode(encode(value)))


@settings(deadline=None)
@given(st.binary(max_size=60), st.booleans())
def test_decoding_noise_fails_in_one_way(noise: bytes, framed: bool) -> None:
    with contextlib.suppress(ValueError):
        decode(b"\xc1ND1" + noise if framed else noise)
