"""A topic as a subscriber sees it: a Receiver over the rings of every publisher, and sleeping until one has something.

What needs names, files or types (finding rings, following them) is done by functions given to it; here is what happens
for every message.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport EINTR, ETIMEDOUT
from libc.stdint cimport int64_t, uint32_t, uint64_t

from horus_runner._core.arrays cimport ArrayMessage, array_open
from horus_runner._core.blocks cimport Block
from horus_runner._core.clock cimport Doorbell, hr_sleep_look, now_ns, stop_signal_seen
from horus_runner._core.mapping cimport Mapping
from horus_runner._core.records cimport Record, record_new
from horus_runner._core.ring cimport RingReader
from horus_runner._core.ring_h cimport (
    HR_ARRAY, HR_EMPTY, HR_LAPPED, HR_MOVED, HR_PACKED, HR_RECORD, HR_THERE, atomic_word, hh_record, hr_copy_out,
    hr_handed, hr_lapped, hr_ledger_write, hr_look, hr_peek, hr_seek, hr_word,
)

from horus_runner.errors import HorusError, MessageTypeError

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

TIMEOUT, MESSAGE, STOP, RUNG = 0, 1, 2, 3


@cython.final
cdef class Causality:
    """Carries origin times through a node: what it sends is as old as the oldest thing that it stands on.

    For each receiver that counts, that is the oldest origin among the messages of this tick, or, when none came, the
    origin of the last one before.
    """

    def __cinit__(self):
        self.receivers = []
        self.tick = 1

    def begin(self) -> None:
        """A tick begins: nothing has been received in it yet."""
        self.tick += 1

    cdef int64_t origin(self, int64_t now) noexcept:
        cdef int64_t oldest = now
        cdef int64_t one
        cdef Receiver receiver
        for receiver in self.receivers:
            one = receiver.tick_origin if receiver.tick == self.tick else receiver.last_origin
            if one and one < oldest:
                oldest = one
        return oldest


@cython.final
cdef class Receiver:
    """Receives from every publisher of one topic, oldest send time first among the messages visible at that moment.

    `epoch` is the word (at `offset` of `mapping`) that changes when rings come or go; then, and first of all,
    `rescan(receiver)` sets `rings`. `advance(reader)` returns the reader of the next generation, None when that is
    gone with its run; `ahead(reader)` says whether the next generation has messages. `decode` reads MessagePack. With
    `counts` false its messages do not make what is sent older (`stale_ok`).
    """

    def __init__(self, str topic not None, Mapping mapping not None, Py_ssize_t offset, rescan, advance, ahead, decode,
                 Causality causality=None, bint counts=True):
        self.topic, self.decode = topic, decode
        self.rescan, self.advance, self.ahead = rescan, advance, ahead
        self.guard = mapping
        self.epoch = <hr_word *>(mapping.address + offset)
        self.seen_epoch = self.passed_over = <uint64_t>-1
        self.readers = ()
        self.causality, self.counts = causality, counts
        if causality is not None and counts:
            causality.receivers.append(self)

    @property
    def rings(self) -> tuple[RingReader, ...]:
        return self.readers

    @rings.setter
    def rings(self, tuple readers not None):
        self.readers = readers

    cdef int _refresh(self) except -1:
        cdef uint64_t epoch
        self.guard.check_process(self.topic)
        epoch = atomic_word(self.epoch)
        if epoch != self.seen_epoch and self.rescan is not None:
            self.rescan(self)
            self.seen_epoch = epoch
        return 0

    cdef bint ready(self) noexcept:
        """Whether a look at the rings is worth while: a message, a move to the next generation, a change of rings."""
        cdef RingReader reader
        cdef hr_look look
        if atomic_word(self.epoch) != self.seen_epoch and self.rescan is not None:
            return True
        if self._total() == self.passed_over:
            return False
        for reader in self.readers:
            if hr_peek(&reader.r, &look) != HR_EMPTY:
                return True
        return False

    cdef int _moved(self, RingReader reader) except -1:
        """Every message of a generation was read: go on with the next, or without this publisher when it is gone."""
        following = self.advance(reader)
        readers = [following if r is reader else r for r in self.readers]
        self.readers = tuple([r for r in readers if r is not None])
        reader.close()
        return 0

    cdef RingReader _next(self, hr_look *look):
        """The reader with the oldest message, and its look; None when all are empty."""
        cdef RingReader reader, best = None
        cdef hr_look one
        cdef int status
        cdef bint again = True
        while again:
            again = False
            best = None
            for reader in self.readers:
                status = hr_peek(&reader.r, &one)
                while status == HR_LAPPED:
                    hr_lapped(&reader.r)
                    hr_ledger_write(&reader.r)
                    status = hr_peek(&reader.r, &one)
                if status == HR_MOVED:
                    self._moved(reader)
                    again = True
                    break
                if status == HR_THERE and (best is None or one.send_ns < look.send_ns):
                    best = reader
                    look[0] = one
        return best

    cdef void _stamp(self, RingReader reader, hr_look *look) noexcept:
        cdef int64_t now = now_ns()
        cdef int64_t origin = <int64_t>look.origin_ns
        hr_handed(&reader.r, look)
        if reader.writer_bell is not None:
            reader.advanced()
        hh_record(&reader.r.row.latency, now - <int64_t>look.send_ns)
        hh_record(&reader.r.row.age, now - origin)
        self.received += 1
        self.last_send_ns = <int64_t>look.send_ns
        self.last_origin_ns = self.last_origin = origin
        if self.causality is not None:
            if self.tick != self.causality.tick:
                self.tick = self.causality.tick
                self.tick_origin = origin
            elif origin < self.tick_origin:
                self.tick_origin = origin

    cdef object _take(self, RingReader reader, hr_look *look):
        """The message that `look` saw, or None when it was overwritten meanwhile."""
        cdef Record record
        cdef Block block
        cdef bytes data
        if look.slot < 0:
            if look.kind == HR_RECORD and reader.layout is not None:
                record = record_new(reader.record_type)
                if <uint64_t>reader.layout.size != reader.r.embed_bytes:
                    raise HorusError(f"topic '{self.topic}': the ring does not hold {reader.layout.name}")
                if not hr_copy_out(&reader.r, look, record.data):
                    return None
                record.send_ns, record.origin_ns = look.send_ns, look.origin_ns
                self._stamp(reader, look)
                return record
            if not hr_copy_out(&reader.r, look, reader.scratch):
                return None
            self._stamp(reader, look)
            if look.kind != HR_PACKED or look.length > reader.r.embed_bytes:
                raise HorusError(f"topic '{self.topic}': a message of unknown kind {look.kind}")
            return self.decode(PyBytes_FromStringAndSize(reader.scratch, look.length))
        block = reader.block_of(look)
        if block is None:
            return None
        self._stamp(reader, look)
        return self._decode_block(look, block)

    cdef object _decode_block(self, hr_look *look, object block):
        cdef ArrayMessage array
        if look.kind == HR_ARRAY:
            array = array_open(<Block>block)
            array.send_ns, array.origin_ns = look.send_ns, look.origin_ns
            return array
        if look.kind == HR_PACKED:
            return self.decode(memoryview(block))
        raise HorusError(f"topic '{self.topic}': a message of unknown kind {look.kind}")

    def recv(self):
        """The oldest message not received yet, or None. A message None of a MessagePack topic also comes as None.

        Raises ForkedTopicError, MessageTypeError or LayoutMismatchError when a publisher sends another type.
        """
        cdef hr_look look
        cdef RingReader reader
        cdef uint64_t before
        self._refresh()
        while True:
            reader = self._next(&look)
            if reader is None:
                return None
            before = self.received
            message = self._take(reader, &look)
            if self.received != before:
                return message

    def recv_all(self) -> list:
        """Every message not received yet, oldest first: those that were visible when the call began."""
        cdef hr_look look
        cdef RingReader reader
        cdef uint64_t before
        cdef list messages = []
        cdef int64_t now = now_ns()
        self._refresh()
        while True:
            reader = self._next(&look)
            if reader is None or <int64_t>look.send_ns > now:
                return messages
            before = self.received
            message = self._take(reader, &look)
            if self.received != before:
                messages.append(message)

    def latest(self):
        """The newest message not received yet, or None; the ones before it count as superseded."""
        cdef hr_look look, one
        cdef RingReader reader, best
        cdef uint64_t head, before
        self._refresh()
        while True:
            best = self._next(&look)
            if best is None:
                return None
            if self._skip_generation():
                continue
            best = None
            for reader in self.readers:
                head = atomic_word(&reader.r.header.head)
                if head > reader.r.cursor + 1:
                    reader.r.superseded += head - 1 - reader.r.cursor
                    hr_seek(&reader.r, head - 1)
                    hr_ledger_write(&reader.r)
                    reader.advanced()
                if hr_peek(&reader.r, &one) == HR_THERE and (best is None or one.send_ns > look.send_ns):
                    best = reader
                    look = one
            if best is None:
                continue
            before = self.received
            message = self._take(best, &look)
            if self.received == before:
                continue
            for reader in self.readers:
                if reader is not best and hr_peek(&reader.r, &one) == HR_THERE and one.send_ns < look.send_ns:
                    reader.r.superseded += 1
                    hr_seek(&reader.r, reader.r.cursor + 1)
                    hr_ledger_write(&reader.r)
                    reader.advanced()
            return message

    cdef bint _skip_generation(self) except -1:
        """Leave an ended generation that is not read to its end when the next one has messages already."""
        cdef RingReader reader
        cdef uint64_t head
        for reader in self.readers:
            if atomic_word(&reader.r.header.successor) and self.ahead(reader):
                head = atomic_word(&reader.r.header.head)
                reader.r.superseded += head - reader.r.cursor
                hr_seek(&reader.r, head)
                hr_ledger_write(&reader.r)
                self._moved(reader)
                return True
        return False

    def has_message(self) -> bool:
        """Whether `recv` would return a message now. Consumes nothing."""
        cdef hr_look look
        self._refresh()
        return self._next(&look) is not None

    cdef uint64_t _total(self) noexcept:
        cdef RingReader reader
        cdef uint64_t total = 0
        for reader in self.readers:
            total += atomic_word(&reader.r.header.head)
        return total

    @property
    def published(self) -> int:
        """How many messages the rings in view have had published in all; it changes when another one comes."""
        self.guard.check_process(self.topic)
        return self._total()

    def leave_unread(self, uint64_t published) -> None:
        """What was there when so many were published wakes nobody any more, though it can be received; the next does."""
        self.passed_over = published

    def has_news(self) -> bool:
        """Whether there is a message, and one came since `leave_unread`."""
        self._refresh()
        if self._total() == self.passed_over:
            return False
        self.passed_over = <uint64_t>-1
        return self.has_message()

    @property
    def waiting_send_ns(self) -> int:
        """The send time of the message that `recv` would return; 0 when there is none."""
        cdef hr_look look
        self._refresh()
        return 0 if self._next(&look) is None else look.send_ns

    def close(self) -> None:
        """Give back this subscriber's rows: nothing more is received."""
        cdef RingReader reader
        for reader in self.readers:
            reader.close()
        self.readers = ()
        self.rescan = self.advance = self.ahead = None  # they keep the rings mapped
        if self.causality is not None and self in self.causality.receivers:
            self.causality.receivers.remove(self)


