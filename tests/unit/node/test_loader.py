"""From `file.py:Name` to a Node that is bound to its plan."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from horus_runner.errors import UsageError
from horus_runner.graph.plan import NodePlan
from horus_runner.node.loader import load_node


@pytest.fixture(autouse=True)
def own_modules() -> Iterator[None]:
    """What a test loads goes with it."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(folder: Path, source: str, name: str = "made_up_nodes.py") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(textwrap.dedent(source))
    return path


SOURCE = """
    import horus

    def tick(node):
        pass

    class Camera(horus.Node):
        def tick(self):
            pass

    class Own(horus.Node):
        def __init__(self):
            self.early = self.params["source"]
            super().__init__("mine", rate=5, pubs=["x"])
            self.late = self.params["source"]

        def tick(self):
            pass

    class Needy(horus.Node):
        def __init__(self, device):
            super().__init__()

        def tick(self):
            pass

    class Forgetful(horus.Node):
        def __init__(self):
            self.frames = 0

        def tick(self):
            pass

    node = horus.Node("instance", tick, rate=3)
    number = 5

    class Plain:
        pass
"""


def test_a_function_a_subclass_and_an_instance_all_become_the_node_of_the_plan(tmp_path: Path) -> None:
    path = write(tmp_path, SOURCE)
    for target in ("tick", "Camera", "node"):
        plan = NodePlan("given", run=f"{path}:{target}", subs=("in",), pubs=("out",), params={"a": 1}, rate_hz=40.0)
        node = load_node(plan)
        assert (node.name, node.rate, node.params) == ("given", 40.0, {"a": 1})
        assert (node.subscribers(), node.publishers()) == (["in"], ["out"])


def test_a_subclass_finds_its_parameters_in_its_own_constructor(tmp_path: Path) -> None:
    node = load_node(NodePlan("given", run=f"{write(tmp_path, SOURCE)}:Own", params={"source": "carphone"}))
    assert (node.early, node.late, node.name) == ("carphone", "carphone", "given")  # type: ignore[attr-defined]


def test_one_instance_that_two_nodes_name_is_two_nodes(tmp_path: Path) -> None:
    path = write(tmp_path, SOURCE)
    first, second = (load_node(NodePlan(name, run=f"{path}:node")) for name in ("first", "second"))
    assert (first.name, second.name) == ("first", "second")


@pytest.mark.parametrize(
    "target, says",
    [
        ("tik", "has no 'tik'. Did you mean 'tick'?"),
        ("number", "is neither a node nor a function but 5"),
        ("Plain", "is a class, but not a subclass of horus.Node"),
        ("Needy", "a graph makes it as Needy(), but missing a required argument: 'device'"),
        ("Forgetful", "Forgetful.__init__ has to call super().__init__()"),
    ],
)
def test_what_is_no_node_is_refused(tmp_path: Path, target: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        load_node(NodePlan("given", run=f"{write(tmp_path, SOURCE)}:{target}"))


def test_what_an_import_raises_comes_through_and_leaves_no_half_made_module(tmp_path: Path) -> None:
    path = write(tmp_path, "import does_not_exist_anywhere\ndef tick(node): pass\n", "half_made.py")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="does_not_exist_anywhere"):
            load_node(NodePlan("n", run=f"{path}:tick"))
    assert "half_made" not in sys.modules


def test_a_file_is_loaded_once_and_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    paths = [write(tmp_path / folder, f"def tick(node): return {folder!r}\n") for folder in ("a", "b", "c")]
    ticks = [load_node(NodePlan("n", run=f"{path}:tick"))._hooks["tick"] for path in [*paths, *paths]]
    assert [function(None) for function in ticks if function] == ["a", "b", "c"] * 2
    assert ticks[:3] == ticks[3:]


def test_a_file_imports_its_neighbours_and_modules_go_by_their_name(tmp_path: Path) -> None:
    write(tmp_path, "SPEED = 3\n", "made_up_settings.py")
    path = write(tmp_path, "from made_up_settings import SPEED\ndef tick(node): return SPEED\n")
    for place in (str(path), "made_up_nodes"):
        function = load_node(NodePlan("n", run=f"{place}:tick"))._hooks["tick"]
        assert function is not None and function(None) == 3
