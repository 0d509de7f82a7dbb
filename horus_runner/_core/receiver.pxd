from libc.stdint cimport int64_t, uint64_t

from horus_runner._core.mapping cimport Mapping
from horus_runner._core.ring cimport RingReader
from horus_runner._core.ring_h cimport hr_look, hr_word


cdef class Causality:
    cdef list receivers
    cdef readonly uint64_t tick

    cdef int64_t origin(self, int64_t now) noexcept


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
