/* test_mirror.c - comparing small memory with its mirror, against a comparison byte by byte. */
#include "arena.h"
#include "mirror.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BYTES (3 * PRS_CHUNK)

static struct prs_mirror mirror;
static uint8_t *live;            /* begins in the middle of a chunk */
static uint8_t mirrored[BYTES];  /* what the mirror should hold */
static bool reported[BYTES];
static uint64_t last_end;

static void set_up(void)
{
    static struct prs_arena arena; /* anywhere */
    cr_assert_eq(prs_mirror_init(&mirror, &arena), 0);
    live = mmap(NULL, BYTES + PRS_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert((void *)live != MAP_FAILED);
    memset(mirrored, 0, sizeof mirrored);
}

static int note(void *context, uint64_t address, const void *bytes, uint32_t length)
{
    (void)context;
    cr_assert_eq(address, (uint64_t)bytes);
    cr_assert(length > 0 && address > last_end); /* in order, and runs that touch are one, but for the borders of chunks */
    last_end = address + length - (address % PRS_CHUNK + length == PRS_CHUNK);
    memset(reported + (address - (uint64_t)live), true, length);
    return 0;
}

/* What has to be reported: every byte of the range whose granule, as far as the range goes, holds a byte that differs. */
static void compare(uint64_t start, uint64_t end, uint32_t granularity)
{
    static bool expected[BYTES];
    memset(expected, false, sizeof expected);
    memset(reported, false, sizeof reported);
    last_end = 0;
    for (uint64_t i = start; i < end; ++i) {
        if (live[i] != mirrored[i]) {
            uint64_t address = (uint64_t)live + i, from = address / granularity * granularity, to = from + granularity;
            from = from < (uint64_t)live + start ? (uint64_t)live + start : from;
            to = to > (uint64_t)live + end ? (uint64_t)live + end : to;
            memset(expected + (from - (uint64_t)live), true, to - from);
        }
    }
    cr_assert_eq(prs_mirror_diff(&mirror, (uint64_t)live + start, (uint64_t)live + end, granularity, note, NULL), 0);
    cr_assert_arr_eq(reported, expected, sizeof expected);
    memcpy(mirrored + start, live + start, end - start);
    cr_assert_eq(prs_mirror_first_difference(&mirror, (uint64_t)live + start, (uint64_t)live + end), (uint64_t)live + end);
}

TestSuite(mirror, .init = set_up);

Test(mirror, ranges_and_granules_of_any_size)
{
    for (unsigned round = 0; round < 4000; ++round) {
        uint64_t start = (uint64_t)rand() % BYTES, length = (uint64_t)rand() % (round % 8 == 0 ? BYTES : 700);
        uint64_t end = start + length < BYTES ? start + length : BYTES;
        for (unsigned i = 0; i < 60; ++i) {
            uint64_t at = start > 80 ? start - 80 + (uint64_t)rand() % (length + 160) : (uint64_t)rand() % (length + 160);
            unsigned run = rand() % 8 == 0 ? (unsigned)rand() % 700 : 1 + (unsigned)rand() % 12;
            for (unsigned k = 0; k < run && at + k < BYTES; ++k) {
                live[at + k] = (uint8_t)rand();
            }
        }
        compare(start, end, 1u << rand() % 13);
    }
}

Test(mirror, one_byte_at_each_place)
{
    for (uint64_t at = 0; at < 2 * 64; ++at) {
        for (uint32_t granularity = 1; granularity <= 4096; granularity *= 2) {
            live[at] ^= 1;
            compare(0, 2 * 64, granularity);
            live[at] ^= 1;
            compare(at > 3 ? at - 3 : 0, at + 5, granularity);
        }
    }
}

Test(mirror, first_difference)
{
    for (uint64_t at = 0; at < 300; ++at) {
        live[at] ^= 1;
        cr_assert_eq(prs_mirror_first_difference(&mirror, (uint64_t)live, (uint64_t)live + 300), (uint64_t)live + at);
        cr_assert_eq(prs_mirror_first_difference(&mirror, (uint64_t)live + at, (uint64_t)live + at + 1), (uint64_t)live + at);
        cr_assert_eq(prs_mirror_first_difference(&mirror, (uint64_t)live + at + 1, (uint64_t)live + 300), (uint64_t)live + 300);
        cr_assert_eq(prs_mirror_first_difference(&mirror, (uint64_t)live, (uint64_t)live + at), (uint64_t)live + at);
        live[at] ^= 1;
    }
}

static int stop(void *context, uint64_t address, const void *bytes, uint32_t length)
{
    (void)address, (void)bytes, (void)length;
    return ++*(int *)context == 3 ? -28 : 0;
}

/* A full log: what was reported is in the mirror, what was not is found again. */
Test(mirror, a_visitor_may_stop)
{
    for (unsigned i = 0; i < 10; ++i) {
        live[i * 16] = 1;
    }
    int count = 0;
    cr_assert_eq(prs_mirror_diff(&mirror, (uint64_t)live, (uint64_t)live + 200, 8, stop, &count), -28);
    cr_assert_eq(prs_mirror_first_difference(&mirror, (uint64_t)live, (uint64_t)live + 200), (uint64_t)live + 32);
}
