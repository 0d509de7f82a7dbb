from __future__ import annotations

import pytest

from horus_runner.errors import GraphError

GRAPH = """
nodes:
  camera:
    run: nodes.py:camera
    rate: 30
    pubs: [camera.rgb]
  my.node:
    run: nodes.py:sink
    subs: [camera.rgb]
"""


def test_values_are_yaml(load) -> None:
    plan, _ = load(
        GRAPH,
        "nodes.camera.rate=010",
        'topics."camera.rgb".capacity=8',
        'nodes."my.node".budget=5ms',
        "nodes.camera.params.sizes=[1, 1e3, off]",
        "nodes.camera.params.deep.er={a: 'x=y'}",
        "nodes.camera.params.text='12'",
        "name=other",
        "nodes.camera.pubs.0=camera.rgb",
    )
    assert plan.name == "other"
    assert plan.nodes[0].rate_hz == 10.0
    assert plan.nodes[0].params == {"sizes": [1, 1000.0, "off"], "deep": {"er": {"a": "x=y"}}, "text": "12"}
    assert plan.nodes[1].budget_ns == 5_000_000
    assert plan.topics["camera.rgb"].capacity == 8


def test_the_last_of_two_counts_and_the_shell_s_variables_are_not_replaced_again(load) -> None:
    plan, _ = load(GRAPH, "nodes.camera.rate=1", "nodes.camera.rate=2", "nodes.camera.params.a=${A}", A="1")
    assert plan.nodes[0].rate_hz == 2.0
    assert plan.nodes[0].params == {"a": "${A}"}


def test_a_node_may_be_added_whole(load) -> None:
    plan, _ = load(GRAPH, "nodes.extra={run: nodes.py:camera}")
    assert [node.name for node in plan.nodes] == ["camera", "my.node", "extra"]


@pytest.mark.parametrize(
    ("argument", "column", "message", "hint"),
    [
        ("nodes.camra.rate=1", 7, "the graph has no node 'camra'.", "Did you mean 'camera'?"),
        ("nodes.camera.rat=1", 14, "node 'camera': 'rat' is not a key of a node.", "Did you mean 'rate'?"),
        ("nodes.camera.rate=fast", 19, "node 'camera': rate is 'fast', which is not a rate.", "30Hz"),
        ("nodes.camera.rate", 18, "'nodes.camera.rate' sets nothing: there is no '='.", "nodes.NAME.rate=10"),
        ("nodes.camera.rate.x=1", 19, "'nodes.camera.rate' is one value: there is no 'x' in it.", "nodes.NAME"),
        ("nodes.camera.pubs.3=x", 19, "'3' is no item of this list.", "It has 1 items"),
        ("=1", 1, "a name is expected here, not '='.", "nodes.NAME"),
        ("nodes..rate=1", 7, "a name is expected here, not '.'.", "nodes.NAME"),
        ('nodes."my.node"x=1', 16, "a name is expected here, not 'x'.", "nodes.NAME"),
        (
            "nodes.camera.params=[1",
            23,
            "the '[' of column 21 is not closed, or a ',' is missing before this.",
            "close with ']'",
        ),
        ("nodes.camera.params.a=@x", 23, "a value cannot start with '@'.", "Quote it"),
        ("nodes.camera.params.a=\x1b[31m", 23, "the value has a character in it that YAML does not allow.", ""),
        ("node.camera.rate=1", 1, "'node' is not a key of a graph.", "Did you mean 'nodes'?"),
        (
            "nodes.camera.run=nodes.py:camra",
            18,
            "node 'camera': nodes.py defines no 'camra'.",
            "Did you mean 'camera'?",
        ),
    ],
)
def test_what_is_wrong_with_one_is_marked_in_it(load, argument: str, column: int, message: str, hint: str) -> None:
    with pytest.raises(GraphError) as caught:
        load(GRAPH, argument)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line, problem.column, problem.message) == ("--set", 0, column, message)
    assert hint in problem.hint
    where, excerpt, carets, *_ = str(problem).splitlines()
    assert where == f"--set: {message}"
    assert carets.index("^") - 4 == column - 1
    assert "\x1b" not in excerpt


def test_all_at_once_with_those_of_the_file(problems) -> None:
    found = problems(
        GRAPH.replace("rate: 30", "rat: 30"), "nodes.x.rate=1", "nodes.camera.compute=yes", "nodes.my.node=1"
    )
    assert len(found) == 4
    assert found[0].startswith("5:5 node 'camera': 'rat'")
