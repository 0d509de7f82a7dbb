from __future__ import annotations

import pytest

TWO = """
nodes:
  a: {{run: nodes.py:camera, pubs: [x]{a}}}
  b: {{run: nodes.py:sink, subs: [x]{b}}}
"""


def warned(load, text: str, *overrides: str) -> list[str]:
    _, warnings = load(text, *overrides)
    assert all(w.severity == "warning" and ": warning: " in str(w) and w.hint for w in warnings)
    return [f"{w.line}:{w.column} {w.message}" for w in warnings]


def test_nothing_is_odd_about_a_plain_graph(load) -> None:
    assert warned(load, TWO.format(a="", b="")) == []


def test_a_topic_nobody_reads(load) -> None:
    text = "nodes:\n  a: {run: nodes.py:camera, pubs: [x, y]}\n  b: {run: nodes.py:sink, subs: [x]}\n"
    assert warned(load, text) == ["2:39 node 'a' publishes 'y', which nobody reads."]
    assert warned(load, "topics: {y: {external: true}}\n" + text) == []


def test_a_budget_longer_than_the_period(load) -> None:
    (found,) = warned(load, TWO.format(a=", rate: 30, budget: 50ms", b=""))
    assert "budget of 50ms, longer than its period of 33.33ms (rate 30)" in found
    for fine in ("on_miss: skip, budget: 50ms", "on_miss: stop, budget: 50ms", "budget: 30ms"):
        assert warned(load, TWO.format(a=f", rate: 30, {fine}", b="")) == []
    assert warned(load, TWO.format(a="", b=", on: x, budget: 5s")) == [], "no rate, no period"


def test_on_miss_with_nothing_to_miss(load) -> None:
    (found,) = warned(load, TWO.format(a="", b=", on: x, on_miss: skip"))
    assert "nothing to miss" in found
    assert warned(load, TWO.format(a="", b=", on: x, on_miss: skip, rate: 5")) == []


def test_a_policy_that_never_restarts_with_limits(load) -> None:
    (found,) = warned(load, TWO.format(a="", b=", restart: {policy: never, backoff: 1s}"))
    assert "'backoff' has no meaning" in found


def test_a_description_of_a_topic_that_is_not_used(load) -> None:
    (found,) = warned(load, "topics: {zzz: {capacity: 3}}\n" + TWO.format(a="", b=""))
    assert found == "1:10 0".replace(" 0", " topic 'zzz' is described here, but no node uses it.")


def test_a_topic_from_outside_needs_no_publisher(load) -> None:
    plan, warnings = load("topics: {x: {external: true}}\nnodes: {b: {run: nodes.py:sink, subs: [x], on: x}}")
    assert warnings == ()
    assert plan.topics["x"].external and plan.topics["x"].publishers == ()


CYCLE = """
nodes:
  a: {{run: 'nodes.py:{a}', subs: [y], pubs: [x], on: y{more}}}
  b: {{run: 'nodes.py:sink', subs: [x], pubs: [y], on: x}}
"""


def test_a_circle_of_nodes_that_wait_for_each_other(problems, load) -> None:
    (found,) = problems(CYCLE.format(a="camera", more=""))
    assert "'a' waits for 'y' from 'b', 'b' waits for 'x' from 'a': none of them can ever start." in found
    (found,) = problems(CYCLE.format(a="Plain", more=", rate: 5"))
    assert "none of them" in found, "with 'on', a rate is a maximum and starts nothing"


def test_a_circle_that_an_init_may_start_is_only_odd(load) -> None:
    (found,) = warned(load, CYCLE.format(a="Starter", more=""))
    assert "only if one of them sends from its init" in found


def test_a_circle_with_a_clock_in_it_or_fed_from_outside_starts(load) -> None:
    assert warned(load, CYCLE.format(a="camera", more="").replace("on: y", "order: 1")) == []
    assert warned(load, "topics: {y: {external: true}}" + CYCLE.format(a="camera", more="")) == []
    fed = CYCLE.format(a="camera", more="") + "  c: {run: 'nodes.py:camera', pubs: [y]}\n"
    assert warned(load, fed) == []


def test_a_node_that_waits_for_itself(problems) -> None:
    (found,) = problems("nodes: {a: {run: nodes.py:sink, subs: [x], pubs: [x], on: x}}")
    assert "'a' waits for 'x' from 'a'" in found


def test_two_circles_are_two_mistakes(problems) -> None:
    second = CYCLE.format(a="camera", more="").replace("nodes:\n", "").replace("a:", "c:").replace("b:", "d:")
    second = second.replace("[y]", "[z]").replace("[x]", "[w]").replace("on: y", "on: z").replace("on: x", "on: w")
    assert len(problems(CYCLE.format(a="camera", more="") + second.lstrip("\n"))) == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        # what a mistake hides is not reported as a mistake of its own
        ("nodes:\n  a: {run: nodes.py:camera, pubs: camera.rgb}\n  b: {run: nodes.py:sink, subs: [lidar]}\n", 1),
        ("nodes:\n  a: {run: nodes.py:camera, outputs: [x]}\n  b: {run: nodes.py:sink, subs: [x]}\n", 1),
        ("nodes:\n  a: 5\n  b: {run: nodes.py:sink, subs: [x]}\n", 1),
        ("nodes:\n  a: {run: 5, pubs: [x]}\n  b: {run: nodes.py:sink, subs: [x]}\n", 1),
        ("nodes:\n  a b: {run: nodes.py:camera, pubs: [x]}\n  b: {run: nodes.py:sink, subs: [x]}\n", 1),
        ("nodes:\n  a: {run: nodes.py:camera, pubs: ['${UNSET}']}\n  b: {run: nodes.py:sink, subs: [x]}\n", 1),
        ("nodes:\n  b: {run: nodes.py:sink, subs: 5, on: x}\n", 1),
        # and what it does not hide is
        ("nodes:\n  a: {run: nodes.py:camera, pubs: [x y, rgb]}\n  b: {run: nodes.py:sink, subs: [rbg, zzz]}\n", 2),
    ],
)
def test_one_mistake_is_one_problem(problems, text: str, count: int) -> None:
    assert len(problems(text)) == count


def test_problems_come_in_the_order_of_the_file(problems) -> None:
    found = problems("nodes:\n  b: {run: nope.py:f, rat: 1}\n  a:\n    budget: 5\n    subs: [zzz]\ntick_rate: x\n")
    places = [tuple(map(int, line.split()[0].split(":"))) for line in found]
    assert places == sorted(places) and len(places) == 6
