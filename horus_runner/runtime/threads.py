"""How many BLAS and OpenMP threads a node gets.

The libraries read their environment once, when they are loaded. The fork server has loaded NumPy with one thread
(threads do not survive a fork), so a node that wants more tells OpenBLAS by its own call, which costs 1 ms; where
that call is missing (another BLAS), the node is started by exec.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from horus_runner.graph.plan import NodePlan

VARIABLES: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_SETTERS: Final = tuple(
    f"{prefix}_set_num_threads{suffix}" for prefix in ("scipy_openblas", "openblas") for suffix in ("64_", "")
)


def wanted_threads(plan: NodePlan) -> int | None:
    """The node's threads: what it asks for, one for a timed node, None (whatever the user's environment says, else
    all cores) for one that computes."""
    if plan.threads is not None:
        return plan.threads
    return None if plan.compute else 1


def thread_environment(threads: int | None) -> dict[str, str | None]:
    """The variables of a node with so many threads; None stands for a variable that is not set."""
    if threads is None:
        return {name: os.environ.get(name) for name in VARIABLES}
    return {name: str(threads) for name in VARIABLES}


def set_blas_threads(threads: int | None) -> bool:
    """Give the loaded libraries of this process so many threads; False when there is no way but a new process."""
    number = threads if threads is not None else _unlimited()
    if number == 1:
        return True
    if "numpy" in sys.modules and not _set_openblas(number):
        return False
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(number)
    return True


def _unlimited() -> int:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        with suppress(KeyError, ValueError):
            return max(1, int(os.environ[name]))
    return len(os.sched_getaffinity(0))


def _set_openblas(number: int) -> bool:
    done = False
    for path in _loaded_libraries("openblas"):
        library = ctypes.CDLL(path)
        for name in _SETTERS:
            setter = getattr(library, name, None)
            if setter is not None:
                setter(ctypes.c_int(number))
                done = True
    return done


def _loaded_libraries(word: str) -> set[str]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split(maxsplit=5)[5] for line in lines if word in line and "/" in line}
