"""A ring segment as anyone can see it: its header, its table of subscribers, and who holds a row.

Making the header of a new one, reading what another process wrote, closing the rows of those who are gone.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset, strlen

from horus_runner._core.clock cimport now_ns
from horus_runner._core.mapping cimport Mapping
from horus_runner._core.ring_h cimport (
    HR_ARRAY, HR_FREE, HR_LAYOUT_BYTES, HR_LIVE, HR_MAX_HELD, HR_NAME_BYTES, HR_PACKED, HR_RECORD, HR_TOPIC_BYTES,
    HR_TYPE_BYTES, atomic_word, hh_histogram, hh_quantile, hr_account, hr_account_read, hr_header, hr_owner,
    hr_plan, hr_row, hr_row_at, hr_row_held, hr_row_retire, hr_state, hr_valid,
)

from horus_runner.errors import HorusError

PACKED = HR_PACKED
ARRAY = HR_ARRAY
RECORD = HR_RECORD
MAX_HELD = HR_MAX_HELD
NAME_BYTES = HR_NAME_BYTES - 1
TOPIC_BYTES = HR_TOPIC_BYTES - 1
LAYOUT_BYTES = HR_LAYOUT_BYTES - 1


def owner_word(uint32_t run, uint32_t index, uint32_t serial) -> int:
    """The word that names the holder of a subscriber row: its run, its doorbell there, and which of its joins it is."""
    return hr_owner(run, index, serial, HR_LIVE)


def owner_parts(uint64_t owner) -> tuple[int, int, str]:
    """Run, doorbell index and state (free, claiming, live, clearing) of an owner word."""
    return owner >> 32, (owner >> 20) & 0xFFF, ("free", "claiming", "live", "clearing")[hr_state(owner)]


cdef int _store_text(char *to, Py_ssize_t room, str text) except -1:
    cdef bytes data = text.encode()
    if len(data) >= room:
        raise ValueError(f"'{text[:40]}...' has {len(data)} bytes; at most {room - 1} fit")
    memset(to, 0, room)
    memcpy(to, <char *>data, len(data))
    return 0


def ring_header(*, uint64_t capacity, uint32_t rows, uint32_t max_held, uint32_t loans, uint64_t slot_bytes,
                uint64_t embed_bytes, uint64_t generation, uint64_t base, uint64_t layout_hash, uint32_t run,
                uint32_t publisher_index, str topic, str publisher, str type, str layout,
                bint lossless=False, uint32_t expected=0) -> tuple[bytes, int, int]:
    """The first bytes of a new ring segment, how many bytes of it come before the slots, and how many it has in all.

    A `lossless` ring overwrites nothing unread; `expected` subscribers are sure to come.
    `slot_bytes` 0 makes a ring whose messages are all embedded, in `embed_bytes` each. Raises ValueError when a name
    does not fit.
    """
    cdef hr_header header
    memset(&header, 0, sizeof(header))
    header.capacity, header.rows, header.max_held, header.loans = capacity, rows, max_held, loans
    header.slot_bytes, header.embed_bytes = slot_bytes, embed_bytes
    header.generation, header.base, header.head = generation, base, base
    header.layout_hash, header.created_ns = layout_hash, now_ns()
    header.run, header.publisher_index = run, publisher_index
    header.lossless, header.expected = lossless, expected
    _store_text(header.topic, HR_TOPIC_BYTES, topic)
    _store_text(header.publisher, HR_NAME_BYTES, publisher)
    _store_text(header.type, HR_TYPE_BYTES, type)
    _store_text(header.layout, HR_LAYOUT_BYTES, layout)
    total = hr_plan(&header)
    if not hr_valid(&header, total):
        raise ValueError(f"no ring with capacity={capacity}, rows={rows}, max_held={max_held}, slot_bytes={slot_bytes}")
    return PyBytes_FromStringAndSize(<char *>&header, sizeof(header)), header.payload_offset, total


HEADER_BYTES = sizeof(hr_header)


cdef hr_header *header_of(Mapping mapping, Py_ssize_t file_bytes) except NULL:
    cdef hr_header *header = <hr_header *>mapping.address
    mapping.check_process("a topic")
    if mapping.nbytes < <Py_ssize_t>sizeof(hr_header) or not hr_valid(header, file_bytes):
        raise HorusError("a ring segment's header makes no sense: another version wrote it, or it is damaged")
    return header


cdef str text_of(const char *stored):
    """A name out of shared memory; cut to fit, it may end within a character."""
    return stored[:strlen(stored)].decode("utf-8", "replace")


def describe_ring(Mapping mapping not None, Py_ssize_t file_bytes) -> dict:
    """What a ring's header says, from a mapping of at least its first HEADER_BYTES."""
    cdef hr_header *header = header_of(mapping, file_bytes)
    return {
        "topic": text_of(header.topic), "publisher": text_of(header.publisher), "type": text_of(header.type),
        "layout": text_of(header.layout),
        "layout_hash": header.layout_hash, "generation": header.generation, "base": header.base,
        "lossless": header.lossless != 0, "run": header.run, "publisher_index": header.publisher_index, "capacity": header.capacity,
        "rows": header.rows, "max_held": header.max_held, "slots": header.slots, "slot_bytes": header.slot_bytes,
        "embed_bytes": header.embed_bytes, "loans": header.loans,
        "head": atomic_word(&header.head), "bytes": atomic_word(&header.bytes),
        "successor": atomic_word(&header.successor), "rows_in_use": atomic_word(&header.rows_in_use),
        "created_ns": header.created_ns,
        "descriptors_offset": header.descriptors_offset, "payload_offset": header.payload_offset,
        "total_bytes": header.total_bytes,
    }


