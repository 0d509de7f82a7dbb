"""Time, and sleeping: the monotonic clock, the futex that a process sleeps on, the signal that ends it.

All stamps are CLOCK_MONOTONIC nanoseconds.
"""

cimport cython
from libc.errno cimport EINTR, ETIMEDOUT, errno
from libc.stdint cimport int64_t, uint32_t

import os

cdef extern from "<sys/syscall.h>" nogil:
    long SYS_futex

cdef extern from "<unistd.h>" nogil:
    long syscall(long number, ...)

cdef extern from "<linux/futex.h>" nogil:
    int FUTEX_WAIT_BITSET
    int FUTEX_WAKE
    unsigned FUTEX_BITSET_MATCH_ANY

cdef extern from "<time.h>" nogil:
    int clock_nanosleep(clockid_t clock, int flags, const timespec *request, timespec *remain)
    int TIMER_ABSTIME

cdef extern from "<sys/prctl.h>" nogil:
    int prctl_ "prctl" (int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
    int PR_SET_TIMERSLACK, PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NAME

cdef extern from "<signal.h>" nogil:
    ctypedef struct sigset_t:
        pass
    cdef struct sigaction_t "sigaction":
        void (*sa_handler)(int) noexcept nogil
        sigset_t sa_mask
        int sa_flags
    int sigaction(int signum, const sigaction_t *action, sigaction_t *old)
    int sigemptyset(sigset_t *set)

cdef volatile int _stop_signal = 0
cdef hr_doorbell *_stop_bell = NULL
cdef Doorbell _stop_doorbell = None  # keeps the mapping that _stop_bell points into


def monotonic_ns() -> int:
    """CLOCK_MONOTONIC in nanoseconds: the clock of every stamp here."""
    return now_ns()


def realtime_ns() -> int:
    """CLOCK_REALTIME in nanoseconds since 1970."""
    return clock_ns(CLOCK_REALTIME)


def thread_cpu_ns() -> int:
    """CPU time that the calling thread has used, in nanoseconds."""
    return clock_ns(CLOCK_THREAD_CPUTIME_ID)


def sleep_until(int64_t until_ns) -> None:
    """Sleep until CLOCK_MONOTONIC reads `until_ns`; Python's signal handlers run meanwhile."""
    cdef timespec until
    cdef int failed
    until.tv_sec = until_ns // 1000000000
    until.tv_nsec = until_ns % 1000000000
    while True:
        with nogil:
            failed = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)
        if failed != EINTR:
            return
        _check_signals()


cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1


cdef int _check_signals() except -1:
    return PyErr_CheckSignals()


cdef int _prctl(int option, unsigned long value) except -1:
    if prctl_(option, value, 0, 0, 0):
        raise OSError(errno, os.strerror(errno))
    return 0


def set_timer_slack(unsigned long slack_ns) -> None:
    """How many nanoseconds late the kernel may wake this thread to save power; its default is 50,000."""
    _prctl(PR_SET_TIMERSLACK, slack_ns)


def set_parent_death_signal(int signum) -> None:
    """The signal that this process gets when its parent ends; 0 for none. Not inherited by a fork."""
    _prctl(PR_SET_PDEATHSIG, <unsigned long>signum)


def set_child_subreaper(bint enabled) -> None:
    """Whether orphans among this process's descendants become its children."""
    _prctl(PR_SET_CHILD_SUBREAPER, enabled)


def set_process_name(str name) -> None:
    """The name that ps and top show for this thread, cut by the kernel at 15 bytes."""
    cdef bytes text = name.encode()
    _prctl(PR_SET_NAME, <unsigned long><char *>text)


cdef void wake(hr_doorbell *bell) noexcept nogil:
    syscall(SYS_futex, &bell.word, FUTEX_WAKE, 2147483647, NULL, NULL, 0)


@cython.final
cdef class Doorbell:
    """A futex word and the flag that somebody sleeps on it, at `offset` (64-byte aligned) of a writable mapping.

    The threads of one process sleep on it, all through one Doorbell; anyone rings.
    """

    def __cinit__(self, Mapping mapping not None, Py_ssize_t offset):
        if offset < 0 or offset % 64 or offset > mapping.nbytes - <Py_ssize_t>sizeof(hr_doorbell):
            raise ValueError(f"no doorbell fits at byte {offset} of {mapping.nbytes}")
        self.mapping = mapping
        self.bell = <hr_doorbell *>(mapping.address + offset)

    def ring(self) -> None:
        """Wake the sleeper, or keep it from falling asleep."""
        self.mapping.check_process("a doorbell")
        hr_ring_always(self.bell)
        wake(self.bell)

    cdef uint32_t lie_down(self) noexcept:
        """Before a look at everything awaited: from now on publishers ring. Returns what `sleep` wants to know."""
        self.sleepers += 1
        return hr_sleep_prepare(self.bell)

    cdef void get_up(self) noexcept:
        """Publishers ring no more, unless another thread still sleeps."""
        self.sleepers -= 1
        if not self.sleepers:
            hr_sleep_done(self.bell)

    cdef int sleep(self, uint32_t seen, int64_t until_ns) noexcept nogil:
        """Sleep until rung since `seen` was read, or until the absolute time. 0, or the errno of the futex."""
        cdef timespec until
        cdef long failed
        until.tv_sec = until_ns // 1000000000
        until.tv_nsec = until_ns % 1000000000
        failed = syscall(
            SYS_futex, &self.bell.word, FUTEX_WAIT_BITSET, seen,
            &until if until_ns >= 0 else NULL, NULL, FUTEX_BITSET_MATCH_ANY,
        )
        return errno if failed else 0


cdef int stop_signal_seen() noexcept nogil:
    return _stop_signal


cdef void _on_stop_signal(int signum) noexcept nogil:
    # Async-signal-safe: two stores and a system call. The bell is changed even when nobody sleeps yet, so that a
    # sleeper on its way to the futex does not fall asleep.
    global _stop_signal
    cdef int kept = errno
    _stop_signal = signum
    if _stop_bell != NULL:
        hr_ring_always(_stop_bell)
        wake(_stop_bell)
    _set_errno(kept)


cdef extern from *:
    """
    #include <errno.h>
    static void horus_set_errno(int value) { errno = value; }
    """
    void _set_errno "horus_set_errno" (int value) noexcept nogil


def install_stop_signal(int signum, Doorbell doorbell not None) -> None:
    """From now on `signum` sets what `stop_signal` tells and rings `doorbell`, without running any Python."""
    global _stop_bell, _stop_doorbell
    cdef sigaction_t action
    action.sa_handler = _on_stop_signal
    action.sa_flags = 0
    sigemptyset(&action.sa_mask)
    _stop_doorbell = doorbell
    _stop_bell = doorbell.bell
    if sigaction(signum, &action, NULL):
        raise OSError(errno, os.strerror(errno))


def stop_signal() -> int:
    """The last stop signal that arrived, 0 for none."""
    return _stop_signal


def reset_stop_signal() -> None:
    """Forget a stop signal that arrived, and its doorbell."""
    global _stop_signal, _stop_bell, _stop_doorbell
    _stop_signal = 0
    _stop_bell = NULL
    _stop_doorbell = None
