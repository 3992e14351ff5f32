/* cpu_features.h - which instructions this processor and kernel allow, by cpuid itself: the compiler's own helpers need a constructor to
 * have run. Costs about 100 ns (a trap in virtual machines: microseconds), so ask at attach and keep the answer. Any context. */
#ifndef PRS_CPU_FEATURES_H
#define PRS_CPU_FEATURES_H

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>

struct prs_cpu_has {
    bool avx2, clwb, clflushopt;
};

static inline struct prs_cpu_has prs_cpu_has(void)
{
    struct prs_cpu_has has = {false, false, false};
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) {
        return has;
    }
    has.clflushopt = (b >> 23 & 1) != 0;
    has.clwb = (b >> 24 & 1) != 0;
    bool avx2 = (b >> 5 & 1) != 0;
    if (__get_cpuid(1, &a, &b, &c, &d) != 0 && avx2 && (c >> 27 & 1) != 0) { /* OSXSAVE: xgetbv is there */
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        has.avx2 = (low & 6) == 6;
    }
    return has;
}

#endif
