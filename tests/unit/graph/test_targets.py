from __future__ import annotations

import sys
from pathlib import Path

import pytest

from horus_runner.graph.targets import TargetError, Targets

CODE = """
import functools
from elsewhere import imported, Base
import horus
from horus import Node

def tick(node): ...
async def async_tick(node): ...
def with_default(node=None): ...
def with_star(*nodes): ...
def with_optional(node, gain=1, *, limit=3): ...
@functools.partial(print)
def decorated(): ...
short = lambda node: None
lambda_without = lambda: None
alias = tick

class Plain(horus.Node):
    def tick(self): ...

class WithInfo(Node):
    def tick(self, info=None): ...

class Inherits(Plain):
    rate = 5

class FromElsewhere(Base): ...

class Configured(horus.Node):
    def __init__(self): super().__init__(tick=tick)

class Sends(Plain):
    def init(self): ...

class Dict(dict): ...
class Child(Dict): ...
class Own(Own): ...
class TwoArguments(Node):
    def tick(self, a, b): ...
class StaticTick(Node):
    def tick(): ...

node = horus.Node("n", tick=tick)
node_with_init = Node("n", tick=tick, init=print)
of_class = Plain()
computed = functools.partial(tick)
number = 3
listed = [1]
text: str = "x"
a, (b, *c) = computed
keyword_only = None
def needs_keyword(node, *, gain): ...

if number:
    def in_if(node): ...
try:
    from fast import in_try
except ImportError:
    def in_try(node): ...
match number:
    case 3:
        def in_match(node): ...
with open("x") as opened:
    pass
for looped in ():
    pass
"""


@pytest.fixture
def targets(tmp_path: Path) -> Targets:
    (tmp_path / "n.py").write_text(CODE)
    (tmp_path / "open_ended.py").write_text("from n import *")
    (tmp_path / "lazy.py").write_text("def __getattr__(name): ...")
    return Targets(tmp_path)


MAY_BE_NODES = """
tick async_tick with_default with_star with_optional decorated short alias Plain WithInfo Inherits FromElsewhere
Configured Own node of_class computed imported a b c in_if in_try in_match opened looped
"""


@pytest.mark.parametrize("name", MAY_BE_NODES.split())
def test_what_may_be_a_node_passes(targets: Targets, tmp_path: Path, name: str) -> None:
    assert targets.find(f"n.py:{name}").run == f"{tmp_path}/n.py:{name}"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("number", "is a value"),
        ("listed", "is a value"),
        ("text", "is a value"),
        ("Dict", "no subclass of Node"),
        ("Child", "no subclass of Node"),
        ("TwoArguments", "its tick method needs 3 arguments"),
        ("StaticTick", "takes no argument"),
        ("lambda_without", "takes no argument"),
        ("needs_keyword", "needs the argument 'gain' by keyword"),
        ("tik", "defines no 'tik'"),
        ("", "does not say which node or function"),
    ],
)
def test_what_cannot_be_a_node(targets: Targets, name: str, told: str) -> None:
    with pytest.raises(TargetError) as caught:
        targets.find(f"n.py:{name}")
    assert told in caught.value.message


def test_names_that_the_syntax_does_not_show_pass(targets: Targets) -> None:
    targets.find("open_ended.py:anything")
    targets.find("lazy.py:anything")
    with pytest.raises(TargetError):
        targets.find("lazy.py:no name")


@pytest.mark.parametrize("name", ["tick", "node", "Plain", "Inherits"])
def test_who_cannot_send_before_the_first_tick(targets: Targets, name: str) -> None:
    assert targets.find(f"n.py:{name}").may_send_in_init is False


INITS = "Sends decorated node_with_init FromElsewhere Configured imported of_class"


@pytest.mark.parametrize("name", INITS.split())
def test_who_may_send_before_the_first_tick(targets: Targets, name: str) -> None:
    assert targets.find(f"n.py:{name}").may_send_in_init is True


def test_modules_are_found_without_importing_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "horus_test_package"
    (package / "inner").mkdir(parents=True)
    for directory in (package, package / "inner"):
        (directory / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "inner" / "nodes.py").write_text("raise RuntimeError('imported')\ndef tick(node): ...\nclass Pose: ...")
    monkeypatch.syspath_prepend(tmp_path)
    targets = Targets(tmp_path)
    name = "horus_test_package.inner.nodes"
    assert targets.find(f"{name}:tick").run == f"{name}:tick"
    targets.check_type(f"{name}:Pose")
    targets.check_type(f"{name}:Pose.Inner")
    with pytest.raises(TargetError, match="not a message class"):
        targets.check_type(f"{name}:tick")
    with pytest.raises(TargetError, match="defines no 'Pos'"):
        targets.check_type(f"{name}:Pos")
    with pytest.raises(TargetError, match=r"no module \'horus_test_package\.outer\'"):
        targets.find("horus_test_package.outer:tick")
    assert not any(loaded.startswith("horus_test_package") for loaded in sys.modules)


def test_modules_without_source_pass(targets: Targets) -> None:
    assert targets.find("math:floor").run == "math:floor"
    targets.check_type("math:Pose")


def test_files_that_are_not_python(targets: Targets, tmp_path: Path) -> None:
    cases = {
        "syntax": b"def f(:\n",
        "nul": b"a\0b",
        "latin": b"# \xe9",
        "coding": b"# coding: nonsense\n",
        "deep": b"(" * 300,
    }
    for name, code in cases.items():
        (tmp_path / f"{name}.py").write_bytes(code)
        with pytest.raises(TargetError, match="not Python"):
            targets.find(f"{name}.py:f")


def test_warnings_of_the_user_s_file_are_the_node_s_own(targets: Targets, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text("def f(node): return '\\d'")
    targets.find("odd.py:f")


@pytest.mark.parametrize(
    "run", ["", ":", "::", ":f", "x" * 5000 + ".py:f", "a\0.py:f", "/:f", ".:f", "..:f", "../:f", " :f"]
)
def test_runs_that_name_nothing(targets: Targets, run: str) -> None:
    with pytest.raises(TargetError):
        targets.find(run)
