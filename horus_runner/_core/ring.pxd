from libc.stdint cimport int64_t, uint32_t, uint64_t

from horus_runner._core.blocks cimport Block
from horus_runner._core.clock cimport Doorbell, hr_doorbell
from horus_runner._core.mapping cimport Descriptor, Mapping
from horus_runner._core.records cimport Layout


cdef extern from "histogram.h" nogil:
    ctypedef struct hh_histogram:
        uint64_t count
        uint64_t max
    void hh_record(hh_histogram *histogram, int64_t value)
    uint64_t hh_quantile(hh_histogram *histogram, unsigned permille)


cdef extern from "ring.h" nogil:
    enum:
        HR_PACKED, HR_ARRAY, HR_RECORD
        HR_FREE, HR_CLAIMING, HR_LIVE, HR_CLEARING
        HR_EMPTY, HR_THERE, HR_LAPPED, HR_MOVED
        HR_MAX_HELD, HR_TOPIC_BYTES, HR_NAME_BYTES, HR_TYPE_BYTES, HR_LAYOUT_BYTES

    ctypedef uint64_t hr_word  # atomic: read by atomic_word, written by store_word

    ctypedef struct hr_header:
        uint64_t magic
        uint32_t version, rows
        uint64_t capacity, slots, slot_bytes, embed_bytes, stride
        uint32_t max_held, loans
        uint64_t table_offset, descriptors_offset, payload_offset, total_bytes
        uint64_t generation, base, layout_hash, created_ns
        uint32_t run, publisher_index, lossless, expected
        char topic[208]
        char publisher[112]
        char type[304]
        char layout[1024]
        hr_word head, bytes, successor, rows_in_use

    ctypedef struct hr_row:
        hr_word owner, copied
        char subscriber[112]
        hh_histogram latency, age

    ctypedef struct hr_descriptor:
        uint64_t sequence, send_ns, origin_ns, length, where
        uint64_t words[1]

    ctypedef struct hr_writer:
        hr_header *header
        char *descriptors
        char *payload
        uint64_t capacity, stride, slots, slot_bytes, next, index
        uint32_t *named
        uint32_t *pins
        uint32_t *free
        uint64_t free_count
        uint32_t *marks
        uint64_t *backed
        uint32_t scan

    ctypedef struct hr_reader:
        hr_header *header
        hr_row *row
        const char *descriptors
        const char *payload
        uint64_t capacity, stride, slots, slot_bytes, embed_bytes
        uint64_t cursor, index, lost, superseded, last
        uint32_t held, max_held

    ctypedef struct hr_account:
        uint64_t delivered, lost, superseded, in_flight
        int open, balanced

    ctypedef struct hr_look:
        uint64_t number, send_ns, origin_ns, length, kind, sequence
        int64_t slot

    uint64_t hr_owner(uint32_t run, uint32_t index, uint32_t serial, unsigned state)
    unsigned hr_state(uint64_t owner)
    uint64_t hr_plan(hr_header *h)
    int hr_valid(const hr_header *h, uint64_t mapped)
    hr_row *hr_row_at(hr_header *h, uint32_t row)
    void hr_unpin(hr_writer *w, uint32_t slot)
    void hr_writer_adopt(hr_writer *w, hr_header *h)
    int64_t hr_take(hr_writer *w, uint64_t nbytes)
    hr_descriptor *hr_begin(hr_writer *w)
    void hr_copy_in(hr_descriptor *d, const void *source, uint64_t nbytes)
    void hr_end(hr_writer *w, hr_descriptor *d, uint64_t kind, int64_t slot, uint64_t length,
                uint64_t send_ns, uint64_t origin_ns)
    void hr_seek(hr_reader *r, uint64_t cursor)
    void hr_ledger_write(hr_reader *r)
    void hr_lapped(hr_reader *r)
    int hr_peek(hr_reader *r, hr_look *look)
    int hr_still(hr_reader *r, const hr_look *look)
    int hr_copy_out(hr_reader *r, const hr_look *look, void *to)
    int hr_lease(hr_reader *r, const hr_look *look, uint32_t cell)
    void hr_clear(hr_reader *r, uint32_t cell)
    uint32_t hr_cell(const hr_reader *r)
    void hr_handed(hr_reader *r, const hr_look *look)
    void hr_follow(hr_writer *w, hr_writer *before)
    int hr_purge(hr_writer *w)
    int hr_purgeable(const hr_writer *w, uint64_t slot)
    void hr_account_read(hr_header *h, hr_row *row, hr_account *account)
    uint32_t hr_row_held(hr_row *row)
    void hr_row_name(hr_row *row, const char *name, size_t nbytes)
    int hr_settled(hr_header *h)
    int hr_has_room(hr_writer *w, bint coming, uint32_t *slow)
    uint64_t hr_cursor(hr_row *row)
    void hr_wait_prepare(hr_writer *w)
    void hr_wait_done(hr_writer *w)
    int hr_writer_waits(hr_reader *r)
    int hr_row_claim(hr_header *h, uint32_t i, uint64_t owner)
    void hr_row_open(hr_reader *r, uint64_t owner, uint64_t start)
    int hr_row_retire(hr_header *h, uint32_t i, uint64_t seen, uint64_t cleaner)
    uint64_t atomic_word "HR_LOAD" (hr_word *word)
    void store_word "HR_STORE" (hr_word *word, uint64_t value)


cdef object quantiles(hh_histogram *histogram)


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
