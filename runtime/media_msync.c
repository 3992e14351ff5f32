/* media_msync.c - the page cache, written to the disk at each fence.
 *
 * INVARIANT M1: media->error is that of the first fence that failed, for ever. The kernel marks pages that it could not write as clean, so what a later fence says is not about
 *               them. A fence is made all the same: what is stored after a failure (a mark that says so) goes to the disk as far as there is one.
 * Context: any; a fence waits for the disk. What is durable when: everything stored before the fence, over a power cut, if prs_media_error is 0 after it.
 * The kernel finds the dirty pages of the mapping itself, also those that a process that is dead has left, so flush has nothing to note.
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
    struct prs_media *media = (struct prs_media *)(uintptr_t)self; /* prs_media_msync was given it to write to */
    _mm_sfence();
    long result = prs_sys(SYS_msync, media->base, media->length, MS_SYNC);
    if (result < 0 && media->error == 0) {
        __atomic_store_n(&media->error, (int)result, __ATOMIC_RELEASE); /* pairs with prs_media_error */
    }
}

void prs_media_msync(struct prs_media *media, void *base, uint64_t length)
{
    prs_fill(media, 0, sizeof *media);
    media->name = "msync";
    media->lines = prs_media_copy_lines;
    media->flush = flush_later;
    media->fence = fence_disk;
    media->base = base;
    media->length = length;
    media->by_pages = true;
}
