"""How the bytes of an Image are to be read: the encodings, their other names, and how one is told from an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from horus_runner._core.formats import ENCODINGS
from horus_runner.errors import nearest

ALIASES = {
    "mono": "mono8",
    "gray": "mono8",
    "grey": "mono8",
    "gray8": "mono8",
    "gray16": "mono16",
    "gray32f": "mono32f",
    "rgb": "rgb8",
    "bgr": "bgr8",
    "rgba": "rgba8",
    "bgra": "bgra8",
    "yuv": "yuv422",
    "yuyv": "yuv422",
    "bayer": "bayer_rggb8",
    "rggb8": "bayer_rggb8",
    "depth": "depth16",
}
INFERRED = {
    (1, "uint8"): "mono8",
    (1, "uint16"): "mono16",
    (1, "float32"): "mono32f",
    (3, "uint8"): "rgb8",
    (3, "float32"): "rgb32f",
    (4, "uint8"): "rgba8",
}


def canonical(name: str) -> str:
    """The encoding that `name` or an alias of it means, in any case; ValueError with the nearest name otherwise."""
    folded = name.lower()
    found = ALIASES.get(folded, folded)
    if found not in ENCODINGS:
        match = nearest(name, [*ENCODINGS, *ALIASES])
        hint = f" Did you mean '{match}'?" if match else ""
        raise ValueError(f"there is no image encoding '{name}'.{hint} There are {', '.join(ENCODINGS)}.")
    return found


def channels_of(shape: Sequence[int]) -> int:
    """Channels of an array of shape (height, width) or (height, width, channels); ValueError for any other."""
    if len(shape) not in (2, 3):
        raise ValueError(f"an image has the shape (height, width) or (height, width, channels), found {tuple(shape)}")
    return shape[2] if len(shape) == 3 else 1


def infer(shape: Sequence[int], dtype: np.dtype[Any]) -> str:
    """The encoding that an array most likely has; ValueError when its channels and dtype suggest none."""
    channels = channels_of(shape)
    encoding = INFERRED.get((channels, dtype.name))
    if encoding is None:
        known = ", ".join(f"{c} x {d} ({name})" for (c, d), name in INFERRED.items())
        raise ValueError(
            f"an array of {tuple(shape)} with {channels} x {dtype.name} does not tell its encoding; "
            f"those that do: {known}. Pass encoding= for another."
        )
    return encoding


def check(encoding: str, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
    """ValueError when an array's channels or dtype are not those of `encoding`."""
    name, channels = ENCODINGS[encoding]
    if channels_of(shape) != channels or dtype.name != name:
        raise ValueError(
            f"encoding '{encoding}' has {channels} x {name}, the array of {tuple(shape)} has "
            f"{channels_of(shape)} x {dtype.name}"
        )
