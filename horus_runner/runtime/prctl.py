"""The system calls about parenthood that the standard library lacks."""

from __future__ import annotations

import ctypes
import os
from typing import Final

_SET_PDEATHSIG: Final = 1
_SET_NAME: Final = 15
_SET_CHILD_SUBREAPER: Final = 36
_GET_CHILD_SUBREAPER: Final = 37

_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, argument: object) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def set_parent_death_signal(signum: int) -> None:
    """Have the kernel send `signum` to this process when its parent ends; 0 for none. Not inherited by children."""
    _prctl(_SET_PDEATHSIG, ctypes.c_ulong(signum))


def set_child_subreaper(on: bool) -> bool:
    """Adopt orphaned descendants, or no longer; returns how it was."""
    before = ctypes.c_int(0)
    _prctl(_GET_CHILD_SUBREAPER, ctypes.byref(before))
    _prctl(_SET_CHILD_SUBREAPER, ctypes.c_ulong(on))
    return bool(before.value)


def set_process_name(name: str) -> None:
    """The name that `top` and `ps -o comm` show; the kernel keeps 15 bytes."""
    _prctl(_SET_NAME, ctypes.c_char_p(name.encode()))
