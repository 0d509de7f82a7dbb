from cpython.pythread cimport PyThread_type_lock
from libc.stdint cimport int64_t

from horus_runner._core.arrays cimport ArrayMessage
from horus_runner._core.mapping cimport Mapping
from horus_runner._core.receiver cimport Causality
from horus_runner._core.ring cimport RingWriter


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
