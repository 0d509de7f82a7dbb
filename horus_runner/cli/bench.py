"""``horus bench``: what a message costs on this machine."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer


def bench(json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False) -> None:
    """Measure what messages and views cost here, beside the figures of the zero-copy page and this machine's limits.

    Takes about 15 s. A busy machine shows in the load and the noise, which are stated with the figures.
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
