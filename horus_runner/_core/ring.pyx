"""The two ends of a ring in one process: what publishes into a mapped segment, and what reads it.

The algorithm is ring.h; here are the memory that it runs on, the pages of its slots, leases and loans as Python
objects, and the doorbells of those who sleep. Whoever calls holds the interpreter lock, which makes every publish and
every receive of one process one step.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset, strlen

from horus_runner._core.blocks cimport Block, HeapBlock, heap_block
from horus_runner._core.clock cimport (
    Doorbell, hr_doorbell, hr_ring, hr_ring_always, hr_sleep_look, now_ns, stop_signal_seen, wake,
)
from horus_runner._core.mapping cimport Descriptor, Mapping, fork_generation, give_back
from horus_runner._core.records cimport Layout, record_layout

import warnings

from horus_runner._core.mapping import reserve
from horus_runner.errors import HorusError, HorusTimeoutError, LoanLimitError

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

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


cdef hr_header *_header_of(Mapping mapping, Py_ssize_t file_bytes) except NULL:
    cdef hr_header *header = <hr_header *>mapping.address
    mapping.check_process("a topic")
    if mapping.nbytes < <Py_ssize_t>sizeof(hr_header) or not hr_valid(header, file_bytes):
        raise HorusError("a ring segment's header makes no sense: another version wrote it, or it is damaged")
    return header


cdef str _text(const char *stored):
    """A name out of shared memory; cut to fit, it may end within a character."""
    return stored[:strlen(stored)].decode("utf-8", "replace")


def describe_ring(Mapping mapping not None, Py_ssize_t file_bytes) -> dict:
    """What a ring's header says, from a mapping of at least its first HEADER_BYTES."""
    cdef hr_header *header = _header_of(mapping, file_bytes)
    return {
        "topic": _text(header.topic), "publisher": _text(header.publisher), "type": _text(header.type),
        "layout": _text(header.layout),
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
    cdef hr_header *header = _header_of(mapping, file_bytes)
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
            "subscriber": _text(row.subscriber), "delivered": account.delivered, "lost": account.lost,
            "superseded": account.superseded, "in_flight": account.in_flight, "copied": atomic_word(&row.copied),
            "held": hr_row_held(row),
            "balanced": bool(account.balanced), "latency": quantiles(&row.latency), "age": quantiles(&row.age),
        })
    return found


def retire_row(Mapping mapping not None, Py_ssize_t file_bytes, uint32_t row, uint64_t seen, uint64_t cleaner) -> bool:
    """Close a row whose owner word was `seen` and whose owner is known to be gone; False when it has changed since."""
    cdef hr_header *header = _header_of(mapping, file_bytes)
    if row >= header.rows or hr_state(seen) == HR_FREE:
        return False
    return bool(hr_row_retire(header, row, seen, cleaner))


def row_owners(Mapping mapping not None, Py_ssize_t file_bytes) -> list:
    """The owner word of each row, 0 for a free one. All rows: who died in a claim may not have counted its row."""
    cdef hr_header *header = _header_of(mapping, file_bytes)
    cdef uint32_t i
    return [atomic_word(&hr_row_at(header, i).owner) for i in range(header.rows)]


