/* model.c - what must be read back: contents, how they change at random, and whether a store has one of them, byte for byte. */
#include "power.h"
#include <string.h>

#define SMALL_AT 0x7000ull /* address of small memory */

struct allowed allowed;

static uint64_t random_state;

static uint64_t random_word(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1dull;
}

uint32_t below(uint32_t n) { return (uint32_t)((random_word() >> 32) * n >> 32); }

void choose_seed(uint64_t seed_, uint64_t round)
{
    random_state = (seed_ * 0x9e3779b97f4a7c15ull ^ (round + 1) * 0xbf58476d1ce4e5b9ull) | 1;
    for (unsigned i = 0; i < 16; ++i) {
        random_word();
    }
}

/* ---- changing ---- */

static int change_small(struct content *content, struct prs_store *store, bool full, unsigned size, unsigned ranges)
{
    int result = 0;
    for (; ranges > 0 && result == 0; --ranges) {
        uint32_t length = 1 + below(size == 0 ? 8 : size == 1 ? 24 : 120);
        uint32_t at = below(SMALL - length + 1);
        for (uint32_t i = 0; i < length; ++i) {
            content->small[at + i] = (uint8_t)below(256);
        }
        if (!full) {
            result = prs_store_append(store, SMALL_AT + at, content->small + at, length);
        }
    }
    for (uint32_t at = 0, length; full && at < SMALL && result == 0; at += length) {
        length = 16 + below(100);
        length = length < SMALL - at ? length : SMALL - at;
        result = prs_store_append(store, SMALL_AT + at, content->small + at, length);
    }
    return result;
}

static bool is_zero(const uint8_t *page)
{
    static const uint8_t zeros[4096];
    return memcmp(page, zeros, sizeof zeros) == 0;
}

static uint64_t change_lines(uint8_t *page, unsigned lines)
{
    uint64_t mask = 0;
    for (; lines > 0; --lines) {
        unsigned line = below(64);
        for (unsigned n = 1 + below(2); n > 0; --n) {
            page[64 * line + below(64)] = (uint8_t)below(256);
        }
        mask |= 1ull << line;
    }
    return mask;
}

static int change_page(struct content *content, struct prs_store *store, unsigned size)
{
    unsigned i = below(PAGES);
    for (unsigned tries = 0; size == 0 && tries < 6 && is_zero(content->pages[i]); ++tries) {
        i = below(PAGES); /* a new page has 64 lines at once: seldom in a small epoch */
    }
    uint8_t *page = content->pages[i];
    switch (below(size == 0 ? 12 : 16)) {
    case 0: return prs_store_page_drop(store, PAGE_AT(i)) < 0 ? -1 : (memset(page, 0, 4096), 0);
    case 1: memset(page, 0, 4096); break;
    case 2:
    case 3: {
        uint64_t lines = change_lines(page, 1 + below(3));
        return prs_store_lines(store, PAGE_AT(i), page, lines | 1ull << below(64));
    }
    case 4: { /* twice in one epoch */
        int result = prs_store_page(store, PAGE_AT(i), page, false);
        if (result < 0) {
            return result;
        }
        change_lines(page, 1 + below(2));
        result = prs_store_page(store, PAGE_AT(i), page, false);
        if (result < 0 || !one_in(2)) {
            return result;
        }
        change_lines(page, 1);
        break;
    }
    case 12: memset(page, (int)below(256), 4096); break;
    case 13: {
        unsigned last = i + below(3);
        last = last < PAGES ? last : PAGES - 1;
        memset(page, 0, 4096ul * (last - i + 1));
        return prs_store_range_drop(store, PAGE_AT(i), PAGE_AT(last) + 4096);
    }
    case 14: change_lines(page, 1); return prs_store_page(store, PAGE_AT(i), page, true);
    default: change_lines(page, 1 + below(size == 0 ? 1 : 8)); break;
    }
    return prs_store_page(store, PAGE_AT(i), page, false);
}

static uint8_t stack_now[2][STACK]; /* of each side */

void content_stack(const struct side *side, const struct content *content)
{
    uint8_t *stack = stack_now[side == &image];
    if (content != NULL) {
        memcpy(stack, content->stack, STACK);
    } else {
        memset(stack, 0, STACK);
    }
}

/* Stores into the stack, most of them near each other. */
static int change_stack(struct side *side, unsigned size)
{
    uint8_t *stack = stack_now[side == &image];
    uint32_t near = below(STACK - 600);
    int result = 0;
    for (unsigned n = below(size == 0 ? 3 : 6); n > 0 && result == 0; --n) {
        uint8_t data[64];
        uint32_t length = 1 + below(size == 0 ? 8 : sizeof data), at = one_in(6) ? below(STACK - length) : near + below(400);
        for (uint32_t i = 0; i < length; ++i) {
            data[i] = one_in(4) ? 0 : (uint8_t)below(256);
        }
        result = side->stack.image->write(&side->stack, STACK_LOW + at, data, length);
        memcpy(stack + at, data, result == 0 ? length : 0);
    }
    return result;
}

