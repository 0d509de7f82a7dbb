"""A run as plain lines: for files, pipes, CI, and `--no-dashboard`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from horus_runner.dashboard import quantities
from horus_runner.dashboard.logs import RUNNER, plain_lines
from horus_runner.dashboard.stream import Stream

if TYPE_CHECKING:
    from horus_runner.metrics.snapshot import NodeSnapshot, Snapshot
    from horus_runner.runtime.observer import LogLine, Run
    from horus_runner.runtime.report import Report

EXPECTED_STATES = ("starting", "init", "stopping", "ended")


class PlainObserver:
    """Writes ``node | text`` for every line of a node, and under the name ``horus`` what befalls the nodes.

    Lost messages take one line a second at most, however many there are.
    """

    interval_s = 1.0

    def __init__(self, stream: TextIO | Stream | None = None) -> None:
        self._stream = stream or Stream()
        self._last: Snapshot | None = None

    def __enter__(self) -> PlainObserver:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._stream, Stream):
            self._stream.close()

    def started(self, run: Run) -> None:
        self._say(f"{run.graph}: {len(run.node_names)} nodes, run {run.run_id}")

    def log(self, line: LogLine) -> None:
        self._write(plain_lines(line.node or RUNNER, line.level, line.text))

    def refresh(self, snapshot: Snapshot) -> None:
        for sentence in told_by(self._last, snapshot):
            self._say(sentence)
        self._last = snapshot

    def finished(self, report: Report) -> None:
        self.refresh(report.snapshot)

    def _say(self, sentence: str) -> None:
        self._write([f"{RUNNER} | {sentence}"])

    def _write(self, lines: list[str]) -> None:
        self._stream.write("".join(f"{line}\n" for line in lines))
        self._stream.flush()


def told_by(before: Snapshot | None, now: Snapshot) -> list[str]:
    """What happened between two snapshots: a sentence for each state that nodes entered, one for all lost messages.

    Misses are told by the nodes themselves, in their log.
    """
    then = {node.name: node.state for node in before.nodes} if before else {}
    entered: dict[str, list[str]] = {}
    for node in now.nodes:
        if node.state not in EXPECTED_STATES and then.get(node.name) != node.state:
            entered.setdefault(node.state, []).append(node.name + _restarts(node))
    sentences = [f"{state}: {', '.join(names)}" for state, names in entered.items()]
    lost_before = {t.name: sum(e.lost for e in t.edges) for t in before.topics} if before else {}
    lost = [
        f"{topic.name} {quantities.count(new)}"
        for topic in now.topics
        if (new := sum(e.lost for e in topic.edges) - lost_before.get(topic.name, 0)) > 0
    ]
    if lost:
        sentences.append(f"lost messages: {', '.join(lost)}")
    return sentences


def _restarts(node: NodeSnapshot) -> str:
    return f" (restarted {quantities.times(node.restarts)})" if node.restarts else ""
