/* prim_linux.c - clocks, whole-file reads and the alternate stack on raw system calls. Any context. */
#include "prim.h"
#include <fcntl.h>
#include <signal.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now = {0, 0};
    prs_sys(SYS_clock_gettime, clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* libc's wrapper goes to the vdso without touching state of its own; it is some 40 times cheaper than the system call. */
static uint64_t vdso_ns(clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) != 0) {
        return clock_ns(clock);
    }
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t prs_now_ns(void) { return vdso_ns(CLOCK_MONOTONIC); }

uint64_t prs_cpu_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

uint64_t prs_process_cpu_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

uint64_t prs_realtime_ns(void) { return vdso_ns(CLOCK_REALTIME); }

long prs_read_file(const char *path, void *buffer, size_t size)
{
    long fd = prs_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fd;
    }
    size_t got = 0;
    long count = 0;
    while (got < size) {
        count = prs_sys(SYS_read, fd, (char *)buffer + got, size - got);
        if (count == -4 /* EINTR */) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        got += (size_t)count;
    }
    prs_sys(SYS_close, fd);
    return count < 0 ? count : (long)got;
}

bool prs_frame_is_outlived(uint64_t frame, uint64_t sp)
{
    stack_t alternate = {0};
    prs_sys(SYS_sigaltstack, NULL, &alternate);
    uint64_t low = (uint64_t)alternate.ss_sp, size = (alternate.ss_flags & SS_DISABLE) != 0 ? 0 : alternate.ss_size;
    bool frame_there = frame - low < size, there = sp - low - 1 < size; /* a stack pointer may be at its end, as the kernel sees it */
    return there == frame_there ? sp > frame : frame_there;
}
