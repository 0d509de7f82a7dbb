"""A stream that neither blocks nor ends the run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import pytest

from horus_runner.dashboard.stream import MOST_PENDING_BYTES, Stream


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read_end, write_end = os.pipe()
    yield read_end, write_end
    for fd in (read_end, write_end):
        with contextlib.suppress(OSError):  # the test closed it
            os.close(fd)


def read_all(fd: int) -> str:
    """What a pipe holds now."""
    os.set_blocking(fd, False)
    got = b""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(fd, 1 << 20):
            got += chunk
    return got.decode()


def test_everything_arrives_in_order(pipe: tuple[int, int]) -> None:
    stream = Stream(pipe[1], "utf-8")
    for i in range(1000):
        stream.write(f"line {i} ✓\n")
    stream.close()
    assert read_all(pipe[0]).splitlines() == [f"line {i} ✓" for i in range(1000)]


def test_what_the_encoding_lacks_is_replaced(pipe: tuple[int, int]) -> None:
    stream = Stream(pipe[1], "ascii")
    stream.write("█ 50%")
    stream.close()
    assert os.read(pipe[0], 100) == b"? 50%"


def test_a_reader_that_reads_nothing_does_not_block_and_what_is_left_out_is_counted(pipe: tuple[int, int]) -> None:
    stream = Stream(pipe[1], "utf-8")
    line = "x" * 999 + "\n"
    for _ in range(2 * MOST_PENDING_BYTES // len(line)):
        stream.write(line)
    assert not stream.drain(within_s=0.01)
    got = ""
    while not stream.drain(within_s=0.001):
        got += read_all(pipe[0])
    stream.write("after\n")
    stream.close()
    got += read_all(pipe[0])
    lines = got.splitlines()
    notes = [int(x.removeprefix("horus | ").removesuffix(" lines left out")) for x in lines if "left out" in x]
    assert sum(notes) > 0
    assert lines.count(line.strip()) + sum(notes) == 2 * MOST_PENDING_BYTES // len(line)
    assert "after" in lines


def test_a_reader_that_has_gone_is_no_error(pipe: tuple[int, int], wait_until: Callable[..., None]) -> None:
    os.close(pipe[0])
    stream = Stream(pipe[1], "utf-8")
    stream.write("nobody reads this\n")
    assert stream.drain()
    for _ in range(1000):
        stream.write("nor this\n")
    assert stream.drain()
    stream.close()
    stream.close()
