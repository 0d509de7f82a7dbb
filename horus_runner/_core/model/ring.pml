/* The ring of ring.h, for spin: one writer and ROWS readers, any of which may be killed between two stores.
 *
 * Checked: a descriptor is read whole or not at all (no torn read); what a reader has leased is not written before it
 * clears the cell (no reuse); the writer always finds a slot, and never waits; nobody is stuck at the end.
 *
 * A step is one access to shared memory, and steps are in one order that all agree on. What the fences of ring.h are
 * for is therefore planted by hand, as the reordering that a missing fence allows:
 *   LEASE_AFTER_LOOK     the reader's lease store becomes visible after its second look (its seq_cst fence)
 *   SCAN_BEFORE_RETIRE   the writer's scan happens before its sequence store is visible (its seq_cst fence)
 *   FILL_BEFORE_ODD      a descriptor changes while its sequence still names the message before (its release fence)
 *   CLEAR_BEFORE_READ    a cell is clear while its slot is still read (the release store of the clear)
 * and mistakes in the rules:
 *   ONE_SLOT_FEWER       capacity + rows x (max_held + 1) slots
 *   ROW_FREED_FIRST      a cleaner frees the row before it has cleared the cells
 *   CLEAR_WITHOUT_CAS    two cleaners of one row, no compare-and-swap on its owner
 *   COPY_WITHOUT_LEASE   a private copy under the sequence alone
 */
#ifndef CAPACITY
#define CAPACITY 1
#endif
#ifndef ROWS
#define ROWS 1
#endif
#ifndef HELD
#define HELD 1
#endif
#ifndef MESSAGES
#define MESSAGES 5
#endif
#ifndef WRITER_DEATHS
#define WRITER_DEATHS 1
#endif
#ifndef READER_DEATHS
#define READER_DEATHS 1
#endif

#define CELLS (HELD + 1)
#ifdef ONE_SLOT_FEWER
#define SLOTS (CAPACITY + ROWS * CELLS)
#else
#define SLOTS (CAPACITY + ROWS * CELLS + 1)
#endif
#define GARBAGE 255

/* An owner word: state and whose. */
#define FREE 0
#define CLAIMING 1
#define LIVE 2
#define CLEARING 3
#define OWNER(life, state) (4 * (life) + (state))

/* ---- the segment */
byte head;
byte sequence[CAPACITY];
byte where[CAPACITY]; /* the slot that a descriptor names */
byte word[CAPACITY];  /* its embedded payload: here the message's number */
byte payload[SLOTS];  /* the message's number, or GARBAGE while it is written */
byte owner[ROWS];
byte cell[ROWS * CELLS]; /* slot + 1 */

/* ---- what nobody sees but the checker, and each reader its own part */
byte mine[ROWS * CELLS];   /* slot + 1 that the reader may read through this cell */
byte number[ROWS * CELLS]; /* the message in it */
byte writers_killed, readers_killed;
byte killed[ROWS];
bool finished;

inline clear_mine(r) {
    i = 0;
    do
    :: i < CELLS -> mine[r * CELLS + i] = 0; number[r * CELLS + i] = 0; i++
    :: else -> break
    od;
    i = 0
}

/* ---------------------------------------------------------------- writer */

#define UNUSED(s) (!(marks & (1 << (s))) && !(pins & (1 << (s))))

inline scan() {
    k = 0;
    marks = 0;
    do
    :: d_step {
            k < ROWS * CELLS ->
            /* SYNC: reads of a leased slot end before its cell is clear */
            if
            :: cell[k] -> marks = marks | (1 << (cell[k] - 1))
            :: else
            fi;
            k++
        }
    :: else -> k = 0; break
    od
}

