"""Two processes and one topic: how long from `send` in one node until the other node's code has the message.

The receiver is event-driven (`on:`), so it sleeps until the message wakes it. Sender and receiver are nodes like any
other, run by the supervisor; the receiver leaves its figures in the file that its parameter `samples` names.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from horus_runner.bench.measure import Timing
from horus_runner.graph.plan import GraphPlan, NodePlan, TopicPlan
from horus_runner.messages.define import message, u64
from horus_runner.node.api import Node
from horus_runner.runtime.supervisor import supervise

RATE_HZ = 1000.0
COUNT = 1000
WARM_UP = 50
DEADLINE_S = 30.0
HEIGHT, WIDTH = 480, 640


@message
class Word:
    """Eight bytes."""

    number: u64


class WordSender(Node):
    """Sends a Word a tick."""

    def tick(self) -> None:
        self.send("pair", Word(number=1))


class FrameSender(Node):
    """Sends a frame of 640 x 480 rgb8 a tick, loaned, so that nothing is copied; its pixels stay as they were."""

    def tick(self) -> None:
        self.send("pair", self.loan("pair", height=HEIGHT, width=WIDTH, encoding="rgb8"))


class Receiver(Node):
    """Stamps each message when it has it; ends the graph after enough of them."""

    def init(self) -> None:
        self.took_ns: list[int] = []

    def tick(self) -> None:
        received = self.recv("pair")
        if received is not None:
            self.took_ns.append(time.monotonic_ns() - received.send_ns)
        if len(self.took_ns) == WARM_UP + COUNT:
            self.request_stop()

    def shutdown(self) -> None:
        Path(self.params["samples"]).write_text(json.dumps(self.took_ns[WARM_UP:]))


def one_way(sender: type[Node], message_type: str) -> Timing:
    """Nanoseconds from before `send` to after `recv`, between two processes, for what `sender` sends.

    Raises NodeFailedError's like through the report's exit code; RuntimeError when the graph did not end well.
    """
    with tempfile.TemporaryDirectory(prefix="horus-bench-") as folder:
        samples = Path(folder, "samples.json")
        report = supervise(_plan(sender, message_type, samples), duration_s=DEADLINE_S, observer=None, server=None)
        if report.exit_code:
            raise RuntimeError(f"the pair of processes ended with exit code {report.exit_code}: {report.cause}")
        return Timing.of(json.loads(samples.read_text()))


def _plan(sender: type[Node], message_type: str, samples: Path) -> GraphPlan:
    nodes = (
        NodePlan("sender", run=f"{__name__}:{sender.__name__}", pubs=("pair",), rate_hz=RATE_HZ),
        NodePlan("receiver", run=f"{__name__}:Receiver", subs=("pair",), on="pair", rate_hz=None,
                 params={"samples": str(samples)}),
    )  # fmt: skip
    topic = TopicPlan("pair", type=message_type, publishers=("sender",), subscribers=("receiver",))
    return GraphPlan(name="bench", nodes=nodes, topics={"pair": topic})
