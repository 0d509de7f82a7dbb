from cpython.object cimport PyObject
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
        ARRAY_DTYPES
        ARRAY_ENCODINGS
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
    ctypedef struct ArrayDtype:
        const char *name
        const char *format
        uint8_t itemsize
        uint8_t dl_code
    ctypedef struct ArrayEncoding:
        const char *name
        uint8_t dtype
        uint8_t channels
    const ArrayDtype *array_dtypes
    const ArrayEncoding *array_encodings
    const char *array_header_problem(const ArrayHeader *header, int64_t available) nogil


cdef class ArrayPlan:
    cdef ArrayHeader header


cdef PyObject *array_descriptor(int dtype) noexcept
cdef tuple header_shape(ArrayHeader *header)
