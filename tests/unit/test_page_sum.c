/* Checksums of the contents of pages: they are those of what counts, whichever way a page was written, and a flipped bit of content is found. */
#include "ssp_fixture.h"

#define OTHER (ADDRESS + 7 * 4096)

static struct prs_sum sum; /* where the processor lacks the instructions, both ways are the slow one */

static void setup_sums(void)
{
    fixture_sums = true;
    setup();
    prs_sum_init(&sum);
}

TestSuite(page_sum, .init = setup_sums, .fini = teardown);

static void random_bytes(uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        bytes[i] = (uint8_t)rand();
    }
}

static uint64_t random_lines(void)
{
    uint64_t lines = 0;
    for (unsigned n = (unsigned)rand() % 8; n > 0; --n) {
        lines |= 1ull << rand() % 64;
    }
    return rand() % 8 == 0 ? ~0ull : rand() % 8 == 0 ? ~0ull << rand() % 64 : lines;
}

static void expect_sums(void)
{
    uint64_t wrong;
    cr_assert_eq(prs_store_pages_check(&f.store, &wrong), 0, "%s", prs_detail());
    cr_assert_eq(wrong, 0);
}

static struct prs_entry_view view_of(uint64_t address, uint32_t *number)
{
    struct prs_entry_view view;
    *number = prs_index_find(&f.store.v->ssp.index, address) - 1;
    cr_assert_null(prs_entry_read(&f.store, *number, f.store.epoch, &view));
    return view;
}

Test(page_sum, it_is_the_crc32c_of_the_page)
{
    struct prs_sum slow = sum;
    slow.fast = false;
    srand(1);
    for (unsigned round = 0; round < 500; ++round) {
        random_bytes(page, sizeof page);
        cr_assert_eq(prs_sum_page(&sum, page), prs_crc32c_table(0, page, sizeof page));
        cr_assert_eq(prs_sum_page(&slow, page), prs_crc32c_table(0, page, sizeof page));
    }
}

Test(page_sum, changed_lines_give_that_of_the_new_page)
{
    static uint8_t side0[4096] __attribute__((aligned(64))), side1[4096] __attribute__((aligned(64))), before[4096] __attribute__((aligned(64)));
    const uint8_t *side[2] = {side0, side1};
    srand(2);
    bool fast = sum.fast;
    for (unsigned round = 0; round < 3000; ++round) {
        uint64_t bitmap = (uint64_t)rand() << 40 ^ (uint64_t)rand() << 20 ^ (uint64_t)rand(), mask = random_lines();
        random_bytes(side0, 4096);
        random_bytes(side1, 4096);
        for (unsigned line = 0; line < 64; ++line) {
            memcpy(before + line * 64, side[bitmap >> line & 1] + line * 64, 64);
        }
        memcpy(page, before, sizeof page);
        for (unsigned line = 0; line < 64; ++line) {
            if (mask >> line & 1) {
                random_bytes(page + line * 64, 64);
            }
        }
        uint32_t expected = prs_sum_page(&sum, page);
        sum.fast = fast && round % 10 != 0;
        for (unsigned line = 0; line < 64; ++line) { /* what the others have does not matter */
            if (!(mask >> line & 1)) {
                random_bytes(page + line * 64, 64);
            }
        }
        cr_assert_eq(prs_sum_changed(&sum, prs_sum_page(&sum, before), page, side, bitmap, mask), expected, "lines %lx", mask);
    }
    prs_sum_init(&sum);
}

