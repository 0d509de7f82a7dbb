"""All nodes in this process and thread: order, ends, causes. Each run ends by what its nodes count, not by time."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest

from horus_runner.graph.plan import GraphPlan, NodePlan, TopicPlan
from horus_runner.metrics.snapshot import NodeSnapshot
from horus_runner.node.api import Node, topic_plans
from horus_runner.node.inline import InlineEnd, run_inline
from horus_runner.transport.participant import Participant

AT_MOST_S = 30.0


def nothing(node: Any) -> None:
    """A tick."""


def stop(node: Any) -> None:
    node.request_stop()


def run(*nodes: Node, duration_s: float | None = AT_MOST_S, **log: Any) -> InlineEnd:
    plan = GraphPlan("unit", tuple(node.plan(200.0) for node in nodes), topic_plans(nodes))
    return run_inline(plan, nodes, duration_s, log.get("log", lambda node, level, text: None))


def of(end: InlineEnd, name: str) -> NodeSnapshot:
    return next(node for node in end.snapshot.nodes if node.name == name)


def test_releases_of_one_moment_run_by_order_and_then_as_they_stand() -> None:
    seen: list[str] = []

    def note(node: Any) -> None:
        seen.append(node.name)
        if len(seen) >= 12:
            node.request_stop()

    run(*[Node(name, note, order=order) for name, order in [("c", 1), ("b", 0), ("d", 1), ("a", -3)]])
    assert seen[:12] == ["a", "b", "c", "d"] * 3


def test_messages_go_through_and_an_event_driven_node_ticks_once_a_message() -> None:
    got: list[int] = []

    def talk(node: Any) -> None:
        node.sent = getattr(node, "sent", 0) + 1
        node.send("t", node.sent)

    def listen(node: Any) -> None:
        got.append(node.recv("t"))
        if len(got) == 20:
            node.request_stop()

    end = run(Node("talk", talk, pubs="t"), Node("listen", listen, subs="t", on="t"))
    assert got == list(range(1, 21))
    assert (end.exit_code, end.cause, of(end, "listen").ticks) == (0, None, 20)
    (topic,) = end.snapshot.topics
    (edge,) = topic.edges
    assert (topic.published, edge.delivered, edge.lost, edge.balanced) == (20, 20, 0, True)


def test_an_event_driven_node_that_does_not_read_ticks_once_a_message_too() -> None:
    def talk(node: Any) -> None:
        node.send("t", 1)

    def watch(node: Any) -> None:
        node.seen = getattr(node, "seen", 0) + 1
        if node.seen == 10:
            node.request_stop()

    end = run(Node("talk", talk, pubs="t"), Node("watch", watch, subs="t", on="t"))
    assert of(end, "watch").ticks == of(end, "talk").ticks == 10


def test_it_ends_in_time_even_when_its_nodes_are_always_behind() -> None:
    def slow(node: Any) -> None:
        threading.Event().wait(0.005)

    end = run(Node("slow", slow, rate=10_000), duration_s=0.1)
    assert (end.exit_code, end.cause) == (0, None)
    assert of(end, "slow").misses > 0


def test_sigterm_ends_it_even_when_its_nodes_are_always_behind() -> None:
    closed: list[str] = []

    def slow(node: Any) -> None:
        threading.Event().wait(0.005)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    end = run(Node("slow", slow, rate=10_000, shutdown=lambda node: closed.append(node.name)))
    assert (end.exit_code, end.cause, closed) == (143, "ended by SIGTERM", ["slow"])
    assert signal.getsignal(signal.SIGTERM) is before


def test_ctrl_c_runs_every_shutdown_hook_and_comes_through() -> None:
    closed: list[str] = []

    def interrupt(node: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    def close(node: Any) -> None:
        closed.append(node.name)

    with pytest.raises(KeyboardInterrupt):
        run(Node("a", nothing, shutdown=close), Node("b", interrupt, shutdown=close))
    assert closed == ["a", "b"]


def raiser(node: Any) -> None:
    raise ValueError("broken")


@pytest.mark.parametrize(
    "hooks, where", [({"tick": raiser}, "tick"), ({"init": raiser}, "init"), ({"tick": stop, "shutdown": raiser}, "s")]
)
def test_a_failure_ends_the_run_with_1_and_names_its_cause(hooks: dict[str, Any], where: str) -> None:
    lines: list[tuple[str, str, str]] = []
    end = run(Node("bad", **{"tick": nothing, **hooks}), Node("good", nothing), log=lambda *line: lines.append(line))
    assert (end.exit_code, end.node) == (1, "bad")
    assert end.cause is not None and end.cause.startswith(f"failed in {where}")
    assert end.cause.endswith("ValueError: broken")
    assert (of(end, "bad").state, of(end, "good").state) == ("failed", "ended" if where != "init" else "starting")
    assert any(node == "bad" and "raise ValueError" in text for node, _, text in lines)


def test_a_node_that_is_not_critical_fails_alone() -> None:
    def last(node: Any) -> None:
        node.ticked = getattr(node, "ticked", 0) + 1
        if node.ticked == 5:
            node.request_stop()

    end = run(Node("bad", raiser, critical=False), Node("worse", nothing, init=raiser, critical=False), Node("n", last))
    assert (end.exit_code, end.cause) == (0, None)
    assert [node.state for node in end.snapshot.nodes] == ["failed", "failed", "ended"]
    assert [node.ticks for node in end.snapshot.nodes] == [1, 0, 5]


def test_it_ends_when_no_node_is_left() -> None:
    def leave(node: Any) -> None:
        raise SystemExit

    end = run(Node("a", leave), Node("b", leave), duration_s=None)
    assert (end.exit_code, [node.state for node in end.snapshot.nodes]) == (0, ["ended", "ended"])


def test_stop_by_policy_is_3_and_does_not_give_way_to_a_wish_to_stop() -> None:
    def slow(node: Any) -> None:
        node.request_stop()
        threading.Event().wait(0.01)

    end = run(Node("slow", slow, deadline=0.001, on_miss="stop"))
    assert (end.exit_code, end.node) == (3, "slow")
    assert end.cause is not None and end.cause.endswith("of a deadline of 1.0 ms")


def test_what_cannot_be_loaded_is_a_failure() -> None:
    plan = GraphPlan("unit", (NodePlan("n", run="does_not_exist_anywhere:tick"),), {})
    end = run_inline(plan, [None], AT_MOST_S, lambda node, level, text: None)
    assert (end.exit_code, end.node) == (1, "n")
    assert end.cause is not None and end.cause.startswith("failed in load: ModuleNotFoundError")
    assert [node.state for node in end.snapshot.nodes] == ["failed"]


def test_cpu_time_goes_to_the_node_that_used_it() -> None:
    def work(node: Any) -> None:
        sum(range(200_000))
        node.done = getattr(node, "done", 0) + 1
        if node.done == 20:
            node.request_stop()

    end = run(Node("idle", nothing), Node("work", work))
    assert of(end, "work").cpu_percent > of(end, "idle").cpu_percent
    assert of(end, "work").rss_bytes > 0


def test_a_script_meets_others_in_the_default_namespace(outside: Participant) -> None:
    receiver = outside.receiver(TopicPlan("hello"), "outside", outside.namespace, None)
    got: list[Any] = []

    def talk(node: Any) -> None:
        node.send("hello", 1)
        got.append(receiver.recv())
        node.request_stop()

    assert run(Node("talk", talk, pubs="hello")).exit_code == 0
    receiver.close()
    assert got == [1]


def test_an_external_topic_wakes_its_event_driven_node(outside: Participant) -> None:
    """The graph of a file lives in a namespace of its own, its external topics in the default one."""
    topic = TopicPlan("rgb", external=True, subscribers=("listen",))
    sender = outside.publisher(topic, "outside", outside.namespace, None)
    got: list[Any] = []

    def listen(node: Any) -> None:
        got.append(node.recv("rgb"))
        node.request_stop()

    plan = NodePlan("listen", run="x.py:listen", subs=("rgb",), on="rgb", rate_hz=None)
    later = threading.Timer(0.2, lambda: sender.send({"n": 7}))
    node = Node("listen", listen, init=lambda node: later.start())
    end = run_inline(GraphPlan("unit", (plan,), {"rgb": topic}), [node], AT_MOST_S)
    later.join()
    assert (end.exit_code, got) == (0, [{"n": 7}])


def test_it_runs_outside_of_the_main_thread() -> None:
    ends: list[InlineEnd] = []
    thread = threading.Thread(target=lambda: ends.append(run(Node("n", stop))))
    thread.start()
    thread.join(AT_MOST_S)
    assert [end.exit_code for end in ends] == [0]


def test_a_node_can_run_again() -> None:
    node = Node("n", lambda node: (node.send("t", 1), node.request_stop()), pubs="t")
    for _ in range(2):
        assert run(node).snapshot.topics[0].published == 1
