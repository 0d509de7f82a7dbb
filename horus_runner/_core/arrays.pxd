from libc.stdint cimport int64_t, uint8_t, uint64_t


cdef extern from "arrays.h":
    enum:
        ARRAY_HEADER_BYTES
        ARRAY_MAX_DIMS
        ARRAY_FRAME_ID_BYTES
        ARRAY_IMAGE
        ARRAY_POINT_CLOUD
        ARRAY_DEPTH_IMAGE
        ARRAY_TENSOR
        ARRAY_KINDS
    ctypedef struct ArrayHeader:
        unsigned int magic
        uint8_t kind
        uint8_t dtype
        uint8_t encoding
        uint8_t ndim
        int64_t shape[8]
        uint64_t data_nbytes
        uint64_t timestamp_ns
        double depth_scale
        char frame_id[64]


cdef class Block:
    cdef char *address
    cdef Py_ssize_t nbytes
    cdef bint readonly
    cdef char *private_address(self) except NULL
    cdef int check_process(self) except -1


cdef class HeapBlock(Block):
    cdef char *memory


cdef class ArrayPlan:
    cdef ArrayHeader header


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


cdef HeapBlock heap_block(Py_ssize_t nbytes)
cdef ArrayMessage array_open(Block block)
cdef ArrayMessage array_on(Block block, type cls, ArrayPlan plan)
cdef Py_ssize_t array_nbytes(ArrayMessage message)
cdef int array_write(ArrayMessage message, char *destination) except -1
cdef int array_write_header(ArrayMessage message, char *destination) except -1
