/* count_flushes.c - preloaded under libpmemobj: how many bytes go to the medium, in cache lines that are flushed or written past the cache; and, with
 * PEERS_FLUSH_NS, a medium that takes so many nanoseconds for each of them, as Prosper's option flush_ns has it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <libpmem.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define LINE 64

uint64_t flushed_bytes(void);

static uint64_t bytes, flush_ns;

__attribute__((constructor)) static void read_flush_ns(void)
{
    const char *text = getenv("PEERS_FLUSH_NS");
    flush_ns = text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void count(const void *address, size_t length)
{
    uintptr_t first = (uintptr_t)address / LINE, last = ((uintptr_t)address + length + LINE - 1) / LINE;
    uint64_t lines = length == 0 ? 0 : last - first;
    bytes += lines * LINE;
    if (flush_ns != 0) {
        for (uint64_t end = now_ns() + lines * flush_ns; now_ns() < end;) {
        }
    }
}

static void count_unless_left(const void *address, size_t length, unsigned flags)
{
    if (!(flags & PMEM_F_MEM_NOFLUSH)) {
        count(address, length);
    }
}

uint64_t flushed_bytes(void) { return bytes; }

#define NEXT(name) \
    static __typeof__(&name) next; \
    if (next == NULL) { \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
    }

void pmem_flush(const void *address, size_t length)
{
    NEXT(pmem_flush)
    count(address, length);
    next(address, length);
}

void pmem_persist(const void *address, size_t length)
{
    NEXT(pmem_persist)
    count(address, length);
    next(address, length);
}

void *pmem_memcpy(void *to, const void *from, size_t length, unsigned flags)
{
    NEXT(pmem_memcpy)
    count_unless_left(to, length, flags);
    return next(to, from, length, flags);
}

void *pmem_memmove(void *to, const void *from, size_t length, unsigned flags)
{
    NEXT(pmem_memmove)
    count_unless_left(to, length, flags);
    return next(to, from, length, flags);
}

void *pmem_memset(void *to, int byte, size_t length, unsigned flags)
{
    NEXT(pmem_memset)
    count_unless_left(to, length, flags);
    return next(to, byte, length, flags);
}
