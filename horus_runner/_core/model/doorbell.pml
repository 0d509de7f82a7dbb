/* The doorbell of ring.h, for spin: one sleeper that awaits every topic on one futex word, two publishers that may be
 * killed between two stores.
 *
 * Checked: no lost wake-up. When nothing can happen any more, the sleeper has seen every message of every publisher
 * that lives, and, where dead publishers are taken over (SUPERVISED), of those too.
 *
 * Steps are in one order that all agree on; the last two faults are the reorderings that a missing fence allows:
 *   RINGER_CLEARS        the ringer clears `sleeping`: one that dies before the wake mutes the others
 *   WORD_AFTER_CHECK     the sleeper reads the word after it has looked at the heads
 *   RESTART_SILENT       who takes over a dead publisher's ring does not ring
 *   LOOK_BEFORE_HEAD     the publisher looks at the sleepers before its head is visible (its seq_cst fence)
 *   CHECK_BEFORE_FLAG    the sleeper looks at the heads before its flag is visible (its seq_cst fence)
 */
#ifndef MESSAGES
#define MESSAGES 3
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef SUPERVISED
#define SUPERVISED 1
#endif
#define PUBLISHERS 2

byte head[PUBLISHERS];
byte bell; /* the futex word */
bool sleeping;

bool waits; /* in the kernel's queue of the futex */
byte got[PUBLISHERS];
byte lives[PUBLISHERS], deaths[PUBLISHERS];
byte killed;

#define NOTHING_NEW (head[0] == got[0] && head[1] == got[1])
#define LIVES(p) (deaths[p] == lives[p])

inline ring() {
    if
    :: flag ->
#ifdef RINGER_CLEARS
        sleeping = false;
#endif
        bell++;
        waits = false /* FUTEX_WAKE */
    :: else
    fi
}

proctype Publisher(byte p) {
    bool flag;
born:
    {
        if
        :: lives[p] ->
#ifndef RESTART_SILENT
            bell++;
            waits = false;
#endif
            skip
        :: else
        fi;
        do
        :: head[p] < MESSAGES ->
#ifdef LOOK_BEFORE_HEAD
            flag = sleeping;
            head[p]++;
#else
            head[p]++;
            /* SYNC: head before sleepers, sequence before leases */
            flag = sleeping;
#endif
            ring();
            flag = false
        :: else -> break
        od
    } unless { deaths[p] > lives[p] };
    if
    :: deaths[p] > lives[p] && SUPERVISED ->
        d_step { lives[p]++; flag = false };
        goto born
    :: else
    fi
}

proctype Sleeper() {
    byte e;
    bool idle;
end_asleep:
    do
    :: !NOTHING_NEW -> /* what is there is received without the bell */
        d_step { got[0] = head[0]; got[1] = head[1] }
    :: NOTHING_NEW ->
#ifdef CHECK_BEFORE_FLAG
        idle = NOTHING_NEW;
#endif
#ifndef WORD_AFTER_CHECK
        e = bell;
#endif
        sleeping = true;
        /* SYNC: head before sleepers, sequence before leases */
#ifndef CHECK_BEFORE_FLAG
        idle = (head[0] == got[0]);
        idle = idle && (head[1] == got[1]);
#endif
#ifdef WORD_AFTER_CHECK
        e = bell;
#endif
        if
        :: idle ->
            d_step { /* futex_wait: the kernel compares and queues as one */
                if
                :: bell == e -> waits = true
                :: else
                fi
            };
end_waits:
            !waits
        :: else
        fi;
        sleeping = false;
        d_step { e = 0; idle = false }
    od
}

active proctype Death() {
    do
    :: d_step { killed < DEATHS -> killed++; deaths[0]++ }
    :: break
    od
}

/* Nothing else can move: whatever is not seen now never will be. */
active proctype Monitor() {
    timeout;
    assert(waits);
    assert(got[0] == head[0] || !LIVES(0));
    assert(got[1] == head[1] || !LIVES(1));
    assert(head[1] == MESSAGES && (head[0] == MESSAGES || !LIVES(0)))
}

init {
    atomic { run Publisher(0); run Publisher(1); run Sleeper() }
}
