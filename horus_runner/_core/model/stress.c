/* The ring of ring.h in threads, at full speed, over one segment on the heap: a writer that is abandoned in the middle
 * of a publish and taken over, readers that hold leases, sleep on doorbells and leave rows behind with leases in them, a
 * janitor that races them for those rows.
 *
 *   stress SECONDS      prints what happened; exit code 1 and a sentence when a rule of the protocol does not hold
 *
 * Every payload word is made from the message's number and its own place, so a torn or overwritten one is seen.
 * Payloads in slots are plain memory, as in the product: ThreadSanitizer sees the order that leases give them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../ring.h"

enum { READERS = 3, CAPACITY = 4, HELD = 2, EMBEDDED = 64, WORDS = 200 };
enum { WRITER = 100, JANITOR = 101 }; /* doorbell indices that no reader has */

static hr_header *ring;
static hr_doorbell bells[READERS];
static _Atomic int finished;
static _Atomic uint64_t abandoned[READERS]; /* the owner word that a reader left behind, or 0 */
static uint64_t published, takeovers, rows_left;
static _Atomic uint64_t rows_closed;
static double seconds;

typedef struct {
    uint32_t index;
    uint64_t delivered, lost, lives, sleeps, leases_lost;
} reader_state;

#define REQUIRE(truth, ...)                  \
    do {                                     \
        if (!(truth)) {                      \
            fprintf(stderr, "stress: ");     \
            fprintf(stderr, __VA_ARGS__);    \
            fprintf(stderr, " (%s)\n", #truth); \
            exit(1);                         \
        }                                    \
    } while (0)

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15ull;
    return x ^ (x >> 29);
}

static uint32_t pick(uint64_t *state, uint32_t below) {
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((*state >> 33) % below);
}

static uint64_t word_of(uint64_t number, uint64_t i) { return mix(number * WORDS + i + 1); }

static void fill(uint64_t *to, uint64_t number, uint64_t words) {
    for (uint64_t i = 0; i < words; i++) to[i] = word_of(number, i);
}

