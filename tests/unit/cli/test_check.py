from __future__ import annotations

import json
from pathlib import Path

import pytest

from horus_runner.cli.check import check
from horus_runner.cli.schema import schema
from horus_runner.errors import GraphError

GRAPH = """
nodes:
  camera: {run: nodes.py:tick, pubs: {camera.rgb: Image, extra: }, rate: 30, budget: 5ms}
  detect: {run: nodes.py:tick, subs: [camera.rgb], on: camera.rgb, rate: 10}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "nodes.py").write_text("def tick(node): ...")
    path = tmp_path / "faces.yaml"
    path.write_text(GRAPH)
    return path


def test_the_summary_goes_to_stdout_and_warnings_to_stderr(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(path, [], False)
    out, err = capsys.readouterr()
    lines = [line.split("  ") for line in out.splitlines()]
    assert [[cell.strip() for cell in line if cell] for line in lines] == [
        ["faces: 2 nodes, 2 topics"],
        ["node", "rate", "budget", "on miss", "reads", "publishes", "runs"],
        ["camera", "30 Hz", "5ms", "warn", "-", "camera.rgb, extra", "nodes.py:tick"],
        ["detect", "on camera.rgb, at most 10 Hz", "-", "warn", "camera.rgb", "-", "nodes.py:tick"],
        ["topic", "type", "published by", "read by"],
        ["camera.rgb", "Image", "camera", "detect"],
        ["extra", "any", "camera", "-"],
    ]
    assert err.startswith(f"{path}:3:58: warning: node 'camera' publishes 'extra', which nobody reads.\n")


def test_json_of_a_good_graph(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(path, ["nodes.camera.rate=5"], True)
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert (report["ok"], report["file"], err) == (True, str(path), "")
    assert report["plan"]["nodes"][0]["rate_hz"] == 5.0
    assert [p["severity"] for p in report["problems"]] == ["warning"]


def test_mistakes_escape_as_a_graph_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(GraphError):
        check(path, ["nodes.camera.rat=5"], False)
    assert capsys.readouterr() == ("", "")


def test_json_of_a_broken_graph_has_all_problems_and_the_error_escapes(path: Path, capsys) -> None:
    path.write_text(GRAPH.replace("rate: 30", "rat: 30").replace("5ms", "5"))
    with pytest.raises(GraphError):
        check(path, None, True)
    report = json.loads(capsys.readouterr().out)
    assert (report["ok"], report["plan"]) == (False, None)
    assert [(p["line"], p["column"]) for p in report["problems"]] == [(3, 68), (3, 85)]


def test_schema_is_json_that_knows_the_message_types(capsys: pytest.CaptureFixture[str]) -> None:
    schema()
    printed = json.loads(capsys.readouterr().out)
    names = printed["$defs"]["MessageType"]["anyOf"][0]["enum"]
    assert {"Image", "CmdVel"} <= set(names) and not any(":" in name for name in names)
