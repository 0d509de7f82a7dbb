cdef class Block:
    cdef char *address
    cdef Py_ssize_t nbytes
    cdef bint readonly
    cdef char *private_address(self) except NULL
    cdef int check_process(self) except -1


cdef class HeapBlock(Block):
    cdef char *memory


cdef class BorrowedBlock(Block):
    cdef object owner


cdef HeapBlock heap_block(Py_ssize_t nbytes, bint zeroed=*)
