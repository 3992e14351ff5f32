/* processor_time.c - how much of it the program has used, over all its lives.
 *
 * A new process begins at zero; a program that looks at a limit of its own would run for ever. What it had used at the checkpoint is in the image
 * (prs_w.cpu_before_ns) and is added here, as user time. Times of children are the kernel's. Context: any; clock_gettime is called by the runtime too.
 */
#include "interpose.h"
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

#define SECOND 1000000000ul

static bool counts_processor(clockid_t clock) { return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID; }

PRS_EXPORT int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = NEXT(clock_gettime)(clock, time);
    if (PRS_UNLIKELY(counts_processor(clock)) && result == 0 && prs_w.cpu_before_ns != 0) {
        uint64_t ns = (uint64_t)time->tv_nsec + prs_w.cpu_before_ns;
        time->tv_sec += (time_t)(ns / SECOND);
        time->tv_nsec = (long)(ns % SECOND);
    }
    return result;
}
PRS_ALIAS(clock_gettime) int __clock_gettime(clockid_t clock, struct timespec *time);

PRS_EXPORT clock_t clock(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) != 0) {
        return (clock_t)-1;
    }
    return time.tv_sec * CLOCKS_PER_SEC + time.tv_nsec / (long)(SECOND / CLOCKS_PER_SEC);
}

PRS_EXPORT int getrusage(__rusage_who_t who, struct rusage *usage)
{
    long result = prs_sys(SYS_getrusage, who, usage);
    if (result == 0 && (who == RUSAGE_SELF || who == RUSAGE_THREAD)) {
        uint64_t us = (uint64_t)usage->ru_utime.tv_usec + prs_w.cpu_before_ns / 1000;
        usage->ru_utime.tv_sec += (time_t)(us / 1000000);
        usage->ru_utime.tv_usec = (__suseconds_t)(us % 1000000);
    }
    return (int)prs_errno(result);
}

PRS_EXPORT clock_t times(struct tms *buffer)
{
    clock_t result = NEXT(times)(buffer);
    if (buffer != NULL) {
        buffer->tms_utime += (clock_t)(prs_w.cpu_before_ns / (SECOND / 100)); /* USER_HZ is 100 on every x86-64 */
    }
    return result;
}
