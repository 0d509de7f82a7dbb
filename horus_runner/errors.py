"""Every exception of the package.

    HorusError
    ├── UsageError                  exit code 2: what the user wrote cannot mean anything
    │   └── GraphError              a graph file; carries every problem found in it
    ├── TopicError
    │   ├── UnknownTopicError       a name that the node did not declare; carries the nearest one
    │   ├── MessageTypeError        (also TypeError) a message that its topic does not carry
    │   ├── LayoutMismatchError     two sides of a topic disagree on a message's layout
    │   ├── LoanLimitError          more loans alive than the ring has slots for
    │   └── ForkedTopicError        a Topic, loan or message used in a forked child
    ├── SharedMemoryFullError       (also OSError) /dev/shm has no room for a slot
    ├── HorusTimeoutError           (also TimeoutError)
    ├── HorusNotFoundError          (also LookupError)
    ├── NodeFailedError             exit code 1: a node's end ended the graph
    └── StoppedByPolicyError        exit code 3: `on_miss: stop` ended the graph
    BudgetExceededError             a BaseException, raised into a tick by `enforce: interrupt`

Errors keep their data in `args` alone, so that they survive pickling, and build their sentence from it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was most likely meant to be, or None when none is near.

    Case counts less than spelling: ``Camera`` finds ``camera``. Nothing is near to a name of more than 200 characters,
    which the comparison would take seconds for.
    """
    if len(name) > 200:
        return None
    by_folded = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` (with its leading space), or the known names, or nothing when there are none."""
    names = sorted(known)
    match = nearest(name, names)
    if match is not None:
        return f" Did you mean '{match}'?"
    if not names:
        return ""
    shown = ", ".join(f"'{n}'" for n in names[:8])
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f" Known here: {shown}{more}."


class HorusError(Exception):
    """The root of every error that this package raises on purpose."""


class UsageError(HorusError):
    """What was asked for cannot be done as written; exit code 2."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a graph file: where it stands, what it is, what would be right.

    `line` and `column` count from 1; 0 when the problem has no place in the file. The excerpt may be a part of the
    line only (without its indentation, cut when long): `caret` is the column in it that is marked, `width` how many.
    """

    path: str
    line: int
    column: int
    message: str
    hint: str = ""
    excerpt: str = ""
    width: int = 1
    severity: str = "error"
    caret: int = 1

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        lines = [f"{place}: {'warning: ' if self.severity == 'warning' else ''}{self.message}"]
        if self.excerpt:
            lines.append(f"    {self.excerpt}")
            lines.append("    " + " " * (self.caret - 1) + "^" * max(self.width, 1))
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class GraphError(UsageError):
    """A graph that cannot run: `problems` has every mistake found, in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class TopicError(HorusError):
    """A topic was used in a way that it does not allow."""


class UnknownTopicError(TopicError):
    """A node used a topic that it did not declare."""

    def __init__(self, node: str, topic: str, direction: str, known: tuple[str, ...]) -> None:
        super().__init__(node, topic, direction, known)
        self.node, self.topic, self.direction, self.known = node, topic, direction, known

    def __str__(self) -> str:
        verb = {"subs": "subscribe to", "pubs": "publish"}[self.direction]
        hint = did_you_mean(self.topic, self.known) or f" It declares no {self.direction} at all."
        return f"node '{self.node}' does not {verb} '{self.topic}'.{hint} Declare it in {self.direction}=[...]."


class MessageTypeError(TopicError, TypeError):
    """A message whose type its topic does not carry."""

    def __init__(self, topic: str, expected: str, found: str) -> None:
        super().__init__(topic, expected, found)
        self.topic, self.expected, self.found = topic, expected, found

    def __str__(self) -> str:
        return f"topic '{self.topic}' carries {self.expected}, not {self.found}."


class LayoutMismatchError(TopicError):
    """Publisher and subscriber define a message differently."""

    def __init__(self, topic: str, ours: str, theirs: str) -> None:
        super().__init__(topic, ours, theirs)
        self.topic, self.ours, self.theirs = topic, ours, theirs

    def __str__(self) -> str:
        return (
            f"topic '{self.topic}': this side reads {self.ours}, the publisher writes {self.theirs}. "
            "Give both sides the same message definition."
        )


class LoanLimitError(TopicError):
    """A publisher holds as many loans as its ring has slots set aside for them."""

    def __init__(self, topic: str, limit: int) -> None:
        super().__init__(topic, limit)
        self.topic, self.limit = topic, limit

    def __str__(self) -> str:
        return (
            f"topic '{self.topic}': {self.limit} loans are alive already (sent ones count while an array made from "
            f"them lives in the publisher). Send or drop one before taking the next."
        )


class ForkedTopicError(TopicError):
    """A Topic, loan or message was used in a process that was forked from the one that made it."""

    def __init__(self, what: str, owner_pid: int) -> None:
        super().__init__(what, owner_pid)
        self.what, self.owner_pid = what, owner_pid

    def __str__(self) -> str:
        return (
            f"{self.what} belongs to process {self.owner_pid} and cannot be used in a fork of it: make a new one here."
        )


class SharedMemoryFullError(HorusError, OSError):
    """/dev/shm has no room for the bytes that a message needs."""

    def __init__(self, what: str, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(what, needed_bytes, free_bytes)
        self.what, self.needed_bytes, self.free_bytes = what, needed_bytes, free_bytes

    def __str__(self) -> str:
        return (
            f"{self.what} needs {self.needed_bytes:,} bytes of shared memory; /dev/shm has {self.free_bytes:,} left. "
            "Lower the topic's capacity, or enlarge it (Docker: --shm-size=1g; else mount -o remount,size=1g /dev/shm)."
        )


class HorusTimeoutError(HorusError, TimeoutError):
    """Something awaited did not happen within the time given for it."""


class HorusNotFoundError(HorusError, LookupError):
    """Something asked for by name is not there."""


class NodeFailedError(HorusError):
    """A node's end ended the graph; `node` failed first, `cause` says how."""

    def __init__(self, node: str, cause: str) -> None:
        super().__init__(node, cause)
        self.node, self.cause = node, cause

    def __str__(self) -> str:
        return f"node '{self.node}' {self.cause}"


class StoppedByPolicyError(HorusError):
    """A node with `on_miss: stop` missed and stopped the graph."""

    def __init__(self, node: str, cause: str) -> None:
        super().__init__(node, cause)
        self.node, self.cause = node, cause

    def __str__(self) -> str:
        return f"node '{self.node}' stopped the graph: {self.cause}"


class BudgetExceededError(BaseException):
    """Raised inside a tick at its budget, when the node asks for `enforce: interrupt`."""
