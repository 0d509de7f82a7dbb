"""Message types by name: what a graph file, a ring header and another process call a Python class.

The library's types go by their bare name (``CmdVel``), all others by ``module:Class``.
"""

from __future__ import annotations

import importlib
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

from horus_runner.errors import HorusNotFoundError, did_you_mean

_LIBRARY = "horus_runner.messages."
# Weak, so that a class made in a function or a notebook cell can go; a second one of its name replaces it.
_types: WeakValueDictionary[str, type[Any]] = WeakValueDictionary()

T = TypeVar("T")


def type_name(cls: type[Any]) -> str:
    """The name that finds `cls` again, here and in another process."""
    if cls.__module__.startswith(_LIBRARY):
        return cls.__name__
    return f"{cls.__module__}:{cls.__qualname__}"


def register(cls: type[T]) -> type[T]:
    """Make `cls` known by its name; usable as a decorator."""
    _types[type_name(cls)] = cls
    return cls


def message_type(name: str) -> type[Any] | None:
    """The registered type of that name, None when there is none; imports nothing."""
    return _types.get(name)


def resolve_type(name: str) -> type[Any]:
    """The message type of that name; imports the module of ``module:Class`` where needed.

    Raises HorusNotFoundError when there is no such module, or no such message type in it.
    """
    found = _types.get(name)
    if found is not None:
        return found
    module_name, colon, class_name = name.partition(":")
    if not colon:
        known = [known for known in known_type_names() if ":" not in known]
        raise HorusNotFoundError(f"there is no message type '{name}'.{did_you_mean(name, known)}")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise HorusNotFoundError(f"message type '{name}': {error}") from error
    cls = _attribute(module, class_name)
    if not is_registered(cls):
        raise HorusNotFoundError(
            f"module '{module_name}' has no message type '{class_name}'."
            f"{did_you_mean(class_name, [n for n, v in vars(module).items() if is_registered(v)])}"
        )
    return cast("type[Any]", cls)


def is_registered(cls: Any) -> bool:
    """Whether `cls` is a message type; under whichever name a module offers it, it is known by its own."""
    return isinstance(cls, type) and _types.get(type_name(cls)) is cls


def _attribute(module: object, dotted: str) -> Any:
    """What `dotted` (``Outer.Inner``) names in `module`, None when nothing."""
    for part in dotted.split("."):
        module = getattr(module, part, None)
    return module


def default_topic(cls: type[Any]) -> str:
    """The topic that a bare type stands for: its ``__topic_name__``, else its name in lower case."""
    topic = getattr(cls, "__topic_name__", None)
    return topic if isinstance(topic, str) else cls.__name__.lower()


def known_type_names() -> list[str]:
    """The names of all registered types, sorted."""
    return sorted(_types)
