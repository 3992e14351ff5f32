/* page_sum.c - checksums of the contents of pages (checksum=pages): a CRC-32C of the 4096 bytes that a page has when its word counts.
 *
 *   behind the entries of an extent    sum of word 0, sum of word 1 (struct prf_page_sums), for each entry
 *
 * A sum commits with its word: it is written and flushed before the word of the same number, in the same epoch, so the commit's fence covers both, and what the committed word's sum
 * is does not change while an epoch is open. What stands beside a word that does not count means nothing, so nothing has to be cleared.
 *
 * INVARIANT Z1: the sum beside the committed word of a page with content is that of the content that the word's bitmap names.
 * INVARIANT Z2: no sum is made from bytes that were read back from the pool, where that could make damage right: a page that was compared in full is what the program has; one of which
 *               some lines were compared gets its sum from the former one and the lines that changed (below); one whose lines only move keeps its sum.
 *
 * A CRC is linear: sum(new) = sum(old) ^ raw(old ^ new), where raw begins with 0 and does not invert. Zeros in front do not change a raw remainder; n bytes of zeros behind multiply it by
 * x^8n, modulo the polynomial. So a line's change costs the line, wherever in the page it is; and the whole page is done as four quarters at once, since the processor's instruction takes
 * three times as long as it keeps its unit busy.
 * A multiplication: the carry-less product of two remainders, whose bits are reflected, is x times their product; the instruction, which takes it for 8 bytes of data, multiplies by x^32 and
 * reduces. So the factor for n bytes is x^(8n - 33), and since 1 stands for x^31, that is what n - 8 bytes of zeros make of it.
 *
 * A line that was damaged in the pool and then overwritten by a page of which only some lines were compared leaves a sum that does not fit: refused, although the content is right again.
 * Context: handler, start, tools. No libc, no state but struct prs_sum, which is filled at attach.
 */
#include "planted.h"
#include "store_internal.h"
#include <cpuid.h>
#include <nmmintrin.h>
#include <wmmintrin.h>

#define LINES (PRF_PAGE / PRF_LINE)
#define FAST __attribute__((target("sse4.2,pclmul")))

static const uint8_t zeros[PRF_LINE];

static uint32_t raw(uint32_t crc, const void *data, uint64_t length) { return ~prs_crc32c(~crc, data, length); }

void prs_sum_init(struct prs_sum *sum)
{
    unsigned a, b, c, d;
    sum->fast = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c >> 20 & 1) != 0 && (c >> 1 & 1) != 0;
    sum->factor[0] = 0;
    sum->factor[1] = raw(1, zeros, PRF_LINE - 8);
    for (unsigned i = 2; i < LINES; ++i) {
        sum->factor[i] = raw(sum->factor[i - 1], zeros, PRF_LINE);
    }
}

FAST static uint32_t multiply(uint32_t crc, uint32_t factor)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi32_si128((int)factor), 0);
    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* As if so many lines of zeros came behind. */
static uint32_t behind(const struct prs_sum *sum, uint32_t crc, unsigned lines)
{
    if (lines == 0 || crc == 0) {
        return crc;
    }
    if (sum->fast) {
        return multiply(crc, sum->factor[lines]);
    }
    for (; lines > 0; --lines) {
        crc = raw(crc, zeros, sizeof zeros);
    }
    return crc;
}

FAST static uint32_t whole_page(const struct prs_sum *sum, const uint64_t *at)
{
    uint64_t a = UINT32_MAX, b = 0, c = 0, d = 0;
    const unsigned words = PRF_PAGE / 8 / 4;
    for (unsigned i = 0; i < words; ++i) {
        a = _mm_crc32_u64(a, at[i]);
        b = _mm_crc32_u64(b, at[i + words]);
        c = _mm_crc32_u64(c, at[i + 2 * words]);
        d = _mm_crc32_u64(d, at[i + 3 * words]);
    }
    return ~(multiply((uint32_t)a, sum->factor[LINES / 4 * 3]) ^ multiply((uint32_t)b, sum->factor[LINES / 2]) ^ multiply((uint32_t)c, sum->factor[LINES / 4]) ^ (uint32_t)d);
}

