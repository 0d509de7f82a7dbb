from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from horus_runner.cli.msg import list_, show
from horus_runner.errors import HorusNotFoundError
from horus_runner.messages.registry import FAMILIES

Horus = Callable[..., CompletedProcess[str]]


def test_a_type_is_shown_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    show("CmdVel")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["CmdVel: 16 bytes, topic cmd_vel", "Velocity that a mobile base is asked to have."]
    assert [line.split() for line in lines[2:]] == [
        ["field", "type", "bytes", "offset"],
        ["linear", "f32", "4", "0"],
        ["angular", "f32", "4", "4"],
        ["timestamp_ns", "u64", "8", "8"],
    ]


def test_every_kind_of_field_has_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    types = {}
    for name in ("PathPlan", "JointState", "Imu", "StereoInfo"):
        show(name, True)
        shown = json.loads(capsys.readouterr().out)
        types |= {field["name"]: field["type"] for field in shown["fields"]}
        last = shown["fields"][-1]
        assert last["offset"] + last["bytes"] <= shown["bytes"]
    assert types["goal_pose"] == "Pose2D"
    assert types["waypoints"] == "f64[<=768]"
    assert types["joint_names"] == "str[2048]"
    assert types["orientation_covariance"] == "f64[9]"
    assert types["right_camera"] == "CameraInfo"
    assert types["depth_scale"] == "f64"


def test_an_array_has_no_fixed_size(capsys: pytest.CaptureFixture[str]) -> None:
    show("Image")
    assert capsys.readouterr().out.startswith("Image: any bytes, topic image\n")
    show("Image", True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["bytes"], shown["fields"]) == (None, [])


def test_a_type_of_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wheels_shown.py").write_text(
        'import horus\n\n@horus.message\nclass Wheel:\n    "One wheel."\n    speed: horus.f32\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    show("wheels_shown:Wheel")
    assert capsys.readouterr().out.startswith("wheels_shown:Wheel: 4 bytes, topic wheel\nOne wheel.\n")


def test_an_unknown_type_is_an_error_that_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HorusNotFoundError, match=r"no message type 'CmdVle'\..*CmdVel"):
        show("CmdVle")
    assert capsys.readouterr() == ("", "")


def test_the_list_has_all_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    list_()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["type", "family", "bytes", "topic", "what", "it", "is"]
    assert {line.split()[0] for line in lines[1:]} == {name for names in FAMILIES.values() for name in names}
    cells = next(line.split(None, 4) for line in lines if line.startswith("Pose2D "))
    assert cells[:4] == ["Pose2D", "geometry", "32", "pose"]
    list_(True)
    rows = json.loads(capsys.readouterr().out)
    assert {"name", "family", "topic", "bytes", "about"} == set(rows[0])
    assert all(row["about"] and row["topic"] for row in rows)


def test_from_the_command_line(run_python: Horus) -> None:
    done = run_python("-m", "horus", "msg", "show", "CmdVel", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["topic"] == "cmd_vel"
    done = run_python("-m", "horus", "msg", "show", "CmdVle")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("there is no message type 'CmdVle'.")
    assert "CmdVel" in done.stderr
    assert "Traceback" not in done.stderr
    done = run_python("-m", "horus", "msg", "list")
    assert (done.returncode, done.stderr) == (0, "")
