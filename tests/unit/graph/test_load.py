from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from horus_runner import graph
from horus_runner.errors import GraphError
from horus_runner.graph.plan import NodePlan, NodeSettings, RestartPlan, TopicPlan

FACES = """
name: faces
tick_rate: 100
topics:                                    # optional
  camera.rgb: {type: Image, capacity: 4, on_full: overwrite}
nodes:
  camera:
    run: nodes.py:camera
    rate: 30
    pubs: [camera.rgb]
    params: {source: carphone}
  detect:
    run: nodes.py:detect
    subs: [camera.rgb]
    pubs: {detections: Detection}
    rate: 30
    compute: true
    budget: 50ms
    on_miss: skip
    restart: on-failure
  sink:
    run: nodes.py:sink
    subs: [detections]
    on: detections
"""


def test_the_graph_of_the_design(load, tmp_path: Path) -> None:
    plan, warnings = load(FACES)
    assert warnings == ()
    assert (plan.name, plan.tick_rate_hz, plan.source) == ("faces", 100.0, str(tmp_path / "test graph.yaml"))
    assert plan.topics == {
        "camera.rgb": TopicPlan("camera.rgb", "Image", 4, "overwrite", publishers=("camera",), subscribers=("detect",)),
        "detections": TopicPlan("detections", "Detection", publishers=("detect",), subscribers=("sink",)),
    }
    run = f"{tmp_path}/nodes.py:"
    assert plan.nodes == (
        NodePlan("camera", run + "camera", pubs=("camera.rgb",), params={"source": "carphone"}, rate_hz=30.0),
        NodePlan(
            "detect",
            run + "detect",
            subs=("camera.rgb",),
            pubs=("detections",),
            rate_hz=30.0,
            budget_ns=50_000_000,
            on_miss="skip",
            compute=True,
            restart=RestartPlan("on-failure"),
        ),
        NodePlan("sink", run + "sink", subs=("detections",), rate_hz=None, on="detections"),
    )


def test_the_plan_travels_to_a_node_as_it_is(load) -> None:
    plan, _ = load("nodes: {a: {run: nodes.py:camera, params: {gains: {1: 2.5, x: [1, null, off]}}, env: {A: 010}}}")
    node = plan.nodes[0]
    assert node.params == {"gains": {1: 2.5, "x": [1, None, "off"]}}
    assert node.env == {"A": "010"}, "environment variables are texts, as they are written"
    settings = NodeSettings(node, plan.topics, plan.name, "n", "r", 0, 0)
    assert NodeSettings.decode(settings.encode()).plan == node


def test_defaults(load) -> None:
    plan, _ = load("nodes: {a: {run: nodes.py:camera}}")
    assert plan.nodes[0].rate_hz == 30.0
    assert plan.name == "test_graph"


def test_tick_rate_is_the_rate_of_nodes_that_give_none_but_not_of_those_that_tick_on_messages(load) -> None:
    text = (
        "tick_rate: 1kHz\nnodes:\n  a: {run: nodes.py:camera, pubs: [x]}\n  b: {run: nodes.py:sink, subs: [x], on: x%s}"
    )
    plan, _ = load(text % "")
    assert [node.rate_hz for node in plan.nodes] == [1000.0, None]
    plan, _ = load(text % ", rate: 5")
    assert plan.nodes[1].rate_hz == 5.0


@pytest.mark.parametrize(
    ("lines", "restart", "critical", "on_exception"),
    [
        ("", RestartPlan(), True, "exit"),
        ("failure_policy: fatal", RestartPlan("never"), True, "exit"),
        ("failure_policy: restart", RestartPlan("on-failure"), True, "exit"),
        ("failure_policy: skip", RestartPlan(), True, "skip"),
        ("failure_policy: ignore", RestartPlan(), True, "ignore"),
        ("restart: always\n    critical: false", RestartPlan("always"), False, "exit"),
        ("restart: {max_restarts: 2, window: 1min}", RestartPlan("on-failure", max_restarts=2), True, "exit"),
        ("restart: {backoff: 10s}", RestartPlan("on-failure", 10 * 10**9, 10 * 10**9), True, "exit"),
        ("restart: {max_backoff: 50ms}", RestartPlan("on-failure", 50_000_000, 50_000_000), True, "exit"),
    ],
)
def test_what_follows_an_end(load, lines: str, restart: RestartPlan, critical: bool, on_exception: str) -> None:
    plan, _ = load(f"nodes:\n  a:\n    run: nodes.py:camera\n    {lines}\n")
    node = plan.nodes[0]
    assert (node.restart, node.critical, node.on_exception) == (restart, critical, on_exception)


def test_ports_may_carry_what_belongs_to_the_topic(load) -> None:
    plan, _ = load("""
topics:
  out: {external: true, stale_ok: true}
nodes:
  a: {run: nodes.py:camera, pubs: {x: {type: Image, capacity: 2, on_full: wait}, y: , out: CmdVel}}
  b: {run: nodes.py:sink, subs: {x: {max_held: 9}, y: Image}}
""")
    assert plan.topics["x"] == TopicPlan("x", "Image", 2, "wait", 9, publishers=("a",), subscribers=("b",))
    assert plan.topics["y"].type == "Image", "known from the subscriber when the publisher says nothing"
    assert plan.topics["out"] == TopicPlan("out", "CmdVel", external=True, stale_ok=True, publishers=("a",))


