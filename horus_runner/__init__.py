"""horus-runner: graphs of Python nodes, each in its own process, wired by shared-memory rings, held to their rates.

The layers, each importing only from those to its left:

    errors < _core < messages, kernels < graph < transport < metrics < node < runtime < dashboard < bench < cli

    errors      every exception                     metrics    counters in shared memory -> frozen snapshots
    _core       compiled: rings, records, arrays    node       what runs in a node's process: api, tick grid, policies
    messages    typed messages, arrays, MessagePack runtime    processes: fork server, supervisor, control, report
    graph       the graph file, checked; pure       dashboard  a snapshot -> what the terminal shows
    transport   segments and topics by name         bench, cli what a person calls

Configuration flows down as frozen values, messages flow sideways through rings, numbers flow up through shared memory.
A node's process imports nothing right of `node`, and of `graph` only the plain values of `graph.plan`.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if not sys.platform.startswith("linux") or os.uname().machine not in ("x86_64", "aarch64"):
    raise ImportError(
        "horus-runner runs on Linux on x86-64 or aarch64: its rings sleep on futexes and rely on /dev/shm."
    )

if TYPE_CHECKING:
    from horus_runner.errors import BudgetExceededError as BudgetExceededError
    from horus_runner.errors import ForkedTopicError as ForkedTopicError
    from horus_runner.errors import GraphError as GraphError
    from horus_runner.errors import HorusError as HorusError
    from horus_runner.errors import HorusNotFoundError as HorusNotFoundError
    from horus_runner.errors import HorusTimeoutError as HorusTimeoutError
    from horus_runner.errors import LayoutMismatchError as LayoutMismatchError
    from horus_runner.errors import LoanLimitError as LoanLimitError
    from horus_runner.errors import MessageTypeError as MessageTypeError
    from horus_runner.errors import NodeFailedError as NodeFailedError
    from horus_runner.errors import SharedMemoryFullError as SharedMemoryFullError
    from horus_runner.errors import StoppedByPolicyError as StoppedByPolicyError
    from horus_runner.errors import TopicError as TopicError
    from horus_runner.errors import UnknownTopicError as UnknownTopicError
    from horus_runner.errors import UsageError as UsageError

__version__ = "0.1.0"

# Each name is imported on its first use: what a node's process does not touch costs it nothing.
_PUBLIC = {
    "errors": (
        "BudgetExceededError",
        "ForkedTopicError",
        "GraphError",
        "HorusError",
        "HorusNotFoundError",
        "HorusTimeoutError",
        "LayoutMismatchError",
        "LoanLimitError",
        "MessageTypeError",
        "NodeFailedError",
        "SharedMemoryFullError",
        "StoppedByPolicyError",
        "TopicError",
        "UnknownTopicError",
        "UsageError",
    ),
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:  # with name and obj, the interpreter adds the nearest right name
        raise AttributeError(f"module 'horus' has no attribute '{name}'", name=name, obj=sys.modules[__name__])
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
