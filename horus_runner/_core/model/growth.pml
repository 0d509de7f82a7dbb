/* Growth, for spin: a publisher ends a ring and goes on in the next generation; its subscribers follow by the mark, and
 * the old memory is given back. Two subscribers, who join when they like.
 *
 * Checked: who has joined gets every message from then on, across the change, and is never left asleep; memory that is
 * given back is not read.
 *
 * Planted faults:
 *   MARK_SILENT          the mark is made without ringing the old table
 *   MARK_UNNUMBERED      a reader moves on when there is a mark, without comparing its cursor with the final head in it
 *   PURGE_EAGER          the old memory is given back without a look at its table
 *   LEAVE_FIRST          a reader goes to sleep before it is in the new table
 */
#ifndef BEFORE
#define BEFORE 1 /* messages in the first generation */
#endif
#ifndef AFTER
#define AFTER 1 /* and in the second */
#endif
#define READERS 2

byte head[2]; /* of each generation */
byte mark;    /* the final head of the first + 1, when the second is ready */
bool purged;
bool row[2 * READERS]; /* generation x READERS + reader */
byte bell[READERS];
bool sleeping[READERS];

bool waits[READERS]; /* in the kernel's queue of the futex */
byte cursor[READERS];

inline ring(generation, always) {
    r = 0;
    do
    :: r < READERS ->
        d_step { told = row[generation * READERS + r] };
        if
        :: told ->
            d_step { told = always || sleeping[r] };
            if
            :: told ->
                bell[r]++;
                waits[r] = false /* FUTEX_WAKE */
            :: else
            fi
        :: else
        fi;
        d_step { told = false; r++ }
    :: else -> r = 0; break
    od
}

active proctype Writer() {
    byte r;
    bool told;
    do
    :: head[0] < BEFORE ->
        head[0]++;
        /* SYNC: head before sleepers, sequence before leases */
        ring(0, false)
    :: else -> break
    od;
    head[1] = head[0]; /* numbers go on */
    /* SYNC: the final head before the successor mark */
    mark = head[0] + 1;
#ifndef MARK_SILENT
    ring(0, true);
#endif
    do
    :: head[1] < BEFORE + AFTER ->
        head[1]++;
        /* SYNC: head before sleepers, sequence before leases */
        ring(1, false)
    :: else -> break
    od
}

/* hr_purge, whenever it comes. */
active proctype Purger() {
    mark;
#ifndef PURGE_EAGER
    !row[0];
    !row[1];
#endif
    purged = true
}

proctype Reader(byte r) {
    byte e, seen, at;
    row[r] = true; /* the lowest generation that there is */
    cursor[r] = head[0];
end_asleep:
    do
    :: cursor[r] < head[at] ->
        d_step {
            assert(at || !purged);
            cursor[r]++
        }
    :: else -> /* head was looked at; now the mark */
        seen = (at -> 0 : mark);
        /* SYNC: the final head before the successor mark */
        if
#ifdef MARK_UNNUMBERED
        :: seen ->
#else
        :: seen && cursor[r] + 1 >= seen ->
#endif
            assert(cursor[r] == seen - 1); /* nothing is left behind */
#ifndef LEAVE_FIRST
            row[READERS + r] = true;
#endif
            row[r] = false;
            d_step { at = 1; seen = 0 }
        :: else ->
            seen = 0;
            e = bell[r];
            sleeping[r] = true;
            /* SYNC: head before sleepers, sequence before leases */
            if
            :: cursor[r] >= head[at] ->
                seen = (at -> 0 : mark);
                if
                :: !seen || cursor[r] + 1 < seen ->
                    d_step { /* futex_wait: the kernel compares and queues as one */
                        if
                        :: bell[r] == e -> waits[r] = true
                        :: else
                        fi
                    };
#ifdef LEAVE_FIRST
                    row[READERS + r] = at;
#endif
end_waits:
                    !waits[r]
                :: else
                fi
            :: else
            fi;
            sleeping[r] = false;
            d_step { e = 0; seen = 0 }
        fi
    od
}

/* Nothing else can move: whatever is not received now never will be. */
active proctype Monitor() {
    timeout;
    assert(cursor[0] == BEFORE + AFTER && waits[0]);
    assert(cursor[1] == BEFORE + AFTER && waits[1]);
    assert(purged)
}

init {
    atomic { run Reader(0); run Reader(1) }
}
