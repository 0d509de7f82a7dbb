"""What the supervisor's state machine decides: tables of events, each with the instructions that it must lead to."""

from __future__ import annotations

import signal
from collections.abc import Sequence

import pytest

from horus_runner.graph.plan import GraphPlan, NodePlan, RestartPlan
from horus_runner.runtime.events import (
    Born,
    CountRestart,
    Event,
    Exited,
    Failed,
    Finish,
    Go,
    Instruction,
    Lost,
    NodeStops,
    Note,
    Ready,
    RestartAsked,
    Retire,
    ServerFailed,
    SetState,
    SignalGroup,
    Signalled,
    Spawn,
    Started,
    StopAsked,
    TimePassed,
)
from horus_runner.runtime.lifecycle import Lifecycle

MS = 1_000_000
S = 1_000 * MS
RETRY = RestartPlan("on-failure", backoff_ns=100 * MS, max_backoff_ns=250 * MS, max_restarts=3, window_ns=60 * S)


def graph(*nodes: NodePlan) -> GraphPlan:
    return GraphPlan("g", nodes, {})


def play(machine: Lifecycle, *steps: tuple[int, Event]) -> list[Instruction]:
    """Feed events with their times; returns the instructions of the last one."""
    done: list[Instruction] = []
    for now_ns, event in steps:
        done = machine.handle(event, now_ns)
    return done


def running(*nodes: NodePlan, duration_ns: int | None = None) -> Lifecycle:
    """A graph whose nodes all tick since time 0."""
    machine = Lifecycle(graph(*nodes), duration_ns)
    play(machine, (0, Started()))
    for node in nodes:
        play(machine, (0, Born(node.name)), (0, Ready(node.name)))
    return machine


def without_notes(steps: Sequence[Instruction]) -> list[Instruction]:
    return [step for step in steps if not isinstance(step, Note)]


A, B = NodePlan("a"), NodePlan("b")


def test_start_asks_for_every_node_and_lets_them_tick_once_all_are_ready() -> None:
    machine = Lifecycle(graph(A, B))
    started = play(machine, (0, Started()))
    assert started == [SetState("a", "starting"), Spawn("a", 0), SetState("b", "starting"), Spawn("b", 0)]
    assert play(machine, (1, Born("a")), (2, Ready("a")), (3, Born("b"))) == []
    assert play(machine, (4, Ready("b"))) == [Go()]


def test_a_node_out_of_the_run_is_not_waited_for() -> None:
    machine = Lifecycle(graph(NodePlan("a", critical=False), B))
    play(machine, (0, Started()), (1, Born("a")), (2, Born("b")), (3, Ready("b")))
    steps = play(machine, (4, Failed("a", "init", "OSError: no camera")), (5, Exited("a", 1)))
    assert without_notes(steps) == [Retire("a"), SetState("a", "failed"), Go()]


def test_a_slow_init_is_waited_for_ten_seconds() -> None:
    machine = Lifecycle(graph(A, B))
    play(machine, (0, Started()), (0, Born("a")), (0, Ready("a")), (0, Born("b")))
    assert machine.due_ns == 10 * S
    note, go = play(machine, (10 * S, TimePassed()))
    assert go == Go()
    assert note == Note("warning", "starting without 'b', not ready after 10 s")
    assert machine.due_ns is None


def test_the_duration_counts_from_the_first_tick_and_ends_with_0() -> None:
    machine = Lifecycle(graph(A), 2 * S)
    play(machine, (0, Started()), (1 * S, Born("a")), (3 * S, Ready("a")))
    assert machine.due_ns == 5 * S
    assert play(machine, (5 * S, TimePassed())) == [SetState("a", "stopping"), SignalGroup("a", signal.SIGTERM)]
    assert play(machine, (5 * S, Exited("a", 0))) == [Retire("a"), SetState("a", "ended"), Finish(0, None)]


def test_all_nodes_ended_normally_ends_the_graph_with_0() -> None:
    machine = running(A, B)
    assert play(machine, (1, Exited("a", 0))) == [Retire("a"), SetState("a", "ended")]
    assert play(machine, (2, Exited("b", 0))) == [Retire("b"), SetState("b", "ended"), Finish(0, None)]


