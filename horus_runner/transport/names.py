"""Names of segments, and what they say: ``horus.<namespace>.proc.<run>`` and ``horus.<namespace>.ring.<run>.<hash>``.

A run id is 8 hexadecimal digits. A ring's hash is 12 digits of its topic, 12 of its publisher and its generation.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path("/dev/shm")
DEFAULT_NAMESPACE = "default"
TOPIC_NAME = re.compile(r"[A-Za-z0-9_./-]{1,200}")

_PROCESS = re.compile(r"horus\.(?P<namespace>[^/]+)\.proc\.(?P<run>[0-9a-f]{8})")
_RING = re.compile(
    r"horus\.(?P<namespace>[^/]+)\.ring\.(?P<run>[0-9a-f]{8})"
    r"\.(?P<topic>[0-9a-f]{12})-(?P<publisher>[0-9a-f]{12})-(?P<generation>\d+)"
)
_UNFINISHED = re.compile(r"horus\.(?P<namespace>[^/]+)\.new\.(?P<run>[0-9a-f]{8})\.[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class RunName:
    """A run, and the namespace that one of its process segments is in."""

    namespace: str
    run_id: str

    @property
    def segment(self) -> str:
        return f"horus.{self.namespace}.proc.{self.run_id}"


@dataclass(frozen=True, slots=True)
class RingName:
    """A ring segment. `topic` and `publisher` are digests; the names in full are in its header."""

    namespace: str
    run_id: str
    topic: str
    publisher: str
    generation: int

    @property
    def segment(self) -> str:
        return f"horus.{self.namespace}.ring.{self.run_id}.{self.topic}-{self.publisher}-{self.generation}"

    @property
    def chain(self) -> tuple[str, str, str]:
        """What all generations of one publisher's ring have in common, within a namespace."""
        return (self.run_id, self.topic, self.publisher)

    def next_generation(self) -> RingName:
        return RingName(self.namespace, self.run_id, self.topic, self.publisher, self.generation + 1)


def new_run_id() -> str:
    """A fresh run id: 8 hexadecimal digits, never all zero."""
    return f"{secrets.randbelow(2**32 - 1) + 1:08x}"


def default_namespace() -> str:
    """Where scripts and bare topics meet: HORUS_NAMESPACE, else ``default``."""
    return os.environ.get("HORUS_NAMESPACE") or DEFAULT_NAMESPACE


def digest(name: str) -> str:
    """The 12 hexadecimal digits that stand for a topic's or publisher's name in a segment's name."""
    return hashlib.blake2b(name.encode(), digest_size=6).hexdigest()


def check_topic_name(name: str) -> str:
    """`name`, when it may name a topic; else ValueError with what is allowed."""
    if TOPIC_NAME.fullmatch(name):
        return name
    if len(name) > 200:
        raise ValueError(f"a topic's name has at most 200 characters, '{name[:40]}...' has {len(name)}")
    raise ValueError(f"'{name}' cannot name a topic: letters, digits and _ . / - are allowed, and at least one of them")


def unfinished_segment(namespace: str, run_id: str) -> str:
    """The name under which a segment is filled before it gets its own."""
    return f"horus.{namespace}.new.{run_id}.{secrets.token_hex(4)}"


def _segments() -> list[str]:
    return os.listdir(DIRECTORY)  # noqa: PTH208  strings, not paths: this runs whenever rings come or go


def process_segments() -> Iterator[RunName]:
    """Every process segment on this machine."""
    for name in _segments():
        if found := _PROCESS.fullmatch(name):
            yield RunName(found["namespace"], found["run"])


def ring_segments(namespace: str | None = None, topic: str | None = None) -> Iterator[RingName]:
    """Every ring segment, of one namespace or one topic (its digest) when given."""
    for name in _segments():
        found = _RING.fullmatch(name)
        if found is None or namespace not in (None, found["namespace"]) or topic not in (None, found["topic"]):
            continue
        yield RingName(found["namespace"], found["run"], found["topic"], found["publisher"], int(found["generation"]))


def unfinished_segments() -> Iterator[tuple[str, str]]:
    """(segment, run id) of every segment that was being filled."""
    for name in _segments():
        if found := _UNFINISHED.fullmatch(name):
            yield name, found["run"]
