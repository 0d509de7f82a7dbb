"""Sound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from horus_runner._core.records import Record
from horus_runner.messages.define import UpTo, message, u16, u32, u64

MOST_SAMPLES = 19200  # 100 ms of 4 channels at 48 kHz

Samples = Sequence[float] | NDArray[np.floating] | None


@message
class AudioFrame(Record):
    """A short piece of sound: up to 19200 samples, -1 to 1, those of one instant side by side."""

    sample_rate: u32  # Hz
    channels: u16
    samples: Annotated[NDArray[np.float32], UpTo(MOST_SAMPLES)]
    timestamp_ns: u64  # of the first sample
    frame_id: Annotated[str, 32]

    def __init__(
        self,
        sample_rate: int = 16000,
        channels: int = 1,
        samples: Samples = None,
        timestamp_ns: int = 0,
        frame_id: str = "",
    ) -> None:
        if sample_rate < 1 or channels < 1:
            raise ValueError(f"AudioFrame has a rate and a channel at least, not {sample_rate} Hz and {channels}")
        kept = np.asarray(() if samples is None else samples, np.float32).reshape(-1)
        if kept.size % channels:
            raise ValueError(f"AudioFrame: {kept.size} samples do not make whole instants of {channels} channels")
        self.sample_rate, self.channels = sample_rate, channels
        self.samples = kept
        self.timestamp_ns = timestamp_ns
        self.frame_id = frame_id

    @classmethod
    def mono(cls, sample_rate: int, samples: Samples) -> AudioFrame:
        return cls(sample_rate, 1, samples)

    @classmethod
    def stereo(cls, sample_rate: int, samples: Samples) -> AudioFrame:
        """Left and right in turn."""
        return cls(sample_rate, 2, samples)

    @classmethod
    def multi_channel(cls, sample_rate: int, channels: int, samples: Samples) -> AudioFrame:
        return cls(sample_rate, channels, samples)

    @property
    def num_samples(self) -> int:
        """Of all channels together."""
        return int(self.samples.size)

    @property
    def frame_count(self) -> int:
        """Instants: samples of each channel."""
        return self.num_samples // self.channels

    @property
    def duration_ms(self) -> float:
        return self.frame_count * 1000 / self.sample_rate