def test_anchors_and_merge_keys(load) -> None:
    plan, _ = load("""
x-defaults: &defaults
  rate: 10
  budget: 5ms
nodes:
  a: &a {run: nodes.py:camera, <<: *defaults, rate: 20}
  b: *a
  c:
    <<: [{rate: 1, order: 3}, *a]
    params: {x: <<}
""")
    assert [(n.rate_hz, n.budget_ns, n.order) for n in plan.nodes] == [(20, 5_000_000, 0)] * 2 + [(1, 5_000_000, 3)]
    assert plan.nodes[2].params == {"x": "<<"}


def test_an_override_of_one_node_leaves_the_other_that_shares_its_anchor(load) -> None:
    plan, _ = load("nodes: {a: &a {run: nodes.py:camera, params: {k: 1}}, b: *a}", "nodes.b.params.k=2")
    assert [node.params for node in plan.nodes] == [{"k": 1}, {"k": 2}]


def test_substitution_is_resolved_again_unless_quoted_and_makes_no_structure(load) -> None:
    plan, _ = load(
        """
nodes:
  a:
    run: nodes.py:${TICK:-camera}
    rate: ${RATE}
    params: {text: "${RATE}", list: "${LIST}", two: $${RATE}}
    env: {A: "${LIST}"}
""".replace("$${RATE}}", "'$${RATE}'}"),
        RATE="12.5",
        LIST="[1, 2]\nb: 3",
    )
    node = plan.nodes[0]
    assert node.rate_hz == 12.5
    assert node.params == {"text": "12.5", "list": "[1, 2]\nb: 3", "two": "${RATE}"}


def test_the_environment_is_the_process_s_own_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "n.py").write_text("def tick(node): ...")
    (tmp_path / "g.yaml").write_text("nodes:\n  a:\n    run: n.py:tick\n    rate: ${HORUS_TEST_RATE}\n")
    monkeypatch.setenv("HORUS_TEST_RATE", "7")
    plan, _ = graph.load(tmp_path / "g.yaml")
    assert plan.nodes[0].rate_hz == 7.0


def test_files_are_found_from_the_graph_wherever_the_command_runs(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "nodes").mkdir()
    (tmp_path / "graphs").mkdir()
    (tmp_path / "nodes" / "n.py").write_text("def tick(node): ...")
    (tmp_path / "graphs" / "g.yaml").write_text("nodes: {a: {run: ../nodes/n.py:tick}}")
    monkeypatch.chdir(tmp_path / "nodes")
    plan, _ = graph.load("../graphs/g.yaml")
    assert plan.nodes[0].run == f"{tmp_path}/nodes/n.py:tick"
    (tmp_path / "graphs" / "g.yaml").write_text("nodes: {a: {run: n.py:tick}}")
    with pytest.raises(GraphError, match=r"relative to the graph file: write \.\./nodes/n\.py"):
        graph.load("../graphs/g.yaml")


def test_empty_values_are_as_good_as_none(load) -> None:
    plan, _ = load(
        "name:\ntopics:\nnodes:\n  a:\n    run: nodes.py:camera\n    subs:\n    budget:\n    params:\n", "nodes.a.rate="
    )
    assert plan.nodes[0].budget_ns is None and plan.nodes[0].rate_hz == 30.0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, newline: str) -> None:
    path = tmp_path / "g.yaml"
    text = "# é\nnodes:\n  a:\n    rat: 1\n    run: 'json:loads'\n"
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    with pytest.raises(GraphError) as caught:
        graph.load(path)
    assert [(p.line, p.column) for p in caught.value.problems] == [(4, 5)]


def test_a_graph_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "faces.yaml").touch()
    for name, told in (("face.yaml", "Did you mean"), ("no/such.yaml", "no directory"), ("", "directory, not a graph")):
        with pytest.raises(GraphError, match=told):
            graph.load(tmp_path / name)
    with pytest.raises(GraphError, match="cannot be read"):
        graph.load(tmp_path / ("x" * 5000))
    with pytest.raises(GraphError, match="cannot be read"):
        graph.load("a\0b.yaml")


def test_more_than_a_graph_ever_needs_is_refused_in_bounded_time(problems: Callable[..., list[str]], tmp_path) -> None:
    bomb = (
        "a: &a ["
        + ",".join("x" * 10)
        + "]\n"
        + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(20))
    )
    assert "aliases up to here" in problems(bomb)[0]
    assert "nest deeper" in problems("a: " + "[" * 10_000)[0]
    assert "nest deeper" in problems("a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 60)))[0]
    assert (
        "at most 1,000 nodes"
        in problems("nodes:\n  a:\n    subs: [" + ",".join(f"t{i}" for i in range(20_000)) + "]")[0]
    )
    assert len(problems("nodes:\n  a:\n" + "".join(f"    k{i}: 1\n" for i in range(10_000)))) == 100
    assert len(problems("".join(f"k{i}: ${{U{i}}}\n" for i in range(10_000)))) == 100
    (tmp_path / "large.yaml").write_text("#" * 300_000)
    with pytest.raises(GraphError, match="256 KB"):
        graph.load(tmp_path / "large.yaml")


def test_an_error_survives_pickling(load) -> None:
    import pickle

    with pytest.raises(GraphError) as caught:
        load("nodes: {a: {run: nodes.py:camra}}")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
