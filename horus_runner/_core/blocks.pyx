"""Memory that a message stands on: who owns it, where it may be written, when it is given back."""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer
from libc.stdlib cimport calloc, free, malloc

cdef enum:
    HEAP_ALIGNMENT = 64  # a cache line and the widest vector register


cdef class Block:
    """Memory that an array message stands on. Whoever makes one subclasses it and gives the memory back in dealloc."""

    @property
    def nbytes(self):
        """Bytes from the block's address to its end."""
        return self.nbytes

    @property
    def readonly(self):
        """Whether its bytes may not be written through the block's address."""
        return self.readonly

    cdef char *private_address(self) except NULL:
        """Where the same bytes can be written without anyone else seeing it; the block's own address when there is
        no such place."""
        return self.address

    cdef int check_process(self) except -1:
        """Raises when the block belongs to another process (its mapping does not exist here)."""
        return 0

    def __getbuffer__(self, Py_buffer *view, int flags):
        self.check_process()
        PyBuffer_FillInfo(view, self, self.address, self.nbytes, self.readonly, flags)


@cython.final
cdef class HeapBlock(Block):
    """Memory of this process, aligned for vector instructions."""

    def __dealloc__(self):
        free(self.memory)


cdef HeapBlock heap_block(Py_ssize_t nbytes, bint zeroed=False):
    """A block of `nbytes` on the heap. Zeroed, a large one costs no memory until it is touched."""
    cdef HeapBlock block = HeapBlock.__new__(HeapBlock)
    cdef size_t taken = <size_t>nbytes + HEAP_ALIGNMENT
    block.memory = <char *>(calloc(taken, 1) if zeroed else malloc(taken))
    if block.memory == NULL:
        raise MemoryError(f"no memory for an array of {nbytes:,} bytes")
    block.address = <char *>(<size_t>(block.memory + HEAP_ALIGNMENT - 1) & ~<size_t>(HEAP_ALIGNMENT - 1))
    block.nbytes = nbytes
    return block


@cython.final
cdef class BorrowedBlock(Block):
    """The memory of a NumPy array, which it keeps alive."""


@cython.final
cdef class MappedBlock(Block):
    """A block over any object with a buffer, `mmap` for one, and optionally a private mapping of the same bytes.

    `buffer` and `private` stay exported for as long as the block, a message over it or a view of that lives.
    Raises ValueError when the two differ in size, BufferError when `private` cannot be written.
    """

    cdef Py_buffer shared
    cdef Py_buffer private
    cdef bint has_shared
    cdef bint has_private

    def __cinit__(self, buffer, *, bint readonly=False, private=None):
        PyObject_GetBuffer(buffer, &self.shared, PyBUF_SIMPLE if readonly else PyBUF_WRITABLE)
        self.has_shared = True
        if private is not None:
            PyObject_GetBuffer(private, &self.private, PyBUF_WRITABLE)
            self.has_private = True
            if self.private.len != self.shared.len:
                raise ValueError(
                    f"the private mapping has {self.private.len} bytes, the shared one {self.shared.len}"
                )
        self.address = <char *>self.shared.buf
        self.nbytes = self.shared.len
        self.readonly = readonly

    cdef char *private_address(self) except NULL:
        return <char *>self.private.buf if self.has_private else self.address

    def __dealloc__(self):
        if self.has_private:
            PyBuffer_Release(&self.private)
        if self.has_shared:
            PyBuffer_Release(&self.shared)
