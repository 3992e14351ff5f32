/* test_unit_random.c - millions of random stores through the unit, in many configurations, against a plain set of granules. The seed is
 * PROSPER_SEED, or fixed. */
#include "unit.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACKS 3u
#define BYTES (1ul << 17)
#define STORES 6000000ul /* of all configurations together */
#define CONFIGURATIONS 60u

TestSuite(unit_random, .timeout = 500);

static uint64_t state;
static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

/* The plain set: a byte for each granule. No table, no words, no order. */
struct expectation {
    uint64_t start, end;
    uint32_t granularity;
    unsigned char dirty[BYTES / 8 + 1];
};
static struct expectation expected[STACKS];
static struct prs_unit_stack stacks[STACKS];
static uint32_t bitmaps[STACKS][BYTES / 8 / 32 + 1];
static struct prs_unit unit;

static void expect(struct expectation *set, uint64_t address, uint64_t size)
{
    for (uint64_t at = address; at < address + size; ++at) {
        if (at >= set->start && at < set->end) {
            set->dirty[(at - set->start) / set->granularity] = 1;
        }
    }
}

struct comparison {
    struct expectation *set;
    uint64_t granules;
};
static void compare(void *context, uint64_t start, uint64_t end)
{
    struct comparison *comparison = context;
    for (uint64_t at = start; at < end; at += comparison->set->granularity) {
        unsigned char *dirty = &comparison->set->dirty[(at - comparison->set->start) / comparison->set->granularity];
        cr_assert(*dirty == 1, "%lx is reported and was not stored to", at);
        *dirty = 0;
        comparison->granules++;
    }
}

static void check(unsigned i, enum prs_unit_below below)
{
    struct expectation *set = &expected[i];
    struct comparison comparison = {.set = set};
    struct prs_unit_found found = prs_unit_collect(&stacks[i], below, compare, &comparison);
    cr_assert_eq(found.granules, comparison.granules);
    uint64_t inactive = 0, live = prs_unit_live_from(&stacks[i]);
    for (uint64_t granule = 0; granule * set->granularity < set->end - set->start; ++granule) {
        if (set->dirty[granule]) {
            cr_assert(set->start + (granule + 1) * set->granularity <= live, "granule %lu was lost", granule);
            inactive++;
            set->dirty[granule] = below == PRS_UNIT_KEEP;
        }
    }
    cr_assert_eq(found.below, inactive);
}

static void new_configuration(struct prs_unit_table *table, unsigned number)
{
    *table = (struct prs_unit_table){.entries = (uint32_t)(1 + draw(draw(2) ? 64 : 4)), .high = (uint32_t)(1 + draw(32)), .low = (uint32_t)draw(33),
        .policy = draw(2) ? PRS_UNIT_ACCUMULATE : PRS_UNIT_LOAD, .replace = draw(2) ? PRS_UNIT_OLDEST : PRS_UNIT_NEWEST};
    if (number == 0) {
        *table = prs_unit_original;
    }
    for (unsigned i = 0; i < STACKS; ++i) {
        uint32_t granularity = 8u << (number == 0 ? 0 : draw(10));
        uint64_t start = 0x7f0000000000ul + i * BYTES; /* neighbours: a store may reach from one into the next */
        memset(&expected[i], 0, sizeof expected[i]);
        memset(bitmaps[i], 0, sizeof bitmaps[i]);
        expected[i].start = start;
        expected[i].end = start + BYTES - draw(3) * 24;
        expected[i].granularity = granularity;
        cr_assert_eq(prs_unit_stack_init(&stacks[i], start, expected[i].end, granularity, bitmaps[i]), 0);
    }
    cr_assert_eq(prs_unit_init(&unit, table), 0);
}

/* Where programs store: mostly near the last place, sometimes anywhere. */
static uint64_t next_address(uint64_t last)
{
    uint64_t base = expected[0].start - 64;
    switch (draw(8)) {
    case 0: return base + draw(STACKS * BYTES + 128);
    case 1: return last - draw(4096);
    case 2: return last + draw(4096);
    default: return last + draw(96) - 40;
    }
}

static uint64_t next_size(void)
{
    static const uint64_t sizes[] = {8, 8, 8, 4, 4, 2, 1, 16, 32, 64, 24, 10};
    return draw(2000) == 0 ? 1 + draw(20000) : sizes[draw(sizeof sizes / sizeof sizes[0])];
}

