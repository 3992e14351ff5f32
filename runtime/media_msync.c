/* media_msync.c - the page cache, written to the disk at each fence.
 *
 * Context: any, but a fence waits for the disk. What is durable when: everything stored before the fence, over a power cut.
 * The kernel finds the dirty pages of the mapping itself, so flush has nothing to note.
 */
#include "media.h"
#include "log.h"
#include "prim.h"
#include <emmintrin.h>
#include <sys/mman.h>

static void flush_later(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    (void)at;
    (void)length;
    __asm__ volatile("" ::: "memory");
}

static void fence_disk(const struct prs_media *self)
{
    _mm_sfence();
    long result = prs_sys(SYS_msync, self->base, self->length, MS_SYNC);
    /* An I/O error here leaves the disk in a state that nobody knows: going on would break the promise of the commit. */
    PRS_ASSERT(result == 0);
}

void prs_media_msync(struct prs_media *media, void *base, uint64_t length)
{
    media->name = "msync";
    media->lines = prs_media_copy_lines;
    media->flush = flush_later;
    media->fence = fence_disk;
    media->base = base;
    media->length = length;
}
