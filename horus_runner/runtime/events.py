"""The vocabulary of the supervisor's state machine: the events that it is told and the instructions that it gives."""

from __future__ import annotations

from dataclasses import dataclass

# -- events ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The graph is to run: its segments exist and the fork server takes requests."""


@dataclass(frozen=True, slots=True)
class Born:
    """The node has a process, adopted by the supervisor."""

    node: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The node's process was never born, because the fork server died with the request."""

    node: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The node's init returned."""

    node: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The node reports an exception; its process ends next. `where` is load, init, tick or shutdown."""

    node: str
    where: str
    error: str


@dataclass(frozen=True, slots=True)
class NodeStops:
    """The node asks for the graph's end; `policy` when `on_miss: stop` does."""

    node: str
    policy: bool
    text: str


@dataclass(frozen=True, slots=True)
class Exited:
    """The node's process is gone and reaped: `status` is its exit code, or the negative number of a signal."""

    node: str
    status: int


@dataclass(frozen=True, slots=True)
class Signalled:
    """The supervisor itself got SIGINT, SIGTERM or SIGHUP."""

    signum: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Someone asks for the graph's end through the control socket."""


@dataclass(frozen=True, slots=True)
class RestartAsked:
    """Someone asks for a node's restart through the control socket."""

    node: str


@dataclass(frozen=True, slots=True)
class ServerFailed:
    """No node can be started (the second run of a script failed, say)."""

    text: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """`due_ns` is reached."""


Event = (
    Started
    | Born
    | Lost
    | Ready
    | Failed
    | NodeStops
    | Exited
    | Signalled
    | StopAsked
    | RestartAsked
    | ServerFailed
    | TimePassed
)


# -- instructions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the node's process; `incarnation` counts its starts from 0."""

    node: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class Go:
    """Every node has had its init (or is out of the run): let them tick."""


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """Send a signal to the node's process group."""

    node: str
    signum: int


@dataclass(frozen=True, slots=True)
class Retire:
    """Close the dead node's rows and wake its neighbours."""

    node: str


@dataclass(frozen=True, slots=True)
class SetState:
    """Write the node's state where every viewer reads it."""

    node: str
    state: str


@dataclass(frozen=True, slots=True)
class CountRestart:
    """Add one to the node's restarts."""

    node: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line for the user; `level` is info, warning or error."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do: the run's exit code, and the cause that a summary names (None for a plain end)."""

    exit_code: int
    cause: str | None


Instruction = Spawn | Go | SignalGroup | Retire | SetState | CountRestart | Note | Finish