#ifdef ANY_SLOT
#if SLOTS > 5
#error "ANY_SLOT chooses among at most five"
#endif
/* Any slot that is neither named nor leased: whatever order of preference a writer may have. */
inline take() {
    if
    :: UNUSED(0) -> slot = 0
    :: UNUSED(1) -> slot = 1
#if SLOTS > 2
    :: UNUSED(2) -> slot = 2
#endif
#if SLOTS > 3
    :: UNUSED(3) -> slot = 3
#endif
#if SLOTS > 4
    :: UNUSED(4) -> slot = 4
#endif
    :: else -> assert(false) /* always a free slot */
    fi
}
#else
/* Freed last, taken first, as in ring.h: of all slots, the one that a reader is most likely to be looking at. */
inline take() {
    slot = freed;
    if
    :: UNUSED(slot)
    :: else ->
        slot = 0;
        do
        :: slot < SLOTS && !UNUSED(slot) -> slot++
        :: else -> break
        od
    fi;
    assert(slot < SLOTS) /* always a free slot */
}
#endif

inline nobody_reads(s) {
    k = 0;
    do
    :: k < ROWS * CELLS -> assert(mine[k] != s + 1); k++
    :: else -> break
    od;
    k = 0
}

inline pin() {
    pins = 0;
    k = 0;
    do
    :: k < CAPACITY ->
        if
        :: sequence[k] && !(sequence[k] & 1) -> pins = pins | (1 << where[k])
        :: else
        fi;
        k++
    :: else -> break
    od;
    k = 0
}

/* hr_writer_adopt: no reader writes what it reads, and head is all that it stores. */
inline adopt() {
    d_step {
        next = head;
        at = next % CAPACITY;
        if
        :: sequence[at] == 2 * next + 2 -> /* it died between the even sequence and head */
            next++;
            /* SYNC: payload of message n visible to readers */
            head = next
        :: else
        fi;
        at = next % CAPACITY;
        slot = 0;
        pin()
    }
}

proctype Writer() {
    byte next, at, slot, k, marks, pins, freed, life;
born:
    {
        adopt();
        scan();
        do
        :: next < MESSAGES ->
#ifndef SCAN_BEFORE_RETIRE
            scan();
#endif
            atomic {
                take();
                d_step {
                    marks = 0;
                    nobody_reads(slot);
                    payload[slot] = GARBAGE
                }
            };
            payload[slot] = next;
#ifdef SCAN_BEFORE_RETIRE
            scan();
#endif
#ifdef FILL_BEFORE_ODD
            word[at] = next;
#endif
            /* SYNC: a descriptor is odd before any of it changes */
            sequence[at] = 2 * next + 1;
            word[at] = next;
            d_step {
                freed = where[at];
                where[at] = slot
            };
            /* SYNC: payload of message n visible to readers */
            sequence[at] = 2 * next + 2;
            /* SYNC: payload of message n visible to readers */
            head = next + 1;
            /* SYNC: head before sleepers, sequence before leases */
            d_step {
                next++;
                at = next % CAPACITY;
                slot = 0;
                pin()
            }
        :: else -> break
        od;
        finished = true
    } unless { writers_killed > life };
    if
    :: finished
    :: else -> /* waitpid has told that the one before is gone: another takes over */
        d_step { life++; k = 0; marks = 0; freed = 0 };
        goto born
    fi
}

/* ---------------------------------------------------------------- readers */

#define AT (cursor % CAPACITY)
#define THERE (sequence[AT] == 2 * cursor + 2)

inline lapped() {
    d_step {
        slot = head - (CAPACITY + 1) / 2;
        if
        :: slot > cursor -> cursor = slot
        :: else -> cursor++
        fi;
        slot = 0;
        tag = 0;
        c = 0
    }
}

inline clear(c) {
    d_step {
        /* SYNC: reads of a leased slot end before its cell is clear */
        cell[r * CELLS + c] = 0;
        mine[r * CELLS + c] = 0;
        number[r * CELLS + c] = 0
    }
}

inline let_go(c) {
#ifdef CLEAR_BEFORE_READ
    cell[r * CELLS + c] = 0;
#endif
    assert(payload[mine[r * CELLS + c] - 1] == number[r * CELLS + c]);
    clear(c)
}