@pytest.mark.parametrize(
    ("events", "cause"),
    [
        ([Failed("a", "tick", "ValueError: boom"), Exited("a", 1)], "node 'a' failed in tick: ValueError: boom"),
        ([Exited("a", 7)], "node 'a' ended with exit code 7"),
        ([Exited("a", -signal.SIGKILL)], "node 'a' was killed by SIGKILL"),
        ([Exited("a", -signal.SIGSEGV)], "node 'a' was killed by SIGSEGV"),
        ([Failed("a", "shutdown", "OSError: x"), Exited("a", 0)], "node 'a' failed in shutdown: OSError: x"),
    ],
)
def test_a_critical_nodes_failure_stops_the_graph_with_1_and_is_its_cause(events: list[Event], cause: str) -> None:
    machine = running(A, B)
    steps = play(machine, *((1, event) for event in events))
    assert steps == [
        Retire("a"),
        Note("error", cause),
        SetState("a", "failed"),
        SetState("b", "stopping"),
        SignalGroup("b", signal.SIGTERM),
    ]
    assert play(machine, (2, Exited("b", 0)))[-1] == Finish(1, cause)


def test_an_optional_nodes_failure_leaves_the_graph_running() -> None:
    machine = running(NodePlan("a", critical=False), B)
    assert without_notes(play(machine, (1, Exited("a", 1)))) == [Retire("a"), SetState("a", "failed")]
    assert play(machine, (2, Exited("b", 0)))[-1] == Finish(0, None)


def test_the_first_cause_is_named_not_what_it_led_to() -> None:
    machine = running(A, B)
    play(machine, (1, Exited("a", 1)), (2, Failed("b", "shutdown", "OSError: pipe")))
    assert play(machine, (3, Exited("b", 1)))[-1] == Finish(1, "node 'a' ended with exit code 1")


def test_a_failure_while_the_graph_ends_harmlessly_is_not_lost() -> None:
    machine = running(A, duration_ns=1 * S)
    play(machine, (1 * S, TimePassed()), (1 * S, Failed("a", "shutdown", "OSError: disk")))
    assert play(machine, (1 * S, Exited("a", 1)))[-1] == Finish(1, "node 'a' failed in shutdown: OSError: disk")


# -- restarts --------------------------------------------------------------------------------------------------------


def restarted(machine: Lifecycle, at_ns: int) -> int:
    """Let the restart that is due happen; returns when the node ticks again."""
    due = machine.due_ns
    assert due is not None and due >= at_ns
    play(machine, (due, TimePassed()), (due, Born("a")), (due, Ready("a")))
    return due


def test_a_restart_comes_after_its_backoff_with_the_next_incarnation() -> None:
    machine = running(NodePlan("a", restart=RETRY), B)
    steps = play(machine, (5 * MS, Exited("a", 1)))
    assert steps == [
        Retire("a"),
        Note("warning", "node 'a' ended with exit code 1; restart 1 of 3 in 0.1 s"),
        SetState("a", "backoff"),
    ]
    assert machine.due_ns == 105 * MS
    assert play(machine, (104 * MS, TimePassed())) == []
    assert play(machine, (105 * MS, TimePassed())) == [CountRestart("a"), SetState("a", "starting"), Spawn("a", 1)]


def test_the_backoff_doubles_up_to_its_maximum_and_the_node_is_given_up_after_the_last() -> None:
    machine = running(NodePlan("a", restart=RETRY))
    now, delays = 0, []
    for _ in range(RETRY.max_restarts):
        play(machine, (now, Exited("a", 1)))
        delays.append((machine.due_ns or 0) - now)
        now = restarted(machine, now)
    assert delays == [100 * MS, 200 * MS, 250 * MS]
    steps = play(machine, (now, Exited("a", 1)))
    assert steps[-1] == Finish(1, "node 'a' ended with exit code 1; given up after 3 restarts in 60 s")