def wait(Doorbell doorbell not None, tuple receivers not None, long long until_ns, bint wake_on_ring=False) -> int:
    """Sleep until a receiver has news (MESSAGE), a stop signal (STOP) or the absolute time (TIMEOUT; -1: never).

    With `wake_on_ring`, a bell rung for anything else returns RUNG. Without receivers, publishers do not ring: only
    stops, restarts and the like do. Python's signal handlers run meanwhile.
    """
    cdef Receiver receiver
    cdef uint32_t seen
    cdef int failed
    doorbell.mapping.check_process("a doorbell")
    while True:
        seen = doorbell.lie_down() if receivers else hr_sleep_look(doorbell.bell)
        if stop_signal_seen():
            if receivers:
                doorbell.get_up()
            return STOP
        for receiver in receivers:
            if receiver.ready():
                doorbell.get_up()
                if receiver.has_news():
                    return MESSAGE
                break
        else:
            if 0 <= until_ns <= now_ns():
                failed = ETIMEDOUT
            else:
                with nogil:
                    failed = doorbell.sleep(seen, until_ns)
            if receivers:
                doorbell.get_up()
            if failed == ETIMEDOUT:
                return TIMEOUT
            if failed == EINTR:
                PyErr_CheckSignals()
            elif wake_on_ring:
                return RUNG
