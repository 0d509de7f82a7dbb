"""How the end of a run reaches a script: a Report, or an exception that ends an uncaught script with its exit code.

Each exception is a SystemExit as well as what it is called: the interpreter ends with its `code` and without a
traceback of the supervisor's insides. The node's own traceback and the cause have been shown by then.
"""

from __future__ import annotations

import signal

from horus_runner.errors import NodeFailedError, StoppedByPolicyError
from horus_runner.runtime.report import Report


class NodeFailedExit(NodeFailedError, SystemExit):
    """A node's end ended the run; `report` has its figures. Uncaught, the script exits with 1."""

    def __init__(self, node: str, cause: str, report: Report | None = None) -> None:
        NodeFailedError.__init__(self, node, cause)
        self.code, self.report = 1, report


class StoppedByPolicyExit(StoppedByPolicyError, SystemExit):
    """`on_miss: stop` ended the run; `report` has its figures. Uncaught, the script exits with 3."""

    def __init__(self, node: str, cause: str, report: Report | None = None) -> None:
        StoppedByPolicyError.__init__(self, node, cause)
        self.code, self.report = 3, report


class SignalExit(SystemExit):
    """SIGTERM or SIGHUP ended the run. Uncaught, the script exits with 128 + the signal's number."""

    def __init__(self, code: int, report: Report | None = None) -> None:
        super().__init__(code)
        self.report = report


class InterruptExit(KeyboardInterrupt, SystemExit):
    """Ctrl-C ended the run. Uncaught, the script exits with 130 and without a traceback."""

    def __init__(self, report: Report | None = None) -> None:
        super().__init__()
        self.code, self.report = 130, report


def conclude(report: Report) -> Report:
    """The report of a run that is done; raises what became of any other."""
    code, node = report.exit_code, report.failed_node or report.graph
    cause = report.cause or ""
    if code == 1:
        raise NodeFailedExit(node, cause.removeprefix(f"node '{node}' "), report)
    if code == 3:
        raise StoppedByPolicyExit(node, cause.removeprefix(f"node '{node}' stopped the graph").lstrip(": "), report)
    if code == 128 + signal.SIGINT:
        raise InterruptExit(report)
    if code > 128:
        raise SignalExit(code, report)
    return report
