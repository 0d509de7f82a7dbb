"""A node's record in the process segment: the meter that its tick loop writes and everybody reads.

Flags of a tick: OVERRUN (execution longer than the budget), MISS (response longer than the deadline), LATE (missed, or
started later after its release than max(100 us, 5 % of the period)).
"""

cimport cython
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset, strlen

from horus_runner._core.clock cimport now_ns
from horus_runner._core.mapping cimport Mapping
from horus_runner._core.ring_h cimport atomic_word, hh_histogram, hh_record, hr_word, store_word
from horus_runner._core.table cimport quantiles

cdef extern from "meter.h" nogil:
    enum:
        HM_FLIGHT, HM_CAUSES, HR_NAME_BYTES, HR_TOPIC_BYTES
    ctypedef struct hm_tick:
        hr_word release_ns, start_ns, end_ns, flags
    ctypedef struct hm_record:
        char name[112]
        char on[208]
        hr_word state, pid, incarnation, restarts, ended_cpu_ns, ended_rss_bytes
        hr_word period_ns, budget_ns, deadline_ns, tolerance_ns
        hr_word ticks, skipped, overruns, misses, late, errors
        hr_word release_ns, tick_started_ns, first_tick_ns
        hr_word causes[8]
        hh_histogram tick, lateness
        hr_word flown
        hm_tick flight[1024]

RECORD_BYTES = (sizeof(hm_record) + 4095) // 4096 * 4096
STATES = ("starting", "init", "running", "safe", "stopping", "backoff", "ended", "failed")
CAUSES = ("execution", "gc", "page_faults", "preemption", "timer", "publish_wait", "unknown")
OVERRUN, MISS, LATE = 1, 2, 4

cdef enum:
    CAUSE_EXECUTION = 0
    CAUSE_UNKNOWN = 6
    FLAG_OVERRUN = 1
    FLAG_MISS = 2
    FLAG_LATE = 4


cdef void _add(hr_word *word, uint64_t count) noexcept:
    store_word(word, atomic_word(word) + count)


