"""Items for an array field: what a user gave, as an array of exactly the field's dtype, or a refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Kinds of given items (NumPy's letters) that a field of a kind takes; a bool is no number, a float no integer.
_TAKEN = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}


def array_of(dtype: np.dtype[Any], value: Any, place: str) -> NDArray[Any]:
    """`value` as a C-contiguous array, every number unchanged but for rounding to f32.

    Raises TypeError for items of another kind, ValueError for numbers out of range; `place` names the field.
    """
    try:
        given = value if isinstance(value, np.ndarray) else _of_sequence(dtype, value)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{place}: {error}") from None
    if given.dtype.kind not in _TAKEN[dtype.kind]:
        raise TypeError(f"{place} takes items of {dtype.name}, not {given.dtype.name}")
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(given, dtype).reshape(given.shape)
    if not np.can_cast(given.dtype, dtype):
        changed = _changed(given, array)
        if changed.any():
            raise ValueError(f"{place}: {given[changed][0]} is outside {dtype.name}")
    return array


def _changed(given: NDArray[Any], array: NDArray[Any]) -> NDArray[Any]:
    """Where a number became infinite or another integer; -1 and its cast to u64 may compare equal, hence the signs."""
    if array.dtype.kind == "f":
        return np.asarray(np.isinf(array) != np.isinf(given))
    return np.asarray((array != given) | ((array < 0) != (given < 0)))


def _of_sequence(dtype: np.dtype[Any], value: Any) -> NDArray[Any]:
    given = np.asarray(value)
    if given.size == 0:
        return given.astype(dtype)  # an empty list has no type of its own
    if dtype.kind in "iu" and given.dtype.kind in "fO":  # NumPy reads [1, 2**63] as floats, [2**64] as objects
        items = np.asarray(value, object)
        if all(isinstance(item, (int, np.integer)) for item in items.flat):
            limits = np.iinfo(dtype)
            for item in items.flat:
                if not limits.min <= item <= limits.max:
                    raise OverflowError(f"{item} is outside {dtype.name}")
            return items.astype(dtype)
    return given
