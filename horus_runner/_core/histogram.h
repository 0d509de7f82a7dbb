/* A log-linear histogram of durations in nanoseconds, in shared memory, written by one thread.
 *
 * 16 sub-buckets an octave: a bucket is at most 6.25 % wide, so its middle is within 3.2 % of any value in it.
 * Buckets are atomic words with relaxed order: a reader may see a record half counted, never a torn number.
 */
#ifndef HORUS_HISTOGRAM_H
#define HORUS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HH_SUB_BITS 4
#define HH_SUB (1 << HH_SUB_BITS)
#define HH_MAX_EXPONENT 45 /* 2^45 ns is 9.8 hours; longer ones count in the last bucket */
#define HH_BUCKETS ((HH_MAX_EXPONENT - HH_SUB_BITS + 1) * HH_SUB + HH_SUB)

typedef struct {
    _Atomic uint64_t count;
    _Atomic uint64_t max;
    _Atomic uint32_t buckets[HH_BUCKETS];
} hh_histogram;

static inline int hh_bucket(uint64_t value) {
    if (value < HH_SUB) return (int)value;
    int exponent = 63 - __builtin_clzll(value);
    if (exponent > HH_MAX_EXPONENT) return HH_BUCKETS - 1;
    return ((exponent - HH_SUB_BITS + 1) << HH_SUB_BITS) + (int)((value >> (exponent - HH_SUB_BITS)) & (HH_SUB - 1));
}

/* The middle of a bucket: what its values are reported as. */
static inline uint64_t hh_middle(int bucket) {
    if (bucket < HH_SUB) return (uint64_t)bucket;
    int exponent = (bucket >> HH_SUB_BITS) + HH_SUB_BITS - 1;
    uint64_t width = 1ull << (exponent - HH_SUB_BITS);
    return (1ull << exponent) + (uint64_t)(bucket & (HH_SUB - 1)) * width + width / 2;
}

static inline void hh_record(hh_histogram *histogram, int64_t value) {
    uint64_t v = value < 0 ? 0 : (uint64_t)value;
    _Atomic uint32_t *bucket = &histogram->buckets[hh_bucket(v)];
    atomic_store_explicit(bucket, atomic_load_explicit(bucket, memory_order_relaxed) + 1, memory_order_relaxed);
    atomic_store_explicit(&histogram->count, atomic_load_explicit(&histogram->count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (v > atomic_load_explicit(&histogram->max, memory_order_relaxed))
        atomic_store_explicit(&histogram->max, v, memory_order_relaxed);
}

/* The value below which `permille` thousandths of the records lie; 0 when there are none. Never above the maximum. */
static inline uint64_t hh_quantile(hh_histogram *histogram, unsigned permille) {
    uint64_t total = 0, seen = 0, max = atomic_load_explicit(&histogram->max, memory_order_relaxed);
    for (int i = 0; i < HH_BUCKETS; i++) total += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
    if (total == 0) return 0;
    uint64_t rank = (total * permille + 999) / 1000;
    for (int i = 0; i < HH_BUCKETS; i++) {
        seen += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        if (seen >= rank) {
            uint64_t middle = hh_middle(i);
            return middle < max ? middle : max;
        }
    }
    return max;
}

#endif