def test_a_long_success_starts_the_count_afresh() -> None:
    machine = running(NodePlan("a", restart=RETRY))
    play(machine, (0, Exited("a", 1)))
    now = restarted(machine, 0)
    play(machine, (now, Exited("a", 1)))
    now = restarted(machine, now)
    play(machine, (now + RETRY.window_ns, Exited("a", 1)))
    assert machine.due_ns == now + RETRY.window_ns + 100 * MS


def test_restarts_that_are_older_than_the_window_do_not_count() -> None:
    machine = running(NodePlan("a", restart=RETRY))
    now = 0
    for _ in range(6):  # twice as many as allowed at once, each 30 s after the one before
        play(machine, (now, Exited("a", 1)))
        now = restarted(machine, now) + 30 * S
    assert not machine.stopping


@pytest.mark.parametrize(
    ("policy", "status", "again"),
    [
        ("never", 1, False),
        ("never", 0, False),
        ("on-failure", 1, True),
        ("on-failure", 0, False),
        ("on-failure", -signal.SIGKILL, True),
        ("always", 1, True),
        ("always", 0, True),
    ],
)
def test_the_policy_decides_which_ends_are_restarted(policy: str, status: int, again: bool) -> None:
    machine = running(NodePlan("a", restart=RestartPlan(policy)), B)  # type: ignore[arg-type]
    assert (SetState("a", "backoff") in play(machine, (1, Exited("a", status)))) is again


def test_a_request_that_died_with_the_fork_server_is_made_again_and_counts_for_nothing() -> None:
    machine = Lifecycle(graph(A))
    play(machine, (0, Started()))
    assert play(machine, (1, Lost("a"))) == [Spawn("a", 0)]


def test_a_restart_by_command_is_a_stop_and_a_start() -> None:
    machine = running(A, B)
    assert play(machine, (1, RestartAsked("a"))) == [SetState("a", "stopping"), SignalGroup("a", signal.SIGTERM)]
    assert play(machine, (2, RestartAsked("a"))) == []
    assert play(machine, (3, Exited("a", 0))) == [
        Retire("a"),
        CountRestart("a"),
        SetState("a", "starting"),
        Spawn("a", 1),
    ]


def test_a_restart_by_command_kills_a_node_that_hangs() -> None:
    machine = running(A, B)
    play(machine, (0, RestartAsked("a")))
    assert machine.due_ns == 1 * S
    assert play(machine, (1 * S, TimePassed())) == [SignalGroup("a", signal.SIGKILL)]
    assert Spawn("a", 1) in play(machine, (1 * S, Exited("a", -signal.SIGKILL)))


def test_a_restart_by_command_brings_back_a_node_that_ended() -> None:
    machine = running(NodePlan("a", critical=False), B)
    play(machine, (1, Exited("a", 1)))
    assert play(machine, (2, RestartAsked("a"))) == [CountRestart("a"), SetState("a", "starting"), Spawn("a", 1)]


# -- the stop sequence -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "finish"),
    [
        (Signalled(signal.SIGINT), Finish(130, "Ctrl-C")),
        (Signalled(signal.SIGTERM), Finish(143, "SIGTERM")),
        (Signalled(signal.SIGHUP), Finish(129, "SIGHUP")),
        (StopAsked(), Finish(0, "stopped by request")),
        (NodeStops("b", False, ""), Finish(0, "node 'b' asked the graph to stop")),
        (NodeStops("b", True, "took 9 ms of 5 ms"), Finish(3, "node 'b' stopped the graph: took 9 ms of 5 ms")),
    ],
)
def test_every_way_to_stop_has_its_exit_code_and_cause(event: Event, finish: Finish) -> None:
    machine = running(A, B)
    steps = without_notes(play(machine, (1, event)))
    assert steps == [
        SetState("a", "stopping"),
        SignalGroup("a", signal.SIGTERM),
        SetState("b", "stopping"),
        SignalGroup("b", signal.SIGTERM),
    ]
    assert machine.due_ns == 1 * S + 1
    assert play(machine, (2, Exited("a", 0)), (3, Exited("b", 0)))[-1] == finish


