"""`@horus.message`: from a class with annotations to a message class with a fixed layout.

    @horus.message
    class Wheel:
        __topic_name__ = "wheel"            # the topic that the bare type stands for; default: "wheel", its name
        speed: f32                          # required, m/s
        slip: Annotated[f32, "ratio"] = 0.0 # further annotations are the user's
        name: Annotated[str, 16] = ""       # up to 16 bytes of UTF-8
        key: Annotated[bytes, 8]            # exactly 8 bytes
        gains: Annotated[NDArray[np.float32], (3,)] = (1, 1, 1)
        trail: Annotated[NDArray[np.float32], UpTo(100)] = ()
        pose: Pose2D = Pose2D(0, 0, 0)      # nested; a default is copied, never shared

Plain ``bool``, ``int`` (64 bits) and ``float`` (64 bits) are understood too. Methods, properties and constants stay.
With ``Record`` as its one base class a type checker also sees what every message can do (`to_dict`, `copy`, ...).
A class may define `__init__` (fields start at their defaults, or zero) or `__post_init__` (runs after the generated
one).
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np

from horus_runner._core.layouts import KINDS, Required
from horus_runner._core.records import Record, new_class
from horus_runner.messages.registry import register

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda decorator: decorator


T = TypeVar("T")
Spec = tuple[str, str, tuple[int, ...], Any, Any]  # name, kind, shape, item, default: what new_class takes


@dataclass(frozen=True, slots=True)
class Scalar:
    """Marks a number's width in ``Annotated``: one of bool, i8 .. i64, u8 .. u64, f32, f64."""

    name: str


@dataclass(frozen=True, slots=True)
class UpTo:
    """Marks an array of one dimension whose length may change from message to message, up to `count` items.

    Room for all of them travels with every message.
    """

    count: int


f32 = Annotated[float, Scalar("f32")]
f64 = Annotated[float, Scalar("f64")]
i8 = Annotated[int, Scalar("i8")]
i16 = Annotated[int, Scalar("i16")]
i32 = Annotated[int, Scalar("i32")]
i64 = Annotated[int, Scalar("i64")]
u8 = Annotated[int, Scalar("u8")]
u16 = Annotated[int, Scalar("u16")]
u32 = Annotated[int, Scalar("u32")]
u64 = Annotated[int, Scalar("u64")]

_PLAIN: dict[Any, str] = {bool: "bool", int: "i64", float: "f64"}
_ITEMS = {np.dtype(f"{name[0]}{int(name[1:]) // 8}"): name for name in KINDS[1:]} | {np.dtype(bool): "bool"}
_OURS = frozenset(
    {"__dict__", "__weakref__", "__module__", "__qualname__", "__doc__", "__slots__", "__init_subclass__"}
    | {"__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__"}
)
_ALLOWED = (
    "bool, int, float, f32, f64, i8 to i64, u8 to u64, Annotated[str, bytes], Annotated[bytes, size], "
    "Annotated[NDArray[np.float32], shape] or another message class"
)


@dataclass_transform()
def message(cls: type[T]) -> type[T]:
    """Make a message class of a class with annotated fields; see the module's text.

    Raises TypeError for what cannot be a message, naming class and field.
    """
    _refuse(cls)
    fields = list(_specs(cls, sys._getframe(1)))
    if not fields:
        raise TypeError(f"{cls.__name__} has no fields: a message is made of annotated ones, like 'speed: f32'")
    namespace = vars(cls)
    made = new_class(
        cls.__name__,
        cls.__module__,
        _signature(fields),
        cls.__doc__,
        fields,
        "__init__" in namespace,
        "__post_init__" in namespace,
    )
    _move(cls, made, tuple(name for name, *_ in fields))
    return register(cast("type[T]", made))


def _refuse(cls: type[Any]) -> None:
    name = cls.__name__
    if cls.__bases__ not in ((object,), (Record,)):
        raise TypeError(f"{name} has base classes: a message has none, or Record alone")
    for special in ("__new__", "__del__", "__dataclass_fields__"):
        if special in vars(cls):
            raise TypeError(f"{name} has {special}, which a message cannot have")
    if vars(cls).get("__slots__"):
        raise TypeError(f"{name} has __slots__: a message has its fields and nothing else")


def _specs(cls: type[Any], frame: Any) -> Iterator[Spec]:
    module = sys.modules.get(cls.__module__)
    names = vars(module) if module is not None else frame.f_globals
    local = None if frame.f_locals is frame.f_globals else dict(frame.f_locals)
    try:
        hints = get_type_hints(cls, names, local, include_extras=True)
    except NameError as error:
        raise TypeError(f"{cls.__name__}: an annotation names '{error.name}', which is not known here") from error
    for name, hint in hints.items():
        if get_origin(hint) is ClassVar or hint is ClassVar:
            continue
        place = f"{cls.__name__}.{name}"
        if hasattr(Record, name):
            raise TypeError(f"{place}: every message has a '{name}' of its own; choose another name")
        yield (name, *_read_hint(place, hint), vars(cls).get(name, Required))


