from libc.stdint cimport int64_t, uint32_t

from horus_runner._core.mapping cimport Mapping


cdef extern from "<time.h>" nogil:
    ctypedef int clockid_t
    cdef struct timespec:
        long tv_sec
        long tv_nsec
    int clock_gettime(clockid_t clock, timespec *now)
    clockid_t CLOCK_MONOTONIC
    clockid_t CLOCK_REALTIME
    clockid_t CLOCK_THREAD_CPUTIME_ID

cdef extern from "ring.h" nogil:
    ctypedef struct hr_doorbell:
        uint32_t word
        uint32_t sleeping
    int hr_ring(hr_doorbell *bell)
    void hr_ring_always(hr_doorbell *bell)
    uint32_t hr_sleep_prepare(hr_doorbell *bell)
    uint32_t hr_sleep_look(hr_doorbell *bell)
    void hr_sleep_done(hr_doorbell *bell)


cdef inline int64_t clock_ns(clockid_t clock) noexcept nogil:
    cdef timespec now
    clock_gettime(clock, &now)
    return <int64_t>now.tv_sec * 1000000000 + now.tv_nsec


cdef inline int64_t now_ns() noexcept nogil:
    return clock_ns(CLOCK_MONOTONIC)


cdef int stop_signal_seen() noexcept nogil
cdef void wake(hr_doorbell *bell) noexcept nogil


cdef class Doorbell:
    """One word in shared memory that a process sleeps on."""

    cdef Mapping mapping
    cdef hr_doorbell *bell
    cdef int sleepers

    cdef uint32_t lie_down(self) noexcept
    cdef void get_up(self) noexcept
    cdef int sleep(self, uint32_t seen, int64_t until_ns) noexcept nogil
