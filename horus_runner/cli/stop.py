"""``horus stop``."""

from __future__ import annotations

from typing import Annotated

import typer

from horus_runner.errors import UsageError

RUN_HELP = "The graph's name or the run's id; not needed where only one runs."


def stop(run: Annotated[str | None, typer.Argument(metavar="RUN", help=RUN_HELP)] = None) -> None:
    """End a running graph as if its time were over."""
    from horus_runner.runtime import control, registry

    info = registry.find(run)
    if info.control is None:
        raise UsageError(f"run {info.run_id} takes no commands: stop it where it was started.")
    control.request(info.control, do="stop")
