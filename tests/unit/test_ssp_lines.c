/* Pages of which only some lines are named (prs_store_lines), and lines that are gathered in one slot. */
#include "ssp_fixture.h"

TestSuite(ssp_lines, .init = setup, .fini = teardown);

static int lines_at(uint64_t address, uint64_t lines) { return prs_store_lines(&f.store, address, page, lines); }

Test(ssp_lines, of_named_lines_those_that_differ_are_written_and_no_other)
{
    memset(page, 1, sizeof page);
    begin();
    put_at(ADDRESS);
    commit();
    for (unsigned line = 0; line < 64; line += 3) {
        page[line * 64 + 5] = 2;
    }
    begin();
    cr_assert_eq(lines_at(ADDRESS, 1ul << 3 | 1ul << 4 | 1ul << 63), 2);
    commit();
    cr_assert(prs_store_page_read(&f.store, ADDRESS, out));
    for (unsigned line = 0; line < 64; ++line) {
        bool taken = line == 3 || line == 63;
        cr_assert_eq(out[line * 64 + 5], taken ? 2 : 1, "line %u", line);
    }
    begin();
    cr_assert_eq(lines_at(ADDRESS, ~0ul), 20); /* many at once */
    commit();
    expect_page(ADDRESS);
    begin();
    cr_assert_eq(lines_at(ADDRESS, ~0ul), 0);
    commit();
}

Test(ssp_lines, a_page_without_committed_copy_is_taken_whole_whatever_lines_are_named)
{
    memset(page, 3, sizeof page);
    begin();
    cr_assert_eq(lines_at(ADDRESS, 1ul << 9), 64);
    cr_assert_eq(lines_at(ADDRESS, 1ul << 10), 64); /* seen before, still without */
    commit();
    expect_page(ADDRESS);
}

Test(ssp_lines, a_page_that_comes_twice_in_an_epoch_loses_neither)
{
    memset(page, 1, sizeof page);
    begin();
    put_at(ADDRESS);
    commit();
    page[0] = 2;
    page[64 * 40] = 2;
    begin();
    cr_assert_eq(lines_at(ADDRESS, 1), 1);
    cr_assert_eq(lines_at(ADDRESS, 1ul << 40), 2);
    commit();
    expect_page(ADDRESS);
    page[64 * 7] = 9;
    begin();
    cr_assert_eq(prs_store_page_drop(&f.store, ADDRESS), 1);
    lines_at(ADDRESS, 1ul << 60); /* it is there after all */
    commit();
    expect_page(ADDRESS);
}

Test(ssp_lines, a_page_whose_last_content_goes_in_a_named_line_is_dropped)
{
    page[64 * 5] = 1;
    begin();
    put_at(ADDRESS);
    commit();
    page[64 * 5] = 0;
    begin();
    cr_assert_eq(lines_at(ADDRESS, 1ul << 5), 1);
    commit();
    cr_assert(!prs_store_page_read(&f.store, ADDRESS, out));
    cr_assert_eq(usage().slots_used, 0);
}

Test(ssp_lines, named_lines_of_an_epoch_that_is_given_up_leave_no_trace)
{
    memset(page, 1, sizeof page);
    begin();
    put_at(ADDRESS);
    commit();
    page[64] = 2;
    begin();
    cr_assert_eq(lines_at(ADDRESS, 2), 1);
    prs_store_abort(&f.store);
    page[64] = 1;
    expect_page(ADDRESS);
}

/* What stack=ssp's second task does, with its copies as they lie before a checkpoint knows of them. */
static unsigned copy_over(struct prs_entry_view *view, uint32_t *number)
{
    *number = prs_index_find(&f.store.v->ssp.index, ADDRESS) - 1;
    cr_assert_null(prs_entry_read(&f.store, *number, f.store.epoch, view));
    unsigned to = prs_ssp_gather_side(view->bitmap);
    if (view->slot[0] == 0 || view->slot[1] == 0) {
        return to;
    }
    prs_lines_copy(prs_slot_at(&f.store, view->slot[to] - 1), prs_slot_at(&f.store, view->slot[1 - to] - 1), to == 1 ? ~view->bitmap : view->bitmap);
    return to;
}

static void random_page(void)
{
    for (unsigned i = 0; i < 4096; ++i) {
        page[i] = (uint8_t)(rand() | 1);
    }
}

static void gathered_lines(void)
{
    srand(5);
    for (unsigned round = 0; round < 300; ++round) {
        for (unsigned i = 0; i < 3; ++i) { /* a bitmap of all kinds */
            begin();
            if (round == 0 && i == 0) {
                random_page();
            }
            for (unsigned changes = (unsigned)rand() % 50; changes > 0; --changes) {
                page[rand() % 4096] ^= 0x80;
            }
            cr_assert_geq(put_at(ADDRESS), 0);
            commit();
        }
        struct prs_entry_view view;
        uint32_t number;
        unsigned to = copy_over(&view, &number);
        expect_page(ADDRESS);
        if (view.slot[0] == 0 || view.slot[1] == 0) {
            continue;
        }
        begin();
        bool changes = rand() % 2 == 0;
        for (unsigned n = changes ? 1 + (unsigned)rand() % 20 : 0; n > 0; --n) {
            page[rand() % 4096] ^= 0x40;
        }
        cr_assert_geq(put_at(ADDRESS), 0);
        cr_assert_null(prs_entry_read(&f.store, number, f.store.epoch, &view));
        prs_ssp_gathered(&f.store, number, &view, to);
        commit();
        expect_page(ADDRESS);
        uint64_t wrong;
        cr_assert_eq(prs_store_pages_check(&f.store, &wrong), 0);
        cr_assert_null(prs_entry_read(&f.store, number, f.store.epoch, &view));
        if (!changes) {
            cr_assert_eq(view.bitmap, to == 1 ? ~0ull : 0);
            cr_assert(prs_ssp_release_one(&f.store, number));
            cr_assert_not(prs_ssp_release_one(&f.store, number));
            expect_page(ADDRESS);
        }
    }
}

Test(ssp_lines, gathered_lines_count_with_whatever_changed_in_the_same_epoch) { gathered_lines(); }

Test(ssp_lines, and_the_checksum_of_the_page_goes_with_them)
{
    teardown();
    fixture_sums = true;
    setup();
    gathered_lines();
}
