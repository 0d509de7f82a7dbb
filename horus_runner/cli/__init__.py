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
    early = EarlyServer(sys.argv[1:])
    try:
        from horus_runner.cli.verbs import app

        app(prog_name="horus", obj=early)
    except HorusError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(exit_code(error))
    except BrokenPipeError:
        forget_stdout()
        sys.exit(NOBODY_READS)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        early.quit()


class EarlyServer:
    """The fork server of ``horus run``, under way while this process still imports typer, pydantic and rich: with NumPy
    loaded beside them the first message comes 0.1 s earlier."""

    def __init__(self, arguments: list[str]) -> None:
        self._server: ForkServer | None = None
        if arguments[:1] == ["run"] and not {"-h", "--help", "--inline"} & set(arguments):
            from horus_runner.runtime.forkserver import ForkServer

            self._server = ForkServer.start()

    def take(self) -> ForkServer | None:
        """The server, if there is one; it is the caller's from now on."""
        server, self._server = self._server, None
        return server

    def quit(self) -> None:
        """End the server, if nobody has taken it: the run never came about."""
        if self._server is not None:
            self._server.quit()


def exit_code(error: HorusError) -> int:
    """What the command exits with when an error has reached the top."""
    if isinstance(error, StoppedByPolicyError):
        return STOPPED_BY_POLICY
    return USAGE if isinstance(error, (UsageError, HorusNotFoundError)) else NODE_FAILED


def forget_stdout() -> None:
    """Write nothing more to a reader that has gone, not even what is left at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