uint32_t prs_sum_page(const struct prs_sum *sum, const void *page) { return sum->fast ? whole_page(sum, page) : prs_crc32c(0, page, PRF_PAGE); }

uint32_t prs_sum_changed(const struct prs_sum *sum, uint32_t former, const uint8_t *live, const uint8_t *const side[2], uint64_t bitmap, uint64_t mask)
{
    uint64_t change[PRF_LINE / 8];
    uint32_t crc = 0;
    unsigned at = 0; /* crc is of the lines before */
    for (; mask != 0; mask &= mask - 1) {
        unsigned line = (unsigned)__builtin_ctzll(mask);
        const uint64_t *now = (const uint64_t *)(const void *)(live + PRF_LINE * line);
        const uint64_t *then = (const uint64_t *)(const void *)(side[bitmap >> line & 1] + PRF_LINE * line);
        for (unsigned i = 0; i < PRF_LINE / 8; ++i) {
            change[i] = now[i] ^ then[i];
        }
        crc = raw(behind(sum, crc, line - at), change, sizeof change);
        at = line + 1;
    }
    return former ^ behind(sum, crc, LINES - at);
}

/* ---- in the pool ---- */

uint32_t *prs_sum_at(const struct prs_store *store, uint32_t number, int word)
{
    const struct prs_page_extent *extent = prs_extent_of(store, number);
    PRS_ASSERT(store->v->geometry.sums && (word == 0 || word == 1));
    return &((struct prf_page_sums *)(void *)(store->base + extent->sums_at))[number - extent->first].of[word];
}

uint32_t prs_sum_read(const struct prs_store *store, uint32_t number, int word) { return PRS_READ(*prs_sum_at(store, number, word)); }

void prs_sum_write(struct prs_store *store, uint32_t number, int word, uint32_t value)
{
    uint32_t *at = prs_sum_at(store, number, word);
    PRS_WRITE(*at, value);
    if (!PRS_PLANTED(sum_unflushed)) {
        prs_store_flush(store, at, sizeof *at);
    }
    store->v->bytes_meta += sizeof *at;
}

void prs_page_copy(const struct prs_store *store, const struct prs_entry_view *view, void *out)
{
    if (view->bitmap == 0 || view->bitmap == ~0ull) {
        prs_copy(out, prs_slot_at(store, view->slot[view->bitmap != 0] - 1), PRF_PAGE);
    } else {
        prs_lines_copy(out, prs_slot_at(store, view->slot[0] - 1), ~view->bitmap);
        prs_lines_copy(out, prs_slot_at(store, view->slot[1] - 1), view->bitmap);
    }
}

bool prs_sum_fits(const struct prs_store *store, uint32_t number, const struct prs_entry_view *view)
{
    uint8_t page[PRF_PAGE] __attribute__((aligned(64)));
    if (!store->v->geometry.sums || view->committed < 0 || view->state != PRF_PAGE_DATA) {
        return true;
    }
    prs_page_copy(store, view, page);
    return prs_sum_page(&store->v->ssp.sum, page) == prs_sum_read(store, number, view->committed);
}

int prs_store_pages_check(const struct prs_store *store, uint64_t *wrong)
{
    const struct prs_ssp *ssp = &store->v->ssp;
    *wrong = 0;
    for (uint32_t number = 0; store->v->geometry.sums && number < ssp->entries.high; ++number) {
        struct prs_entry_view view;
        if (!prs_bits_test(&ssp->entries, number)) {
            continue;
        }
        const char *why = prs_entry_read(store, number, store->v->record.epoch, &view);
        if (why == NULL && !prs_sum_fits(store, number, &view)) {
            why = "its content does not fit its checksum";
        }
        if (why != NULL) {
            *wrong = view.address;
            return prs_fail(PROSPER_E_DAMAGED, "page %lx: %s", view.address, why);
        }
    }
    return 0;
}
