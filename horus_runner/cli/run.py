"""``horus run``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from horus_runner.cli import forget_stdout
from horus_runner.errors import UsageError

if TYPE_CHECKING:
    from horus_runner.graph.plan import GraphPlan
    from horus_runner.runtime.report import Report


def run(
    ctx: typer.Context,
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="The graph file.")],
    duration: Annotated[str | None, typer.Option(metavar="TIME", help="Stop after this long: 500ms, 5s, 2min.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures of the run to FILE as JSON.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the graph: nodes.detect.rate=10. May be repeated."),
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run all nodes in this one process: for a debugger.")
    ] = False,
    no_dashboard: Annotated[
        bool, typer.Option("--no-dashboard", help="Show plain lines instead of the live screen.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON instead of the table.")] = False,
) -> None:
    """Run a graph until its time is over, its nodes end, or Ctrl-C.

    Exit codes: 0 done; 1 a node failed; 2 the graph file or the usage is wrong; 3 stopped by on_miss: stop;
    129, 130, 143 ended by SIGHUP, Ctrl-C, SIGTERM.
    """
    from horus_runner.graph import load

    duration_s = _seconds(duration)
    if report is not None:
        _refuse_unwritable(report)
    plan, warnings = load(graph, overrides or ())
    sys.stderr.write("".join(f"{warning}\n" for warning in warnings))
    result = _inline(plan, duration_s) if inline else _supervised(ctx, plan, duration_s, plain=no_dashboard)
    if report is not None:
        result.write(report)
    try:
        _print(result, as_json)
    except BrokenPipeError:  # nobody reads the table: how the run ended still counts
        forget_stdout()
    raise typer.Exit(result.exit_code)


def _supervised(ctx: typer.Context, plan: GraphPlan, duration_s: float | None, *, plain: bool) -> Report:
    from horus_runner.dashboard.watching import watching
    from horus_runner.runtime.supervisor import supervise

    with watching(plain) as observer:
        return supervise(plan, duration_s=duration_s, observer=observer, server=ctx.obj.take())


def _inline(plan: GraphPlan, duration_s: float | None) -> Report:
    from horus_runner.runtime.inline import run_plan_inline

    return run_plan_inline(plan, duration_s)


def _print(result: Report, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(result.to_dict(), indent=2) + "\n")
        sys.stdout.flush()
    else:
        from horus_runner.dashboard.summary import print_summary

        print_summary(result)


def _seconds(duration: str | None) -> float | None:
    from horus_runner.graph.durations import QuantityError, duration_ns

    try:
        return None if duration is None else duration_ns(duration) / 1e9
    except QuantityError as error:
        raise UsageError(f"--duration {error}") from None


def _refuse_unwritable(path: Path) -> None:
    """Find out before the run that its report could not be written, not after."""
    try:
        path.open("a").close()
    except OSError as error:
        raise UsageError(f"--report {path}: {error.strerror}.") from None
