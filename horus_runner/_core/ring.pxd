from libc.stdint cimport int64_t, uint32_t, uint64_t

from horus_runner._core.blocks cimport Block
from horus_runner._core.clock cimport Doorbell, hr_doorbell
from horus_runner._core.mapping cimport Descriptor, Mapping
from horus_runner._core.records cimport Layout
from horus_runner._core.ring_h cimport hr_reader, hr_writer, hr_look


cdef class RingWriter:
    cdef hr_writer w
    cdef Mapping mapping
    cdef Descriptor file
    cdef readonly str label
    cdef Doorbell bell
    cdef RingWriter before
    cdef object reclaim
    cdef int64_t wait_ns
    cdef bint lossless
    cdef object resolve
    cdef bint check
    cdef uint64_t *seen
    cdef hr_doorbell **bells
    cdef list doorbells
    cdef uint32_t loans_alive
    cdef readonly type record_type
    cdef readonly Layout layout

    cdef int64_t take(self, uint64_t nbytes) except -1
    cdef char *slot_address(self, int64_t slot) noexcept
    cdef int publish_embedded(self, uint64_t kind, const void *payload, uint64_t nbytes, int64_t send_ns, int64_t origin_ns) except -1
    cdef int publish_slot(self, uint64_t kind, int64_t slot, uint64_t nbytes, int64_t send_ns, int64_t origin_ns) except -1
    cdef int notify(self) except -1
    cdef int await_room(self) except -1
    cdef bint _has_room(self, uint32_t *slow) noexcept
    cdef int _meet(self, uint32_t row, uint64_t owner) except -1
    cdef Loan loan(self, uint64_t nbytes)
    cpdef follow(self, RingWriter before)
    cpdef come_after(self, RingWriter before)


cdef class Loan(Block):
    cdef RingWriter writer
    cdef readonly int64_t slot
    cdef bint sent


cdef class RingReader:
    cdef hr_reader r
    cdef Mapping control
    cdef Mapping view
    cdef object open_private
    cdef dict privates
    cdef Doorbell writer_bell
    cdef char *scratch
    cdef uint64_t owner
    cdef uint32_t row_index
    cdef readonly bint warned
    cdef readonly type record_type
    cdef readonly Layout layout

    cdef void end_lease(self, uint32_t cell, int64_t slot, bint exported) noexcept
    cdef int _claim(self, uint64_t owner, str subscriber) except -1
    cdef void _retire(self) noexcept
    cdef void advanced(self) noexcept
    cdef int _warn_copied(self) except -1
    cdef char *private_slot(self, int64_t slot) except NULL
    cdef Block block_of(self, hr_look *look)


cdef class Lease(Block):
    cdef RingReader reader
    cdef uint32_t cell
    cdef int64_t slot
    cdef bint exported