Test(unit_random, the_dirty_set_is_that_of_a_plain_set)
{
    const char *seed = getenv("PROSPER_SEED");
    state = seed != NULL ? strtoull(seed, NULL, 0) | 1 : 0x9e3779b97f4a7c15ul;
    fprintf(stderr, "PROSPER_SEED=%#lx\n", state);
    for (unsigned number = 0; number < CONFIGURATIONS; ++number) {
        struct prs_unit_table table;
        new_configuration(&table, number);
        unsigned now = 0;
        uint64_t address = expected[0].start + BYTES / 2;
        prs_unit_restore(&unit, &stacks[now]);
        for (uint64_t i = 0; i < STORES / CONFIGURATIONS; ++i) {
            address = next_address(address);
            uint64_t size = next_size();
            prs_unit_store(&unit, address, size);
            for (unsigned j = 0; j < STACKS; ++j) {
                expect(&expected[j], address, size);
                if (j != now) {
                    (void)prs_unit_store_other(&stacks[j], address, size);
                }
            }
            for (uint32_t j = 0; j < unit.used; ++j) { /* U2, U3 */
                cr_assert_lt((uint32_t)__builtin_popcount(unit.entries[j].pending), table.high);
            }
            uint64_t event = draw(5000);
            if (event < 10) {
                prs_unit_save(&unit, &stacks[now]);
                now = (unsigned)draw(STACKS);
                prs_unit_restore(&unit, &stacks[now]);
            } else if (event < 12) {
                prs_unit_set_sp(&unit, expected[now].start + draw(BYTES + 4096) - 1024);
            } else if (event == 12) {
                enum prs_unit_below below = draw(2) ? PRS_UNIT_DROP : PRS_UNIT_KEEP;
                prs_unit_save(&unit, &stacks[now]);
                for (unsigned j = 0; j < STACKS; ++j) {
                    check(j, below);
                }
                prs_unit_restore(&unit, &stacks[now]);
            }
        }
        prs_unit_save(&unit, &stacks[now]);
        for (unsigned j = 0; j < STACKS; ++j) {
            stacks[j].sp = 0;
            check(j, PRS_UNIT_DROP);
            for (uint64_t k = 0; k < sizeof bitmaps[j] / sizeof bitmaps[j][0]; ++k) {
                cr_assert_eq(bitmaps[j][k], 0);
            }
        }
        const struct prs_unit_counters *c = &unit.counters;
        uint64_t left = 0;
        for (unsigned cause = 0; cause < PRS_UNIT_CAUSES; ++cause) {
            left += c->left[cause];
        }
        cr_assert(c->made == left && left == c->bitmap_stores + c->redundant_stores);
        cr_assert_eq(c->bitmap_loads, left);
        cr_assert_eq(c->stores + c->stores_outside, STORES / CONFIGURATIONS);
    }
}

/* ---- threads: each has a unit of its own, and all store into the same words of one stack at the same time, each granule once ---- */

#define ROUNDS 150u
#define EACH (BYTES / 8 / STACKS) /* granules of a thread's */

static struct prs_unit units[STACKS];
static pthread_barrier_t barrier;
static struct prs_unit_found rounds[ROUNDS];

static void *thread(void *argument)
{
    unsigned own = (unsigned)(uintptr_t)argument;
    for (unsigned round = 0; round < ROUNDS; ++round) {
        unsigned to = round % STACKS;
        pthread_barrier_wait(&barrier);
        for (uint64_t i = 0; i < EACH; ++i) {
            uint64_t address = expected[to].start + (i * STACKS + own) * 8;
            if (to == own) {
                prs_unit_store(&units[own], address, 8);
            } else {
                (void)prs_unit_store_other(&units[to].now, address, 8);
            }
        }
        prs_unit_flush(&units[own]);
        pthread_barrier_wait(&barrier);
        if (to == own) {
            rounds[round] = prs_unit_collect(&units[own].now, PRS_UNIT_DROP, NULL, NULL);
        }
    }
    return NULL;
}

Test(unit_random, threads_that_store_into_one_stack_lose_nothing)
{
    pthread_t threads[STACKS];
    struct prs_unit_table table = {.entries = 4, .high = 2, .low = 1}; /* much traffic */
    cr_assert_eq(pthread_barrier_init(&barrier, NULL, STACKS), 0);
    for (unsigned i = 0; i < STACKS; ++i) {
        expected[i].start = 0x7f0000000000ul + i * BYTES;
        cr_assert_eq(prs_unit_stack_init(&stacks[i], expected[i].start, expected[i].start + BYTES, 8, bitmaps[i]), 0);
        cr_assert_eq(prs_unit_init(&units[i], &table), 0);
        prs_unit_restore(&units[i], &stacks[i]);
    }
    for (unsigned i = 0; i < STACKS; ++i) {
        cr_assert_eq(pthread_create(&threads[i], NULL, thread, (void *)(uintptr_t)i), 0);
    }
    for (unsigned i = 0; i < STACKS; ++i) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    for (unsigned i = 0; i < ROUNDS; ++i) {
        cr_assert_eq(rounds[i].granules, EACH * STACKS, "round %u: %lu of %lu granules", i, rounds[i].granules, EACH * STACKS);
        cr_assert_eq(rounds[i].runs, 1);
    }
}
