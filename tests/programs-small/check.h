/* check.h - self-checking programs: they say what fails, end with PASS or FAIL, and say the same with and without persistence. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int check_failures;

static inline void check_that(int holds, const char *file, int line, const char *text)
{
    if (!holds) {
        ++check_failures;
        printf("FAIL %s:%d: %s (errno %d)\n", file, line, text, errno);
    }
}

static inline void check_same(long long got, long long wanted, const char *file, int line, const char *text)
{
    if (got != wanted) {
        ++check_failures;
        printf("FAIL %s:%d: %s is %lld, not %lld (errno %d)\n", file, line, text, got, wanted, errno);
    }
}

#define CHECK(condition) check_that(condition, __FILE__, __LINE__, #condition)
#define CHECK_EQUAL(got, wanted) check_same((long long)(got), (long long)(wanted), __FILE__, __LINE__, #got)

static inline int check_end(const char *name)
{
    printf("%s %s\n", check_failures == 0 ? "PASS" : "FAIL", name);
    return check_failures != 0;
}

static inline double check_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Work of the processor's, so that there is something to take checkpoints of. */
static inline uint64_t check_spin(double seconds)
{
    uint64_t state = 88172645463325252u;
    for (double end = check_seconds() + seconds; check_seconds() < end;) {
        for (int i = 0; i < 1000; ++i) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        }
    }
    return state;
}

#endif
