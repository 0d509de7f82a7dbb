"""A topic as a publisher sees it: a Sender over its own ring.

What needs names, files or types (making a ring, fitting a message to its topic) is done by functions given to it; here
is what happens for every message.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.pythread cimport (
    NOWAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock, PyThread_get_thread_ident,
    PyThread_release_lock, WAIT_LOCK,
)
from libc.stdint cimport int64_t, uint32_t, uint64_t

from horus_runner._core.arrays cimport ArrayMessage, array_nbytes, array_write, array_write_header
from horus_runner._core.clock cimport now_ns
from horus_runner._core.receiver cimport Causality
from horus_runner._core.records cimport Record
from horus_runner._core.ring cimport Loan, RingWriter
from horus_runner._core.ring_h cimport HR_ARRAY, HR_PACKED, HR_RECORD, hr_unpin

from horus_runner.errors import MessageTypeError


@cython.final
cdef class Turn:
    """One thread at a time; the one whose turn it is may take it again (in a signal's handler). 10 ns, where
    `threading.RLock` costs 200."""

    def __cinit__(self):
        self.lock = PyThread_allocate_lock()
        if self.lock == NULL:
            raise MemoryError()

    def __dealloc__(self):
        if self.lock != NULL:
            PyThread_free_lock(self.lock)

    cdef void take(self) noexcept:
        cdef unsigned long me = PyThread_get_thread_ident()
        if self.depth and self.owner == me:
            self.depth += 1
            return
        if not PyThread_acquire_lock(self.lock, NOWAIT_LOCK):
            with nogil:
                PyThread_acquire_lock(self.lock, WAIT_LOCK)
        self.owner = me
        self.depth = 1

    cdef void give(self) noexcept:
        self.depth -= 1
        if not self.depth:
            PyThread_release_lock(self.lock)


@cython.final
cdef class Sender:
    """Publishes on one topic. Threads may share it.

    `declared` is the topic's message class, or None for a topic that carries what is sent. `open_ring(kind, cls,
    nbytes)` makes the ring, or its next generation (not marked yet), for messages of that many bytes.
    `coerce(message)` turns what is not a message object into one (a Record or an ArrayMessage), or returns None for
    what goes as MessagePack by `encode`; it raises MessageTypeError for what the topic does not carry.
    """

    def __init__(self, str topic not None, declared, open_ring, coerce, encode, Causality causality=None):
        self.topic, self.declared, self.open_ring, self.coerce, self.encode = topic, declared, open_ring, coerce, encode
        self.causality = causality
        # A record is published in one step under the interpreter lock. A slot is not: a large copy lets other threads
        # run, and so does making a ring.
        self.turn = Turn()

    @property
    def ring(self) -> RingWriter | None:
        """The ring in use: None before the first message of an undeclared topic."""
        return self.writer

    @ring.setter
    def ring(self, RingWriter writer):
        self.writer = writer
        self.guard = None if writer is None else writer.mapping

    @property
    def published(self) -> int:
        return 0 if self.writer is None else self.writer.w.next

    cdef int64_t _origin(self, int64_t origin_ns, int64_t now) noexcept:
        if origin_ns:
            return origin_ns
        return now if self.causality is None else self.causality.origin(now)

    def send(self, message, long long origin_ns=0):
        """Publish `message`. `origin_ns` (CLOCK_MONOTONIC) is when what it tells was measured; default: see Causality.

        Returns True. Raises MessageTypeError, SharedMemoryFullError, ForkedTopicError; HorusTimeoutError when a topic
        with `on_full: wait` stays full.
        """
        if self.guard is not None:
            self.guard.check_process(self.topic)
        if isinstance(message, Record):
            self._send_record(message, origin_ns)
        elif isinstance(message, ArrayMessage):
            self._send_array(message, origin_ns)
        else:
            message_object = self.coerce(message)
            if message_object is None:
                self._send_packed(message, origin_ns)
            elif isinstance(message_object, Record):
                self._send_record(message_object, origin_ns)
            else:
                self._send_array(message_object, origin_ns)
        return True

    cdef RingWriter _room(self, int kind, object cls, Py_ssize_t nbytes):
        """The ring for a message of that kind and size, made now if need be. Call it in turn."""
        cdef RingWriter writer = self.writer
        cdef uint64_t most
        if writer is not None:
            most = writer.w.slot_bytes
            if kind == HR_PACKED and most < writer.w.header.embed_bytes:
                most = writer.w.header.embed_bytes
            if kind == HR_RECORD or <uint64_t>nbytes <= most:
                return writer
        following = self.open_ring(kind, cls, nbytes)
        if writer is not None:
            (<RingWriter>following).follow(writer)
        self.ring = following
        if writer is not None:
            writer.ring_everybody()
        return following

    def loan(self, cls, Py_ssize_t nbytes) -> Loan:
        """A slot for a message of class `cls` of `nbytes`, to fill in place. Raises LoanLimitError."""
        if self.guard is not None:
            self.guard.check_process(self.topic)
        self.turn.take()
        try:
            return self._room(HR_ARRAY, cls, nbytes).loan(nbytes)
        finally:
            self.turn.give()

    cdef int _send_record(self, object message, int64_t origin_ns) except -1:
        cdef RingWriter writer = self.writer
        cdef int64_t now
        if writer is None or type(message) is not writer.record_type:
            if type(message) is not self.declared:
                fitted = self.coerce(message)
                if fitted is None:
                    return self._send_packed(message, origin_ns)
                if type(fitted) is not type(message):
                    return self._send_record(fitted, origin_ns)
            if writer is None:
                self.turn.take()
                try:
                    writer = self._room(HR_RECORD, type(message), 0)
                finally:
                    self.turn.give()
        if writer.record_type is None:  # the ring was opened for something else: the record goes as its fields
            return self._send_packed(message.to_dict(), origin_ns)
        if writer.record_type is not type(message):
            raise MessageTypeError(
                self.topic, f"{writer.record_type.__name__}, the type of its first message", type(message).__name__)
        if writer.lossless:
            writer.await_room()
        now = now_ns()
        return writer.publish_embedded(
            HR_RECORD, (<Record>message).data, writer.layout.size, now, self._origin(origin_ns, now))

    cdef int _send_array(self, object message, int64_t origin_ns) except -1:
        if self.declared is not None and not isinstance(message, self.declared):
            self.coerce(message)
        self.turn.take()
        try:
            return self._publish_array(<ArrayMessage>message, origin_ns)
        finally:
            self.turn.give()

    cdef int _publish_array(self, ArrayMessage array, int64_t origin_ns) except -1:
        cdef Py_ssize_t nbytes = array_nbytes(array)
        cdef RingWriter writer = self._room(HR_ARRAY, type(array), nbytes)
        cdef int64_t slot, now
        cdef Loan loan = None
        if writer.lossless:
            writer.await_room()
        if isinstance(array.block, Loan):
            loan = <Loan>array.block
            loan.check_process()
        if loan is not None and loan.writer is writer and not loan.sent:
            array_write_header(array, loan.address)
            loan.sent = loan.readonly = True
            slot = loan.slot
            writer.w.pins[slot] += 1
        else:
            slot = writer.take(nbytes)
            try:
                array_write(array, writer.slot_address(slot))
            except BaseException:
                hr_unpin(&writer.w, <uint32_t>slot)
                raise
        now = now_ns()
        return writer.publish_slot(HR_ARRAY, slot, nbytes, now, self._origin(origin_ns, now))

    cdef int _send_packed(self, object message, int64_t origin_ns) except -1:
        cdef bytes data = self.encode(message)
        cdef Py_ssize_t nbytes = PyBytes_GET_SIZE(data)
        cdef RingWriter writer = self.writer
        cdef int64_t now
        if writer is not None and <uint64_t>nbytes <= writer.w.header.embed_bytes and not writer.lossless:
            now = now_ns()
            return writer.publish_embedded(
                HR_PACKED, PyBytes_AS_STRING(data), nbytes, now, self._origin(origin_ns, now))
        self.turn.take()
        try:
            return self._publish_packed(data, origin_ns)
        finally:
            self.turn.give()

    cdef int _publish_packed(self, bytes data, int64_t origin_ns) except -1:
        cdef Py_ssize_t nbytes = PyBytes_GET_SIZE(data)
        cdef RingWriter writer = self._room(HR_PACKED, None, nbytes)
        cdef int64_t slot, now
        if writer.lossless:
            writer.await_room()
        if <uint64_t>nbytes <= writer.w.header.embed_bytes:
            now = now_ns()
            return writer.publish_embedded(
                HR_PACKED, PyBytes_AS_STRING(data), nbytes, now, self._origin(origin_ns, now))
        slot = writer.take(nbytes)
        _copy(writer.slot_address(slot), PyBytes_AS_STRING(data), nbytes)
        now = now_ns()
        return writer.publish_slot(HR_PACKED, slot, nbytes, now, self._origin(origin_ns, now))


cdef extern from "<string.h>" nogil:
    void _copy "memcpy" (void *to, const void *source, size_t nbytes)
