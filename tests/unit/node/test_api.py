"""What `Node` refuses, and with which words; what it makes of the rest."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest

import horus
from horus_runner.errors import UsageError
from horus_runner.graph.plan import NodePlan, RestartPlan
from horus_runner.node.api import Node, Params, topic_plans


def tick(node: Any) -> None:
    """A tick function."""


@pytest.mark.parametrize(
    "given, error, says",
    [
        ({"name": "a b"}, ValueError, "'a b' cannot name a node: letters, digits and _ . - are allowed"),
        ({"name": ""}, ValueError, "'' cannot name a node"),
        ({"name": 3}, ValueError, "3 cannot name a node"),
        ({"tick": None}, UsageError, "node 'n' has no tick: pass tick=function, or override tick(self)"),
        ({"tick": "f"}, TypeError, "node 'n': tick= takes a function, not str"),
        ({"tick": lambda: None}, TypeError, "node 'n': tick is called as tick(node): too many positional arguments"),
        ({"tick": lambda node, dt: None}, TypeError, "tick is called as tick(node): missing a required argument: 'dt'"),
        ({"init": lambda: None}, TypeError, "init is called as init(node): too many"),
        ({"shutdown": 1}, TypeError, "shutdown= takes a function, not int"),
        ({"on_error": lambda node: None}, TypeError, "on_error is called as on_error(node, error): too many"),
        ({"rate": 0}, ValueError, "node 'n': rate is 0; it must be above 0 Hz"),
        ({"rate": -5.0}, ValueError, "rate is -5.0; it must be above 0 Hz"),
        ({"rate": float("nan")}, ValueError, "rate is nan; it must be above 0 Hz"),
        ({"rate": float("inf")}, ValueError, "rate is inf"),
        ({"rate": "30"}, TypeError, "rate is a number (Hz), not str"),
        ({"rate": True}, TypeError, "rate is a number (Hz), not bool"),
        ({"budget": 0}, ValueError, "budget is 0; it must be above 0 seconds"),
        ({"budget": 300}, ValueError, "budget=300 means 300 seconds, more than the 60 allowed. Did you mean 300 * ho"),
        ({"deadline": "5ms"}, TypeError, "deadline is a number (seconds), not str"),
        ({"deadline": 5000}, ValueError, "Did you mean 5000 * horus.ms?"),
        ({"order": 1.5}, TypeError, "order is a whole number, not float"),
        ({"on_miss": "skp"}, ValueError, "on_miss='skp' is none of warn, skip, safe_mode, stop. Did you mean 'skip'?"),
        ({"on_miss": ""}, ValueError, "on_miss='' is none of"),
        ({"failure_policy": "fatel"}, ValueError, "Did you mean 'fatal'?"),
        ({"restart": "on_failure"}, ValueError, "Did you mean 'on-failure'?"),
        (
            {"failure_policy": "restart", "restart": "never"},
            UsageError,
            "says what restart and critical say",
        ),
        (
            {"failure_policy": "fatal", "critical": False},
            UsageError,
            "says what restart and critical say",
        ),
        ({"compute": "yes"}, TypeError, "compute is True or False, not 'yes'"),
        ({"critical": 0}, TypeError, "critical is True or False, not 0"),
        ({"threads": 0}, ValueError, "threads is 0; it must be at least 1"),
        ({"default_capacity": 0}, ValueError, "default_capacity is 0; it must be at least 1"),
        ({"default_capacity": 1 << 21}, ValueError, "it must be at most 1,048,576"),
        ({"env": ["A=1"]}, TypeError, "env is a dict from names to values, not ['A=1']"),
        ({"params": [1]}, TypeError, "params is a dict from names to values, not [1]"),
        ({"params": {1: 2}}, TypeError, "params is a dict from names to values"),
        ({"subs": "a b"}, ValueError, "node 'n': subs: 'a b' cannot name a topic"),
        ({"subs": 5}, UsageError, "subs: a topic's name, a list of names or message types, or a dict is expected, n"),
        ({"subs": ["a", "a"]}, UsageError, "subs: topic 'a' stands there twice"),
        ({"pubs": [5]}, UsageError, "pubs: a topic's name or a message type is expected, not 5"),
        ({"pubs": {"a": "CmdVell"}}, UsageError, "pubs: there is no message type 'CmdVell'. Did you mean 'CmdVel'?"),
        ({"pubs": {"a": Node}}, UsageError, "pubs: Node is not a message type. Decorate the class with @horus.message"),
        ({"pubs": {"a": {"typ": "Image"}}}, UsageError, "'a': 'typ' is neither type nor capacity"),
        ({"pubs": {"a": {"capacity": 0}}}, UsageError, "'a': capacity is a number of messages from 1 to 1,048,576, n"),
        ({"pubs": {"a": {"capacity": "4"}}}, UsageError, "'a': capacity is a number of messages"),
        ({"pubs": {3: "Image"}}, UsageError, "pubs: a topic's name is expected, not 3"),
        (
            {"on": "camera", "subs": ["camera.rgb"]},
            UsageError,
            "on='camera' is not among its subs. Did you mean",
        ),
        ({"on": "camera"}, UsageError, "on='camera' is not among its subs. Add it to subs=[...]."),
        ({"on": horus.Image}, TypeError, "on= takes a topic's name, not type"),
        ({"budgt": 1}, TypeError, "Node() has no parameter 'budgt'. Did you mean 'budget'?"),
        ({"sub": "a"}, TypeError, "Node() has no parameter 'sub'. Did you mean 'subs'?"),
    ],
)
def test_what_is_wrong_is_refused_in_the_constructor(given: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        Node(**{"name": "n", "tick": tick, **given})


def test_a_node_with_everything_makes_the_plan_that_it_says() -> None:
    node = Node(
        "detect",
        tick,
        rate=15,
        pubs={"boxes": {"type": horus.Detection, "capacity": 8}},
        subs=["camera.rgb", horus.CmdVel],
        order=-2,
        budget=50 * horus.ms,
        deadline=300 * horus.us,
        on_miss="skip",
        failure_policy="ignore",
        compute=True,
        on="camera.rgb",
        threads=2,
        env={"LEVEL": 3},
    )
    assert node.plan(100.0) == NodePlan(
        name="detect",
        subs=("camera.rgb",),
        pubs=("boxes",),
        open_subs=("CmdVel",),
        rate_hz=15.0,
        on="camera.rgb",
        budget_ns=50_000_000,
        deadline_ns=300_000,
        on_miss="skip",
        on_exception="ignore",
        compute=True,
        order=-2,
        threads=2,
        env={"LEVEL": "3"},
    )
    assert (node.publishers(), node.subscribers()) == (["boxes"], ["camera.rgb", "CmdVel"])


@pytest.mark.parametrize(
    "policy, on_exception, restart",
    [
        (None, "exit", "never"),
        ("fatal", "exit", "never"),
        ("restart", "exit", "on-failure"),
        ("skip", "skip", "never"),
        ("ignore", "ignore", "never"),
    ],
)
def test_failure_policy_is_a_restart_policy_and_what_an_exception_means(
    policy: str | None, on_exception: str, restart: str
) -> None:
    plan = Node("n", tick, failure_policy=policy).plan(30.0)
    assert (plan.on_exception, plan.restart.policy, plan.critical) == (on_exception, restart, True)


def test_the_rate_that_is_not_given_is_the_graphs_and_none_for_an_event_driven_node() -> None:
    assert Node("n", tick).plan(100.0).rate_hz == 100.0
    assert Node("n", tick, on="t", subs="t").plan(100.0).rate_hz is None
    assert Node("n", tick, on="t", subs="t", rate=5).plan(100.0).rate_hz == 5.0
    assert Node("n", tick, rate=np.int32(20)).plan(100.0).rate_hz == 20.0


def test_a_node_without_a_name_takes_that_of_its_function_or_class() -> None:
    class Camera(Node):
        def tick(self) -> None: ...

    assert Node(tick=tick).name == "tick"
    assert Camera().name == "camera"
    unnamed = [Node(tick=lambda node: None), Node(tick=functools.partial(tick)), Node(tick=functools.partial(tick))]
    assert len({node.name for node in unnamed}) == 3
    assert all(node.name.startswith("node_") for node in unnamed)


def test_a_subclass_overrides_hooks_and_its_signatures_are_checked_too() -> None:
    class Old(Node):
        def tick(self, info: Any = None) -> None: ...

    class Wrong(Node):
        def tick(self, node: Any) -> None:  # type: ignore[override]
            ...

    assert Old(rate=5).plan(30.0).rate_hz == 5.0
    with pytest.raises(TypeError, match=re.escape("node 'wrong': tick is called as tick(): missing a required argum")):
        Wrong()


def test_functions_written_in_c_and_coroutine_functions_are_taken() -> None:
    async def later(node: Any) -> None: ...

    assert Node("n", print).name == "n"
    assert Node("n", later).name == "n"


def test_a_parameter_that_is_not_there_names_the_nearest() -> None:
    params = Params({"min_face": 20})
    assert params["min_face"] == 20
    assert params.get("other", 1) == 1
    with pytest.raises(KeyError, match=r"there is no parameter 'minface'\. Did you mean 'min_face'"):
        params["minface"]


def test_parameters_of_a_script_may_be_objects_that_no_record_carries() -> None:
    class Model: ...

    node = Node("n", tick, params={"model": Model()})
    assert isinstance(node.params["model"], Model)
    assert node.plan(30.0).params == {}


def test_topics_logs_and_stops_are_refused_before_the_node_runs() -> None:
    node = Node("n", tick, pubs="a", subs="b")
    uses = [
        lambda: node.send("a", 1),
        lambda: node.recv("b"),
        lambda: node.latest("b"),
        lambda: node.log_info("hello"),
        node.request_stop,
    ]
    for use in uses:
        with pytest.raises(RuntimeError, match="node 'n' does not run"):
            use()


def test_bind_takes_what_the_graph_file_says() -> None:
    node = Node("own", tick, rate=5, pubs="x", params={"a": 1}, failure_policy="skip")
    plan = NodePlan(
        "given",
        run="file.py:node",
        subs=("in",),
        pubs=("out",),
        params={"b": 2},
        rate_hz=50.0,
        budget_ns=2_000_000,
        on_miss="stop",
        restart=RestartPlan("on-failure"),
    )
    node.bind(plan)
    assert (node.name, node.rate, node.budget, node.on_miss) == ("given", 50.0, 0.002, "stop")
    assert (node.params, node.failure_policy, node.restart) == ({"b": 2}, "restart", "on-failure")
    assert (node.publishers(), node.subscribers()) == (["out"], ["in"])
    assert repr(node) == "<Node 'given' subs=['in'] pubs=['out']>"


def test_topics_of_a_script_know_their_type_their_capacity_and_both_ends() -> None:
    plans = topic_plans(
        [
            Node("a", tick, pubs={"t": horus.CmdVel}, default_capacity=4),
            Node("b", tick, subs={"t": {"capacity": 9}}),
            Node("c", tick, subs=["t", horus.Image]),
        ]
    )
    assert list(plans) == ["t"]
    assert (plans["t"].type, plans["t"].capacity) == ("CmdVel", 9)
    assert (plans["t"].publishers, plans["t"].subscribers) == (("a",), ("b", "c"))


@pytest.mark.parametrize(
    "other, says",
    [
        ({"subs": {"Pose": "Pose2D"}}, "topics 'pose' and 'Pose' differ by case only"),
        ({"subs": {"pose": "Imu"}}, "topic 'pose' is Pose2D to one node and Imu to 'b'"),
    ],
)
def test_topics_of_a_script_that_cannot_meet_are_refused(other: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        topic_plans([Node("a", tick, pubs={"pose": horus.Pose2D}), Node("b", tick, **other)])
