"""The declarations of histogram.h and ring.h."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

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
