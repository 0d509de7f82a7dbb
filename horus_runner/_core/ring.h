/* The ring: one writer, many readers, payloads leased in place. Plain C11, no Python, no system calls.
 *
 * Segment = header | subscriber table | descriptors | payload slots. S(i) is the sequence of descriptor i, C the
 * capacity; message n lives in descriptor n % C. S = 2n+1: message n is being written; S = 2n+2: message n is there.
 *
 * A slot may be taken when no current descriptor names it, no lease cell holds it and nothing in the publisher pins
 * it (hazard pointers in shared memory). With C + rows x (max_held + 1) + loans + 1 slots one is always free.
 *
 * Whoever dies, dies between two of these stores: a writer in the middle of a publish leaves head where it was, so
 * its message was never visible; a reader leaves its row, which is cleared once its process is known to be gone.
 *
 * SYNC comments carry the same words at the release and at the acquire that it pairs with.
 */
#ifndef HORUS_RING_H
#define HORUS_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "histogram.h"

#define HR_MAGIC 0x31474e4952525248ull /* "HRRRING1" */
#define HR_VERSION 3u
#define HR_PAGE 4096u
#define HR_MAX_HELD 30u
#define HR_TOPIC_BYTES 208
#define HR_NAME_BYTES 112
#define HR_TYPE_BYTES 304
#define HR_LAYOUT_BYTES 1024

typedef _Atomic uint64_t hr_word;

#define HR_LOAD(p) atomic_load_explicit((p), memory_order_relaxed)
#define HR_STORE(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)

/* What a payload is. */
enum { HR_PACKED = 1, HR_ARRAY = 2, HR_RECORD = 3 };

/* An owner word: who has a subscriber row. Its run is dead when the run's process segment can be locked.
 *   run id (32 bits) | doorbell index (12) | serial (18) | state (2) */
enum { HR_FREE = 0, HR_CLAIMING = 1, HR_LIVE = 2, HR_CLEARING = 3 };

static inline uint64_t hr_owner(uint32_t run, uint32_t index, uint32_t serial, unsigned state) {
    return ((uint64_t)run << 32) | ((uint64_t)(index & 0xfffu) << 20) | ((uint64_t)(serial & 0x3ffffu) << 2) | state;
}
static inline unsigned hr_state(uint64_t owner) { return (unsigned)(owner & 3u); }

/* A process sleeps on `word`, whatever it waits for. Only the sleeper writes `sleeping`: a ringer that cleared it
 * and died before the wake would mute all the others. */
typedef struct {
    _Alignas(64) _Atomic uint32_t word;
    _Atomic uint32_t sleeping;
} hr_doorbell;

typedef struct {
    uint64_t magic;
    uint32_t version;
    uint32_t rows;
    uint64_t capacity, slots, slot_bytes, embed_bytes, stride;
    uint32_t max_held, loans;
    uint64_t table_offset, descriptors_offset, payload_offset, total_bytes;
    uint64_t generation, base, layout_hash, created_ns;
    uint32_t run, publisher_index;
    uint32_t lossless, expected; /* on_full: wait; subscribers that are sure to come */
    char topic[HR_TOPIC_BYTES];
    char publisher[HR_NAME_BYTES];
    char type[HR_TYPE_BYTES];
    char layout[HR_LAYOUT_BYTES];
    _Alignas(128) hr_word head;
    hr_word bytes; /* published so far, this generation */
    _Alignas(128) hr_word successor; /* 0, or the final head + 1: the next generation is ready */
    hr_word rows_in_use;             /* rows from here on were never claimed */
    _Alignas(128) hr_word waiting;   /* the writer of a lossless ring sleeps until a cursor moves */
} hr_header;

/* Where a row's present life stands, whole at any instant: copy (ledger_sequence & 1) is the valid one. */
typedef struct {
    hr_word joined, cursor, lost, superseded;
} hr_ledger;

/* What a subscriber's earlier lives in a row came to: copy (bank_sequence & 1) is the valid one. */
typedef struct {
    hr_word delivered, lost, superseded, in_flight, unbalanced;
} hr_bank;

typedef struct {
    _Alignas(128) hr_word owner;
    hr_word ledger_sequence;
    hr_ledger ledger[2];
    hr_word bank_sequence, bank_due; /* due is sequence + 1 while the present life is not banked yet */
    hr_bank bank[2];
    hr_word handed, passed, copied; /* counted at hand-over, from the messages' own numbers */
    hr_word cells[HR_MAX_HELD + 1]; /* slot index + 1 of a leased slot, 0 for none */
    char subscriber[HR_NAME_BYTES];
    hh_histogram latency, age;
} hr_row;

