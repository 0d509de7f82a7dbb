from cpython.pythread cimport PyThread_type_lock
from libc.stdint cimport int64_t, uint32_t, uint64_t

from horus_runner._core.arrays cimport ArrayMessage
from horus_runner._core.mapping cimport Mapping
from horus_runner._core.ring cimport RingReader, RingWriter
from horus_runner._core.ring_h cimport hr_look, hr_word


cdef class Causality:
    cdef list receivers
    cdef readonly uint64_t tick

    cdef int64_t origin(self, int64_t now) noexcept


cdef class Turn:
    cdef PyThread_type_lock lock
    cdef unsigned long owner
    cdef int depth

    cdef void take(self) noexcept
    cdef void give(self) noexcept


cdef class Sender:
    cdef readonly str topic
    cdef readonly object declared
    cdef RingWriter writer
    cdef object open_ring, coerce, encode
    cdef Turn turn
    cdef Causality causality
    cdef Mapping guard

    cdef int64_t _origin(self, int64_t origin_ns, int64_t now) noexcept
    cdef RingWriter _room(self, int kind, object cls, Py_ssize_t nbytes)
    cdef int _publish_array(self, ArrayMessage array, int64_t origin_ns) except -1
    cdef int _publish_packed(self, bytes data, int64_t origin_ns) except -1
    cdef int _send_packed(self, object message, int64_t origin_ns) except -1
    cdef int _send_record(self, object message, int64_t origin_ns) except -1
    cdef int _send_array(self, object message, int64_t origin_ns) except -1


cdef class Receiver:
    cdef readonly str topic
    cdef tuple readers
    cdef hr_word *epoch
    cdef uint64_t seen_epoch, passed_over
    cdef Mapping guard
    cdef object rescan, advance, ahead, decode
    cdef object __weakref__
    cdef Causality causality
    cdef bint counts
    cdef uint64_t tick
    cdef int64_t tick_origin
    cdef int64_t last_origin
    cdef readonly int64_t last_send_ns
    cdef readonly int64_t last_origin_ns
    cdef readonly uint64_t received

    cdef bint ready(self) noexcept
    cdef uint64_t _total(self) noexcept
    cdef int _refresh(self) except -1
    cdef int _moved(self, RingReader reader) except -1
    cdef bint _skip_generation(self) except -1
    cdef RingReader _next(self, hr_look *look)
    cdef object _take(self, RingReader reader, hr_look *look)
    cdef object _decode_block(self, hr_look *look, object block)
    cdef void _stamp(self, RingReader reader, hr_look *look) noexcept