def test_exit_code_3_stops_the_graph_even_when_the_message_was_lost() -> None:
    machine = running(A, B)
    play(machine, (1, Exited("a", 3)))
    assert play(machine, (2, Exited("b", 0)))[-1] == Finish(3, "node 'a' stopped the graph")


def test_who_does_not_end_in_time_is_killed_and_named() -> None:
    machine = running(A, B, duration_ns=1 * S)
    play(machine, (1 * S, TimePassed()), (1 * S, Exited("b", 0)))
    assert machine.due_ns == 2 * S
    assert play(machine, (2 * S, TimePassed())) == [SignalGroup("a", signal.SIGKILL)]
    cause = "node 'a' did not stop within 1 s of SIGTERM and was killed"
    assert play(machine, (2 * S, Exited("a", -signal.SIGKILL))) == [
        Retire("a"),
        Note("error", cause),
        SetState("a", "failed"),
        Finish(1, cause),
    ]


def test_a_second_signal_kills_at_once_and_the_first_names_the_exit_code() -> None:
    machine = running(A, B)
    play(machine, (1, Signalled(signal.SIGTERM)), (2, Exited("b", 0)))
    assert without_notes(play(machine, (3, Signalled(signal.SIGINT)))) == [SignalGroup("a", signal.SIGKILL)]
    assert play(machine, (4, Exited("a", -signal.SIGKILL)))[-1] == Finish(143, "SIGTERM")


def test_one_ctrl_c_does_not_cut_a_stop_short_that_began_for_another_reason() -> None:
    machine = running(A, B)
    play(machine, (1, Exited("a", 1)))
    assert play(machine, (2, Signalled(signal.SIGINT))) == []
    assert play(machine, (3, Exited("b", 0)))[-1] == Finish(1, "node 'a' ended with exit code 1")


def test_stop_ends_a_node_in_backoff_without_starting_it_again() -> None:
    machine = running(NodePlan("a", restart=RETRY), B)
    play(machine, (1, Exited("a", 1)))
    assert SetState("a", "ended") in play(machine, (2, StopAsked()))
    play(machine, (3, Exited("b", 0)))
    assert machine.finished
    assert machine.handle(TimePassed(), 10 * S) == []


def test_a_node_that_is_being_born_gets_its_sigterm_when_it_is_there() -> None:
    machine = Lifecycle(graph(A))
    play(machine, (0, Started()), (1, Signalled(signal.SIGINT)))
    assert play(machine, (2, Born("a"))) == [SetState("a", "stopping"), SignalGroup("a", signal.SIGTERM)]


def test_a_birth_that_never_comes_does_not_hold_up_the_end() -> None:
    machine = Lifecycle(graph(A))
    play(machine, (0, Started()), (0, Signalled(signal.SIGINT)))
    assert machine.due_ns == 1 * S
    assert play(machine, (1 * S, TimePassed())) == [SetState("a", "ended"), Finish(130, "Ctrl-C")]


def test_a_request_lost_while_stopping_is_not_made_again() -> None:
    machine = Lifecycle(graph(A))
    play(machine, (0, Started()), (1, StopAsked()))
    assert play(machine, (2, Lost("a"))) == [SetState("a", "ended"), Finish(0, "stopped by request")]


def test_a_signal_before_the_start_ends_everything() -> None:
    machine = Lifecycle(graph(A, B))
    assert play(machine, (0, Signalled(signal.SIGINT)))[-1] == Finish(130, "Ctrl-C")


def test_without_a_fork_server_nothing_can_run() -> None:
    machine = Lifecycle(graph(A, B))
    cause = "node 'a' could not start: no memory"
    assert play(machine, (0, ServerFailed("no memory"))) == [
        Note("error", cause),
        SetState("a", "failed"),
        SetState("b", "ended"),
        Finish(1, cause),
    ]


def test_a_refused_process_stops_those_that_run() -> None:
    machine = Lifecycle(graph(A, B))
    play(machine, (0, Started()), (1, Born("a")))
    steps = without_notes(play(machine, (2, ServerFailed("fork: too many processes"))))
    assert steps == [SetState("b", "failed"), SetState("a", "stopping"), SignalGroup("a", signal.SIGTERM)]
