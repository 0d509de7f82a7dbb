"""``import horus``: horus_runner under its short name, down to the same module objects.

A plain alias would load each submodule a second time as ``horus.x``, and with it a second class for every message.
The finder below answers ``horus.x`` with the module ``horus_runner.x`` instead.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, cast

import horus_runner

if TYPE_CHECKING:
    from horus_runner import *  # noqa: F403


class _SameModule(InspectLoader):
    """Loads ``horus.x`` as the module object that ``horus_runner.x`` is."""

    def __init__(self, real: ModuleSpec) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._real.name)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own_spec  # the import system has put the alias's there, and reload() goes by it

    def get_code(self, fullname: str) -> CodeType | None:
        return cast(InspectLoader, self._real.loader).get_code(self._real.name)

    def get_source(self, fullname: str) -> str | None:
        return cast(InspectLoader, self._real.loader).get_source(self._real.name)


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("horus."):
            return None
        real = importlib.util.find_spec(f"horus_runner.{fullname.removeprefix('horus.')}")
        if real is None:
            return None
        spec = ModuleSpec(fullname, _SameModule(real), origin=real.origin)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec


if not any(type(finder).__qualname__ == _Finder.__qualname__ for finder in sys.meta_path):
    sys.meta_path.insert(0, _Finder())
sys.modules["horus"] = horus_runner

if __name__ == "__main__":
    from horus_runner.cli import main

    main()
