"""Memory of a shared segment: mapping, protecting, reserving and dropping its pages.

A mapping is never inherited: a forked child does not have its bytes (MADV_DONTFORK) and is told so by `ForkedTopicError`
where it would touch them.
"""

cimport cython
from libc.errno cimport EINTR, ENOSPC, errno
from libc.stdint cimport uint64_t
from posix.types cimport off_t
from posix.unistd cimport close, getpid

import os

from horus_runner.errors import ForkedTopicError, SharedMemoryFullError


cdef extern from "<sys/mman.h>" nogil:
    void *mmap(void *address, size_t length, int prot, int flags, int fd, off_t offset)
    int munmap(void *address, size_t length)
    int mprotect_ "mprotect" (void *address, size_t length, int prot)
    int madvise_ "madvise" (void *address, size_t length, int advice)
    int PROT_READ, PROT_WRITE, MAP_SHARED, MAP_PRIVATE, MAP_NORESERVE, MADV_DONTFORK, MADV_DONTNEED
    void *MAP_FAILED

cdef extern from "<fcntl.h>" nogil:
    int posix_fallocate(int fd, off_t offset, off_t length)
    int fallocate(int fd, int mode, off_t offset, off_t length)
    int FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE

cdef extern from "<pthread.h>" nogil:
    int pthread_atfork(void (*prepare)() noexcept nogil, void (*parent)() noexcept nogil, void (*child)() noexcept nogil)

cdef extern from *:
    """
    #include <stdatomic.h>
    #include <stdint.h>
    typedef _Atomic uint64_t horus_word;
    static inline uint64_t horus_load_word(horus_word *word) { return atomic_load(word); }
    static inline void horus_add_word(horus_word *word, uint64_t count) { atomic_fetch_add(word, count); }
    static inline int horus_swap_word(horus_word *word, uint64_t value) {
        uint64_t unset = 0;
        return atomic_compare_exchange_strong(word, &unset, value);
    }
    """
    ctypedef struct horus_word:
        pass
    uint64_t _load_word "horus_load_word" (horus_word *word) nogil
    void _add_word "horus_add_word" (horus_word *word, uint64_t count) nogil
    int _swap_word "horus_swap_word" (horus_word *word, uint64_t value) nogil

cdef int _generation = 0


cdef void _forked() noexcept nogil:
    global _generation
    _generation += 1


pthread_atfork(NULL, NULL, _forked)


cdef int fork_generation() noexcept nogil:
    return _generation


@cython.final
cdef class Descriptor:
    """A file descriptor that is closed when the last reference to this goes."""

    def __cinit__(self, int number):
        self.number = number
        self.generation = _generation

    def __dealloc__(self):
        # A forked child may have closed it already and use the number for something else.
        if self.generation == _generation:
            close(self.number)


@cython.final
cdef class Mapping:
    """`nbytes` bytes of the file `fd` from `offset` (a multiple of the page size), until the last reference goes.

    `writable` maps shared and read-write, else shared and read-only; `private` maps copy-on-write: what is written
    there stays in this process. Raises OSError when the kernel refuses.
    """

    def __cinit__(self, int fd, Py_ssize_t nbytes, Py_ssize_t offset=0, *, bint writable=False, bint private=False):
        cdef int prot = PROT_READ | PROT_WRITE if writable or private else PROT_READ
        cdef int flags = MAP_PRIVATE | MAP_NORESERVE if private else MAP_SHARED
        cdef void *address
        self.generation = _generation
        self.pid = getpid()
        if nbytes <= 0 or offset < 0:
            raise ValueError(f"a mapping needs a positive size and an offset from 0, not {nbytes} at {offset}")
        address = mmap(NULL, <size_t>nbytes, prot, flags, fd, offset)
        if address == MAP_FAILED:
            raise OSError(errno, os.strerror(errno))
        self.address = <char *>address
        self.nbytes = nbytes
        madvise_(address, <size_t>nbytes, MADV_DONTFORK)

    def __dealloc__(self):
        # In a forked child these addresses may be somebody else's by now.
        if self.address != NULL and self.generation == _generation:
            munmap(self.address, <size_t>self.nbytes)

    cdef int check_process(self, str what) except -1:
        if self.generation != _generation:
            raise ForkedTopicError(what, self.pid)
        return 0

    @property
    def start(self) -> int:
        """The address of the first byte."""
        return <size_t>self.address

    def protect(self, Py_ssize_t offset, Py_ssize_t nbytes, bint writable):
        """Allow or forbid writing to pages of a shared mapping."""
        self._check_range(offset, nbytes)
        if mprotect_(self.address + offset, <size_t>nbytes, PROT_READ | PROT_WRITE if writable else PROT_READ):
            raise OSError(errno, os.strerror(errno))

    cdef void forget(self) noexcept:
        """Drop every page; what refuses stays."""
        if self.generation == _generation:
            madvise_(self.address, <size_t>self.nbytes, MADV_DONTNEED)

    def read(self, Py_ssize_t offset, Py_ssize_t nbytes) -> bytes:
        """A copy of some bytes."""
        self._check_range(offset, nbytes)
        return self.address[offset:offset + nbytes]

    def write(self, Py_ssize_t offset, bytes data):
        """Store bytes into a writable mapping, without any order between them."""
        cdef Py_ssize_t i
        self._check_range(offset, len(data))
        for i in range(len(data)):
            self.address[offset + i] = (<char *>data)[i]

    cdef int _check_range(self, Py_ssize_t offset, Py_ssize_t nbytes) except -1:
        self.check_process("shared memory")
        if offset < 0 or nbytes < 0 or offset > self.nbytes - nbytes:
            raise ValueError(f"bytes {offset} to {offset + nbytes} are outside of a mapping of {self.nbytes}")
        return 0


def reserve(int fd, Py_ssize_t offset, Py_ssize_t nbytes, str what):
    """Give a file's pages their memory now, so that no later store can fail with SIGBUS.

    Raises SharedMemoryFullError, naming `what` and the bytes needed, when there is no room.
    """
    cdef int failed
    while True:
        failed = posix_fallocate(fd, offset, nbytes)
        if failed == 0:
            return
        if failed == EINTR:
            continue
        if failed == ENOSPC:
            room = os.fstatvfs(fd)
            raise SharedMemoryFullError(what, nbytes, room.f_bavail * room.f_frsize)
        raise OSError(failed, os.strerror(failed))


cdef void give_back(int fd, off_t offset, off_t nbytes) noexcept nogil:
    """Return the memory of pages to the system: they read as zeros from now on. A file system that cannot keeps them."""
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, nbytes)


def read_word(Mapping mapping not None, Py_ssize_t offset) -> int:
    """An atomic word of shared memory."""
    return _load_word(_word_at(mapping, offset))


def add_to_word(Mapping mapping not None, Py_ssize_t offset, uint64_t count) -> None:
    """Add to an atomic word; whoever sees the sum sees what was stored before."""
    _add_word(_word_at(mapping, offset), count)


def set_word_once(Mapping mapping not None, Py_ssize_t offset, uint64_t value) -> bool:
    """Store `value` into an atomic word that is still 0; False when somebody else was first."""
    return bool(_swap_word(_word_at(mapping, offset), value))


cdef horus_word *_word_at(Mapping mapping, Py_ssize_t offset) except NULL:
    mapping.check_process("shared memory")
    if offset < 0 or offset % 8 or offset > mapping.nbytes - 8:
        raise ValueError(f"no word at byte {offset} of {mapping.nbytes}")
    return <horus_word *>(mapping.address + offset)
