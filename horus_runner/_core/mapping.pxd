from posix.types cimport off_t

cdef int fork_generation() noexcept nogil
cdef void give_back(int fd, off_t offset, off_t nbytes) noexcept nogil


cdef class Descriptor:
    """An open file that closes itself."""

    cdef readonly int number
    cdef int generation


cdef class Mapping:
    """Bytes of a file mapped into this process."""

    cdef char *address
    cdef readonly Py_ssize_t nbytes
    cdef int generation, pid

    cdef void forget(self) noexcept
    cdef int check_process(self, str what) except -1
    cdef int _check_range(self, Py_ssize_t offset, Py_ssize_t nbytes) except -1
