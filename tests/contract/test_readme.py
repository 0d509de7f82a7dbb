"""What the README shows runs, and what it says of commands and files is so."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(language):
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    return code


def run(*command, **options):
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=60, check=False, **options
    )


def test_python_in_one_screen_runs(tmp_path):
    script = tmp_path / "screen.py"
    script.write_text(block("python"))
    done = run(script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "30 frames" in done.stdout
    lamps = re.findall(r"headlight (on|off) at ([\d.]+)", done.stdout + done.stderr)
    assert {"on", "off"} == {switch for switch, _ in lamps}
    assert all((switch == "on") == (float(brightness) > 0.5) for switch, brightness in lamps)
    assert [brightness for _, brightness in lamps] == sorted((b for _, b in lamps), key=float, reverse=True)


def test_graph_in_one_screen_is_right(tmp_path):
    graph = tmp_path / "screen.yaml"
    graph.write_text(block("yaml").replace("../nodes/", f"{ROOT}/nodes/"))
    done = run("-m", "horus_runner.cli", "check", "--json", str(graph))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [node["name"] for node in json.loads(done.stdout)["plan"]["nodes"]] == ["camera", "detect", "tally"]


def test_every_file_that_it_links_is_there():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_graph_and_every_command_is_named():
    assert {path.name for path in (ROOT / "graphs").glob("*.yaml")} == set(
        re.findall(r"^\| \[(\w+\.yaml)\]", README, re.M)
    )
    shown = run("-m", "horus_runner.cli", "--help").stdout
    commands = set(re.findall(r"^  (\w+)  ", shown, re.M))
    assert commands == set(re.findall(r"^\| `horus (\w+)", README, re.M))
