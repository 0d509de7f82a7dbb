"""What this machine needs at the least to hand something to a sleeping process: a bare futex, and a pipe.

A parent stamps the time into memory shared with its forked child and wakes it; the child stamps when it is awake.
Nothing else happens, so this is the floor under every event-driven transport here, measured in the same run.
Run as a program of its own, which has one thread and so may fork: `python -m horus_runner.bench.limit`.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import mmap
import os
import platform
import struct
import subprocess
import sys
import time
from collections.abc import Callable

from horus_runner.bench.measure import Timing

SYS_FUTEX = {"x86_64": 202, "aarch64": 98}
FUTEX_WAIT, FUTEX_WAKE = 0, 1
WORD, SENT, TOOK = 0, 8, 16
PAUSE_S = 0.001  # as often as pair.py sends
CHUNK = 1 << 16


def futex_wake(count: int = 500) -> Timing:
    """From before the system call that wakes until the woken process runs, `count` times."""
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    word = ctypes.c_uint32.from_buffer(memory, WORD)
    call, number = ctypes.CDLL(None).syscall, SYS_FUTEX[platform.machine()]

    def receive() -> None:
        seen = 0
        while word.value == seen:
            call(number, ctypes.byref(word), FUTEX_WAIT, seen, None, None, 0)
        word.value = 0

    def send() -> None:
        word.value = 1
        call(number, ctypes.byref(word), FUTEX_WAKE, 1, None, None, 0)

    return _one_way(memory, send, receive, count)


def pipe(nbytes: int, count: int = 500) -> Timing:
    """From before `nbytes` are written into a pipe until the last of them was read on the other side."""
    reader, writer = os.pipe()
    payload, buffer = bytes(nbytes), memoryview(bytearray(nbytes))

    def receive() -> None:
        got = 0
        while got < nbytes:
            got += os.readv(reader, [buffer[got:]])

    def send() -> None:
        sent = 0
        while sent < nbytes:
            sent += os.write(writer, payload[sent : sent + CHUNK])

    try:
        return _one_way(mmap.mmap(-1, mmap.PAGESIZE), send, receive, count)
    finally:
        os.close(reader)
        os.close(writer)


def _one_way(memory: mmap.mmap, send: Callable[[], None], receive: Callable[[], None], count: int) -> Timing:
    """Call `send` here and `receive` in a forked child, once every PAUSE_S; nanoseconds from before to after."""
    child = os.fork()
    if child == 0:
        for _ in range(count):
            receive()
            memory[TOOK : TOOK + 8] = struct.pack("q", time.monotonic_ns() - struct.unpack_from("q", memory, SENT)[0])
        os._exit(0)
    samples = []
    for _ in range(count):
        memory[TOOK : TOOK + 8] = bytes(8)
        time.sleep(PAUSE_S)  # by now the child sleeps in `receive`
        memory[SENT : SENT + 8] = struct.pack("q", time.monotonic_ns())
        send()
        while not (took := struct.unpack_from("q", memory, TOOK)[0]):
            time.sleep(PAUSE_S / 10)
        samples.append(float(took))
    os.waitpid(child, 0)
    return Timing.of(samples)


def limits(frame_nbytes: int) -> dict[str, Timing]:
    """`futex`, `pipe` (8 bytes) and `pipe_frame` (`frame_nbytes`), measured in a new interpreter."""
    command = [sys.executable, "-m", __name__, str(frame_nbytes)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return {name: Timing(**fields) for name, fields in json.loads(done.stdout).items()}


if __name__ == "__main__":
    measured = {"futex": futex_wake(), "pipe": pipe(8), "pipe_frame": pipe(int(sys.argv[1]))}
    json.dump({name: dataclasses.asdict(timing) for name, timing in measured.items()}, sys.stdout)
