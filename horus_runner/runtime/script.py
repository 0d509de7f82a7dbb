"""`horus.run`: a script's nodes, each in its own process.

The calls of `horus.run` in a script are counted. For call k a fork server runs the script again (`rerun.py`); there
the calls before k give what they gave here, and call k becomes the fork server of its nodes.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from horus_runner.errors import HorusError, UsageError
from horus_runner.graph.plan import DEFAULT_TICK_RATE_HZ, GraphPlan
from horus_runner.node.api import Node, topic_plans
from horus_runner.runtime.outcome import conclude
from horus_runner.runtime.report import Report

if TYPE_CHECKING:
    from horus_runner.runtime.rerun import Role

role: Role | None = None
"""Set in the second run of a script."""

_outcomes: list[bytes] = []
_NOT_RUN_AGAIN: Final = frozenset(
    {"pytest", "py.test", "unittest", "doctest", "ipython", "IPython", "ipykernel_launcher"}
)


def run(
    *nodes: Node,
    duration: float | None = None,
    tick_rate: float = DEFAULT_TICK_RATE_HZ,
    inline: bool = False,
    report: str | Path | None = None,
    name: str | None = None,
) -> Report:
    """Run nodes, each in its own process, until they end, one asks for the end, `duration` seconds are over, or Ctrl-C.

    The script is run a second time to make the nodes' processes, so what stands before this call happens twice; what
    has to happen once, such as opening a device, belongs in a node's `init`. `tick_rate` is the rate of nodes that
    give none. With `inline` (or HORUS_INLINE=1) all of them run in this process and thread instead. `report` is a
    file for the figures as JSON.

    Returns the figures. Raises NodeFailedError or StoppedByPolicyError when that ended the run, KeyboardInterrupt for
    Ctrl-C, UsageError for what cannot run. Uncaught, these end the script with the exit codes 1, 3 and 130.
    """
    plan = _plan(nodes, tick_rate, name)
    if duration is not None and not duration > 0:
        raise UsageError(f"duration is {duration!r}; it is a number of seconds above 0, or None for no end.")
    if role is not None:
        earlier = role.earlier_outcome()
        if earlier is None:
            role.meet(nodes)
        return conclude(_decode_outcome(earlier))
    result = _run(plan, nodes, duration, inline or os.environ.get("HORUS_INLINE", "0") not in ("", "0"))
    if report is not None:
        result.write(report)
    return conclude(result)


def _run(plan: GraphPlan, nodes: Sequence[Node], duration_s: float | None, inline: bool) -> Report:
    position = len(_outcomes)
    _outcomes.append(b"")
    try:
        if inline:
            from horus_runner.runtime.inline import run_plan_inline

            result = run_plan_inline(plan, duration_s, nodes)
        else:
            result = _run_in_processes(plan, position, duration_s)
    except HorusError as error:
        _outcomes[position] = msgspec.msgpack.encode({"error": str(error)})
        raise
    _outcomes[position] = msgspec.msgpack.encode({"report": result.to_dict(), "failed_node": result.failed_node})
    return result


def _run_in_processes(plan: GraphPlan, position: int, duration_s: float | None) -> Report:
    from horus_runner.runtime.console import ConsoleObserver
    from horus_runner.runtime.forkserver import ForkServer
    from horus_runner.runtime.supervisor import supervise
    from horus_runner.transport.names import default_namespace

    script = describe_script(position, len(plan.nodes), _outcomes[:position])
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return supervise(
        plan,
        duration_s=duration_s,
        observer=ConsoleObserver(),
        server=ForkServer.start(script),
        namespace=default_namespace(),
    )


def _decode_outcome(outcome: bytes) -> Report:
    if not outcome:
        raise HorusError("an earlier horus.run of this script was cut off")
    found: dict[str, Any] = msgspec.msgpack.decode(outcome)
    if "error" in found:
        raise HorusError(found["error"])
    return dataclasses.replace(Report.from_dict(found["report"]), failed_node=found["failed_node"])


def _plan(nodes: Sequence[Node], tick_rate: float, name: str | None) -> GraphPlan:
    """The graph that these nodes make. UsageError for what is none."""
    if not nodes:
        raise UsageError("horus.run() needs at least one node: horus.run(camera, detector).")
    for node in nodes:
        if not isinstance(node, Node):
            shown = "a list: write horus.run(*nodes)" if isinstance(node, (list, tuple)) else type(node).__name__
            raise UsageError(f"horus.run() takes horus.Node objects, not {shown}.")
    if not tick_rate > 0:
        raise UsageError(f"tick_rate is {tick_rate!r}; it is a number of hertz above 0.")
    names = [node.name for node in nodes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two nodes are named '{twice}': give each its own name, Node('{twice}_2', ...).")
    plans = tuple(node.plan(tick_rate) for node in nodes)
    return GraphPlan(name or _script_name(), plans, topic_plans(nodes), tick_rate)


def _script_name() -> str:
    """The file's name without its ending, kept to the characters that a graph's name may have."""
    stem = Path(getattr(sys.modules["__main__"], "__file__", None) or "script").stem
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in stem)


def describe_script(call: int, nodes: int, outcomes: list[bytes]) -> bytes:
    """How to run this program again. UsageError when it cannot be: it has no file, or is not the script's own."""
    from horus_runner.runtime.rerun import Script

    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    module = spec.name if spec is not None else None
    file = getattr(main, "__file__", None)
    if module is None and (file is None or not Path(file).is_file()):
        raise UsageError(
            "horus.run() gives each node its own process by running the script's file again, and there is no file here "
            "(an interactive session, -c or standard input). Pass inline=True to run the nodes in this process."
        )
    program = module.partition(".")[0] if module else Path(str(file)).stem
    if program in _NOT_RUN_AGAIN:
        raise UsageError(
            f"horus.run() gives each node its own process by running the program again, and the program is {program} "
            "here. Pass inline=True to run the nodes in this process."
        )
    file = None if module else str(Path(str(file)).absolute())
    position = _position(file)
    arguments = sys.orig_argv[position + 1 :] if position else sys.argv[1:]
    folder = _start_folder(file, sys.orig_argv[position]) if file and position else str(Path.cwd())
    return msgspec.msgpack.encode(Script(file, module, sys.argv[0], arguments, folder, call, nodes, outcomes))


def _position(file: str | None) -> int:
    """Where the interpreter's command names the script or its module; 0 when nowhere. What stands after it are the
    script's arguments as they were (sys.argv may have been changed since)."""
    for position, word in enumerate(sys.orig_argv[1:], 1):
        if file is None and word == "-m":
            return position + 1
        if file is not None and Path(word).name == Path(file).name:
            return position
    return 0


def _start_folder(file: str, word: str) -> str:
    """The folder that the script was started in, where how its file was named tells (the script may have left it)."""
    tail = "/" + os.path.normpath(word)
    return file.removesuffix(tail) or "/" if file.endswith(tail) else str(Path.cwd())
