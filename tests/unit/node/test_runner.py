"""One node run by hand: releases lie in the past or in the future as each test needs, nothing waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from horus_runner._core.clock import monotonic_ns
from horus_runner._core.receiver import MESSAGE, TIMEOUT, wait
from horus_runner.node.api import Node
from horus_runner.node.policy import SAFE_STATE_TICKS
from horus_runner.node.runner import LONELY_NS

from .conftest import Stage

S = 1_000_000_000
FUTURE = 1_000 * S


def nothing(node: Any) -> None:
    """A tick."""


def fail(node: Any) -> None:
    raise ValueError("broken sensor")


def late() -> int:
    """A release that a tick with a deadline of less than a second misses."""
    return monotonic_ns() - S


def test_init_ticks_and_shutdown_run_in_order_and_the_topics_are_gone_afterwards(stage: Stage) -> None:
    seen: list[str] = []
    hooks = {hook: lambda node, hook=hook: seen.append(hook) for hook in ("init", "tick", "shutdown")}
    node = Node("n", pubs="t", **hooks)  # type: ignore[arg-type]
    runner = stage.runner(node)
    assert stage.counts()["state"] == "running"
    for _ in range(3):
        runner.tick(runner.due_ns())
    runner.close()
    assert seen == ["init", "tick", "tick", "tick", "shutdown"]
    assert (stage.counts()["ticks"], stage.counts()["state"], runner.exit_code) == (3, "stopping", 0)
    with pytest.raises(RuntimeError, match="does not run"):
        node.send("t", 1)


def test_a_failing_init_is_told_and_ends_the_node_with_1(stage: Stage) -> None:
    runner = stage.runner(Node("n", nothing, init=fail))
    assert stage.told.events == [("failed", "init", "ValueError: broken sensor")]
    assert (runner.stopping, runner.exit_code) == (True, 1)


def test_the_first_failure_is_told_first_and_the_shutdown_hook_still_runs(stage: Stage) -> None:
    stage.runner(Node("n", nothing, init=fail, shutdown=fail)).close()
    assert [event[:2] for event in stage.told.events] == [("failed", "init"), ("failed", "shutdown")]


def test_an_exception_in_a_tick_calls_on_error_and_ends_the_node(stage: Stage) -> None:
    errors: list[BaseException] = []
    runner = stage.runner(Node("n", fail, on_error=lambda node, error: errors.append(error)))
    runner.tick(runner.due_ns())
    assert [str(error) for error in errors] == ["broken sensor"]
    assert stage.told.events[1:] == [("failed", "tick", "ValueError: broken sensor")]
    assert (runner.stopping, runner.exit_code) == (True, 1)
    assert (stage.counts()["ticks"], stage.counts()["errors"]) == (1, 1)


def test_an_on_error_that_fails_does_not_hide_the_first_error(stage: Stage) -> None:
    def worse(node: Any, error: BaseException) -> None:
        raise KeyError("worse")

    runner = stage.runner(Node("n", fail, on_error=worse))
    runner.tick(runner.due_ns())
    assert stage.told.events[1:] == [
        ("error", "on_error itself raised KeyError: 'worse'"),
        ("failed", "tick", "ValueError: broken sensor"),
    ]


@pytest.mark.parametrize("policy", ["skip", "ignore"])
def test_a_tick_that_is_given_up_is_counted_and_logged_at_a_bounded_rate(stage: Stage, policy: str) -> None:
    runner = stage.runner(Node("n", fail, rate=0.01, failure_policy=policy))
    for _ in range(20):
        runner.tick(runner.due_ns())
    assert not runner.stopping
    assert stage.counts()["errors"] == 20
    lines = [event for event in stage.told.events if event[0] == "warning"]
    assert "a tick raised ValueError: broken sensor" in lines[0][1]
    assert "test_runner.py" in lines[0][1]
    assert len(lines) < 20


def test_sys_exit_with_0_ends_the_node_and_with_anything_else_fails_it(stage: Stage) -> None:
    def leave(node: Any) -> None:
        raise SystemExit(node.params.get("code"))

    good, bad = stage.runner(Node("good", leave)), stage.runner(Node("bad", leave, params={"code": "no camera"}))
    for runner in (good, bad):
        runner.tick(runner.due_ns())
    assert (good.stopping, good.exit_code) == (True, 0)
    assert (bad.stopping, bad.exit_code) == (True, 1)
    assert stage.told.events[2:] == [("failed", "tick", "SystemExit: no camera")]


def test_warn_logs_the_first_miss_and_counts_all(stage: Stage) -> None:
    runner = stage.runner(Node("n", nothing, rate=100))
    for _ in range(5):
        runner.tick(late())
    assert stage.counts()["misses"] == 5
    lines = [event[1] for event in stage.told.events if event[0] == "warning"]
    assert lines[0].endswith(" ms of a deadline of 10.0 ms")
    assert len(lines) < 5
    assert not runner.stopping


def test_a_budget_overrun_counts_apart_from_a_deadline_miss(stage: Stage) -> None:
    def work(node: Any) -> None:
        until = monotonic_ns() + 2_000_000
        while monotonic_ns() < until:
            pass

    runner = stage.runner(Node("n", work, rate=0.1, budget=0.001))
    runner.tick(monotonic_ns())
    assert (stage.counts()["overruns"], stage.counts()["misses"]) == (1, 0)
    assert stage.counts()["causes"]["execution"] == 1
    assert stage.told.events[-1][1].endswith(" ms of a budget of 1.0 ms")


def test_stop_stops_the_graph_with_3_and_says_why(stage: Stage) -> None:
    runner = stage.runner(Node("n", nothing, rate=100, on_miss="stop"))
    runner.tick(late())
    assert (runner.stopping, runner.exit_code) == (True, 3)
    kind, why, text = stage.told.events[-1]
    assert (kind, why) == ("stop", "policy")
    assert text.endswith(" ms of a deadline of 10.0 ms")


def test_a_failure_in_a_late_tick_is_the_cause_and_not_the_miss(stage: Stage) -> None:
    runner = stage.runner(Node("n", fail, rate=100, on_miss="stop"))
    runner.tick(late())
    assert runner.exit_code == 1
    assert stage.told.kinds() == ["ready", "failed"]


def test_a_failing_shutdown_does_not_hide_the_stop(stage: Stage) -> None:
    runner = stage.runner(Node("n", nothing, rate=100, on_miss="stop", shutdown=fail))
    runner.tick(late())
    runner.close()
    assert runner.exit_code == 3


def test_safe_mode_calls_its_hook_once_and_comes_back(stage: Stage) -> None:
    calls: list[str] = []

    class Arm(Node):
        def tick(self) -> None: ...

        def enter_safe_state(self) -> None:
            calls.append("safe")

    runner = stage.runner(Arm("arm", rate=1, deadline=0.5, on_miss="safe_mode"), monotonic_ns() + FUTURE)
    runner.tick(late())
    runner.tick(late())
    assert (calls, stage.counts()["state"]) == (["safe"], "safe")
    for _ in range(SAFE_STATE_TICKS):
        runner.tick(monotonic_ns())
    assert (calls, stage.counts()["state"]) == (["safe"], "running")
    assert stage.told.kinds() == ["ready", "warning", "info"]


def test_a_safe_state_hook_that_fails_ends_the_node(stage: Stage) -> None:
    class Arm(Node):
        def tick(self) -> None: ...

        def enter_safe_state(self) -> None:
            raise OSError("no brake")

    runner = stage.runner(Arm("arm", rate=100, on_miss="safe_mode"))
    runner.tick(late())
    assert stage.told.events[-1] == ("failed", "enter_safe_state", "OSError: no brake")
    assert (runner.stopping, runner.exit_code) == (True, 1)


def test_skip_runs_the_newest_release_and_counts_the_others_as_skipped(stage: Stage) -> None:
    t0 = monotonic_ns() - 10 * S
    runner = stage.runner(Node("n", nothing, rate=1, on_miss="skip"), t0)
    runner.tick(runner.due_ns())
    counts = stage.counts()
    passed = (monotonic_ns() - t0) // S + 1
    assert counts["ticks"] == 1
    assert passed - 1 <= counts["ticks"] + counts["skipped"] <= passed
    assert (runner.due_ns() - t0) % S == 0
    assert runner.due_ns() > monotonic_ns() - S


def test_warn_runs_every_release_that_passed(stage: Stage) -> None:
    t0 = monotonic_ns() - 10 * S
    runner = stage.runner(Node("n", nothing, rate=1), t0)
    due = []
    for _ in range(4):
        due.append(runner.due_ns() - t0)
        runner.tick(runner.due_ns())
    assert due == [0, S, 2 * S, 3 * S]
    assert (stage.counts()["ticks"], stage.counts()["skipped"]) == (4, 0)


def test_a_restarted_node_resumes_the_grid(stage: Stage) -> None:
    t0 = monotonic_ns() - 10 * S - S // 2
    runner = stage.runner(Node("n", nothing, rate=1), start=False)
    runner.start(t0, resumed=True)
    assert (runner.due_ns() - t0) % S == 0
    assert runner.due_ns() > t0 + 10 * S
    assert stage.counts()["skipped"] == 0


def test_request_stop_is_told_once(stage: Stage) -> None:
    def stop(node: Any) -> None:
        node.request_stop()
        node.request_stop()

    runner = stage.runner(Node("n", stop))
    runner.tick(runner.due_ns())
    assert stage.told.events[1:] == [("stop", "request", "node 'n' asked for it")]
    assert (runner.stopping, runner.exit_code) == (True, 0)


def test_log_lines_carry_their_level(stage: Stage) -> None:
    def talk(node: Any) -> None:
        for level in ("debug", "info", "warning", "error"):
            getattr(node, f"log_{level}")(level)

    runner = stage.runner(Node("n", talk))
    runner.tick(runner.due_ns())
    assert stage.told.events[1:5] == [(level, level) for level in ("debug", "info", "warning", "error")]


def test_an_event_driven_node_is_due_when_its_message_was_sent(stage: Stage) -> None:
    got: list[Any] = []
    reader = stage.runner(Node("reader", lambda node: got.append(node.recv("t")), subs="t", on="t"))
    source = Node("source", nothing, pubs="t")
    stage.runner(source)
    assert reader.trigger is not None and not reader.trigger.has_news()
    before = monotonic_ns()
    source.send("t", 1)
    assert before <= reader.due_ns() <= monotonic_ns()
    reader.tick(reader.due_ns())
    assert (got, reader.trigger.has_news()) == ([1], False)


def test_an_event_driven_node_with_a_rate_waits_out_its_period(stage: Stage) -> None:
    reader = stage.runner(Node("reader", lambda node: node.recv("t"), subs="t", on="t", rate=0.1))
    source = Node("source", nothing, pubs="t")
    stage.runner(source)
    source.send("t", 1)
    first = reader.due_ns()
    reader.tick(first)
    source.send("t", 2)
    assert reader.due_ns() == first + 10 * S


def test_a_message_left_unread_wakes_once_and_the_next_one_again(stage: Stage) -> None:
    reader = stage.runner(Node("reader", nothing, subs="t", on="t"))
    source = Node("source", nothing, pubs="t")
    stage.runner(source)
    trigger, bell = reader.trigger, stage.participant.doorbell
    assert trigger is not None
    for number in range(3):
        source.send("t", number)
        assert wait(bell, (trigger,), monotonic_ns() + S) == MESSAGE
        reader.tick(reader.due_ns())
        assert wait(bell, (trigger,), monotonic_ns() + 1_000_000) == TIMEOUT
    assert stage.counts()["ticks"] == 3
    assert [reader.node.recv("t") for _ in range(4)] == [0, 1, 2, None]


def test_a_message_that_comes_during_a_tick_that_reads_nothing_wakes_it_again(stage: Stage) -> None:
    source = Node("source", nothing, pubs="t")
    reader = stage.runner(Node("reader", lambda node: source.send("t", "more"), subs="t", on="t"))
    stage.runner(source)
    source.send("t", "first")
    reader.tick(reader.due_ns())
    assert reader.trigger is not None and reader.trigger.has_news()


def test_hooks_may_be_coroutine_functions_of_one_event_loop(stage: Stage) -> None:
    seen: list[Any] = []

    class Async(Node):
        async def init(self) -> None:
            self.loop = asyncio.get_running_loop()
            self.task = asyncio.ensure_future(asyncio.sleep(3600))

        async def tick(self) -> None:
            await asyncio.sleep(0)
            seen.append(asyncio.get_running_loop() is self.loop)
            if len(seen) == 2:
                raise ValueError("later")

        async def on_error(self, error: BaseException) -> None:
            seen.append(str(error))

    node = Async("n", failure_policy="skip")
    runner = stage.runner(node)
    runner.tick(runner.due_ns())
    runner.tick(runner.due_ns())
    runner.close()
    assert seen == [True, True, "later"]
    assert node.task.cancelled() and node.loop.is_closed()
    assert runner.exit_code == 0


def test_a_script_is_told_which_topics_nobody_publishes(stage: Stage) -> None:
    stage.runner(Node("camera", nothing, pubs="camera.rgb"))
    reader = stage.runner(Node("reader", nothing, subs=["camera.rbg", "camera.rgb"], rate=0.001))
    assert reader.look_ns >= monotonic_ns() + LONELY_NS // 2
    reader.look_ns = monotonic_ns()
    reader.tick(reader.due_ns())
    reader.tick(reader.due_ns())
    lines = [event for event in stage.told.events if event[0] == "warning"]
    assert lines == [("warning", "nobody publishes 'camera.rbg' 2 s after the start. Did you mean 'camera.rgb'?")]
    assert reader.look_ns == -1


def test_a_node_of_a_graph_file_does_not_look(stage: Stage) -> None:
    runner = stage.runner(Node("reader", nothing, subs=["external"]), run="file.py:tick")
    assert runner.look_ns == -1


def test_a_tick_that_hangs_is_a_miss_while_it_does_and_when_its_process_is_gone(stage: Stage) -> None:
    runner = stage.runner(Node("n", nothing, rate=100))
    runner.record.begin(late())
    assert stage.counts()["misses"] == 1
    runner.record.add_ended(5_000, 4096)
    counts = stage.counts()
    assert (counts["misses"], counts["tick_started_ns"], counts["ticks"]) == (1, 0, 0)


def test_a_tick_in_which_its_process_died_early_is_no_miss(stage: Stage) -> None:
    runner = stage.runner(Node("n", nothing, rate=0.001))
    runner.record.begin(monotonic_ns())
    runner.record.add_ended(5_000, 4096)
    assert stage.counts()["misses"] == 0