@cython.final
cdef class RingWriter:
    """The publishing end of a ring segment, mapped whole and writable, with `file` open on it for reserving pages.

    A ring left by a publisher that is gone is taken up where it stood; call `ring_everybody` then. `resolve` turns an
    owner word into the Doorbell of that subscriber, or None when its process cannot be found. With `check`, a slot is
    read-only in this process while it is published. On a lossless ring this process sleeps on `bell` while there is
    no room, `wait_ns` at the most; before it gives up, `reclaim(mapping)` closes the rows of dead runs.
    """

    def __cinit__(self, Mapping mapping not None, Descriptor file not None, str label not None, resolve,
                  Doorbell bell not None, reclaim, type record_type=None, *, bint check=False, int64_t wait_ns=0):
        cdef hr_header *header = _header_of(mapping, mapping.nbytes)
        self.mapping, self.file, self.label, self.resolve, self.check = mapping, file, label, resolve, check
        self.bell, self.wait_ns, self.lossless = bell, wait_ns, header.lossless != 0
        self.reclaim = reclaim
        self.record_type = record_type
        self.layout = None if record_type is None else record_layout(record_type)
        self.w.named = <uint32_t *>calloc(header.capacity, 4)
        self.w.pins = <uint32_t *>calloc(header.slots + 1, 4)
        self.w.free = <uint32_t *>calloc(header.slots + 1, 4)
        self.w.marks = <uint32_t *>calloc(header.slots + 1, 4)
        self.w.backed = <uint64_t *>calloc(header.slots + 1, 8)
        self.seen = <uint64_t *>calloc(header.rows + 1, 8)
        self.bells = <hr_doorbell **>calloc(header.rows + 1, sizeof(hr_doorbell *))
        if not (self.w.named and self.w.pins and self.w.free and self.w.marks and self.w.backed and self.seen
                and self.bells):
            raise MemoryError()
        self.doorbells = [None] * header.rows
        hr_writer_adopt(&self.w, header)

    def __dealloc__(self):
        free(self.w.named)
        free(self.w.pins)
        free(self.w.free)
        free(self.w.marks)
        free(self.w.backed)
        free(self.seen)
        free(self.bells)

    @property
    def next(self) -> int:
        """The number of the next message: how many this topic's publisher has sent since its first ring."""
        return self.w.next

    @property
    def slot_bytes(self) -> int:
        return self.w.slot_bytes

    @property
    def embed_bytes(self) -> int:
        return self.w.header.embed_bytes

    cdef char *slot_address(self, int64_t slot) noexcept:
        return self.w.payload + slot * self.w.slot_bytes

    cdef int64_t take(self, uint64_t nbytes) except -1:
        """A slot to write `nbytes` into, with memory behind them. Raises SharedMemoryFullError."""
        cdef int64_t slot = hr_take(&self.w, nbytes)
        cdef Py_ssize_t offset
        if slot < 0:
            raise HorusError(f"{self.label}: no slot is free, so its subscriber table is damaged")
        offset = self.w.header.payload_offset + slot * self.w.slot_bytes
        try:
            if self.w.backed[slot] < nbytes:
                nbytes = (nbytes + 4095) // 4096 * 4096
                reserve(self.file.number, offset, nbytes, self.label)
                self.w.backed[slot] = nbytes
            if self.check:
                self.mapping.protect(offset, self.w.slot_bytes, True)
        except BaseException:
            hr_unpin(&self.w, <uint32_t>slot)
            raise
        return slot

    cdef int publish_embedded(self, uint64_t kind, const void *payload, uint64_t nbytes, int64_t send_ns,
                              int64_t origin_ns) except -1:
        cdef hr_descriptor *d = hr_begin(&self.w)
        hr_copy_in(d, payload, nbytes)
        hr_end(&self.w, d, kind, -1, nbytes, send_ns, origin_ns)
        return self.notify()

    cdef int publish_slot(self, uint64_t kind, int64_t slot, uint64_t nbytes, int64_t send_ns,
                          int64_t origin_ns) except -1:
        """Publish a slot that `take` gave; its pin passes to the ring."""
        cdef hr_descriptor *d
        if self.check:
            self.mapping.protect(self.w.header.payload_offset + slot * self.w.slot_bytes, self.w.slot_bytes, False)
        d = hr_begin(&self.w)
        hr_end(&self.w, d, kind, slot, nbytes, send_ns, origin_ns)
        return self.notify()

    cdef int notify(self) except -1:
        """Wake the subscribers that sleep. A subscriber met for the first time is looked up by `resolve`."""
        cdef hr_header *header = self.w.header
        cdef uint64_t rows = atomic_word(&header.rows_in_use)
        cdef uint64_t owner
        cdef uint32_t i
        if rows > header.rows:
            rows = header.rows
        for i in range(rows):
            owner = atomic_word(&hr_row_at(header, i).owner)
            if owner != self.seen[i]:
                self._meet(i, owner)
            if self.bells[i] != NULL and hr_ring(self.bells[i]):
                wake(self.bells[i])
        return 0

    cdef int await_room(self) except -1:
        """Sleep until the next message of this lossless ring overwrites nothing unread, or a stop signal came.

        Raises HorusTimeoutError, naming the slowest subscriber. Other threads run meanwhile.
        """
        cdef uint32_t slow = 0, seen
        cdef int64_t until_ns = 0
        while not self._has_room(&slow) and not stop_signal_seen():
            if not until_ns:
                until_ns = now_ns() + self.wait_ns
            elif now_ns() >= until_ns:
                self.reclaim(self.mapping)
                if self._has_room(&slow):
                    return 0
                raise HorusTimeoutError(self._full(slow))
            seen = hr_sleep_look(self.bell.bell)
            hr_wait_prepare(&self.w)
            if self.before is not None:
                hr_wait_prepare(&self.before.w)
            if not self._has_room(&slow) and not stop_signal_seen():
                with nogil:
                    self.bell.sleep(seen, until_ns)
            hr_wait_done(&self.w)
            PyErr_CheckSignals()
        return 0

    cdef bint _has_room(self, uint32_t *slow) noexcept:
        while self.before is not None and hr_settled(self.before.w.header):
            self.before = self.before.before
        return hr_has_room(&self.w, self.before is not None, slow)

    def _full(self, uint32_t slow) -> str:
        kept = f"{self.label} keeps {self.w.capacity} messages and has been full for {self.wait_ns / 1e9:g} s"
        if slow >= self.w.header.rows:
            if self.before is None:
                return f"{kept}: a subscriber that was declared has not come"
            return f"{kept}: a subscriber has not come yet, or has older messages to read first"
        row = hr_row_at(self.w.header, slow)
        behind = self.w.next - hr_cursor(row)
        return f"{kept}: subscriber '{_text(row.subscriber)}' has {behind} of them to read"

    cdef int _meet(self, uint32_t row, uint64_t owner) except -1:
        cdef Doorbell doorbell = self.resolve(owner) if hr_state(owner) == HR_LIVE else None
        self.doorbells[row] = doorbell
        self.bells[row] = NULL if doorbell is None else doorbell.bell
        self.seen[row] = owner
        return 0

    def ring_everybody(self) -> None:
        """Wake every subscriber, asleep or on its way there: after taking over a ring, marking its successor."""
        cdef uint32_t i
        self.notify()
        for i in range(self.w.header.rows):
            if self.bells[i] != NULL:
                hr_ring_always(self.bells[i])
                wake(self.bells[i])

    @property
    def ended(self) -> bool:
        """Whether the next generation is marked."""
        return bool(atomic_word(&self.w.header.successor))

    cpdef follow(self, RingWriter before):
        """End `before` at its head, where the numbers of this new ring begin; then call `before.ring_everybody`."""
        hr_follow(&self.w, &before.w)
        self.come_after(before)

    cpdef come_after(self, RingWriter before):
        """Remember the generation before, whose subscribers a lossless ring waits for."""
        if self.lossless:
            self.before = before

    def purge(self) -> bool:
        """Give the memory of this ring's slots back, once its successor is marked and nobody uses them; False before.

        Who joins afterwards finds its messages lost.
        """
        cdef uint64_t slot
        if self.loans_alive or not hr_purge(&self.w):
            return False
        for slot in range(self.w.slots):
            if hr_purgeable(&self.w, slot):
                give_back(self.file.number, self.w.header.payload_offset + slot * self.w.slot_bytes, self.w.slot_bytes)
        return True

    cdef Loan loan(self, uint64_t nbytes):
        """A slot to fill in place. Raises LoanLimitError when as many as the ring has slots for are alive."""
        cdef Loan loan
        self.mapping.check_process("a topic")
        if self.loans_alive >= self.w.header.loans:
            raise LoanLimitError(self.label, self.w.header.loans)
        loan = Loan.__new__(Loan)
        loan.slot = self.take(nbytes)
        loan.writer = self
        loan.address = self.slot_address(loan.slot)
        loan.nbytes = nbytes
        self.loans_alive += 1
        return loan


