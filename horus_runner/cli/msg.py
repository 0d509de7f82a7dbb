"""``horus msg``: which message types there are, and what is in them."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from horus_runner.cli.check import columns

msg = typer.Typer(help="Show the message types and what is in them.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message as it is shown."""

    name: str
    type: str  # "f32", "str[32]", "f64[<=64]" (up to 64 items), "Pose2D"
    offset: int  # bytes from the start of the message
    bytes: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A message type as it is shown."""

    name: str
    family: str  # the last part of its module's name
    topic: str
    bytes: int | None  # None: an array, as large as its data
    about: str
    fields: tuple[Field, ...]


@msg.command("list")
def list_(json_: Json = False) -> None:
    """List the message types of the library, with their family, size and default topic."""
    from horus_runner.messages.registry import FAMILIES

    types = [describe(name) for names in FAMILIES.values() for name in names]
    if json_:
        rows = [{key: value for key, value in asdict(shown).items() if key != "fields"} for shown in types]
        typer.echo(json.dumps(rows, indent=2))
        return
    cells = [(shown.name, shown.family, _size(shown), shown.topic, shown.about) for shown in types]
    typer.echo("\n".join(columns(("type", "family", "bytes", "topic", "what it is"), cells)))


@msg.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="CmdVel, or module:Class.", show_default=False)],
    json_: Json = False,
) -> None:
    """Show a message type: its fields with their types, bytes and place, and its default topic."""
    shown = describe(name)
    if json_:
        typer.echo(json.dumps(asdict(shown), indent=2))
        return
    lines = [f"{shown.name}: {_size(shown)} bytes, topic {shown.topic}", shown.about]
    if shown.fields:
        cells = [(field.name, field.type, str(field.bytes), str(field.offset)) for field in shown.fields]
        lines += columns(("field", "type", "bytes", "offset"), cells)
    typer.echo("\n".join(lines))


def _size(shown: Shown) -> str:
    return "any" if shown.bytes is None else str(shown.bytes)


def describe(name: str) -> Shown:
    """What there is to know of a message type. Raises HorusNotFoundError, which names the nearest one."""
    from horus_runner._core.layouts import layout_of
    from horus_runner._core.records import Record
    from horus_runner.messages.registry import default_topic, resolve_type, type_name

    cls = resolve_type(name)
    about = (inspect.getdoc(cls) or "").partition("\n")[0]
    family = cls.__module__.rpartition(".")[2]
    if not issubclass(cls, Record):
        return Shown(type_name(cls), family, default_topic(cls), None, about, ())
    layout = layout_of(cls)
    return Shown(type_name(cls), family, default_topic(cls), layout.size, about, _fields(layout))


def _fields(layout: Any) -> tuple[Field, ...]:
    kinds = _kinds(layout.describe())
    places = [layout.dtype.fields[name] for name in layout.fields]
    return tuple(
        Field(name, kind, offset, dtype.itemsize)
        for name, kind, (dtype, offset, *_) in zip(layout.fields, kinds, places, strict=True)
    )


def _kinds(text: str) -> list[str]:
    """``f32`` and ``Pose2D`` of ``Name{speed: f32, pose: Pose2D{...}}``."""
    kinds, depth, start = [], 0, text.index("{") + 1
    for index, letter in enumerate(text):
        depth += (letter in "{[") - (letter in "}]")
        if (letter == "," and depth == 1) or (letter == "}" and depth == 0):
            kinds.append(text[start:index].partition(": ")[2].partition("{")[0])
            start = index + 2
    return kinds
