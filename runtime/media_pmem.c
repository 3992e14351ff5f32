/* media_pmem.c - persistent memory: lines are written back with the best instruction there is.
 *
 * Context: any. What is durable when: flushed lines after the fence, also over a power cut (platform with ADR, file mapped on DAX).
 * clwb keeps the line in the cache, clflushopt and clflush evict it; all three work, in that order of preference.
 * Three constant tables instead of a variable: nothing has to be initialised and nothing of it is in the image.
 */
#include "cpu_features.h"
#include "media.h"
#include "prim.h"
#include <immintrin.h>
#include <sys/mman.h>

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif
#ifndef MAP_SYNC
#define MAP_SYNC 0x80000
#endif

#define EACH_LINE(at, length, what) \
    for (uint64_t line = (uint64_t)(at) & ~63ull, end = (uint64_t)(at) + (length); line < end; line += 64) { \
        what((void *)line); \
    }

__attribute__((target("clwb"))) static void flush_clwb(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    EACH_LINE(at, length, _mm_clwb)
}

__attribute__((target("clflushopt"))) static void flush_clflushopt(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    EACH_LINE(at, length, _mm_clflushopt)
}

static void flush_clflush(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    EACH_LINE(at, length, _mm_clflush)
}

static void fence_pmem(const struct prs_media *self)
{
    (void)self;
    _mm_sfence();
}

static const struct prs_media with_clwb = {"pmem-clwb", prs_media_copy_lines, flush_clwb, fence_pmem, 0, 0, false, 0};
static const struct prs_media with_clflushopt = {"pmem-clflushopt", prs_media_copy_lines, flush_clflushopt, fence_pmem, 0, 0, false, 0};
static const struct prs_media with_clflush = {"pmem-clflush", prs_media_copy_lines, flush_clflush, fence_pmem, 0, 0, false, 0};

const struct prs_media *prs_media_pmem(void)
{
    struct prs_cpu_has has = prs_cpu_has();
    return has.clwb ? &with_clwb : has.clflushopt ? &with_clflushopt : &with_clflush;
}

bool prs_media_is_dax(int fd)
{
    long at = prs_sys(SYS_mmap, 0, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
    if (at < 0) {
        return false; /* EOPNOTSUPP: the page cache stands between */
    }
    prs_sys(SYS_munmap, at, 4096);
    return true;
}