@cython.final
cdef class Loan(Block):
    """A slot lent to the publisher's code. It is used for nothing else until this object and all that was made of it
    are gone, sent or not."""

    cdef int check_process(self) except -1:
        self.writer.mapping.check_process("a loan")
        return 0

    def __dealloc__(self):
        if self.writer is not None and self.writer.mapping.generation == fork_generation():
            self.writer.loans_alive -= 1
            hr_unpin(&self.writer.w, <uint32_t>self.slot)


@cython.final
cdef class Lease(Block):
    """A slot that a received message stands in, not overwritten until this object goes."""

    cdef char *private_address(self) except NULL:
        cdef char *address = self.reader.private_slot(self.slot)
        self.exported = True
        return address

    cdef int check_process(self) except -1:
        self.reader.control.check_process("a message")
        return 0

    def __dealloc__(self):
        if self.reader is not None:
            self.reader.end_lease(self.cell, self.slot, self.exported)


@cython.final
cdef class RingReader:
    """The receiving end of a ring for one subscriber.

    `control` maps header and table, writable; `view` maps descriptors and slots, read-only. `open_private(slot)` maps
    one slot copy-on-write. `owner` is this subscriber's word. `writer_bell` wakes the publisher of a lossless ring;
    None when its process cannot be found. Raises HorusError when the table has no row left.
    """

    def __cinit__(self, Mapping control not None, Mapping view not None, Py_ssize_t file_bytes, uint64_t owner,
                  str subscriber not None, open_private, Doorbell writer_bell, type record_type=None, *,
                  object start=None):
        cdef hr_header *header = _header_of(control, file_bytes)
        cdef hr_reader *r = &self.r
        self.control, self.view, self.open_private, self.privates = control, view, open_private, {}
        self.writer_bell = writer_bell
        self.record_type = record_type
        self.layout = None if record_type is None else record_layout(record_type)
        if <uint64_t>control.nbytes < header.descriptors_offset or \
                <uint64_t>view.nbytes < header.total_bytes - header.descriptors_offset:
            raise ValueError("the mappings are smaller than the ring")
        r.header = header
        r.capacity, r.stride, r.slots = header.capacity, header.stride, header.slots
        r.slot_bytes, r.embed_bytes, r.max_held = header.slot_bytes, header.embed_bytes, header.max_held
        r.descriptors = view.address
        r.payload = view.address + (header.payload_offset - header.descriptors_offset)
        self.scratch = <char *>malloc(r.embed_bytes + 16)
        if self.scratch == NULL:
            raise MemoryError()
        self._claim(owner, subscriber)
        hr_row_open(r, self.owner, <uint64_t>-1 if start is None else <uint64_t>start)
        self.advanced()

    cdef int _claim(self, uint64_t owner, str subscriber) except -1:
        """The free row that this subscriber had before, so that its counts go on; else one that nobody had; else any."""
        cdef hr_header *header = self.r.header
        cdef hr_row *row
        cdef uint32_t i
        cdef int wanted
        cdef bytes name = subscriber.encode()[:HR_NAME_BYTES - 1]
        for wanted in range(3):
            for i in range(header.rows):
                row = hr_row_at(header, i)
                if atomic_word(&row.owner) != HR_FREE:
                    continue
                label = row.subscriber[:strlen(row.subscriber)]
                if wanted == 0 and label != name or wanted == 1 and label:
                    continue
                if not hr_row_claim(header, i, owner):
                    continue
                if wanted:
                    hr_row_name(row, name, len(name))
                self.r.row = row
                self.row_index = i
                self.owner = (owner & ~<uint64_t>3) | HR_LIVE
                return 0
        raise HorusError(f"'{subscriber}' cannot subscribe: all {header.rows} places for subscribers are taken")

    def __dealloc__(self):
        self._retire()
        free(self.scratch)

    cdef void _retire(self) noexcept:
        if self.owner and self.control.generation == fork_generation():
            hr_row_retire(self.r.header, self.row_index, self.owner, self.owner)
            self.owner = 0
            self.advanced()

    cdef void advanced(self) noexcept:
        """The cursor has moved, the row has come or gone: a publisher that waits for that is woken."""
        if hr_writer_waits(&self.r) and self.writer_bell is not None:
            hr_ring_always(self.writer_bell.bell)
            wake(self.writer_bell.bell)

    def close(self) -> None:
        """Give the row back: now, or when the last held message goes, whose cell the row carries."""
        if not self.r.held:
            self._retire()

    @property
    def cursor(self) -> int:
        """The number of the next message to read."""
        return self.r.cursor

    @property
    def held(self) -> int:
        """How many received messages are held right now."""
        return bin(self.r.held).count("1")

    @property
    def exhausted(self) -> bool:
        """Whether every message here was read and no next generation is ready."""
        cdef hr_look look
        return hr_peek(&self.r, &look) == HR_EMPTY

    @property
    def generation(self) -> int:
        return self.r.header.generation

    cdef void end_lease(self, uint32_t cell, int64_t slot, bint exported) noexcept:
        cdef Mapping private
        if self.control.generation != fork_generation():
            return
        if exported:
            private = <Mapping>self.privates[slot]
            private.forget()
        hr_clear(&self.r, cell)

    cdef char *private_slot(self, int64_t slot) except NULL:
        cdef Mapping private = self.privates.get(slot)
        if private is None:
            private = self.open_private(slot)
            self.privates[slot] = private
        return private.address

    cdef Block block_of(self, hr_look *look):
        """Lease the slot that `look` names. None when the message was overwritten before the lease was seen."""
        cdef uint32_t cell = hr_cell(&self.r)
        cdef Lease lease
        cdef HeapBlock copy
        if not hr_lease(&self.r, look, cell):
            return None
        if look.slot < 0 or <uint64_t>look.slot >= self.r.slots or look.length > self.r.slot_bytes:
            hr_clear(&self.r, cell)
            raise HorusError("a descriptor names bytes outside of its ring: the segment is damaged")
        if cell == self.r.max_held:
            copy = heap_block(look.length)
            memcpy(copy.address, self.r.payload + look.slot * self.r.slot_bytes, look.length)
            copy.readonly = True
            hr_clear(&self.r, cell)
            store_word(&self.r.row.copied, atomic_word(&self.r.row.copied) + 1)
            self._warn_copied()
            return copy
        lease = Lease.__new__(Lease)
        lease.reader = self
        lease.cell = cell
        lease.slot = look.slot
        lease.address = <char *>self.r.payload + look.slot * self.r.slot_bytes
        lease.nbytes = look.length
        lease.readonly = True
        return lease

    cdef int _warn_copied(self) except -1:
        if not self.warned:
            self.warned = True
            topic = _text(self.r.header.topic)
            warnings.warn(
                f"topic '{topic}': more than max_held={self.r.max_held} received messages are held, so further ones "
                "are copied. Drop views that are done with, or raise max_held.", RuntimeWarning, stacklevel=2)
        return 0


