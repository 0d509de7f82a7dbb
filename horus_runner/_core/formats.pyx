"""What an array message may be: the dtypes and encodings of its header, and a plan of one that is yet to be made."""

cimport cython
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint64_t

import numpy as np

cdef extern from "arrays.h":
    enum:
        ARRAY_MAGIC
    int64_t array_data_nbytes(const ArrayHeader *header) nogil

cdef PyObject *descriptors[ARRAY_DTYPES]  # NumPy's descriptors, kept for good
cdef object dtype_codes = {}
cdef object encoding_codes = {}

IMAGE = ARRAY_IMAGE
POINT_CLOUD = ARRAY_POINT_CLOUD
DEPTH_IMAGE = ARRAY_DEPTH_IMAGE
TENSOR = ARRAY_TENSOR
FRAME_ID_BYTES = ARRAY_FRAME_ID_BYTES - 1
DTYPES = tuple([(<bytes>array_dtypes[code].name).decode() for code in range(1, ARRAY_DTYPES)])
ENCODINGS = {}


cdef int fill_tables() except -1:
    cdef int code
    for code in range(1, ARRAY_DTYPES):
        descriptor = np.dtype(DTYPES[code - 1])
        Py_INCREF(descriptor)
        descriptors[code] = <PyObject *>descriptor
        dtype_codes[descriptor] = code
    for code in range(1, ARRAY_ENCODINGS):
        name = (<bytes>array_encodings[code].name).decode()
        encoding_codes[name] = code
        ENCODINGS[name] = (DTYPES[array_encodings[code].dtype - 1], array_encodings[code].channels)
    return 0


fill_tables()


cdef PyObject *array_descriptor(int dtype) noexcept:
    """NumPy's descriptor of a dtype code from 1 to ARRAY_DTYPES - 1, a borrowed reference."""
    return descriptors[dtype]


cdef tuple header_shape(ArrayHeader *header):
    """The shape as Python sees it."""
    cdef int axis
    return tuple([header.shape[axis] for axis in range(header.ndim)])


@cython.final
cdef class ArrayPlan:
    """What an array message will be, known before its memory is: sizes a loan, then lays the message out in it.

    Raises TypeError for a dtype that arrays cannot have, ValueError for a shape that `kind` and `encoding` do not allow.
    """

    def __cinit__(self, int kind, dtype, shape, *, str encoding=None, double depth_scale=1.0):
        self.header.magic = ARRAY_MAGIC
        self.header.kind = <uint8_t>kind
        self.header.depth_scale = depth_scale
        dtype = np.dtype(dtype)
        code = dtype_codes.get(dtype if dtype.isnative else dtype.newbyteorder("="))
        if code is None:
            raise TypeError(f"an array message cannot hold {dtype!r}; it can hold {', '.join(DTYPES)}")
        self.header.dtype = code
        if encoding is not None:
            self.header.encoding = encoding_codes[encoding]
        if len(shape) > ARRAY_MAX_DIMS:
            raise ValueError(f"an array message has at most {ARRAY_MAX_DIMS} dimensions, shape {tuple(shape)} has {len(shape)}")
        self.header.ndim = <uint8_t>len(shape)
        for axis, length in enumerate(shape):
            self.header.shape[axis] = length
        cdef int64_t nbytes = array_data_nbytes(&self.header)
        self.header.data_nbytes = <uint64_t>nbytes
        cdef const char *problem = array_header_problem(&self.header, nbytes)
        if problem != NULL:
            raise ValueError(f"shape {tuple(shape)} of {dtype} cannot be: {(<bytes>problem).decode()}")

    @property
    def nbytes(self):
        """Bytes that a block needs for the message: its header of 256 and its data."""
        return ARRAY_HEADER_BYTES + <Py_ssize_t>self.header.data_nbytes

    @property
    def shape(self):
        return header_shape(&self.header)

    @property
    def dtype(self):
        return <object>descriptors[self.header.dtype]
