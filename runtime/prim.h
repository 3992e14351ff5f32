/* prim.h - raw system calls and small copies that touch no libc state.
 *
 * Context: any (hook, handler, start, restore). Nothing in here uses errno, TLS, the heap or a lock; every call returns
 * 0 or more, or -errno, as the kernel does. */
#ifndef PRS_PRIM_H
#define PRS_PRIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

static inline long prs_sys6(long n, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define PRS_SYS_PICK(_1, _2, _3, _4, _5, _6, _7, NAME, ...) NAME
#define PRS_L(x) ((long)(x))
#define PRS_SYS0(n) prs_sys6(n, 0, 0, 0, 0, 0, 0)
#define PRS_SYS1(n, a) prs_sys6(n, PRS_L(a), 0, 0, 0, 0, 0)
#define PRS_SYS2(n, a, b) prs_sys6(n, PRS_L(a), PRS_L(b), 0, 0, 0, 0)
#define PRS_SYS3(n, a, b, c) prs_sys6(n, PRS_L(a), PRS_L(b), PRS_L(c), 0, 0, 0)
#define PRS_SYS4(n, a, b, c, d) prs_sys6(n, PRS_L(a), PRS_L(b), PRS_L(c), PRS_L(d), 0, 0)
#define PRS_SYS5(n, a, b, c, d, e) prs_sys6(n, PRS_L(a), PRS_L(b), PRS_L(c), PRS_L(d), PRS_L(e), 0)
#define PRS_SYS6(n, a, b, c, d, e, f) prs_sys6(n, PRS_L(a), PRS_L(b), PRS_L(c), PRS_L(d), PRS_L(e), PRS_L(f))
/* prs_sys(SYS_xyz, up to six arguments) */
#define prs_sys(...) \
    PRS_SYS_PICK(__VA_ARGS__, PRS_SYS6, PRS_SYS5, PRS_SYS4, PRS_SYS3, PRS_SYS2, PRS_SYS1, PRS_SYS0)(__VA_ARGS__)

/* Stores by string instructions, which no compiler sees: tests of power cuts are told of them (media_record.c). */
#ifdef PROSPER_RECORDED
void prs_recorded(const void *at, size_t length);
#else
static inline void prs_recorded(const void *at, size_t length)
{
    (void)at;
    (void)length;
}
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PRS_COPIES_BY_LIBC /* the sanitizer sees these, and not the instructions */
#endif
#endif

/* Copy and fill that never become a call into libc (whose data may be in the middle of being replaced). */
#ifdef PRS_COPIES_BY_LIBC
static inline void prs_copy(void *to, const void *from, size_t length)
{
    if (length > 0) {
        __builtin_memmove(to, from, length); /* arrays are moved down by it */
    }
}

static inline void prs_fill(void *to, int byte, size_t length)
{
    if (length > 0) {
        __builtin_memset(to, byte, length);
    }
}
#else
static inline void prs_copy(void *to, const void *from, size_t length)
{
    prs_recorded(to, length);
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

static inline void prs_fill(void *to, int byte, size_t length)
{
    prs_recorded(to, length);
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(length) : "a"(byte) : "memory");
}
#endif

static inline uint64_t prs_round_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }
static inline uint64_t prs_round_down(uint64_t value, uint64_t to) { return value / to * to; }

/* The processor's counter, at a constant rate: cheaper to read than a clock. Only for figures: where a machine's processors do not agree, those are off. */
static inline uint64_t prs_ticks(void) { return __builtin_ia32_rdtsc(); }
uint64_t prs_now_ns(void);     /* CLOCK_MONOTONIC; vdso call on the caller's stack */
uint64_t prs_cpu_ns(void);     /* CLOCK_THREAD_CPUTIME_ID */
uint64_t prs_process_cpu_ns(void); /* CLOCK_PROCESS_CPUTIME_ID: with what the runtime's tasks have used */
uint64_t prs_realtime_ns(void);

/* What has its frame at `frame` does not go on, because the code with this stack pointer has outlived it: a handler came in between and left by longjmp. On one stack the lower frame is the
 * younger one. The alternate stack may lie above the one that is interrupted (in a frame of main's), so from there nothing follows for frames elsewhere; while code elsewhere has outlived
 * every frame there. Wrong where a handler switches to a coroutine that lies higher and comes back, or its alternate stack disarms itself (SS_AUTODISARM). */
bool prs_frame_is_outlived(uint64_t frame, uint64_t sp);

/* Whole file into buffer; returns bytes read (a full buffer means: perhaps more), or -errno. */
long prs_read_file(const char *path, void *buffer, size_t size);

#endif
