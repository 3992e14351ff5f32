/* media_latency.c - persistent memory that is slower than what stands in for it: each line that is flushed takes some nanoseconds more (flush_ns).
 *
 * For measuring. The original's memory takes 210 ns a write; here the pool is in DRAM. Waiting is by the clock, which costs 20 to 30 ns itself, so
 * a few lines together are more exact than one. Context: any that prs_media_pmem's functions may be called in.
 */
#include "media.h"
#include "prim.h"

static void wait_for(const struct prs_media *self, uint64_t lines)
{
    uint64_t until = prs_now_ns() + lines * self->length;
    while (prs_now_ns() < until) {
        __builtin_ia32_pause();
    }
}

static void lines_slow(const struct prs_media *self, void *to, const void *from, unsigned lines)
{
    prs_media_copy_lines(self, to, from, lines);
    wait_for(self, lines);
}

static void flush_slow(const struct prs_media *self, const void *at, uint64_t length)
{
    ((const struct prs_media *)(const void *)self->base)->flush(self, at, length);
    wait_for(self, (((uint64_t)at & 63) + length + 63) / 64);
}

void prs_media_slow(struct prs_media *media, uint64_t ns)
{
    const struct prs_media *fast = prs_media_pmem(); /* kept: to ask the processor what it has traps in a virtual machine, some 10 us */
    *media = *fast;
    media->base = (uint8_t *)(uint64_t)(const void *)fast;
    media->name = "pmem-slow";
    media->length = ns;
    media->lines = lines_slow;
    media->flush = flush_slow;
}
