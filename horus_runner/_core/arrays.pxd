from libc.stdint cimport int64_t

from horus_runner._core.blocks cimport Block, HeapBlock, heap_block
from horus_runner._core.formats cimport ArrayHeader, ArrayPlan


cdef class ArrayMessage:
    cdef Block block
    cdef char *data
    cdef bint contiguous
    cdef bint received
    cdef ArrayHeader header
    cdef int64_t strides[8]
    cdef readonly long long send_ns
    cdef readonly long long origin_ns
    cdef int usable(self) except -1
    cdef int settable(self) except -1
    cdef object view(self)
    cdef object export(self, bint versioned, bint marked, bint shared, bint may_copy)


cdef ArrayMessage array_open(Block block)
cdef ArrayMessage array_on(Block block, type cls, ArrayPlan plan)
cdef Py_ssize_t array_nbytes(ArrayMessage message)
cdef int array_write(ArrayMessage message, char *destination) except -1
cdef int array_write_header(ArrayMessage message, char *destination) except -1