inline receive() {
    if
    :: THERE -> /* SYNC: payload of message n visible to readers */
        slot = where[AT];
        d_step {
            tag = word[AT];
            c = (mine[r * CELLS] -> HELD : 0) /* beyond HELD messages: the last cell, while a private copy is made */
        };
#ifdef COPY_WITHOUT_LEASE
        if
        :: c < HELD -> cell[r * CELLS + c] = slot + 1
        :: else
        fi;
#elif !defined(LEASE_AFTER_LOOK)
        cell[r * CELLS + c] = slot + 1;
#endif
        /* SYNC: head before sleepers, sequence before leases */
        /* SYNC: a descriptor is odd before any of it changes */
        if
        :: d_step {
               THERE ->
               assert(tag == cursor); /* no torn read */
               mine[r * CELLS + c] = slot + 1;
               number[r * CELLS + c] = cursor;
               slot = 0;
               tag = 0
           };
#ifdef LEASE_AFTER_LOOK
            cell[r * CELLS + c] = mine[r * CELLS + c];
#endif
            d_step {
                assert(payload[mine[r * CELLS + c] - 1] == cursor);
                cursor++
            };
            if
            :: c == HELD -> let_go(HELD)
            :: else
            fi;
            c = 0
        :: else ->
            clear(c);
            lapped()
        fi
    :: else -> lapped()
    fi
}

proctype Reader(byte r) {
    byte cursor, slot, tag, c, life;
born:
    {
        d_step { owner[r] == FREE -> owner[r] = OWNER(life, CLAIMING) };
        do
        :: d_step { c < CELLS -> cell[r * CELLS + c] = 0; c++ }
        :: else -> c = 0; break
        od;
        cursor = head;
        /* SYNC: a row is filled before it is live */
        owner[r] = OWNER(life, LIVE);
        do
        :: cursor < head -> receive() /* SYNC: payload of message n visible to readers */
        :: mine[r * CELLS] -> let_go(0)
        :: finished && cursor >= head && !mine[r * CELLS] -> break
        od
    } unless { killed[r] > life };
    if
    :: killed[r] > life ->
        d_step { life++; cursor = 0; slot = 0; tag = 0; c = 0 };
        goto born
    :: else
    fi
}

/* hr_row_retire, by any of two who know that the row's first owner is gone: both may have seen it there. */
proctype Cleaner(byte r) {
    byte c;
end_nobody_died:
    killed[r] == 1;
    if
    :: owner[r] == OWNER(0, CLAIMING) || owner[r] == OWNER(0, LIVE) ->
#ifdef CLEAR_WITHOUT_CAS
        owner[r] = OWNER(0, CLEARING);
#else
        if
        :: d_step {
               owner[r] == OWNER(0, CLAIMING) || owner[r] == OWNER(0, LIVE) ->
               owner[r] = OWNER(0, CLEARING)
           }
        :: else -> goto not_ours
        fi;
#endif
#ifdef ROW_FREED_FIRST
        owner[r] = FREE;
#endif
        do
        :: d_step { c < CELLS -> cell[r * CELLS + c] = 0; c++ }
        :: else -> break
        od;
#ifndef ROW_FREED_FIRST
        owner[r] = FREE
#endif
    :: else
    fi;
not_ours:
    skip
}

/* kill -9, at any moment. What the dead reader had leased, it no longer reads. */
active proctype Death() {
    byte r, i;
end:
    do
    :: writers_killed < WRITER_DEATHS && !finished -> writers_killed++
    :: readers_killed < READER_DEATHS && owner[0] != FREE ->
        d_step {
            readers_killed++;
            killed[0]++;
            clear_mine(0)
        }
    od
}

init {
    byte r;
    atomic {
        run Writer();
        do
        :: r < ROWS -> run Reader(r); r++
        :: else -> break
        od;
        if
        :: READER_DEATHS -> run Cleaner(0); run Cleaner(0)
        :: else
        fi
    }
}
