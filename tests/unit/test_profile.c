/* test_profile.c - whose memory is whose, and whose frames hold what: the tables of a profile (runtime/profile_blocks.c, profile_stack.c). */
#include "profile.h"
#include "prim.h"
#include "unwind.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define HEAP 0x200000000000ul

static struct prs_profiler profiler;

static void *reserve(uint64_t bytes) { return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0); }

static void setup(void)
{
    profiler = (struct prs_profiler){.fd = -1}; /* nothing can grow: the room is what it is */
    profiler.file = reserve(PRS_PROFILE_BYTES);
    profiler.page_index = reserve(PRS_PROFILE_PAGE_SLOTS * 4ul);
    profiler.site_index = reserve(PRS_PROFILE_SITE_SLOTS * 4ul);
    profiler.samples = reserve(PRS_PROFILE_SAMPLES * sizeof *profiler.samples);
    for (unsigned area = 0; area < PRS_AREAS; area++) {
        profiler.file->room[area] = 1000;
    }
    cr_assert_eq(prs_profile_take(&profiler, PRS_AREA_SITES), 1);
}

static uint16_t site_of(uint64_t caller)
{
    uint64_t chain[PRS_PROFILE_CHAIN] = {caller, caller + 1};
    return prs_profile_site_of(&profiler, chain);
}

static uint16_t owner(uint64_t address)
{
    uint16_t sites[PRS_LINE / PRS_GRANULE];
    prs_profile_line(&profiler, address / PRS_LINE * PRS_LINE, sites);
    return sites[address % PRS_LINE / PRS_GRANULE];
}

TestSuite(profile, .init = setup);

Test(profile, a_chain_is_one_site_however_often_it_comes)
{
    uint16_t a = site_of(100), b = site_of(200);
    cr_assert(a != 0 && b != 0 && a != b);
    cr_assert_eq(site_of(100), a);
    cr_assert_eq(((struct prs_profile_site *)prs_profile_at(&profiler, PRS_AREA_SITES, a))->blocks, 2);
}

Test(profile, each_byte_is_the_last_ones_who_asked_for_it)
{
    /* A model: an owner for each granule of 64 pages. */
    enum { PAGES = 64 };
    static uint16_t model[PAGES * PRS_GRANULES_PER_PAGE];
    uint16_t sites[8];
    for (unsigned i = 0; i < 8; i++) {
        sites[i] = site_of(1000 + 10 * i);
    }
    srand(1);
    for (unsigned round = 0; round < 3000; round++) {
        uint64_t count = (uint64_t)rand() % (round % 5 == 0 ? 3000 : 20) + 1, first = (uint64_t)rand() % (PAGES * PRS_GRANULES_PER_PAGE - count);
        uint16_t site = sites[rand() % 8];
        prs_profile_own(&profiler, HEAP + first * PRS_GRANULE, HEAP + (first + count) * PRS_GRANULE, site);
        for (uint64_t i = first; i < first + count; i++) {
            model[i] = site;
        }
    }
    for (uint64_t i = 0; i < PAGES * PRS_GRANULES_PER_PAGE; i++) {
        cr_assert_eq(owner(HEAP + i * PRS_GRANULE), model[i], "granule %lu", i);
    }
    cr_assert_eq(owner(HEAP - 1), 0);
    cr_assert_eq(owner(HEAP + PAGES * PRS_PAGE), 0);
}

Test(profile, the_next_process_finds_what_the_last_one_wrote)
{
    uint16_t a = site_of(100);
    prs_profile_own(&profiler, HEAP + 64, HEAP + 5 * PRS_PAGE + 128, a);
    profiler.page_index = reserve(PRS_PROFILE_PAGE_SLOTS * 4ul);
    profiler.site_index = reserve(PRS_PROFILE_SITE_SLOTS * 4ul);
    cr_assert_eq(owner(HEAP + 64), 0);
    prs_profile_index(&profiler);
    cr_assert_eq(site_of(100), a);
    cr_assert_eq(owner(HEAP), 0);
    cr_assert_eq(owner(HEAP + 64), a);
    cr_assert_eq(owner(HEAP + 2 * PRS_PAGE), a);
    cr_assert_eq(owner(HEAP + 5 * PRS_PAGE + 127), a);
    cr_assert_eq(owner(HEAP + 5 * PRS_PAGE + 128), 0);
}