static void require_whole(const uint64_t *from, uint64_t number, uint64_t bytes, const char *where) {
    for (uint64_t i = 0; i < bytes / 8; i++)
        REQUIRE(from[i] == word_of(number, i), "message %llu is torn, %s", (unsigned long long)number, where);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wake(hr_doorbell *bell) { syscall(SYS_futex, &bell->word, FUTEX_WAKE, 1, NULL, NULL, 0); }

/* ---------------------------------------------------------------- writer */

static void adopt(hr_writer *w) {
    hr_writer fresh = {.named = w->named, .pins = w->pins, .free = w->free, .marks = w->marks, .backed = w->backed};
    memset(w->named, 0, ring->capacity * sizeof(uint32_t));
    memset(w->pins, 0, ring->slots * sizeof(uint32_t));
    memset(w->free, 0, ring->slots * sizeof(uint32_t));
    memset(w->marks, 0, ring->slots * sizeof(uint32_t));
    *w = fresh;
    hr_writer_adopt(w, ring);
    for (int i = 0; i < READERS; i++) {
        hr_ring_always(&bells[i]);
        wake(&bells[i]);
    }
}

/* Publish the next message, as far as `death` lets it: 0 whole, 1 no further than half of the descriptor, 2 without the
 * new head, 3 without the doorbells. */
static void publish(hr_writer *w, uint64_t *random, int death) {
    uint64_t number = w->next, words = 1 + pick(random, WORDS - 1), plain[EMBEDDED / 8];
    int64_t slot = -1;
    if (pick(random, 3)) {
        slot = hr_take(w, words * 8);
        REQUIRE(slot >= 0, "no slot is free");
        fill((uint64_t *)(w->payload + (uint64_t)slot * w->slot_bytes), number, words);
        w->backed[slot] = w->slot_bytes;
    } else {
        words = 1 + words % (EMBEDDED / 8);
        fill(plain, number, words);
    }
    hr_descriptor *d = hr_begin(w);
    if (slot < 0) hr_copy_in(d, plain, words * 8);
    if (death == 1) return;
    if (death == 2) {
        HR_STORE(&d->length, words * 8);
        HR_STORE(&d->where, (uint64_t)HR_ARRAY << 56 | (uint64_t)(slot + 1));
        atomic_store_explicit(&d->sequence, 2 * number + 2, memory_order_release);
        return;
    }
    hr_end(w, d, HR_ARRAY, slot, words * 8, number, number);
    if (death == 3) return;
    for (int i = 0; i < READERS; i++)
        if (hr_ring(&bells[i])) wake(&bells[i]);
}

static void *write_on(void *unused) {
    (void)unused;
    hr_writer w = {.named = calloc(ring->capacity, 4), .pins = calloc(ring->slots, 4), .free = calloc(ring->slots, 4),
                   .marks = calloc(ring->slots, 4), .backed = calloc(ring->slots, 8)};
    uint64_t random = 1;
    double end = now() + seconds;
    adopt(&w);
    while (now() < end) {
        for (int i = 0; i < 100; i++) {
            int death = pick(&random, 50) ? 0 : 1 + (int)pick(&random, 3);
            publish(&w, &random, death);
            if (!death) continue;
            takeovers++;
            adopt(&w);
        }
        if (pick(&random, 4) == 0) usleep(pick(&random, 200)); /* let the readers fall asleep */
    }
    adopt(&w);
    published = w.next;
    atomic_store(&finished, 1);
    adopt(&w); /* rings */
    free(w.named), free(w.pins), free(w.free), free(w.marks), free(w.backed);
    return NULL;
}

/* ---------------------------------------------------------------- readers */

/* Sleep until there is something to read or to end for. A wake-up is lost when a message stays unheard for seconds. */
static void sleep_until_rung(hr_reader *r, hr_doorbell *bell, reader_state *mine) {
    hr_look look;
    uint32_t seen = hr_sleep_prepare(bell);
    if (hr_peek(r, &look) == HR_EMPTY && !atomic_load(&finished)) {
        mine->sleeps++;
        struct timespec limit = {.tv_sec = 2};
        int unheard = 0;
        while (atomic_load_explicit(&bell->word, memory_order_acquire) == seen) {
            if (syscall(SYS_futex, &bell->word, FUTEX_WAIT, seen, &limit, NULL, 0) == 0 || errno != ETIMEDOUT) continue;
            unheard += hr_peek(r, &look) != HR_EMPTY;
            REQUIRE(unheard < 5, "a wake-up was lost: message %llu is there", (unsigned long long)r->cursor);
        }
    }
    hr_sleep_done(bell);
}

static void join(hr_reader *r, uint32_t row, uint64_t owner) {
    while (!hr_row_claim(ring, row, owner)) sched_yield();
    hr_row_open(r, owner, UINT64_MAX);
}

/* Leave the row as a killed process does, and race the janitor for closing it. */
static uint64_t leave(hr_reader *r, reader_state *mine, uint64_t owner) {
    uint64_t live = (owner & ~3ull) | HR_LIVE;
    mine->lost += r->lost;
    atomic_store_explicit(&abandoned[mine->index], live, memory_order_release);
    if (hr_row_retire(ring, mine->index, live, hr_owner(1, mine->index, 0, 0))) atomic_fetch_add(&rows_closed, 1);
    while (atomic_load_explicit(&abandoned[mine->index], memory_order_acquire)) sched_yield();
    return hr_owner(1, mine->index, (uint32_t)++mine->lives, 0);
}

static void *read_on(void *argument) {
    reader_state *mine = argument;
    hr_reader r = {.header = ring, .row = hr_row_at(ring, mine->index), .capacity = ring->capacity,
                   .stride = ring->stride, .slots = ring->slots, .slot_bytes = ring->slot_bytes,
                   .embed_bytes = ring->embed_bytes, .max_held = ring->max_held,
                   .descriptors = (char *)ring + ring->descriptors_offset,
                   .payload = (char *)ring + ring->payload_offset};
    hr_look held[HELD + 1], look;
    uint64_t random = 17 + mine->index, owner = hr_owner(1, mine->index, 0, 0), plain[EMBEDDED / 8];
    join(&r, mine->index, owner);
    for (;;) {
        int ending = atomic_load(&finished);
        int status = hr_peek(&r, &look);
        if (status == HR_EMPTY && ending) break;
        if (status == HR_EMPTY) sleep_until_rung(&r, &bells[mine->index], mine);
        if (status == HR_LAPPED) hr_lapped(&r);
        if (status != HR_THERE) continue;
        uint32_t cell = hr_cell(&r);
        if (look.slot < 0) {
            if (!hr_copy_out(&r, &look, plain)) continue; /* lapped: the next look tells */
            require_whole(plain, look.number, look.length, "embedded");
        } else if (hr_lease(&r, &look, cell)) {
            held[cell] = look;
            require_whole((const uint64_t *)(r.payload + (uint64_t)look.slot * r.slot_bytes), look.number, look.length,
                          "when received");
        } else {
            mine->leases_lost++;
            continue;
        }
        hr_handed(&r, &look);
        mine->delivered++;
        for (uint32_t c = 0; c <= HELD; c++) {
            if (!(r.held >> c & 1) || (c < HELD && pick(&random, 8))) continue; /* the last cell: just copied from */
            require_whole((const uint64_t *)(r.payload + (uint64_t)held[c].slot * r.slot_bytes), held[c].number,
                          held[c].length, "while it was leased");
            hr_clear(&r, c);
        }
        if (pick(&random, 2000) == 0) {
            owner = leave(&r, mine, owner);
            join(&r, mine->index, owner);
        }
    }
    leave(&r, mine, owner);
    return NULL;
}

/* ---------------------------------------------------------------- all together */

static _Atomic int readers_gone;

static void *close_rows(void *unused) {
    (void)unused;
    while (!atomic_load(&readers_gone)) {
        for (uint32_t i = 0; i < READERS; i++) {
            uint64_t seen = atomic_load_explicit(&abandoned[i], memory_order_acquire);
            if (!seen) continue;
            if (hr_row_retire(ring, i, seen, hr_owner(1, JANITOR, 0, 0))) atomic_fetch_add(&rows_closed, 1);
            while (atomic_load_explicit(&hr_row_at(ring, i)->owner, memory_order_acquire) != HR_FREE) sched_yield();
            rows_left++;
            atomic_store_explicit(&abandoned[i], 0, memory_order_release);
        }
        usleep(50);
    }
    return NULL;
}

int main(int argc, char **argv) {
    seconds = argc > 1 ? atof(argv[1]) : 5;
    hr_header plan = {.capacity = CAPACITY, .rows = READERS, .max_held = HELD, .slot_bytes = WORDS * 8,
                      .embed_bytes = EMBEDDED};
    uint64_t bytes = hr_plan(&plan);
    ring = aligned_alloc(HR_PAGE, hr_round(bytes, HR_PAGE));
    memset(ring, 0, bytes);
    memcpy(ring, &plan, offsetof(hr_header, topic));
    REQUIRE(hr_valid(ring, bytes), "the header makes no sense");

    pthread_t writer, janitor, threads[READERS];
    reader_state readers[READERS] = {0};
    pthread_create(&janitor, NULL, close_rows, NULL);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i].index = i;
        pthread_create(&threads[i], NULL, read_on, &readers[i]);
    }
    pthread_create(&writer, NULL, write_on, NULL);
    pthread_join(writer, NULL);
    for (int i = 0; i < READERS; i++) pthread_join(threads[i], NULL);
    atomic_store(&readers_gone, 1);
    pthread_join(janitor, NULL);

    uint64_t delivered = 0, lost = 0, sleeps = 0, leases_lost = 0;
    for (uint32_t i = 0; i < READERS; i++) {
        hr_account account;
        hr_account_read(ring, hr_row_at(ring, i), &account);
        REQUIRE(account.delivered == readers[i].delivered && account.lost == readers[i].lost, "a ledger is wrong");
        REQUIRE(account.balanced && !account.open, "a ledger does not balance");
        REQUIRE(hr_row_held(hr_row_at(ring, i)) == 0, "a lease was left in a closed row");
        delivered += readers[i].delivered, lost += readers[i].lost;
        sleeps += readers[i].sleeps, leases_lost += readers[i].leases_lost;
    }
    REQUIRE(rows_closed == rows_left, "a row was closed twice, or never");
    REQUIRE(delivered > 0 && takeovers > 0 && sleeps > 0, "too little happened");
    printf("%llu published, %llu delivered, %llu lost, %llu leases lapped, %llu writers taken over, %llu rows closed, "
           "%llu sleeps: none torn, no wake-up lost, no slot missing\n",
           (unsigned long long)published, (unsigned long long)delivered, (unsigned long long)lost,
           (unsigned long long)leases_lost, (unsigned long long)takeovers, (unsigned long long)rows_left,
           (unsigned long long)sleeps);
    free(ring);
    return 0;
}
