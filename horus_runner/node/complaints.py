"""What a node says about its ticks, at a bounded rate. Pure: the caller brings the time."""

from __future__ import annotations

from dataclasses import dataclass

INTERVAL_NS = 1_000_000_000


@dataclass(slots=True)
class Complaints:
    """Passes on the first complaint, then at most one a second: how many there were, and the worst of them."""

    about: str
    count: int = 0
    worst: str = ""
    weight: int = 0
    spoken_ns: int | None = None

    def note(self, text: str, weight: int, now_ns: int) -> str | None:
        """The line to log now, if any. Of the complaints since the last line the one of most `weight` is shown."""
        self.count += 1
        if self.count == 1 or weight > self.weight:
            self.weight, self.worst = weight, text
        if self.spoken_ns is not None and now_ns - self.spoken_ns < INTERVAL_NS:
            return None
        line = self.worst if self.count == 1 else f"{self.count} {self.about}; the worst {self.worst}"
        self.count, self.spoken_ns = 0, now_ns
        return line
