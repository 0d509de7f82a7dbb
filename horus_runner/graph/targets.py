"""What ``run: file.py:Name`` names, found by reading the file's syntax: checking a graph never runs a node's code.

What cannot be told from the syntax (an imported name, a decorated function, a computed value) passes.
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from horus_runner.errors import did_you_mean, nearest
from horus_runner.graph.definitions import Definition, Definitions
from horus_runner.graph.marks import quoted

_EXAMPLE = "Write file.py:Name (relative to the graph file) or module:Name."
_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class TargetError(Exception):
    """`run` or a type names nothing that can be used: `message` and `hint` for the user."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message, self.hint = message, hint


@dataclass(frozen=True, slots=True)
class Target:
    """`run` with its file made absolute; `may_send_in_init` is False when the node certainly cannot."""

    run: str
    may_send_in_init: bool = True


@dataclass(slots=True)
class Targets:
    """Finds targets for one graph, reading each file once; `directory` is what paths in the graph are relative to."""

    directory: Path
    _read: dict[Path, Definitions | TargetError] = field(default_factory=dict)

    def find(self, run: str) -> Target:
        """The target that `run` names. Raises TargetError."""
        where, separator, name = run.rpartition(":")
        if not separator:
            where, name = run, ""
        if where.endswith(".py") or "/" in where:
            path = self._file(where)
            return self._checked(f"{path}:{name}", self._definitions(path, where), name, where)
        if not where or not _DOTTED.fullmatch(where):
            raise TargetError(f"run is {quoted(run)}, which names no file and no module.", _EXAMPLE)
        origin = self._module(where)
        if origin is None:
            return Target(run) if name else self._checked(run, Definitions(open_ended=True), name, where)
        return self._checked(run, self._definitions(origin, where), name, where)

    def check_type(self, type_name: str) -> None:
        """Raises TargetError unless ``module:Class`` can be a message class."""
        module, _, path = type_name.partition(":")
        name = path.partition(".")[0]
        if not _DOTTED.fullmatch(module) or not _DOTTED.fullmatch(path):
            raise TargetError(
                f"{quoted(type_name)} is not a message type.", "A type of your own is written module:Class."
            )
        origin = self._module(module)
        if origin is None:
            return
        definitions = self._definitions(origin, module)
        if definitions.open_ended:
            return
        found = definitions.get(name)
        if found is None:
            raise TargetError(
                f"{module} defines no {quoted(name)}.",
                did_you_mean(name, definitions.classes()).strip() or "It defines no class.",
            )
        if found.kind in ("function", "value", "node"):
            raise TargetError(f"{quoted(name)} in {module} is {found.what}, not a message class.", "Name a class.")

    def _file(self, where: str) -> Path:
        path = Path(os.path.normpath(self.directory / where))
        if _is_file(path):
            return path
        if _is_dir(path):
            raise TargetError(f"{quoted(where)} is a directory.", _files_in(path, where))
        if not where.endswith(".py") and _is_file(path.with_name(path.name + ".py")):
            raise TargetError(f"there is no file {quoted(where)}.", f"Did you mean '{where}.py'?")
        if not Path(where).is_absolute() and _is_file(Path(where)):
            right = os.path.relpath(Path(where).absolute(), self.directory)
            raise TargetError(
                f"there is no file {quoted(where)} beside the graph.",
                f"Paths are relative to the graph file: write {right}.",
            )
        folder = where.rpartition("/")[0]
        if not _is_dir(path.parent):
            raise TargetError(f"there is no file {quoted(where)}.", f"There is no directory {quoted(folder)} either.")
        near = nearest(path.name, [p.name for p in path.parent.glob("*.py")])
        if near is not None:
            right = f"{folder}/{near}" if "/" in where else near
            raise TargetError(f"there is no file {quoted(where)}.", f"Did you mean '{right}'?")
        raise TargetError(f"there is no file {quoted(where)}.", _files_in(path.parent, folder or "."))

    def _module(self, name: str) -> Path | None:
        """The source of a module that is installed; None when it has none that can be read. Imports nothing."""
        search: Iterable[str] | None = None
        parts = name.split(".")
        for position in range(len(parts)):
            partial = ".".join(parts[: position + 1])
            spec = _find_spec(partial, search)
            if spec is None:
                raise TargetError(f"there is no module {quoted(partial)}.", self._hint_for_module(name))
            search = spec.submodule_search_locations
            if search is None and position < len(parts) - 1:
                raise TargetError(f"{quoted(partial)} is a module, so {quoted(name)} cannot be in it.", _EXAMPLE)
        if spec is None or (spec.origin is None and spec.submodule_search_locations is not None):
            # a directory without __init__.py, in which no name can be found
            raise TargetError(f"there is no module {quoted(name)}.", self._hint_for_module(name))
        origin = spec.origin
        return Path(origin) if origin is not None and origin.endswith(".py") else None

    def _hint_for_module(self, name: str) -> str:
        candidate = name.replace(".", "/") + ".py"
        if _is_file(self.directory / candidate):
            return f"Did you mean the file {candidate}?"
        return "Install it, or name a file: file.py:Name."

    def _definitions(self, path: Path, where: str) -> Definitions:
        if path not in self._read:
            self._read[path] = _read_definitions(path, where)
        found = self._read[path]
        if isinstance(found, TargetError):
            raise found
        return found

    def _checked(self, run: str, definitions: Definitions, name: str, where: str) -> Target:
        if not name:
            names = definitions.node_names()
            hint = f"Write {where}:{names[0]}." if len(names) == 1 else f"Write {where}:NAME"
            more = f", where NAME is one of {', '.join(names[:8])}." if len(names) > 1 else ""
            raise TargetError(f"run is {quoted(where)}: it does not say which node or function in it.", hint + more)
        found = definitions.get(name)
        if found is None:
            if definitions.open_ended and name.isidentifier():
                return Target(run)
            known = definitions.node_names() or definitions.names()
            hint = did_you_mean(name, known).strip() or "It defines no node and no function."
            raise TargetError(f"{where} defines no {quoted(name)}.", hint)
        _require_node(found, where, definitions)
        return Target(run, definitions.may_send_in_init(found))


