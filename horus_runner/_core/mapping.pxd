cdef int fork_generation() noexcept nogil


cdef class Mapping:
    """Bytes of a file mapped into this process."""

    cdef char *address
    cdef readonly Py_ssize_t nbytes
    cdef int generation, pid

    cdef int check_process(self, str what) except -1
    cdef int _check_range(self, Py_ssize_t offset, Py_ssize_t nbytes) except -1