cdef object quantiles(hh_histogram *histogram):
    """(p50, p99, max, count) in nanoseconds, or None when nothing was measured."""
    if not atomic_word(&histogram.count):
        return None
    return (hh_quantile(histogram, 500), hh_quantile(histogram, 990), atomic_word(&histogram.max),
            atomic_word(&histogram.count))


def describe_rows(Mapping mapping not None, Py_ssize_t file_bytes) -> list:
    """The ledger of every row that is or was in use: what it comes to over all lives of its subscriber, and how many
    slots it holds now."""
    cdef hr_header *header = header_of(mapping, file_bytes)
    cdef hr_row *row
    cdef hr_account account
    cdef uint32_t i
    found = []
    for i in range(header.rows):
        row = hr_row_at(header, i)
        if not row.subscriber[0]:
            continue
        hr_account_read(header, row, &account)
        found.append({
            "owner": atomic_word(&row.owner), "live": bool(account.open), "row": i,
            "subscriber": text_of(row.subscriber), "delivered": account.delivered, "lost": account.lost,
            "superseded": account.superseded, "in_flight": account.in_flight, "copied": atomic_word(&row.copied),
            "held": hr_row_held(row),
            "balanced": bool(account.balanced), "latency": quantiles(&row.latency), "age": quantiles(&row.age),
        })
    return found


def retire_row(Mapping mapping not None, Py_ssize_t file_bytes, uint32_t row, uint64_t seen, uint64_t cleaner) -> bool:
    """Close a row whose owner word was `seen` and whose owner is known to be gone; False when it has changed since."""
    cdef hr_header *header = header_of(mapping, file_bytes)
    if row >= header.rows or hr_state(seen) == HR_FREE:
        return False
    return bool(hr_row_retire(header, row, seen, cleaner))


def row_owners(Mapping mapping not None, Py_ssize_t file_bytes) -> list:
    """The owner word of each row, 0 for a free one. All rows: who died in a claim may not have counted its row."""
    cdef hr_header *header = header_of(mapping, file_bytes)
    cdef uint32_t i
    return [atomic_word(&hr_row_at(header, i).owner) for i in range(header.rows)]
