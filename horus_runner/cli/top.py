"""``horus top``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from horus_runner.cli.stop import RUN_HELP


def top(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help=RUN_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures of one second as JSON and exit.")] = False,
) -> None:
    """Watch a running graph from another terminal.

    Where standard output is no terminal, the figures of one second are printed.
    """
    from horus_runner.dashboard import attach
    from horus_runner.runtime import registry

    info = registry.find(run)
    if json:
        attach.print_json(info)
    elif sys.stdout.isatty() and sys.stderr.isatty():
        attach.watch(info)
    else:
        attach.print_once(info)
