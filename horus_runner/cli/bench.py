"""``horus bench``: what a message costs on this machine."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def bench(json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False) -> None:
    """Measure what messages and views cost on this machine.

    The figures of the zero-copy page and the machine's own limits stand beside them. Takes about 15 s; that the machine
    was busy meanwhile shows in its load and noise, which are stated too.
    """
    from horus_runner.bench.cases import run

    report = run(_say if sys.stderr.isatty() else lambda name: None)
    if json_:
        typer.echo(json.dumps(report.to_dict(), indent=2))
        return
    from rich.console import Console

    from horus_runner.bench.report import render

    Console(width=None if sys.stdout.isatty() else 120, soft_wrap=True).print(render(report))


def _say(name: str) -> None:
    typer.echo(f"measuring {name} ...", err=True)
