/* lines.c - comparing and copying the 64-byte lines of a page.
 *
 * Context: handler, start, tools. No libc, no state. The caller chooses the AVX2 version once, at attach.
 */
#include "store_internal.h"
#include <immintrin.h>

static inline const uint8_t *side_of(const uint8_t *side0, const uint8_t *side1, uint64_t bitmap, unsigned line)
{
    return (bitmap >> line & 1 ? side1 : side0) + 64ul * line;
}

uint64_t prs_lines_differ_sse2(const uint8_t *live, const uint8_t *side0, const uint8_t *side1, uint64_t bitmap)
{
    uint64_t differ = 0;
    for (unsigned line = 0; line < 64; ++line) {
        const __m128i *a = (const __m128i *)(live + 64ul * line);
        const __m128i *b = (const __m128i *)side_of(side0, side1, bitmap, line);
        __m128i x = _mm_or_si128(_mm_or_si128(_mm_xor_si128(a[0], b[0]), _mm_xor_si128(a[1], b[1])),
                                 _mm_or_si128(_mm_xor_si128(a[2], b[2]), _mm_xor_si128(a[3], b[3])));
        uint64_t changed = _mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128())) != 0xffff;
        differ |= changed << line;
    }
    return differ;
}

__attribute__((target("avx2"))) uint64_t prs_lines_differ_avx2(const uint8_t *live, const uint8_t *side0, const uint8_t *side1,
                                                               uint64_t bitmap)
{
    uint64_t differ = 0;
    for (unsigned line = 0; line < 64; ++line) {
        const __m256i *a = (const __m256i *)(live + 64ul * line);
        const __m256i *b = (const __m256i *)side_of(side0, side1, bitmap, line);
        __m256i x = _mm256_or_si256(_mm256_xor_si256(a[0], b[0]), _mm256_xor_si256(a[1], b[1]));
        uint64_t changed = _mm256_testz_si256(x, x) == 0;
        differ |= changed << line;
    }
    return differ;
}

bool prs_line_differs(const uint8_t *live, const uint8_t *committed)
{
    const __m128i *a = (const __m128i *)live, *b = (const __m128i *)committed;
    __m128i x = _mm_or_si128(_mm_or_si128(_mm_xor_si128(a[0], b[0]), _mm_xor_si128(a[1], b[1])),
                             _mm_or_si128(_mm_xor_si128(a[2], b[2]), _mm_xor_si128(a[3], b[3])));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128())) != 0xffff;
}

bool prs_line_zero(const uint8_t *line)
{
    const __m128i *at = (const __m128i *)line;
    __m128i x = _mm_or_si128(_mm_or_si128(at[0], at[1]), _mm_or_si128(at[2], at[3]));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_setzero_si128())) == 0xffff;
}

bool prs_lines_zero(const void *page)
{
    const uint8_t *at = page;
    for (unsigned line = 0; line < 64; ++line) {
        if (!prs_line_zero(at + 64ul * line)) {
            return false;
        }
    }
    return true;
}

void prs_lines_copy(void *to, const void *from, uint64_t lines_bitmap)
{
    while (lines_bitmap != 0) {
        unsigned line = (unsigned)__builtin_ctzll(lines_bitmap);
        lines_bitmap &= lines_bitmap - 1;
        __m128i *out = (__m128i *)((uint8_t *)to + 64ul * line);
        const __m128i *in = (const __m128i *)((const uint8_t *)from + 64ul * line);
        __m128i a = _mm_loadu_si128(in), b = _mm_loadu_si128(in + 1), c = _mm_loadu_si128(in + 2), d = _mm_loadu_si128(in + 3);
        _mm_storeu_si128(out, a);
        _mm_storeu_si128(out + 1, b);
        _mm_storeu_si128(out + 2, c);
        _mm_storeu_si128(out + 3, d);
    }
}