def read_word(Mapping mapping not None, Py_ssize_t offset) -> int:
    """An atomic word of shared memory."""
    return atomic_word(_word_at(mapping, offset))


def add_to_word(Mapping mapping not None, Py_ssize_t offset, uint64_t count) -> None:
    """Add to an atomic word; whoever sees the sum sees what was stored before."""
    _add_word(_word_at(mapping, offset), count)


def set_word_once(Mapping mapping not None, Py_ssize_t offset, uint64_t value) -> bool:
    """Store `value` into an atomic word that is still 0; False when somebody else was first."""
    return bool(_swap_word(_word_at(mapping, offset), value))


cdef hr_word *_word_at(Mapping mapping, Py_ssize_t offset) except NULL:
    mapping.check_process("shared memory")
    if offset < 0 or offset % 8 or offset > mapping.nbytes - 8:
        raise ValueError(f"no word at byte {offset} of {mapping.nbytes}")
    return <hr_word *>(mapping.address + offset)


cdef extern from *:
    """
    static inline void horus_add_word(hr_word *word, uint64_t count) { atomic_fetch_add(word, count); }
    static inline int horus_swap_word(hr_word *word, uint64_t value) {
        uint64_t unset = 0;
        return atomic_compare_exchange_strong(word, &unset, value);
    }
    """
    void _add_word "horus_add_word" (hr_word *word, uint64_t count) nogil
    int _swap_word "horus_swap_word" (hr_word *word, uint64_t value) nogil
