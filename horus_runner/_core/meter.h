/* What a node counts, in the process segment. The node's process writes all of it but pid, incarnation, restarts and,
 * while no process runs, state: those are the supervisor's. Words are relaxed: a viewer wants numbers, not order.
 */
#ifndef HORUS_METER_H
#define HORUS_METER_H

#include "ring.h"

#define HM_FLIGHT 1024
#define HM_CAUSES 8

typedef struct {
    hr_word release_ns, start_ns, end_ns, flags;
} hm_tick;

typedef struct {
    _Alignas(128) char name[HR_NAME_BYTES];
    char on[HR_TOPIC_BYTES];
    _Alignas(128) hr_word state, pid, incarnation, restarts, ended_cpu_ns, ended_rss_bytes;
    _Alignas(128) hr_word period_ns, budget_ns, deadline_ns, tolerance_ns;
    hr_word ticks, skipped, overruns, misses, late, errors;
    hr_word release_ns, tick_started_ns; /* of the tick that runs, 0 when idle */
    hr_word first_tick_ns;
    hr_word causes[HM_CAUSES];
    hh_histogram tick, lateness;
    hr_word flown; /* ticks written to the flight recorder */
    hm_tick flight[HM_FLIGHT];
} hm_record;

#endif