/* By the lines that are named alone, as marks and stack=ssp do it: the others differ from what is committed, and stay. Given up at times, and begun anew; whole pages in between. */
Test(page_sum, lines_that_were_not_compared_are_not_in_it)
{
    static uint8_t model[4096] __attribute__((aligned(64)));
    srand(3);
    begin();
    random_bytes(page, sizeof page);
    put_at(ADDRESS);
    commit();
    memcpy(model, page, sizeof page);
    for (unsigned round = 0; round < 2000; ++round) {
        uint64_t lines = rand() % 10 == 0 ? ~0ull : random_lines();
        bool given_up = rand() % 5 == 0;
        for (unsigned i = 0; i < 64; ++i) {
            if (rand() % 2 == 0) {
                random_bytes(page + i * 64, 64);
            }
        }
        begin();
        cr_assert_geq(prs_store_lines(&f.store, ADDRESS, page, lines), 0);
        if (given_up) {
            prs_store_abort(&f.store);
        } else {
            commit();
            prs_lines_copy(model, page, lines);
        }
        expect_sums();
        cr_assert(prs_store_page_read(&f.store, ADDRESS, out));
        cr_assert_eq(memcmp(out, model, 4096), 0);
        if (rand() % 50 == 0) {
            cr_assert_eq(fixture_restart(&f), 0);
            expect_sums();
        }
    }
}

Test(page_sum, it_goes_with_a_page_whose_lines_only_move)
{
    srand(4);
    for (unsigned round = 0; round < 300; ++round) {
        for (unsigned i = 0; i < 3; ++i) {
            begin();
            random_bytes(page + 64 * (rand() % 60), 200);
            cr_assert_geq(put_at(ADDRESS), 0);
            commit();
        }
        begin();
        bool changes = rand() % 2 == 0, seen = rand() % 2 == 0;
        uint32_t number;
        struct prs_entry_view view = view_of(ADDRESS, &number);
        if (view.slot[0] != 0 && view.slot[1] != 0) {
            prs_ssp_gather_one(&f.store, number, &view);
        }
        if (changes) { /* after it, as begin does it; an epoch's own changes come first where the copies were made before it (test_ssp_lines.c) */
            random_bytes(page + rand() % 4000, 90);
        }
        if (changes || seen) {
            cr_assert_geq(put_at(ADDRESS), 0);
        }
        commit();
        expect_page(ADDRESS);
        expect_sums();
    }
}

/* Z2: damage that stands in the pool when lines move stays damage. */
Test(page_sum, moving_lines_does_not_make_damage_right)
{
    uint32_t number;
    uint64_t wrong;
    begin();
    random_bytes(page, sizeof page);
    put_at(ADDRESS);
    commit();
    begin();
    page[0] ^= 1;
    page[700] ^= 1;
    put_at(ADDRESS);
    commit();
    struct prs_entry_view view = view_of(ADDRESS, &number);
    prs_slot_at(&f.store, view.slot[1] - 1)[700] ^= 4;
    begin();
    prs_ssp_gather_one(&f.store, number, &view);
    commit();
    cr_assert_eq(prs_store_pages_check(&f.store, &wrong), PROSPER_E_DAMAGED);
    cr_assert_eq(wrong, ADDRESS);
    begin(); /* and lines that are not compared */
    page[2000] ^= 1;
    cr_assert_eq(prs_store_lines(&f.store, ADDRESS, page, 1ull << 2000 / 64), 1);
    commit();
    cr_assert_eq(prs_store_pages_check(&f.store, &wrong), PROSPER_E_DAMAGED);
    begin(); /* a page that is compared in full is written as the program has it */
    cr_assert_eq(put_at(ADDRESS), 1);
    commit();
    expect_sums();
}

static unsigned named;
static void count_content(void *context, const char *sentence)
{
    (void)context;
    named += strstr(sentence, "does not fit its checksum") != NULL && strstr(sentence, "content of page") != NULL;
}