typedef struct {
    hr_word sequence, send_ns, origin_ns, length, where; /* where: kind << 56 | slot + 1, or 0 when embedded */
    hr_word words[];
} hr_descriptor;

static inline uint64_t hr_round(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

static inline uint64_t hr_stride(uint64_t embed_bytes) {
    return hr_round(sizeof(hr_descriptor) + hr_round(embed_bytes, 8), 64);
}

/* Fill the sizes of a header whose capacity, rows, max_held, loans, slot_bytes and embed_bytes are set. Returns the
 * bytes of the whole segment. `slot_bytes` 0 makes a ring without slots (every message is embedded). */
static inline uint64_t hr_plan(hr_header *h) {
    h->magic = HR_MAGIC;
    h->version = HR_VERSION;
    h->stride = hr_stride(h->embed_bytes);
    h->slot_bytes = hr_round(h->slot_bytes, HR_PAGE);
    h->slots = h->slot_bytes ? h->capacity + (uint64_t)h->rows * (h->max_held + 1) + h->loans + 1 : 0;
    h->table_offset = hr_round(sizeof(hr_header), HR_PAGE);
    h->descriptors_offset = hr_round(h->table_offset + (uint64_t)h->rows * sizeof(hr_row), HR_PAGE);
    h->payload_offset = hr_round(h->descriptors_offset + h->capacity * h->stride, HR_PAGE);
    h->total_bytes = h->payload_offset + h->slots * h->slot_bytes;
    return h->total_bytes;
}

/* Whether a header that another process wrote makes sense in `mapped` bytes. */
static inline int hr_valid(const hr_header *h, uint64_t mapped) {
    if (mapped < sizeof(hr_header) || h->magic != HR_MAGIC || h->version != HR_VERSION) return 0;
    if (!h->capacity || h->capacity > (1u << 28) || h->rows > 4096 || h->max_held > HR_MAX_HELD) return 0;
    if (h->embed_bytes > (1u << 20) || h->slot_bytes > (1ull << 40) || h->loans > 4096) return 0;
    hr_header copy = {.capacity = h->capacity, .rows = h->rows, .max_held = h->max_held, .loans = h->loans,
                      .slot_bytes = h->slot_bytes, .embed_bytes = h->embed_bytes};
    hr_plan(&copy);
    if (copy.slots && copy.slot_bytes > (1ull << 62) / copy.slots) return 0;
    return copy.stride == h->stride && copy.slots == h->slots && copy.table_offset == h->table_offset &&
           copy.descriptors_offset == h->descriptors_offset && copy.payload_offset == h->payload_offset &&
           copy.total_bytes == h->total_bytes && h->total_bytes <= mapped;
}

static inline hr_row *hr_row_at(hr_header *h, uint32_t row) {
    return (hr_row *)((char *)h + h->table_offset) + row;
}

/* ---------------------------------------------------------------- writer */

typedef struct {
    hr_header *header;
    char *descriptors;
    char *payload;
    uint64_t capacity, stride, slots, slot_bytes;
    uint64_t next;   /* number of the next message */
    uint64_t index;  /* next % capacity */
    uint32_t *named; /* per descriptor: slot + 1 that it names */
    uint32_t *pins;  /* per slot: 1 while a descriptor names it, plus one for each loan or write in progress */
    uint32_t *free;  /* stack of slots with no pin; leases may still hold some of them */
    uint64_t free_count;
    uint32_t *marks; /* per slot: the last scan that saw it leased */
    uint64_t *backed; /* per slot: how many of its bytes have memory for certain */
    uint32_t scan;
} hr_writer;

static inline hr_descriptor *hr_at(const char *descriptors, uint64_t stride, uint64_t index) {
    return (hr_descriptor *)(descriptors + stride * index);
}

static inline void hr_unpin(hr_writer *w, uint32_t slot) {
    if (--w->pins[slot] == 0) w->free[w->free_count++] = slot;
}

/* Take over a ring, new or left by a publisher that is known to be gone (waitpid or pidfd; nobody else writes).
 * The arrays named, pins, free, marks and backed are the caller's, zeroed. Every doorbell must be rung afterwards,
 * unconditionally: the dead one may have advanced head without ringing. */
static inline void hr_writer_adopt(hr_writer *w, hr_header *h) {
    w->header = h;
    w->descriptors = (char *)h + h->descriptors_offset;
    w->payload = (char *)h + h->payload_offset;
    w->capacity = h->capacity;
    w->stride = h->stride;
    w->slots = h->slots;
    w->slot_bytes = h->slot_bytes;
    w->next = HR_LOAD(&h->head);
    w->index = w->next % w->capacity;
    HR_STORE(&h->waiting, 0);
    uint64_t there = atomic_load_explicit(&hr_at(w->descriptors, w->stride, w->index)->sequence, memory_order_acquire);
    if (there == 2 * w->next + 2) { /* it died between the even sequence and head: the message is whole */
        w->next += 1;
        w->index = w->next % w->capacity;
        /* SYNC: payload of message n visible to readers */
        atomic_store_explicit(&h->head, w->next, memory_order_release);
    }
    for (uint64_t i = 0; i < w->capacity; i++) {
        hr_descriptor *d = hr_at(w->descriptors, w->stride, i);
        uint64_t sequence = HR_LOAD(&d->sequence);
        uint64_t slot = HR_LOAD(&d->where) & 0xffffffffull;
        if (sequence && !(sequence & 1) && slot && slot <= w->slots) {
            w->named[i] = (uint32_t)slot;
            w->pins[slot - 1] += 1;
        }
    }
    for (uint64_t slot = w->slots; slot-- > 0;)
        if (!w->pins[slot]) w->free[w->free_count++] = (uint32_t)slot;
    atomic_thread_fence(memory_order_seq_cst);
}

/* Mark every slot that is leased. */
static inline void hr_scan(hr_writer *w) {
    hr_header *h = w->header;
    if (++w->scan == 0) { /* after 2^32 scans old marks could be taken for new ones */
        memset(w->marks, 0, w->slots * sizeof(uint32_t));
        w->scan = 1;
    }
    uint64_t rows = atomic_load_explicit(&h->rows_in_use, memory_order_acquire);
    if (rows > h->rows) rows = h->rows;
    for (uint64_t r = 0; r < rows; r++) {
        hr_row *row = hr_row_at(h, (uint32_t)r);
        for (uint32_t c = 0; c <= h->max_held; c++) {
            /* SYNC: reads of a leased slot end before its cell is clear */
            uint64_t held = atomic_load_explicit(&row->cells[c], memory_order_acquire);
            if (held && held <= w->slots) w->marks[held - 1] = w->scan;
        }
    }
}

/* Take a slot that nobody can read, and pin it: one with memory for `bytes` if there is one, else any. -1 when there is
 * none, which only a broken table can cause.
 * Relies on the seq_cst fence that ended the publish before: a reader whose lease it does not see will see that
 * the sequence of its descriptor has changed. */
static inline int64_t hr_take(hr_writer *w, uint64_t bytes) {
    hr_scan(w);
    uint64_t found = UINT64_MAX;
    for (uint64_t i = w->free_count; i-- > 0;) { /* freed last, taken first: its lines are warm */
        uint32_t slot = w->free[i];
        if (w->marks[slot] == w->scan) continue;
        if (found == UINT64_MAX || w->backed[slot] >= bytes) found = i;
        if (w->backed[slot] >= bytes) break;
    }
    if (found == UINT64_MAX) return -1;
    uint32_t slot = w->free[found];
    memmove(&w->free[found], &w->free[found + 1], (w->free_count - found - 1) * sizeof(uint32_t));
    w->free_count -= 1;
    w->pins[slot] = 1;
    return slot;
}

/* Publishing message n: begin; fill the payload words of the descriptor that it returns, or a slot beforehand; end. */
static inline hr_descriptor *hr_begin(hr_writer *w) {
    hr_descriptor *d = hr_at(w->descriptors, w->stride, w->index);
    HR_STORE(&d->sequence, 2 * w->next + 1);
    /* SYNC: a descriptor is odd before any of it changes */
    atomic_thread_fence(memory_order_release);
    return d;
}

static inline void hr_copy_in(hr_descriptor *d, const void *source, uint64_t bytes) {
    const char *from = (const char *)source;
    uint64_t whole = bytes / 8;
    for (uint64_t i = 0; i < whole; i++) {
        uint64_t word;
        memcpy(&word, from + 8 * i, 8);
        HR_STORE(&d->words[i], word);
    }
    if (bytes & 7) {
        uint64_t word = 0;
        memcpy(&word, from + 8 * whole, bytes & 7);
        HR_STORE(&d->words[whole], word);
    }
}

/* `slot` is -1 for an embedded payload; else a pinned slot, whose pin passes to the descriptor. */
static inline void hr_end(hr_writer *w, hr_descriptor *d, uint64_t kind, int64_t slot, uint64_t length,
                          uint64_t send_ns, uint64_t origin_ns) {
    hr_header *h = w->header;
    HR_STORE(&d->send_ns, send_ns);
    HR_STORE(&d->origin_ns, origin_ns);
    HR_STORE(&d->length, length);
    HR_STORE(&d->where, kind << 56 | (uint64_t)(slot + 1));
    /* SYNC: payload of message n visible to readers */
    atomic_store_explicit(&d->sequence, 2 * w->next + 2, memory_order_release);
    w->next += 1;
    HR_STORE(&h->bytes, HR_LOAD(&h->bytes) + length);
    /* SYNC: payload of message n visible to readers */
    atomic_store_explicit(&h->head, w->next, memory_order_release);
    /* SYNC: head before sleepers, sequence before leases */
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t old = w->named[w->index];
    w->named[w->index] = (uint32_t)(slot + 1);
    if (old) hr_unpin(w, old - 1);
    if (++w->index == w->capacity) w->index = 0;
}

/* End `before`, which has published its last, and let the numbers of the new ring `w` go on from there. Nobody reads
 * `w` yet: who joins takes the lowest generation and leaves it by the mark. Ring everybody in `before` afterwards. */
static inline void hr_follow(hr_writer *w, hr_writer *before) {
    w->next = w->header->base = before->next;
    w->index = w->next % w->capacity;
    HR_STORE(&w->header->head, w->next);
    w->header->expected = 0; /* who is still to come, comes to the lowest generation: see hr_settled */
    /* SYNC: the final head before the successor mark */
    atomic_store_explicit(&before->header->successor, before->next + 1, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
}

/* The memory of a ring that ended (its successor is marked, this writer has no loan out) may be given back when its
 * table is empty: then no subscriber reads here any more. Its descriptors turn odd, so that whoever still joins
 * finds every message lapped. 1: slot i may go when `hr_purgeable(w, i)`. */
static inline int hr_purge(hr_writer *w) {
    hr_header *h = w->header;
    for (uint32_t r = 0; r < h->rows; r++)
        if (atomic_load_explicit(&hr_row_at(h, r)->owner, memory_order_acquire) != HR_FREE) return 0;
    for (uint64_t i = 0; i < w->capacity; i++)
        HR_STORE(&hr_at(w->descriptors, w->stride, i)->sequence, 2 * w->next + 1);
    /* SYNC: head before sleepers, sequence before leases */
    atomic_thread_fence(memory_order_seq_cst);
    hr_scan(w);
    return 1;
}

static inline int hr_purgeable(const hr_writer *w, uint64_t slot) { return w->marks[slot] != w->scan; }

/* Where a row's reader stands. */
static inline uint64_t hr_cursor(hr_row *row) {
    for (;;) {
        /* SYNC: a ledger copy is whole when its sequence names it */
        uint64_t sequence = atomic_load_explicit(&row->ledger_sequence, memory_order_acquire);
        uint64_t cursor = HR_LOAD(&row->ledger[sequence & 1].cursor);
        /* SYNC: a ledger copy changes only after the sequence names the other */
        atomic_thread_fence(memory_order_acquire);
        if (HR_LOAD(&row->ledger_sequence) == sequence) return cursor;
    }
}

static inline int hr_someone_missing(hr_header *h) {
    uint32_t known = 0;
    for (uint32_t r = 0; r < h->rows; r++) known += *(volatile char *)hr_row_at(h, r)->subscriber != 0;
    return known < h->expected;
}

/* Whether everybody has left an ended generation, or stayed away: until then its subscribers are to come to the next. */
static inline int hr_settled(hr_header *h) {
    for (uint32_t r = 0; r < h->rows; r++)
        if (atomic_load_explicit(&hr_row_at(h, r)->owner, memory_order_acquire) != HR_FREE) return 0;
    return !hr_someone_missing(h);
}

/* Whether the next message of a lossless ring overwrites nothing that is unread, also by those who are `coming` from the
 * generation before. If not, `slow` gets the row of the
 * slowest subscriber, or the number of rows when one that is sure to come is not there yet. */
static inline int hr_has_room(hr_writer *w, int coming, uint32_t *slow) {
    hr_header *h = w->header;
    uint64_t least = w->next;
    for (uint32_t r = 0; r < h->rows; r++) {
        hr_row *row = hr_row_at(h, r);
        /* SYNC: a row is filled before it is live */
        if (hr_state(atomic_load_explicit(&row->owner, memory_order_acquire)) != HR_LIVE) continue;
        uint64_t cursor = hr_cursor(row);
        if (cursor < least) {
            least = cursor;
            *slow = r;
        }
    }
    if (h->base < least && (coming || hr_someone_missing(h))) {
        least = h->base;
        *slow = h->rows;
    }
    return w->next - least < w->capacity;
}

/* The writer of a lossless ring: prepare, look for room once more, futex_wait on its own doorbell, done. */
static inline void hr_wait_prepare(hr_writer *w) {
    HR_STORE(&w->header->waiting, 1);
    /* SYNC: cursors before the waiting writer */
    atomic_thread_fence(memory_order_seq_cst);
}

static inline void hr_wait_done(hr_writer *w) { HR_STORE(&w->header->waiting, 0); }

/* ---------------------------------------------------------------- reader */

typedef struct {
    hr_header *header; /* writable mapping: header and table */
    hr_row *row;
    const char *descriptors; /* read-only mapping */
    const char *payload;     /* read-only mapping */
    uint64_t capacity, stride, slots, slot_bytes, embed_bytes;
    uint64_t cursor; /* number of the next message to read */
    uint64_t index;  /* cursor % capacity */
    uint64_t joined, lost, superseded;
    uint64_t last;   /* number after the last message handed over */
    uint32_t held;   /* bit c: cell c is in use */
    uint32_t max_held;
} hr_reader;

enum { HR_EMPTY = 0, HR_THERE = 1, HR_LAPPED = 2, HR_MOVED = 3 };

/* What a descriptor said, all of one message. */
typedef struct {
    uint64_t number, send_ns, origin_ns, length, kind, sequence;
    int64_t slot; /* -1: embedded */
} hr_look;

static inline void hr_seek(hr_reader *r, uint64_t cursor) {
    r->cursor = cursor;
    r->index = cursor % r->capacity;
}

/* Publish where the reader stands as one record: a kill between two stores leaves the record before. */
static inline void hr_ledger_write(hr_reader *r) {
    hr_row *row = r->row;
    uint64_t sequence = HR_LOAD(&row->ledger_sequence) + 1;
    /* SYNC: a ledger copy changes only after the sequence names the other */
    atomic_thread_fence(memory_order_release);
    hr_ledger *copy = &row->ledger[sequence & 1];
    HR_STORE(&copy->joined, r->joined);
    HR_STORE(&copy->cursor, r->cursor);
    HR_STORE(&copy->lost, r->lost);
    HR_STORE(&copy->superseded, r->superseded);
    /* SYNC: a ledger copy is whole when its sequence names it */
    atomic_store_explicit(&row->ledger_sequence, sequence, memory_order_release);
}

/* The last look has failed: message `cursor` is gone. Jump half a ring back from head, not a whole one: under flood
 * a whole one is lapped again at once. */
static inline void hr_lapped(hr_reader *r) {
    uint64_t head = atomic_load_explicit(&r->header->head, memory_order_acquire);
    uint64_t to = head - (r->capacity + 1) / 2;
    if (to <= r->cursor || head < (r->capacity + 1) / 2) to = r->cursor + 1;
    r->lost += to - r->cursor;
    hr_seek(r, to);
}

/* What stands at the cursor. Never waits on a sequence: a writer that died in the middle leaves head behind it. */
static inline int hr_peek(hr_reader *r, hr_look *look) {
    /* SYNC: payload of message n visible to readers */
    uint64_t head = atomic_load_explicit(&r->header->head, memory_order_acquire);
    if (r->cursor >= head) {
        /* SYNC: the final head before the successor mark */
        uint64_t mark = atomic_load_explicit(&r->header->successor, memory_order_acquire);
        return mark && r->cursor + 1 >= mark ? HR_MOVED : HR_EMPTY;
    }
    hr_descriptor *d = hr_at(r->descriptors, r->stride, r->index);
    /* SYNC: payload of message n visible to readers */
    uint64_t sequence = atomic_load_explicit(&d->sequence, memory_order_acquire);
    if (sequence != 2 * r->cursor + 2) return HR_LAPPED;
    uint64_t where = HR_LOAD(&d->where);
    look->number = r->cursor;
    look->sequence = sequence;
    look->send_ns = HR_LOAD(&d->send_ns);
    look->origin_ns = HR_LOAD(&d->origin_ns);
    look->length = HR_LOAD(&d->length);
    look->kind = where >> 56;
    look->slot = (int64_t)(where & 0xffffffffull) - 1;
    return HR_THERE;
}

/* Whether the descriptor still holds the message that `look` saw; all loads before it are of that message. */
static inline int hr_still(hr_reader *r, const hr_look *look) {
    hr_descriptor *d = hr_at(r->descriptors, r->stride, r->index);
    /* SYNC: a descriptor is odd before any of it changes */
    atomic_thread_fence(memory_order_acquire);
    return HR_LOAD(&d->sequence) == look->sequence;
}

/* Copy an embedded payload; `to` has room for embed_bytes rounded up to 8. 0 when lapped in between. */
static inline int hr_copy_out(hr_reader *r, const hr_look *look, void *to) {
    hr_descriptor *d = hr_at(r->descriptors, r->stride, r->index);
    uint64_t bytes = look->length <= r->embed_bytes ? look->length : 0;
    for (uint64_t i = 0; i < (bytes + 7) / 8; i++) {
        uint64_t word = HR_LOAD(&d->words[i]);
        memcpy((char *)to + 8 * i, &word, 8);
    }
    return hr_still(r, look);
}

/* Lease the slot of `look` in cell `cell`. 1: the slot is mine until the cell is clear. 0: lapped. */
static inline int hr_lease(hr_reader *r, const hr_look *look, uint32_t cell) {
    hr_descriptor *d = hr_at(r->descriptors, r->stride, r->index);
    atomic_store_explicit(&r->row->cells[cell], (uint64_t)look->slot + 1, memory_order_release);
    /* SYNC: head before sleepers, sequence before leases */
    atomic_thread_fence(memory_order_seq_cst);
    if (HR_LOAD(&d->sequence) == look->sequence) {
        r->held |= 1u << cell;
        return 1;
    }
    /* SYNC: reads of a leased slot end before its cell is clear */
    atomic_store_explicit(&r->row->cells[cell], 0, memory_order_release);
    return 0;
}

static inline void hr_clear(hr_reader *r, uint32_t cell) {
    r->held &= ~(1u << cell);
    /* SYNC: reads of a leased slot end before its cell is clear */
    atomic_store_explicit(&r->row->cells[cell], 0, memory_order_release);
}

/* A cell for one more held message, or max_held (the cell for private copies) when that many are held. */
static inline uint32_t hr_cell(const hr_reader *r) {
    uint32_t unused = ~r->held;
    uint32_t cell = (uint32_t)__builtin_ctz(unused ? unused : 1u << 31);
    return cell < r->max_held ? cell : r->max_held;
}

/* After the cursor has moved, or the row has come or gone: whether the writer waits for that and must be rung. */
static inline int hr_writer_waits(hr_reader *r) {
    if (!r->header->lossless) return 0;
    /* SYNC: cursors before the waiting writer */
    atomic_thread_fence(memory_order_seq_cst);
    return HR_LOAD(&r->header->waiting) != 0;
}

/* Message `cursor` is handed over: step past it, and count it from its own number. */
static inline void hr_handed(hr_reader *r, const hr_look *look) {
    hr_row *row = r->row;
    /* SYNC: what the ledger says before what was handed over after it */
    atomic_thread_fence(memory_order_release);
    HR_STORE(&row->handed, HR_LOAD(&row->handed) + 1);
    if (look->number != r->last) HR_STORE(&row->passed, HR_LOAD(&row->passed) + look->number - r->last);
    r->last = look->number + 1;
    r->cursor += 1;
    if (++r->index == r->capacity) r->index = 0;
    hr_ledger_write(r);
}

/* ---------------------------------------------------------------- rows */

/* Claim row `i` for `owner` (state bits are set here). 1 when claimed; then fill the row and call hr_row_open. */
static inline int hr_row_claim(hr_header *h, uint32_t i, uint64_t owner) {
    hr_row *row = hr_row_at(h, i);
    uint64_t unowned = 0;
    if (!atomic_compare_exchange_strong(&row->owner, &unowned, (owner & ~3ull) | HR_CLAIMING)) return 0;
    uint64_t used = atomic_load(&h->rows_in_use);
    while (used < i + 1u && !atomic_compare_exchange_weak(&h->rows_in_use, &used, i + 1u)) {}
    return 1;
}

/* The claimed row becomes live and the reader starts at `from`, or at head when `from` is UINT64_MAX. */
static inline void hr_row_open(hr_reader *r, uint64_t owner, uint64_t from) {
    hr_row *row = r->row;
    for (uint32_t c = 0; c <= HR_MAX_HELD; c++) atomic_store_explicit(&row->cells[c], 0, memory_order_release);
    HR_STORE(&row->handed, 0);
    HR_STORE(&row->passed, 0);
    r->lost = r->superseded = 0;
    r->held = 0;
    hr_seek(r, from != UINT64_MAX ? from : atomic_load_explicit(&r->header->head, memory_order_acquire));
    r->joined = r->last = r->cursor;
    hr_ledger_write(r);
    HR_STORE(&row->bank_due, HR_LOAD(&row->bank_sequence) + 1);
    /* SYNC: a row is filled before it is live */
    atomic_store_explicit(&row->owner, (owner & ~3ull) | HR_LIVE, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    if (from == UINT64_MAX && r->header->lossless) { /* what came before the writer saw this row may be lapped */
        hr_seek(r, atomic_load_explicit(&r->header->head, memory_order_acquire));
        r->joined = r->last = r->cursor;
        hr_ledger_write(r);
    }
}

/* What a row comes to: its earlier lives, and the present one as far as it has got. */
typedef struct {
    uint64_t delivered, lost, superseded, in_flight;
    int open, balanced;
} hr_account;

/* The present life alone. A kill during a hand-over leaves the message counted in `handed` and not in the ledger: it
 * was in flight. Whether the two agree is known from a look during which the ledger stood still. */
static inline void hr_life_read(hr_header *h, hr_row *row, hr_account *account) {
    uint64_t joined, cursor, lost, superseded, handed, passed;
    for (;;) {
        /* SYNC: a ledger copy is whole when its sequence names it */
        uint64_t sequence = atomic_load_explicit(&row->ledger_sequence, memory_order_acquire);
        hr_ledger *copy = &row->ledger[sequence & 1];
        handed = HR_LOAD(&row->handed);
        passed = HR_LOAD(&row->passed);
        joined = HR_LOAD(&copy->joined);
        cursor = HR_LOAD(&copy->cursor);
        lost = HR_LOAD(&copy->lost);
        superseded = HR_LOAD(&copy->superseded);
        /* SYNC: a ledger copy changes only after the sequence names the other
         * SYNC: what the ledger says before what was handed over after it */
        atomic_thread_fence(memory_order_acquire);
        if (HR_LOAD(&row->ledger_sequence) == sequence) break;
    }
    account->delivered = cursor - joined - lost - superseded;
    account->balanced = handed - account->delivered <= 1 && passed <= lost + superseded;
    uint64_t head = atomic_load_explicit(&h->head, memory_order_acquire);
    account->lost = lost;
    account->superseded = superseded;
    account->in_flight = head > cursor ? head - cursor : 0;
}

static inline void hr_account_read(hr_header *h, hr_row *row, hr_account *account) {
    for (;;) {
        /* SYNC: a bank copy is whole when its sequence names it */
        uint64_t sequence = atomic_load_explicit(&row->bank_sequence, memory_order_acquire);
        hr_bank *bank = &row->bank[sequence & 1];
        *account = (hr_account){.balanced = 1, .open = HR_LOAD(&row->bank_due) != sequence};
        if (account->open) hr_life_read(h, row, account);
        account->delivered += HR_LOAD(&bank->delivered);
        account->lost += HR_LOAD(&bank->lost);
        account->superseded += HR_LOAD(&bank->superseded);
        account->in_flight += HR_LOAD(&bank->in_flight);
        if (HR_LOAD(&bank->unbalanced)) account->balanced = 0;
        /* SYNC: a bank copy changes only after the sequence names the other */
        atomic_thread_fence(memory_order_acquire);
        if (HR_LOAD(&row->bank_sequence) == sequence) return;
    }
}

/* How many slots a row leases. */
static inline uint32_t hr_row_held(hr_row *row) {
    uint32_t held = 0;
    for (uint32_t c = 0; c <= HR_MAX_HELD; c++) held += HR_LOAD(&row->cells[c]) != 0;
    return held;
}

/* Add the life that ends to those before it, once, however often its cleaners die. */
static inline void hr_row_bank(hr_header *h, hr_row *row) {
    uint64_t due = HR_LOAD(&row->bank_due), sequence = HR_LOAD(&row->bank_sequence);
    if (due == sequence) return;
    hr_bank *from = &row->bank[sequence & 1], *to = &row->bank[due & 1];
    hr_account life;
    hr_life_read(h, row, &life);
    /* SYNC: a bank copy changes only after the sequence names the other */
    atomic_thread_fence(memory_order_release);
    HR_STORE(&to->delivered, HR_LOAD(&from->delivered) + life.delivered);
    HR_STORE(&to->lost, HR_LOAD(&from->lost) + life.lost);
    HR_STORE(&to->superseded, HR_LOAD(&from->superseded) + life.superseded);
    HR_STORE(&to->in_flight, HR_LOAD(&from->in_flight) + life.in_flight);
    HR_STORE(&to->unbalanced, HR_LOAD(&from->unbalanced) + !life.balanced);
    /* SYNC: a bank copy is whole when its sequence names it */
    atomic_store_explicit(&row->bank_sequence, due, memory_order_release);
}

/* Close row `i`, whose owner word is `seen` and whose owner is gone for certain (or is the caller): bank its ledger
 * for the subscriber's next life, then free it. `cleaner` names the caller, should it die half-way: the row can then
 * be closed again, as `cleaner`'s. 0: not ours. */
static inline int hr_row_retire(hr_header *h, uint32_t i, uint64_t seen, uint64_t cleaner) {
    hr_row *row = hr_row_at(h, i);
    uint64_t expected = seen;
    if (!atomic_compare_exchange_strong(&row->owner, &expected, (cleaner & ~3ull) | HR_CLEARING)) return 0;
    hr_row_bank(h, row);
    for (uint32_t c = 0; c <= HR_MAX_HELD; c++) atomic_store_explicit(&row->cells[c], 0, memory_order_release);
    atomic_store_explicit(&row->owner, HR_FREE, memory_order_release);
    return 1;
}

/* Prepare a claimed row for a subscriber that it had not before. Its name ends what is stored: who reads the table
 * passes over a row without one. */
static inline void hr_row_name(hr_row *row, const char *name, size_t bytes) {
    row->subscriber[0] = 0;
    atomic_thread_fence(memory_order_release);
    hr_bank *bank = &row->bank[HR_LOAD(&row->bank_sequence) & 1];
    HR_STORE(&bank->delivered, 0);
    HR_STORE(&bank->lost, 0);
    HR_STORE(&bank->superseded, 0);
    HR_STORE(&bank->in_flight, 0);
    HR_STORE(&bank->unbalanced, 0);
    HR_STORE(&row->copied, 0);
    memset(&row->latency, 0, sizeof(hh_histogram));
    memset(&row->age, 0, sizeof(hh_histogram));
    memset(row->subscriber + 1, 0, HR_NAME_BYTES - 1);
    if (!bytes) return;
    memcpy(row->subscriber + 1, name + 1, bytes - 1);
    atomic_thread_fence(memory_order_release);
    row->subscriber[0] = name[0];
}

/* ---------------------------------------------------------------- doorbell */

/* After a publish and its fence: whether the sleeper must be woken by FUTEX_WAKE on `word`. */
static inline int hr_ring(hr_doorbell *bell) {
    if (!HR_LOAD(&bell->sleeping)) return 0;
    atomic_fetch_add_explicit(&bell->word, 1, memory_order_release);
    return 1;
}

/* For ends, restarts and stops, where no fence went before. */
static inline void hr_ring_always(hr_doorbell *bell) {
    atomic_fetch_add_explicit(&bell->word, 1, memory_order_seq_cst);
}

/* The sleeper: prepare, look at everything awaited, futex_wait(word, returned value), done. */
static inline uint32_t hr_sleep_prepare(hr_doorbell *bell) {
    uint32_t seen = atomic_load_explicit(&bell->word, memory_order_acquire);
    HR_STORE(&bell->sleeping, 1);
    /* SYNC: head before sleepers, sequence before leases */
    atomic_thread_fence(memory_order_seq_cst);
    return seen;
}

/* For a sleep that no message ends: the bell is heard, but publishers need not ring it. */
static inline uint32_t hr_sleep_look(hr_doorbell *bell) {
    return atomic_load_explicit(&bell->word, memory_order_acquire);
}

static inline void hr_sleep_done(hr_doorbell *bell) { HR_STORE(&bell->sleeping, 0); }

#endif
