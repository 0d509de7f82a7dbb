"""What is measured: the operations of the zero-copy page, with its figures, and the way between two processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from horus_runner.bench.limit import limits
from horus_runner.bench.measure import Watch, time_statement
from horus_runner.bench.pair import HEIGHT, WIDTH, FrameSender, WordSender, one_way
from horus_runner.bench.report import BenchReport, Row
from horus_runner.messages.control import CmdVel
from horus_runner.messages.image import Image
from horus_runner.transport.topic import Topic

FRAME_NBYTES = HEIGHT * WIDTH * 3


def run(progress: Callable[[str], None] = lambda name: None) -> BenchReport:
    """Measure everything, telling `progress` the name of what comes next; about 15 s."""
    watch = Watch()
    rows: list[Row] = []
    for name, rows_of in (("arrays", arrays), ("messages", messages), ("two processes", two_processes)):
        progress(name)
        rows.extend(rows_of())
        watch.look()
    return BenchReport(watch.conditions(), tuple(rows))


def arrays() -> Iterator[Row]:
    """What can be done with a received frame of 640 x 480 rgb8; the copies beside NumPy's own of as many bytes."""
    topic = Topic(Image, name=f"bench.frame.{os.getpid()}")
    topic.send(Image.from_numpy(np.arange(FRAME_NBYTES, dtype=np.uint32).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)))
    names = {"np": np, "img": topic.recv(), "plain": np.zeros((HEIGHT, WIDTH, 3), np.uint8)}
    copy = time_statement("np.copy(plain)", names)
    yield Row("np.from_dlpack(img)", time_statement("np.from_dlpack(img)", names), 1.1, 3_500_000)
    yield Row("img.to_numpy()", time_statement("img.to_numpy()", names), 3.0, 1_500_000)
    for statement, per_s in (("np.copy(img)", 334_000), ("np.array(img)", None)):
        taken = time_statement(statement, names)
        yield Row(statement, taken, 14.0, per_s, copy, "np.copy of a plain array of as many bytes")


def messages() -> Iterator[Row]:
    """Small messages, sent and received in this process."""
    for name, topic, sent, us, per_s in (
        ("CmdVel send + recv", Topic(CmdVel, name=f"bench.cmd_vel.{os.getpid()}"), CmdVel(1.0, 0.5), 1.7, 2_700_000),
        ("dict send + recv", Topic(f"bench.dict.{os.getpid()}"), {"x": 1.0, "y": 2.0, "z": 3.0}, 6.2, 714_000),
    ):
        names: dict[str, Any] = {"topic": topic, "message": sent}
        yield Row(name, time_statement("topic.send(message); topic.recv()", names), us, per_s)


def two_processes() -> Iterator[Row]:
    """From `send` in one process until another, which slept, has the message."""
    floor = limits(FRAME_NBYTES)
    for name, sender, carried in (
        ("8 bytes, one way", WordSender, "horus_runner.bench.pair:Word"),
        ("900 KB loaned, one way", FrameSender, "Image"),
    ):
        yield Row(name, one_way(sender, carried), limit=floor["futex"], limit_is="a bare futex that wakes a process")
    yield Row("8 bytes through a pipe", floor["pipe"])
    yield Row("900 KB through a pipe", floor["pipe_frame"])