def _read_hint(place: str, hint: Any) -> tuple[str, tuple[int, ...], Any]:
    """(kind, shape, item) of an annotation."""
    extras: tuple[Any, ...] = ()
    hint = _without_alias(hint)
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        hint, extras = _without_alias(hint), tuple(rest)
    for extra in extras:
        if isinstance(extra, Scalar):
            return "scalar", (), extra.name
    if hint in _PLAIN:
        return "scalar", (), _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, Record):
        return "record", (), hint
    if hint is str or hint is bytes:
        return _read_text(place, hint, extras)
    if get_origin(hint) is np.ndarray:
        return _read_array(place, hint, extras)
    raise TypeError(f"{place}: {hint!r} has no fixed layout. A field is {_ALLOWED}")


def _without_alias(hint: Any) -> Any:
    """What an alias of a ``type`` statement stands for; NumPy's NDArray is one on Python 3.12 and later."""
    while (value := getattr(get_origin(hint) or hint, "__value__", None)) is not None:
        arguments = get_args(hint)
        hint = value[arguments] if arguments else value
    return hint


def _read_text(place: str, hint: type[Any], extras: tuple[Any, ...]) -> tuple[str, tuple[int, ...], str]:
    sizes = [extra for extra in extras if type(extra) is int]
    if not sizes or sizes[0] < 1:
        raise TypeError(f"{place}: a {hint.__name__} needs its size in bytes: Annotated[{hint.__name__}, 32]")
    return hint.__name__, (sizes[0],), hint.__name__


def _read_array(place: str, hint: Any, extras: tuple[Any, ...]) -> tuple[str, tuple[int, ...], str]:
    dtype = _item_dtype(hint)
    item = None if dtype is None else _ITEMS.get(dtype)
    if item is None:
        raise TypeError(f"{place}: items of an array are {', '.join(sorted({d.name for d in _ITEMS}))}")
    for extra in extras:
        kind = "bounded" if isinstance(extra, UpTo) else "array"
        shape = (extra.count,) if isinstance(extra, UpTo) else extra if isinstance(extra, tuple) else (extra,)
        if all(type(length) is int for length in shape):
            if not 1 <= len(shape) <= 8 or min(shape) < 1:
                raise TypeError(f"{place}: {extra!r} is no shape: 1 to 8 lengths of 1 or more")
            return kind, shape, item
    raise TypeError(f"{place}: an array needs its shape: Annotated[NDArray[...], (3,)], or UpTo(100) items")


def _item_dtype(hint: Any) -> np.dtype[Any] | None:
    """``float32`` of ``NDArray[np.float32]``; None when it does not say."""
    inner = get_args(get_args(hint)[1])
    return np.dtype(inner[0]) if inner and isinstance(inner[0], type) else None


def _signature(fields: list[Spec]) -> str:
    """What `inspect.signature` shows, in ASCII; a default that has no literal is shown as ``...``."""
    return ", ".join(
        name + ("" if default is Required else f"={_literal(default)}") for name, _, _, _, default in fields
    )


def _literal(value: Any) -> str:
    plain = type(value) in (bool, int, str, bytes) or (type(value) is float and math.isfinite(value))
    return ascii(value) if plain else "..."


def _move(cls: type[Any], made: Any, fields: tuple[str, ...]) -> None:
    """Give `made` all that the class statement put into `cls` but its fields."""
    made.__qualname__ = cls.__qualname__
    if sys.version_info < (3, 11) and "__init__" in vars(cls):
        made.__signature__ = inspect.signature(cls)  # inspect of 3.10 looks no further than __new__
    if getattr(cls, "__annotate__", None) is not None:
        made.__annotate__ = cls.__annotate__  # Python 3.14: annotations are computed when they are asked for
    else:
        made.__annotations__ = vars(cls).get("__annotations__", {})
    for name, value in vars(cls).items():
        if name in _OURS or name in fields:
            continue
        setattr(made, name, value)
        hook = getattr(type(value), "__set_name__", None)
        if hook is not None:
            hook(value, made, name)
        for function in _functions(value):
            _rebind(function, cls, made)


def _functions(value: Any) -> Iterator[FunctionType]:
    """The plain functions behind a method, class method or property."""
    for candidate in (value, *(getattr(value, name, None) for name in ("__func__", "fget", "fset", "fdel"))):
        while isinstance(candidate, FunctionType):
            yield candidate
            candidate = getattr(candidate, "__wrapped__", None)


def _rebind(function: FunctionType, old: type[Any], new: type[Any]) -> None:
    """``super()`` and ``__class__`` mean the class that is left, not the one that was written."""
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        if name == "__class__" and cell.cell_contents is old:
            cell.cell_contents = new