def _require_node(found: Definition, where: str, definitions: Definitions) -> None:
    complaint = definitions.complaint(found)
    if complaint is not None:
        raise TargetError(f"{quoted(found.name)} in {where} (line {found.line}) {complaint[0]}", complaint[1])


def _files_in(directory: Path, written: str) -> str:
    names = sorted(p.name for p in directory.glob("*.py"))
    if not names:
        return f"There is no Python file in {quoted(written)}."
    return f"In {quoted(written)} are {', '.join(names[:8])}" + (", ..." if len(names) > 8 else ".")


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 (Path.is_file raises for a name that is too long)


def _is_dir(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112


def _find_spec(name: str, search: Iterable[str] | None) -> importlib.machinery.ModuleSpec | None:
    # importlib.util.find_spec would import the packages above a dotted name
    locations = list(search) if search is not None else None
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, locations)
        except (AttributeError, ImportError, ValueError, KeyError):
            continue
        if spec is not None:
            return spec
    return None


def _read_definitions(path: Path, where: str) -> Definitions | TargetError:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(importlib.util.decode_source(path.read_bytes()), filename=str(path))
        return Definitions.of(tree)
    except OSError as error:
        return TargetError(f"{quoted(where)} cannot be read: {error.strerror}.")
    except SyntaxError as error:
        return TargetError(f"{quoted(where)} is not Python: {error.msg}.", f"See line {error.lineno or 1} of {where}.")
    except (ValueError, RecursionError, MemoryError) as error:
        return TargetError(f"{quoted(where)} is not Python: {error}.")
