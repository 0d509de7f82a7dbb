"""What a Python file defines at its top level, as far as its syntax tells, and what of it can be a node."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["function", "class", "node", "value", "unknown"]
_LITERALS = (
    ast.Constant,
    ast.JoinedStr,
    ast.List,
    ast.Tuple,
    ast.Set,
    ast.Dict,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
)
_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Definition:
    """One name: `kind` is ``unknown`` where the syntax does not tell what it will be."""

    name: str
    kind: Kind
    line: int
    syntax: ast.AST

    @property
    def what(self) -> str:
        return {"function": "a function", "class": "a class", "node": "a node", "value": "a value"}.get(
            self.kind, "something"
        )


@dataclass(slots=True)
class Definitions:
    """The names of a file; `open_ended` when it may have others as well (``import *``, a module ``__getattr__``)."""

    by_name: dict[str, Definition] = field(default_factory=dict)
    open_ended: bool = False

    @classmethod
    def of(cls, tree: ast.Module) -> Definitions:
        found = cls()
        for statement in _statements(tree.body):
            found._take(statement)
        return found

    def get(self, name: str) -> Definition | None:
        return self.by_name.get(name)

    def names(self) -> list[str]:
        return [name for name in self.by_name if not name.startswith("_")]

    def classes(self) -> list[str]:
        return [d.name for d in self.by_name.values() if d.kind == "class"]

    def node_names(self) -> list[str]:
        """The public names that could be run as a node."""
        known = (d for d in self.by_name.values() if d.kind in ("function", "class", "node"))
        return [d.name for d in known if not d.name.startswith("_") and self.complaint(d) is None]

    def complaint(self, found: Definition) -> tuple[str, str] | None:
        """Why `found` cannot be a node (message, hint), or None when it can for all that the syntax tells."""
        if found.kind == "value":
            return (
                "is a value, neither a node nor a function.",
                "Name a Node, a Node subclass or a function tick(node).",
            )
        if found.kind == "function" and isinstance(found.syntax, _FunctionNode):
            return _arity_complaint(found.syntax, "it", 1)
        if found.kind == "class" and isinstance(found.syntax, ast.ClassDef):
            return self._class_complaint(found.syntax)
        return None

    def may_send_in_init(self, found: Definition) -> bool:
        """False when the node has certainly no code that runs before its first tick."""
        if found.kind == "function":
            return isinstance(found.syntax, (ast.FunctionDef, ast.AsyncFunctionDef)) and bool(
                found.syntax.decorator_list
            )
        if found.kind == "node" and isinstance(found.syntax, ast.Call):
            return not _is_node(found.syntax.func) or any(k.arg in (None, "init") for k in found.syntax.keywords)
        if found.kind == "class" and isinstance(found.syntax, ast.ClassDef):
            lineage = self._lineage(found.syntax)
            known = all(isinstance(base, ast.ClassDef) or _is_node(base) for base in lineage)
            return not known or any(_method(c, m) for c in lineage for m in ("init", "__init__"))
        return True

    def _take(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self.open_ended |= name == "__getattr__"
                self._add(name, "function", statement)
            case ast.ClassDef(name=name):
                self._add(name, "class", statement)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                for alias in aliases:
                    self.open_ended |= alias.name == "*"
                    self._add(alias.asname or alias.name.partition(".")[0], "unknown", statement)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.For(target=target) | ast.AsyncFor(target=target):
                self._assign(target, None)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        self._assign(item.optional_vars, None)

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                self._assign(element, None)
        elif isinstance(target, ast.Starred):
            self._assign(target.value, None)
        elif isinstance(target, ast.Name):
            self._add(target.id, self._kind(value), target if value is None else value)

    def _kind(self, value: ast.expr | None) -> Kind:
        if isinstance(value, ast.Lambda):
            return "function"
        if isinstance(value, _LITERALS):
            return "value"
        if isinstance(value, ast.Name) and value.id in self.by_name:
            return "unknown" if self.by_name[value.id].kind != "value" else "value"
        if isinstance(value, ast.Call):
            func = value.func
            local = self.by_name.get(func.id) if isinstance(func, ast.Name) else None
            if _is_node(func) or (local is not None and local.kind == "class" and self.complaint(local) is None):
                return "node"
        return "unknown"

    def _add(self, name: str, kind: Kind, syntax: ast.AST) -> None:
        self.by_name[name] = Definition(name, kind, getattr(syntax, "lineno", 1), syntax)

    def _lineage(self, definition: ast.ClassDef) -> list[ast.ClassDef | ast.expr]:
        """The class, its ancestors in this file, and the expressions of the others."""
        classes, outside = [definition], list[ast.expr]()
        for cls in classes:
            for base in cls.bases:
                local = self.by_name.get(base.id) if isinstance(base, ast.Name) else None
                if local is None or not isinstance(local.syntax, ast.ClassDef) or local.syntax is cls:
                    outside.append(base)
                elif local.syntax not in classes:
                    classes.append(local.syntax)
        return [*classes, *outside]

    def _class_complaint(self, definition: ast.ClassDef) -> tuple[str, str] | None:
        lineage = self._lineage(definition)
        outside = [base for base in lineage if not isinstance(base, ast.ClassDef) and not self._is_builtin(base)]
        if definition.decorator_list or definition.keywords:
            return None
        if not outside:
            return "is a class, but no subclass of Node.", f"Write class {definition.name}(horus.Node)."
        ticks = [tick for cls in lineage if (tick := _method(cls, "tick"))]
        if not ticks and all(_is_node(base) for base in outside) and not any(_method(c, "__init__") for c in lineage):
            return "is a Node that has no tick method.", "Give it def tick(self)."
        return _arity_complaint(ticks[0], "its tick method", 1, most=2) if ticks else None

    def _is_builtin(self, base: ast.expr) -> bool:
        return (
            isinstance(base, ast.Name)
            and base.id not in self.by_name
            and base.id != "Node"
            and hasattr(builtins, base.id)
        )


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the file does, those inside of if, try, with and loops among them."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, part, []))
        for block in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _statements(block.body)


def _is_node(expression: ast.AST) -> bool:
    match expression:
        case ast.Name(id="Node") | ast.Attribute(attr="Node"):
            return True
    return False


def _method(definition: ast.AST, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    if isinstance(definition, ast.ClassDef):
        for statement in definition.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and statement.name == name:
                return statement
    return None


def _arity_complaint(function: _FunctionNode, what: str, least: int, most: int | None = None) -> tuple[str, str] | None:
    """A complaint unless `function` can be called with `least` to `most` positional arguments."""
    if not isinstance(function, ast.Lambda) and function.decorator_list:
        return None
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    keyword_only = [
        a.arg for a, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None
    ]
    right = "def tick(self)" if most else "def tick(node)"
    if keyword_only:
        return f"cannot be a tick: {what} needs the argument '{keyword_only[0]}' by keyword.", f"A tick is {right}."
    if required > (most or least):
        return f"cannot be a tick: {what} needs {required} arguments.", f"A tick is {right}."
    if positional < least and arguments.vararg is None:
        return f"cannot be a tick: {what} takes no argument.", f"A tick is {right}."
    return None
