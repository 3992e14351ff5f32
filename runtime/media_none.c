/* media_none.c - the page cache: a store is safe from the death of the process once it has left the processor's store buffer.
 *
 * Context: any. What is durable when: after the fence, for every event but a power cut or a crash of the kernel.
 * The fence is still needed: non-temporal stores are not ordered with others, and tools may read the pool at the same time.
 */
#include "media.h"
#include <emmintrin.h>

void prs_media_copy_lines(const struct prs_media *self, void *to, const void *from, unsigned lines)
{
    (void)self;
    __m128i *out = to;
    const __m128i *in = from;
    for (unsigned i = 0; i < lines; ++i, in += 4, out += 4) {
        __m128i a = _mm_load_si128(in), b = _mm_load_si128(in + 1), c = _mm_load_si128(in + 2), d = _mm_load_si128(in + 3);
        _mm_stream_si128(out, a);
        _mm_stream_si128(out + 1, b);
        _mm_stream_si128(out + 2, c);
        _mm_stream_si128(out + 3, d);
    }
}

static void flush_none(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    (void)at;
    (void)length;
    __asm__ volatile("" ::: "memory");
}

static void fence_none(const struct prs_media *self)
{
    (void)self;
    _mm_sfence();
}

const struct prs_media prs_media_none = {"none", prs_media_copy_lines, flush_none, fence_none, 0, 0, false, 0};