void content_change(struct content *content, struct side *side, bool full, unsigned size, int *result)
{
    struct prs_store *store = &side->store;
    unsigned ranges = size == 0 ? below(2) : 1 + below(4);
    unsigned pages = size == 0 ? 1 - ranges + below(2) * ranges : 1 + below(size == 1 ? 3 : 6);
    *result = change_small(content, store, full, size, ranges);
    for (; pages > 0 && *result >= 0; --pages) {
        *result = change_page(content, store, size);
    }
    *result = *result < 0 ? *result : 0;
    if (stack_way != 0 && *result == 0) {
        *result = change_stack(side, size);
        memcpy(content->stack, stack_now[side == &image], STACK);
    }
}

/* ---- reading back ---- */

static int apply(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    (void)epoch;
    if (address < SMALL_AT || address - SMALL_AT + length > SMALL) {
        return 1;
    }
    memcpy((uint8_t *)context + (address - SMALL_AT), data, length);
    return 0;
}

static int apply_stack(void *context, uint64_t address, const void *data, uint32_t length)
{
    if (address < STACK_LOW || address + length > STACK_LOW + STACK) {
        return 1;
    }
    memcpy((uint8_t *)context + (address - STACK_LOW), data, length);
    return 0;
}

static const char *stack_differs(const struct prs_stack_area *area, const struct content *content)
{
    uint8_t found[STACK];
    memset(found, 0, sizeof found);
    if (stack_way != 0 && (area->image == NULL || area->image->each(area, apply_stack, found) != 0)) {
        return "the image of the stack cannot be read";
    }
    return memcmp(found, content->stack, STACK) == 0 ? NULL : "the stack";
}

static const char *content_differs(const struct prs_store *store, const struct content *content)
{
    uint8_t small[SMALL];
    static uint8_t page[4096] __attribute__((aligned(64)));
    memset(small, 0, sizeof small);
    if (prs_store_log_each(store, apply, small) != 0) {
        return "the log has an entry that was never made";
    }
    if (memcmp(small, content->small, SMALL) != 0) {
        return "small memory";
    }
    uint64_t pages = 0;
    for (unsigned i = 0; i < PAGES; ++i) {
        if (!prs_store_page_read(store, PAGE_AT(i), page)) {
            if (!is_zero(content->pages[i])) {
                return "a page is missing";
            }
            continue;
        }
        ++pages;
        if (memcmp(page, content->pages[i], 4096) != 0) {
            return "content of a page";
        }
    }
    const char *differs = store->epoch != 0 && prs_store_state(store) != PRS_POOL_EMPTY ? stack_differs(&side_of(store)->stack, content) : NULL;
    if (differs != NULL) {
        return differs;
    }
    uint64_t wrong;
    if (prs_store_pages_check(store, &wrong) != 0) {
        return "the checksum of a page";
    }
    struct prs_store_use use;
    prs_store_usage(store, &use);
    return use.pages == pages ? NULL : "there are pages that nobody wrote";
}

const char *version_differs(const struct prs_store *store, const struct version *version)
{
    static const struct content nothing;
    if (store->epoch != version->epoch) {
        return "epoch";
    }
    if (prs_store_state(store) != version->state) {
        return "state";
    }
    if (version->state >= PRS_POOL_FINISHED) {
        char reason[PRF_REASON_MAX + 1];
        prs_store_reason(store, reason, sizeof reason);
        if (strcmp(reason, version->reason) != 0) {
            return "the reason of the state";
        }
    }
    return content_differs(store, version->content != NULL ? version->content : &nothing);
}

struct version version_found(const struct prs_store *store)
{
    const char *now = version_differs(store, &allowed.now);
    if (now == NULL) {
        return allowed.now;
    }
    const char *next = allowed.may_be_next ? version_differs(store, &allowed.next) : NULL;
    if (allowed.may_be_next && next == NULL) {
        return allowed.next;
    }
    if (allowed.may_be_next) {
        fail("read back: epoch %lu, state %d; not epoch %lu (%s), nor epoch %lu (%s)", store->epoch, (int)prs_store_state(store), allowed.now.epoch,
             now, allowed.next.epoch, next);
    }
    fail("read back: epoch %lu, state %d; not epoch %lu, state %d (%s)", store->epoch, (int)prs_store_state(store), allowed.now.epoch,
         (int)allowed.now.state, now);
}
