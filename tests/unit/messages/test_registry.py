"""Message types by name, here and as another process would ask for them."""

import sys
from pathlib import Path

import pytest

from horus_runner.errors import HorusNotFoundError
from horus_runner.messages import BoundingBox2D, CmdVel, LaserScan, message
from horus_runner.messages.define import f32
from horus_runner.messages.registry import (
    default_topic,
    known_type_names,
    message_type,
    resolve_type,
    type_name,
)


@message
class Tank:
    level: f32


def test_the_librarys_types_go_by_their_bare_name() -> None:
    assert type_name(CmdVel) == "CmdVel"
    assert message_type("CmdVel") is CmdVel
    assert resolve_type("BoundingBox2D") is BoundingBox2D
    assert {"CmdVel", "BoundingBox2D", "Detection"} <= set(known_type_names())
    assert known_type_names() == sorted(known_type_names())


def test_other_types_go_by_module_and_class() -> None:
    name = f"{__name__}:Tank"
    assert type_name(Tank) == name
    assert message_type(name) is Tank
    assert resolve_type(name) is Tank


def test_resolving_imports_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    source = "from horus_runner.messages import *\n@message\nclass Pump:\n    flow: f32\nclass Plain: pass\n"
    (tmp_path / "pump_messages.py").write_text(source)
    (tmp_path / "pump_offers.py").write_text("from pump_messages import Pump\n")
    try:
        assert message_type("pump_messages:Pump") is None
        pump = resolve_type("pump_messages:Pump")
        assert type_name(pump) == "pump_messages:Pump"
        assert resolve_type("pump_offers:Pump") is pump
        with pytest.raises(HorusNotFoundError, match=r"has no message type 'Pomp'. Did you mean 'Pump'"):
            resolve_type("pump_messages:Pomp")
        with pytest.raises(HorusNotFoundError, match=r"has no message type 'Plain'"):
            resolve_type("pump_messages:Plain")
    finally:
        sys.modules.pop("pump_messages", None)
        sys.modules.pop("pump_offers", None)


def test_unknown_names_say_what_was_meant() -> None:
    with pytest.raises(HorusNotFoundError, match=r"there is no message type 'CmdVell'. Did you mean 'CmdVel'"):
        resolve_type("CmdVell")
    with pytest.raises(HorusNotFoundError, match=r"message type 'no_such_module:Type': No module named"):
        resolve_type("no_such_module:Type")
    assert message_type("Nothing") is None


def test_default_topics() -> None:
    assert default_topic(CmdVel) == "cmd_vel"
    assert default_topic(LaserScan) == "scan"
    assert default_topic(Tank) == "tank"
    assert default_topic(int) == "int"