@cython.final
cdef class NodeRecord:
    """One node's record, at `offset` of a writable mapping; RECORD_BYTES long, zeroed when new."""

    cdef Mapping mapping
    cdef hm_record *record
    cdef int64_t last_end

    def __cinit__(self, Mapping mapping not None, Py_ssize_t offset):
        if offset < 0 or offset % 128 or offset > mapping.nbytes - <Py_ssize_t>sizeof(hm_record):
            raise ValueError(f"no node record fits at byte {offset} of {mapping.nbytes}")
        self.mapping = mapping
        self.record = <hm_record *>(mapping.address + offset)

    def describe(self, str name not None, str on, int64_t period_ns, int64_t budget_ns, int64_t deadline_ns) -> None:
        """Set what does not change: names and limits in nanoseconds, 0 for none."""
        cdef bytes text = name.encode()[:HR_NAME_BYTES - 1]
        cdef bytes topic = (on or "").encode()[:HR_TOPIC_BYTES - 1]
        memset(self.record.name, 0, HR_NAME_BYTES)
        memset(self.record.on, 0, HR_TOPIC_BYTES)
        memcpy(self.record.name, <char *>text, len(text))
        memcpy(self.record.on, <char *>topic, len(topic))
        store_word(&self.record.period_ns, period_ns)
        store_word(&self.record.budget_ns, budget_ns)
        store_word(&self.record.deadline_ns, deadline_ns)
        store_word(&self.record.tolerance_ns, max(100_000, period_ns // 20))

    def set_state(self, str state not None) -> None:
        """One of STATES."""
        store_word(&self.record.state, STATES.index(state))

    def set_pid(self, uint64_t pid) -> None:
        """The process that runs the node; 0 for none."""
        store_word(&self.record.pid, pid)

    def add_restart(self) -> None:
        """The node was started again."""
        _add(&self.record.restarts, 1)

    def add_ended(self, int64_t cpu_ns, int64_t rss_bytes) -> None:
        """What an ended process of the node used: CPU time, and its peak memory. A tick that it died in counts as
        missed when it was too long by then."""
        if atomic_word(&self.record.tick_started_ns):
            if self._hangs(now_ns()):
                _add(&self.record.misses, 1)
            store_word(&self.record.tick_started_ns, 0)
        _add(&self.record.ended_cpu_ns, cpu_ns)
        if <uint64_t>rss_bytes > atomic_word(&self.record.ended_rss_bytes):
            store_word(&self.record.ended_rss_bytes, rss_bytes)

    def add_error(self) -> None:
        """A tick raised."""
        _add(&self.record.errors, 1)

    def add_skipped(self, int64_t releases) -> None:
        """Releases that passed without a tick, by the miss policy."""
        _add(&self.record.skipped, releases)

    def begin(self, int64_t release_ns) -> int:
        """The tick of a release starts now; returns the stamp."""
        cdef int64_t start = now_ns()
        self.mapping.check_process("a node's record")
        store_word(&self.record.release_ns, release_ns)
        store_word(&self.record.tick_started_ns, start)
        if not atomic_word(&self.record.first_tick_ns):
            store_word(&self.record.first_tick_ns, start)
        return start

    def end(self, int64_t release_ns, int64_t start_ns) -> int:
        """The tick ends now: count it; returns its flags."""
        cdef hm_record *r = self.record
        cdef int64_t end = now_ns()
        cdef int64_t lateness = start_ns - release_ns
        cdef int64_t execution = end - start_ns
        cdef uint64_t budget = atomic_word(&r.budget_ns)
        cdef uint64_t deadline = atomic_word(&r.deadline_ns)
        cdef uint64_t flags = 0
        cdef uint64_t flown = atomic_word(&r.flown)
        cdef hm_tick *flight = &r.flight[flown % HM_FLIGHT]
        store_word(&r.tick_started_ns, 0)
        if budget and execution > <int64_t>budget:
            flags |= FLAG_OVERRUN
            _add(&r.overruns, 1)
        if deadline and end - release_ns > <int64_t>deadline:
            flags |= FLAG_MISS
            _add(&r.misses, 1)
        if flags or lateness > <int64_t>atomic_word(&r.tolerance_ns):
            flags |= FLAG_LATE
            _add(&r.late, 1)
            _add(&r.causes[self._cause(flags, release_ns, lateness, execution)], 1)
        hh_record(&r.tick, execution)
        hh_record(&r.lateness, lateness)
        store_word(&flight.release_ns, release_ns)
        store_word(&flight.start_ns, start_ns)
        store_word(&flight.end_ns, end)
        store_word(&flight.flags, flags)
        store_word(&r.flown, flown + 1)
        _add(&r.ticks, 1)
        self.last_end = end
        return flags

    cdef int _cause(self, uint64_t flags, int64_t release_ns, int64_t lateness, int64_t execution) noexcept:
        """Own execution, when this tick's or the one before's covers half of what was too long; else unknown."""
        if flags & (FLAG_OVERRUN | FLAG_MISS) and 2 * execution >= lateness + execution:
            return CAUSE_EXECUTION
        if self.last_end > release_ns and 2 * (self.last_end - release_ns) >= lateness:
            return CAUSE_EXECUTION
        return CAUSE_UNKNOWN

    cdef bint _hangs(self, int64_t now) noexcept:
        cdef uint64_t started = atomic_word(&self.record.tick_started_ns)
        cdef uint64_t deadline = atomic_word(&self.record.deadline_ns)
        return started and deadline and now - <int64_t>atomic_word(&self.record.release_ns) > <int64_t>deadline

    @property
    def last_end_ns(self) -> int:
        """When the last tick ended."""
        return self.last_end

    def read(self) -> dict:
        """Everything that is counted, as numbers and names. A tick that hangs past its deadline is a miss already."""
        cdef hm_record *r = self.record
        cdef uint64_t flown = atomic_word(&r.flown)
        cdef int i
        self.mapping.check_process("a node's record")
        return {
            "name": r.name[:strlen(r.name)].decode(), "on": r.on[:strlen(r.on)].decode() or None,
            "state": STATES[min(atomic_word(&r.state), <uint64_t>len(STATES) - 1)], "pid": atomic_word(&r.pid),
            "restarts": atomic_word(&r.restarts), "ended_cpu_ns": atomic_word(&r.ended_cpu_ns),
            "ended_rss_bytes": atomic_word(&r.ended_rss_bytes), "period_ns": atomic_word(&r.period_ns),
            "budget_ns": atomic_word(&r.budget_ns), "deadline_ns": atomic_word(&r.deadline_ns),
            "ticks": atomic_word(&r.ticks), "skipped": atomic_word(&r.skipped), "overruns": atomic_word(&r.overruns),
            "misses": atomic_word(&r.misses) + self._hangs(now_ns()), "late": atomic_word(&r.late),
            "errors": atomic_word(&r.errors),
            "tick_started_ns": atomic_word(&r.tick_started_ns), "first_tick_ns": atomic_word(&r.first_tick_ns),
            "last_tick_ns": atomic_word(&r.flight[(flown - 1) % HM_FLIGHT].start_ns) if flown else 0,
            "causes": {CAUSES[i]: atomic_word(&r.causes[i]) for i in range(len(CAUSES))},
            "tick": quantiles(&r.tick), "lateness": quantiles(&r.lateness),
        }

    def flight(self) -> list:
        """The last ticks, at most 1,024, oldest first: (release_ns, start_ns, end_ns, flags)."""
        cdef uint64_t flown = atomic_word(&self.record.flown)
        cdef uint64_t i
        cdef hm_tick *tick
        cdef list ticks = []
        for i in range(flown - min(flown, <uint64_t>HM_FLIGHT), flown):
            tick = &self.record.flight[i % HM_FLIGHT]
            ticks.append((atomic_word(&tick.release_ns), atomic_word(&tick.start_ns), atomic_word(&tick.end_ns),
                          atomic_word(&tick.flags)))
        return ticks

