/* processor_time.c - how much of it the program has used, over all its lives.
 *
 * A new process begins at zero; a program that looks at a limit of its own would run for ever. What it had used at the checkpoint is in the image
 * (prs_w.cpu_before_ns) and is added here, as user time. Times of children are the kernel's. Context: any; clock_gettime is called by the runtime too.
 *
 * INVARIANT: what is added up is of one process. Were a checkpoint to come between the kernel's answer and the look at what was before, the process that goes on from it would count what the last one
 *            had used twice, and the clock would go back at the next look.
 */
#include "interpose.h"
#include "../planted.h"
#include <sys/resource.h>
#include <sys/times.h>
#include <time.h>

#define SECOND 1000000000ul

/* Makes the call, with what was before its process in `before`. */
#define IN_ONE_PROCESS(before, call)                                                         \
    for (bool done_ = false; !done_;) {                                                      \
        uint64_t restores_ = prs_w.restores;                                                 \
        before = prs_w.cpu_before_ns;                                                        \
        call;                                                                                \
        done_ = prs_w.restores == restores_ || PRS_PLANTED(time_of_two);                     \
    }

static bool counts_processor(clockid_t clock) { return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID; }

PRS_EXPORT int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (PRS_LIKELY(!counts_processor(clock))) {
        return NEXT(clock_gettime)(clock, time);
    }
    int result;
    uint64_t before;
    IN_ONE_PROCESS(before, result = NEXT(clock_gettime)(clock, time));
    if (result == 0 && before != 0) {
        uint64_t ns = (uint64_t)time->tv_nsec + before;
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
    long result;
    uint64_t before;
    IN_ONE_PROCESS(before, result = prs_sys(SYS_getrusage, who, usage));
    if (result == 0 && (who == RUSAGE_SELF || who == RUSAGE_THREAD)) {
        uint64_t us = (uint64_t)usage->ru_utime.tv_usec + before / 1000;
        usage->ru_utime.tv_sec += (time_t)(us / 1000000);
        usage->ru_utime.tv_usec = (__suseconds_t)(us % 1000000);
    }
    return (int)prs_errno(result);
}

PRS_EXPORT clock_t times(struct tms *buffer)
{
    clock_t result;
    uint64_t before;
    IN_ONE_PROCESS(before, result = NEXT(times)(buffer));
    if (buffer != NULL) {
        buffer->tms_utime += (clock_t)(before / (SECOND / 100)); /* USER_HZ is 100 on every x86-64 */
    }
    return result;
}