Test(profile, full_tables_are_no_failure)
{
    for (uint64_t i = 0; i < 2000; i++) {
        uint16_t site = site_of(1000 + i * 10);
        cr_assert_eq(site != 0, i < 999);
        prs_profile_own(&profiler, HEAP + i * PRS_PAGE + 64, HEAP + i * PRS_PAGE + 128, site);
    }
    cr_assert_eq(profiler.file->used[PRS_AREA_SITES], 1000);
    cr_assert_eq(profiler.file->used[PRS_AREA_PAGES], 1000);
    cr_assert_neq(owner(HEAP + 64), 0);
    cr_assert_eq(owner(HEAP + 1500 * PRS_PAGE + 64), 0);
}

/* ---- frames ---- */

static uint64_t function_bytes(uint64_t function)
{
    for (unsigned i = 0; i < PRS_PROFILE_FRAMES; i++) {
        if (profiler.file->frames[i].function == function) {
            return profiler.file->frames[i].bytes;
        }
    }
    return 0;
}

static void sample(uint64_t address, uint64_t length)
{
    profiler.samples[profiler.sample_count++] = (struct prs_sample){address, length, PRS_SAMPLE_STACK};
}

static ucontext_t context;
static uint64_t outer_from;

static __attribute__((noinline)) void inner(void)
{
    volatile char room[512];
    room[0] = 1;
    getcontext(&context);
    uint64_t at = (uint64_t)room, start = prs_round_down((uint64_t)__builtin_frame_address(0), PRS_PAGE) - 16 * PRS_PAGE;
    uint64_t rsp = (uint64_t)context.uc_mcontext.gregs[REG_RSP], frame = (uint64_t)__builtin_frame_address(0);
    sample(rsp - PRS_REDZONE - 64, 16);                          /* below all frames */
    sample(rsp - 64, 8);                                         /* red zone */
    sample(at, 512);
    sample(frame + 8, 24);                                       /* the return address, and 16 bytes of the caller */
    sample(outer_from, 100);
    sample(outer_from + (4ul << 20), 40);                        /* beyond */
    prs_profile_stack(&profiler, &context, start, start + (64ul << 20));
}

static __attribute__((noinline)) void outer(void)
{
    volatile char room[1024];
    room[5] = 2;
    outer_from = (uint64_t)&room[900];
    inner();
    room[6] = 2;
}

Test(profile, a_frame_has_the_bytes_between_its_stack_pointer_and_its_callers)
{
    outer();
    cr_assert_eq(profiler.file->rest[PRS_REST_STACK_BELOW], 16);
    cr_assert_eq(function_bytes((uint64_t)inner), 8 + 512 + 8);
    cr_assert_eq(function_bytes((uint64_t)outer), 16 + 100);
    cr_assert_eq(profiler.file->rest[PRS_REST_STACK_ABOVE] + profiler.file->rest[PRS_REST_STACK_LOST], 40);
}

Test(profile, the_file_is_laid_out_as_its_header_says)
{
    cr_assert_eq(sizeof(struct prs_profile_site), 128);
    cr_assert_eq(sizeof(struct prs_profile_page), 16);
    cr_assert_leq(prs_profile_offset(PRS_AREA_SITES) + 128ul * PRS_PROFILE_SITES, prs_profile_offset(PRS_AREA_PAGES));
    cr_assert_leq(prs_profile_offset(PRS_AREA_PAGES) + 16ul * PRS_PROFILE_PAGES, prs_profile_offset(PRS_AREA_GRANULES));
    cr_assert_leq(prs_profile_offset(PRS_AREA_GRANULES) + 512ul * PRS_PROFILE_GRANULES, prs_profile_offset(PRS_AREA_WORDS));
    cr_assert_eq(prs_profile_offset(PRS_AREA_WORDS) + 2048ul * PRS_PROFILE_WORDS, PRS_PROFILE_BYTES);
}