/* Every bit that counts, of pages with lines in one slot and in two; and the bits of the sums themselves. */
Test(page_sum, a_flipped_bit_of_content_is_found_and_one_that_does_not_count_is_not)
{
    uint32_t number;
    uint64_t wrong;
    srand(6);
    begin();
    random_bytes(page, sizeof page);
    put_at(OTHER);
    put_at(ADDRESS);
    commit();
    begin();
    for (unsigned line = 0; line < 64; line += 3) {
        page[line * 64 + 5] ^= 1;
    }
    put_at(ADDRESS);
    commit();
    unsigned found = 0, without = 0;
    for (unsigned which = 0; which < 2; ++which) {
        uint64_t address = which == 0 ? ADDRESS : OTHER;
        struct prs_entry_view view = view_of(address, &number);
        for (unsigned side = 0; side < 2 && view.slot[side] != 0; ++side) {
            uint8_t *slot = prs_slot_at(&f.store, view.slot[side] - 1);
            for (unsigned byte = 0; byte < 4096; ++byte) {
                uint8_t bit = (uint8_t)(1u << byte * 5 % 8);
                bool counts = (view.bitmap >> byte / 64 & 1) == side;
                slot[byte] ^= bit;
                int result = prs_store_pages_check(&f.store, &wrong);
                cr_assert_eq(result, counts ? PROSPER_E_DAMAGED : 0, "byte %u of side %u", byte, side);
                cr_assert_eq(wrong, counts ? address : 0);
                if (byte % 64 == 0) {
                    named = 0;
                    cr_assert_eq(prs_store_verify(&f.store, count_content, NULL), counts);
                    cr_assert_eq(named, counts);
                }
                slot[byte] ^= bit;
                ++*(counts ? &found : &without);
            }
        }
        for (unsigned bit = 0; bit < 32; ++bit) {
            *prs_sum_at(&f.store, number, view.committed) ^= 1u << bit;
            cr_assert_eq(prs_store_pages_check(&f.store, &wrong), PROSPER_E_DAMAGED);
            *prs_sum_at(&f.store, number, view.committed) ^= 1u << bit;
            *prs_sum_at(&f.store, number, 1 - view.committed) ^= 1u << bit;
            expect_sums();
            *prs_sum_at(&f.store, number, 1 - view.committed) ^= 1u << bit;
        }
    }
    cr_assert_eq(found, 2 * 4096);
    cr_assert_eq(without, 4096);
}

static void ignore(void *context, const char *sentence)
{
    (void)context, (void)sentence;
}

Test(page_sum, a_copy_with_damaged_content_cannot_be_repaired)
{
    uint32_t number;
    static struct prs_arena arena;
    begin();
    random_bytes(page, sizeof page);
    put_at(ADDRESS);
    commit();
    struct prs_entry_view view = view_of(ADDRESS, &number);
    cr_assert_eq(prs_store_repair(f.bytes, f.length, &arena, ignore, NULL), 0, "%s", prs_detail());
    prs_slot_at(&f.store, view.slot[0] - 1)[77] ^= 1;
    cr_assert_eq(prs_store_repair(f.bytes, f.length, &arena, ignore, NULL), PROSPER_E_DAMAGED);
    cr_assert_not_null(strstr(prs_detail(), "does not fit its checksum"), "%s", prs_detail());
}

Test(page_sum, extents_of_entries_without_room_for_them_are_refused)
{
    struct prf_root *root = (struct prf_root *)(f.bytes + FIXTURE_ROOT);
    root->extents[2].length = 4096; /* room for 56 entries with their sums */
    root->extents[3].length = 57 * 4096;
    root->features_incompatible &= ~PRF_FEATURE_SUMS;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    struct prs_geometry geometry;
    root->pool_bytes += 1 << 20; /* the extent behind is in the way */
    root->extents[4].offset += 1 << 19;
    root->extents[5].offset += 1 << 19;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    cr_assert_eq(prs_root_check(root, FIXTURE_ROOT, root->pool_bytes, &geometry), 0, "%s", prs_detail());
    cr_assert_not(geometry.sums);
    root->features_incompatible |= PRF_FEATURE_SUMS;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    cr_assert_eq(prs_root_check(root, FIXTURE_ROOT, root->pool_bytes, &geometry), PROSPER_E_DAMAGED);
    root->extents[3].length = 56 * 4096;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    cr_assert_eq(prs_root_check(root, FIXTURE_ROOT, root->pool_bytes, &geometry), 0, "%s", prs_detail());
    cr_assert(geometry.sums);
    cr_assert_eq(geometry.page[0].sums_at, geometry.page[0].entries_at + 56 * 64);
}
