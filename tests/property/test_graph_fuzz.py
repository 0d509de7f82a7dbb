"""Whatever the bytes, reading a graph ends soon, in a plan or in a GraphError that names places in the file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from horus_runner import graph
from horus_runner.errors import GraphError, Problem
from horus_runner.graph.plan import NodeSettings

GOOD = """\
name: faces
tick_rate: 100
x-slow: &slow {rate: 5, on_miss: skip}
topics:
  camera.rgb: {type: Image, capacity: 4, on_full: overwrite, max_held: 2}
  lidar: {external: true}
nodes:
  camera:
    run: nodes.py:camera
    rate: 30Hz
    pubs: [camera.rgb]
    params: {source: carphone, gains: {1: 2.5, x: [1, ~, "a"]}}
    env: {A: 010}
  detect:
    run: "nodes.py:detect"
    subs: [camera.rgb, lidar]
    pubs: {detections: Detection, boxes: {type: BoundingBox2D, capacity: 8}}
    <<: *slow
    budget: 50ms
    compute: true
    restart: {policy: on-failure, backoff: 100ms}
  sink:
    run: nodes.py:${SINK:-sink}
    subs: [detections, boxes]
    on: detections
    critical: false
"""
# what matters to YAML or to a graph
TOKENS = [
    *"\t\n\r -:,[]{}&*!|>'\"%@`#?~<0\0\x1b\ufeff\u2028\x85\ud7ff$",
    *(
        "\n\n",
        "  ",
        "---\n",
        "...\n",
        "<<: ",
        "*slow",
        "&slow",
        "${",
        "${A}",
        "$${",
        "!!int ",
        "? ",
        ": ",
        "- ",
        "\r\n",
        "%YAML 1.1\n",
    ),
    *(
        "nodes:\n",
        "topics:\n",
        "run: ",
        "subs: ",
        "pubs: ",
        "on: ",
        "rate: ",
        "1e400",
        "0x",
        "9" * 30,
        "null",
        "true",
        '"\\ud800"',
        '"\\U00110000"',
    ),
]

many = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(scope="module")
def directory():
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "nodes.py").write_text("def camera(node): ...\ndef detect(node): ...\ndef sink(node): ...\n")
        yield Path(name)


def read(directory: Path, data: bytes, *overrides: str) -> tuple[Problem, ...]:
    """The problems of a graph of these bytes; a plan must travel, and a problem must be printable with its place."""
    path = directory / "graph.yaml"
    path.write_bytes(data)
    try:
        plan, problems = graph.load(path, overrides, {"A": "1", "B": ""})
    except GraphError as error:
        problems = error.problems
        assert problems and all(p.severity == "error" for p in problems)
    else:
        for index, node in enumerate(plan.nodes):
            whole = NodeSettings(node, plan.topics, plan.name, "n", "r", index, 0)
            NodeSettings.decode(whole.encode())
            assert node.run and (node.on is None or node.on in node.subs)
            assert all(node.name in plan.topics[topic].publishers for topic in node.pubs)
            assert all(node.name in plan.topics[topic].subscribers for topic in node.subs)
    lines = len(data.splitlines()) + data.count(b"\r") + data.count(b"\x85") + data.count(b"\xe2\x80") + 2
    for problem in problems:
        assert 0 <= problem.line <= lines and problem.column >= 0
        text = str(problem)
        text.encode()
        assert problem.message and all(c == "\n" or c.isprintable() for c in text)
    json.dumps([problem.message for problem in problems])
    return problems


def test_the_good_one_is_good(directory: Path) -> None:
    assert read(directory, GOOD.encode()) == ()


@many
@given(st.binary(max_size=400))
@example(b"\xff\xfe\x00")
@example(b"\xef\xbb\xbf\xef\xbb\xbf")
def test_bytes(directory: Path, data: bytes) -> None:
    read(directory, data)


@many
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_text(directory: Path, text: str) -> None:
    read(directory, text.encode())


@many
@given(st.lists(st.sampled_from(TOKENS), max_size=60).map("".join))
@example("&a [*a")
@example("? ? ? ?")
@example("<<: [<<, *a]")
@example("nodes: {<<: {<<: x}}")
@example("%YAML 99999999999999999999.1\n---\n")
@example("nodes: {1: {run: 1}, null: ~, [a]: b, {c: d}: e}")
def test_tokens(directory: Path, text: str) -> None:
    read(directory, text.encode())


edits = st.lists(
    st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), st.one_of(st.sampled_from(TOKENS), st.text(max_size=3))),
    min_size=1,
    max_size=6,
)


@many
@example([(386, 0, "\U00018cd6")])  # a character that this Python's Unicode does not know
@given(edits)
def test_edits_of_a_good_graph(directory: Path, edits: list[tuple[int, int, str]]) -> None:
    text = GOOD
    for position, removed, inserted in edits:
        text = text[:position] + inserted + text[position + removed :]
    read(directory, text.encode(errors="surrogatepass"))


@many
@given(st.permutations(GOOD.splitlines(keepends=True)), st.integers(1, len(GOOD.splitlines())))
def test_lines_of_a_good_graph_in_any_order(directory: Path, lines: list[str], count: int) -> None:
    read(directory, "".join(lines[:count]).encode())


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["x", "nodes.py:sink", "50ms", "${A}", ""])
)
KEYS = """run subs pubs params rate on budget on_miss restart env name nodes topics type critical x-a"""
keys = st.sampled_from(KEYS.split())
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))


@many
@given(st.dictionaries(keys, values), st.dictionaries(keys, values), st.dictionaries(keys, values))
def test_any_value_under_any_key(directory: Path, top: dict, node: dict, topic: dict) -> None:
    whole = {**top, "nodes": {"a": {"run": "nodes.py:sink", **node}}, "topics": {"t": topic}}
    read(directory, json.dumps(whole).replace("NaN", ".nan").replace("Infinity", ".inf").encode())


@many
@given(st.lists(st.sampled_from([*TOKENS, "nodes.camera.", "rate=", "a=b", '"camera"', "."]), max_size=8).map("".join))
@example("nodes.camera.rate=\ud800")
@example("=")
def test_overrides(directory: Path, argument: str) -> None:
    read(directory, GOOD.encode(), argument)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "{" * 200_000,
        "- " * 100_000,
        "? " * 100_000,
        "a: " * 80_000,
        "&a " * 80_000,
        "!a " * 80_000,
        '"' + "\\n" * 100_000,
        "x: ${" * 50_000,
        "a: [" + "*a, " * 60_000,
        "nodes: {" + "a: {run: x}, " * 15_000 + "}",
        "nodes:\n  a:\n    subs: [" + ", ".join(f"t{n}" for n in range(30_000)) + "]\n",
        "nodes:\n"
        + "".join(f"  n{n}: {{run: nodes.py:sink, subs: [t{n}], on: t{n - 1}, pubs: [u{n}]}}\n" for n in range(900)),
        "nodes:\n"
        + "".join(f"  n{n}: {{run: nodes.py:sink, subs: [t{n}], on: t{n}, pubs: [t{n + 1}]}}\n" for n in range(900)),
        "nodes:\n" + "".join(f"  n{n}: {{run: nodes.py:f{n}}}\n" for n in range(900)),
        "nodes:\n  a:\n    params:\n" + "".join(f"      k{n}: v\n" for n in range(15_000)),
        "a" * 250_000,
        "'" * 250_000,
        "\n" * 250_000,
        "#" * 250_000,
        "a: 1\n" * 40_000,
        "a: |\n" + "  x\n" * 50_000,
    ],
    ids=lambda text: text[:12].strip().replace("\n", " "),
)
@pytest.mark.timeout(60)
def test_large_and_absurd_files_end(directory: Path, text: str) -> None:
    read(directory, text.encode())
