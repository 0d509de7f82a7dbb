"""The verbs, put together. Usage errors are typer's: exit code 2, on standard error."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import horus_runner
from horus_runner.cli import NOBODY_READS, bench, check, forget_stdout, msg, run, schema, stop, top


class _Verbs(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # typer would make it 1, which says that a node failed
            forget_stdout()
            raise typer.Exit(NOBODY_READS) from None


app = typer.Typer(
    cls=_Verbs,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"horus {horus_runner.__version__}\n")
        raise typer.Exit()


@app.callback()
def horus(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Run graphs of Python nodes: each in its own process, wired by shared memory, held to its rate and budget."""


app.command("run")(run.run)
app.command("check")(check.check)
app.command("top")(top.top)
app.command("stop")(stop.stop)
app.command("schema")(schema.schema)
app.add_typer(msg.msg, name="msg")
app.command("bench")(bench.bench)
