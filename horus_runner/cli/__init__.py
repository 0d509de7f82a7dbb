"""``horus``: one verb a file, its help the docstring of its function.

The only place where errors become exit codes. A verb imports what is heavy when it runs; `run` has its fork server
under way before typer is loaded.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from horus_runner.errors import HorusError, HorusNotFoundError, StoppedByPolicyError, UsageError

if TYPE_CHECKING:
    from horus_runner.runtime.forkserver import ForkServer

# 0 is done, 128 + n ended by signal n.
NODE_FAILED, USAGE, STOPPED_BY_POLICY, INTERRUPTED, NOBODY_READS = 1, 2, 3, 130, 141


def main() -> None:
    """Run the verb in sys.argv and exit with its code."""
    try:
        server = _early_server(sys.argv[1:])
        from horus_runner.cli.verbs import app

        app(prog_name="horus", obj=server)
    except HorusError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(exit_code(error))
    except BrokenPipeError:
        forget_stdout()
        sys.exit(NOBODY_READS)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def exit_code(error: HorusError) -> int:
    """What the command exits with when an error has reached the top."""
    if isinstance(error, StoppedByPolicyError):
        return STOPPED_BY_POLICY
    return USAGE if isinstance(error, (UsageError, HorusNotFoundError)) else NODE_FAILED


def forget_stdout() -> None:
    """Write nothing more to a reader that has gone, not even what is left at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _early_server(arguments: list[str]) -> ForkServer | None:
    # It imports NumPy in its own process while this one imports typer, pydantic and rich: 0.1 s off the first message.
    if arguments[:1] != ["run"] or {"-h", "--help", "--inline"} & set(arguments):
        return None
    from horus_runner.runtime.forkserver import ForkServer

    return ForkServer.start()
