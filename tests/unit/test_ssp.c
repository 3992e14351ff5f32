#include "ssp_fixture.h"

TestSuite(ssp, .init = setup, .fini = teardown);

Test(ssp, both_ways_of_comparing_agree_and_are_right)
{
    static uint8_t live[4096] __attribute__((aligned(64))), side[2][4096] __attribute__((aligned(64)));
    srand(3);
    for (unsigned round = 0; round < 2000; ++round) {
        uint64_t bitmap = (uint64_t)rand() << 33 ^ (uint64_t)rand() << 11 ^ (uint64_t)rand(), expected = 0;
        for (unsigned i = 0; i < 4096; ++i) {
            live[i] = (uint8_t)rand();
            unsigned named = bitmap >> (i / 64) & 1;
            side[named][i] = live[i];
            side[1 - named][i] = (uint8_t)rand();
        }
        for (unsigned n = (unsigned)rand() % 5; n > 0; --n) {
            unsigned at = (unsigned)rand() % 4096;
            side[bitmap >> (at / 64) & 1][at] ^= (uint8_t)(1u << rand() % 8);
        }
        for (unsigned line = 0; line < 64; ++line) {
            expected |= (uint64_t)(memcmp(live + line * 64, side[bitmap >> line & 1] + line * 64, 64) != 0) << line;
        }
        cr_assert_eq(prs_lines_differ_sse2(live, side[0], side[1], bitmap), expected);
        if (__builtin_cpu_supports("avx2")) {
            cr_assert_eq(prs_lines_differ_avx2(live, side[0], side[1], bitmap), expected);
        }
    }
}

Test(ssp, one_byte_anywhere_makes_a_page_not_zero)
{
    cr_assert(prs_lines_zero(page));
    for (unsigned i = 0; i < 4096; ++i) {
        page[i] = 1;
        cr_assert_not(prs_lines_zero(page));
        page[i] = 0;
    }
}

Test(ssp, a_zero_page_costs_nothing)
{
    begin();
    cr_assert_eq(put_at(ADDRESS), 0);
    cr_assert_eq(prs_store_page(&f.store, ADDRESS, page, true), 0);
    cr_assert_eq(prs_store_page_drop(&f.store, ADDRESS), 0);
    commit();
    cr_assert_eq(usage().slots_used, 0);
    cr_assert_not(prs_store_page_read(&f.store, ADDRESS, out));
}

Test(ssp, only_changed_lines_are_written_again)
{
    page[5] = 1;
    begin();
    cr_assert_eq(put_at(ADDRESS), 64);
    commit();
    expect_page(ADDRESS);
    begin();
    cr_assert_eq(put_at(ADDRESS), 0);
    page[64] = 2;
    page[127] = 3;
    page[4095] = 4;
    cr_assert_eq(put_at(ADDRESS), 2);
    commit();
    expect_page(ADDRESS);
    cr_assert_eq(usage().slots_used, 2);
    begin();
    cr_assert_eq(put_at(ADDRESS), 0);
    cr_assert_eq(prs_store_page(&f.store, ADDRESS, page, true), 64);
    commit();
    expect_page(ADDRESS);
}

Test(ssp, a_page_that_is_kept_whole_is_written_whole_when_a_line_differs_and_else_not_at_all)
{
    memset(page, 0, sizeof page);
    page[9] = 7; /* one line of 64 */
    begin();
    cr_assert_eq(prs_store_page_if_changed(&f.store, ADDRESS, page), 64);
    cr_assert_eq(prs_store_zero_lines(&f.store), 63);
    commit();
    begin();
    cr_assert_eq(prs_store_page_if_changed(&f.store, ADDRESS, page), 0);
    commit();
    uint64_t lines = usage().bytes_lines_total;
    page[4000] = 3;
    begin();
    cr_assert_eq(prs_store_page_if_changed(&f.store, ADDRESS, page), 64);
    cr_assert_eq(prs_store_touched(&f.store), 1);
    page[70] = 5; /* and once more in the same epoch */
    cr_assert_eq(prs_store_page_if_changed(&f.store, ADDRESS, page), 64);
    page[70] = page[4000] = 0; /* and back to what is committed */
    cr_assert_eq(prs_store_page_if_changed(&f.store, ADDRESS, page), 0);
    page[70] = 6;
    cr_assert_eq(prs_store_page_if_changed(&f.store, ADDRESS, page), 64);
    commit();
    cr_assert_eq(usage().bytes_lines_total - lines, 3 * 4096);
    expect_page(ADDRESS);
    cr_assert_eq(usage().slots_used, 2);
    memset(page, 0, sizeof page);
    begin();
    cr_assert_eq(prs_store_page_if_changed(&f.store, ADDRESS, page), 1);
    commit();
    cr_assert_eq(usage().pages, 0);
}

Test(ssp, what_is_not_committed_cannot_be_read)
{
    page[0] = 1;
    begin();
    put_at(ADDRESS);
    cr_assert_not(prs_store_page_read(&f.store, ADDRESS, out));
    commit();
    page[0] = 2;
    begin();
    put_at(ADDRESS);
    cr_assert(prs_store_page_read(&f.store, ADDRESS, out));
    cr_assert_eq(out[0], 1);
    prs_store_abort(&f.store);
    cr_assert(prs_store_page_read(&f.store, ADDRESS, out));
    cr_assert_eq(out[0], 1);
}

Test(ssp, a_new_page_that_is_aborted_gives_everything_back)
{
    page[0] = 1;
    for (unsigned i = 0; i < 5; ++i) {
        begin();
        for (unsigned p = 0; p < 20; ++p) {
            cr_assert_eq(put_at(ADDRESS + p * 4096), 64);
        }
        prs_store_abort(&f.store);
        struct prs_store_use use = usage();
        cr_assert_eq(use.slots_used, 0);
        cr_assert_eq(use.entries_used, 0);
    }
}

Test(ssp, slots_of_a_dropped_page_are_free_after_the_commit_and_not_before)
{
    begin();
    page[0] = 1;
    for (unsigned p = 0; p < 24; ++p) {
        cr_assert_eq(put_at(ADDRESS + p * 4096), 64);
    }
    cr_assert_eq(put_at(ADDRESS + 24 * 4096), -ENOSPC);
    prs_store_abort(&f.store);
    begin();
    for (unsigned p = 0; p < 24; ++p) {
        cr_assert_eq(put_at(ADDRESS + p * 4096), 64);
    }
    commit();
    begin();
    cr_assert_eq(prs_store_page_drop(&f.store, ADDRESS + 3 * 4096), 1);
    cr_assert_eq(prs_store_page_drop(&f.store, ADDRESS + 3 * 4096), 0, "dropped already");
    cr_assert_eq(put_at(ADDRESS + 24 * 4096), -ENOSPC);
    commit();
    begin();
    page[0] = 7;
    cr_assert_eq(put_at(ADDRESS + 24 * 4096), 64);
    commit();
    cr_assert_not(prs_store_page_read(&f.store, ADDRESS + 3 * 4096, out));
    expect_page(ADDRESS + 24 * 4096);
    cr_assert_eq(fixture_restart(&f), 0);
    expect_page(ADDRESS + 24 * 4096);
}

Test(ssp, a_page_dropped_and_written_again_in_one_epoch_has_its_new_content)
{
    page[100] = 1;
    page[3000] = 9;
    begin();
    put_at(ADDRESS);
    commit();
    begin();
    cr_assert_eq(prs_store_range_drop(&f.store, ADDRESS, ADDRESS + 4096), 0);
    page[100] = 2;
    cr_assert_eq(put_at(ADDRESS), 1);
    commit();
    expect_page(ADDRESS);
    begin();
    cr_assert_eq(prs_store_page_drop(&f.store, ADDRESS), 1);
    cr_assert_eq(put_at(ADDRESS), 0, "as it was");
    commit();
    expect_page(ADDRESS);
    begin();
    page[100] = 3;
    cr_assert_eq(put_at(ADDRESS), 1);
    cr_assert_eq(prs_store_page_drop(&f.store, ADDRESS), 1);
    commit();
    cr_assert_not(prs_store_page_read(&f.store, ADDRESS, out));
}

Test(ssp, a_range_is_dropped_whole_and_nothing_beside_it)
{
    static const uint64_t at[] = {0x1000, 0x3ff000, 0x400000, 0x401000, 0x7ff000, 0x10000000000ull, 0x10000001000ull, 0x7ffffffff000ull};
    page[0] = 1;
    for (unsigned first = 0; first < 8; ++first) {
        for (unsigned end = first; end < 8; ++end) {
            begin();
            for (unsigned i = 0; i < 8; ++i) {
                cr_assert_geq(put_at(at[i]), 0);
            }
            commit();
            begin();
            cr_assert_eq(prs_store_range_drop(&f.store, at[first], at[end]), 0);
            commit();
            for (unsigned i = 0; i < 8; ++i) {
                cr_assert_eq(prs_store_page_read(&f.store, at[i], out), i < first || i >= end, "page %u of [%u, %u)", i, first, end);
            }
        }
    }
}

Test(ssp, many_sparse_pages_come_and_go)
{
    /* Far apart, so that each has an index leaf of its own, which must be given back. */
    page[0] = 1;
    srand(5);
    uint64_t held[12] = {0};
    for (unsigned round = 0; round < 3000; ++round) {
        unsigned i = (unsigned)rand() % 12;
        begin();
        if (held[i] != 0) {
            cr_assert_eq(prs_store_page_drop(&f.store, held[i]), 1);
            held[i] = 0;
        } else {
            held[i] = ((uint64_t)rand() % 2000 + 1) << 22 | ((uint64_t)rand() % 3) << 40;
            bool twice = false;
            for (unsigned j = 0; j < 12; ++j) {
                twice |= j != i && held[j] == held[i];
            }
            if (twice) {
                held[i] = 0;
            } else {
                cr_assert_eq(put_at(held[i]), 64);
            }
        }
        commit();
        for (unsigned j = 0; j < 12; ++j) {
            if (held[j] != 0) {
                cr_assert(prs_store_page_read(&f.store, held[j], out));
            }
        }
        struct prs_store_use use = usage();
        cr_assert_eq(use.entries_used, use.pages);
        cr_assert_leq(f.store.v->ssp.index.leaf_count, 13);
    }
}

Test(ssp, second_slots_are_given_back_when_slots_run_short)
{
    /* 20 pages in 24 slots, each changed a line at a time: needs 40 at the worst, and must go on for ever. */
    srand(7);
    static uint8_t pages[20][4096] __attribute__((aligned(64)));
    unsigned given_up = 0;
    for (unsigned round = 0; round < 3000; ++round) {
        unsigned i = (unsigned)rand() % 20;
        pages[i][rand() % 4096] = (uint8_t)rand();
        for (unsigned attempt = 0;; ++attempt) {
            begin();
            int result = prs_store_page(&f.store, ADDRESS + i * 4096, pages[i], false);
            if (result >= 0) {
                break;
            }
            cr_assert_eq(result, -ENOSPC);
            cr_assert_lt(attempt, 2, "round %u: no progress", round);
            prs_store_abort(&f.store);
            ++given_up;
        }
        commit();
        if (round % 10 == 0) {
            cr_assert_eq(fixture_restart(&f), 0, "%s", prs_detail());
            for (unsigned j = 0; j < 20; ++j) {
                cr_assert_eq(prs_store_page_read(&f.store, ADDRESS + j * 4096, out), !prs_lines_zero(pages[j]));
                cr_assert(prs_lines_zero(pages[j]) || memcmp(out, pages[j], 4096) == 0);
            }
        }
    }
    cr_assert_gt(given_up, 0, "the test is about slots running short");
}

Test(ssp, after_a_reset_old_pages_are_gone_and_their_room_is_free)
{
    page[0] = 1;
    for (unsigned round = 0; round < 4; ++round) {
        begin();
        for (unsigned p = 0; p < 24; ++p) {
            cr_assert_eq(put_at(ADDRESS + (p + round) * 4096), 64);
        }
        commit();
        uint64_t epoch = f.store.epoch;
        cr_assert_eq(prs_store_reset(&f.store), 0);
        cr_assert_eq(f.store.epoch, epoch + 1);
        cr_assert_eq(prs_store_state(&f.store), PRS_POOL_EMPTY);
        if (round % 2) {
            cr_assert_eq(fixture_restart(&f), 0);
            cr_assert_eq(f.store.epoch, epoch + 1);
        }
        cr_assert_eq(usage().pages, 0);
        cr_assert_eq(usage().slots_used, 0);
        for (unsigned p = 0; p < 24; ++p) {
            cr_assert_not(prs_store_page_read(&f.store, ADDRESS + (p + round) * 4096, out));
        }
    }
}

Test(ssp, a_slot_that_two_entries_name_goes_to_the_one_that_has_content_in_it)
{
    /* What a power cut can leave: the second page lost the release of its second slot, the first one got that slot and has committed to
     * it. */
    static uint8_t other[4096] __attribute__((aligned(64)));
    uint64_t other_address = ADDRESS + 0x5000000;
    page[0] = 1;
    other[0] = 2;
    begin();
    put_at(ADDRESS);
    cr_assert_eq(prs_store_page(&f.store, other_address, other, false), 64);
    commit();
    page[0] = 3;
    begin();
    cr_assert_eq(put_at(ADDRESS), 1);
    commit();
    struct prf_entry *entries = (struct prf_entry *)(f.bytes + f.store.v->geometry.page[0].entries_at);
    cr_assert_eq(entries[0].address, ADDRESS | 1);
    cr_assert_eq(entries[1].address, other_address | 1);
    entries[1].slot[1] = prs_slot_name(other_address | 1, 1, entries[0].slot[1].slot);
    cr_assert_eq(fixture_restart(&f), 0, "%s", prs_detail());
    other[0] = 4;
    begin();
    cr_assert_eq(prs_store_page(&f.store, other_address, other, false), 1);
    commit();
    expect_page(ADDRESS);
    cr_assert_eq(fixture_restart(&f), 0, "%s", prs_detail());
    expect_page(ADDRESS);
    cr_assert(prs_store_page_read(&f.store, other_address, out));
    cr_assert_eq(out[0], 4);
}

Test(ssp, a_slot_with_content_of_two_pages_is_damage)
{
    page[0] = 1;
    begin();
    put_at(ADDRESS);
    put_at(ADDRESS + 4096);
    commit();
    struct prf_entry *entries = (struct prf_entry *)(f.bytes + f.store.v->geometry.page[0].entries_at);
    entries[1].slot[0] = prs_slot_name((ADDRESS + 4096) | 1, 0, entries[0].slot[0].slot);
    cr_assert_eq(fixture_restart(&f), PROSPER_E_DAMAGED);
}

Test(ssp, states_follow_the_life_of_a_pool)
{
    page[0] = 1;
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_EMPTY);
    cr_assert_eq(prs_store_set_state(&f.store, PRS_POOL_RUNNING), 0);
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_EMPTY, "there is no checkpoint yet");
    begin();
    put_at(ADDRESS);
    commit();
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_RUNNING);
    cr_assert_eq(prs_store_set_state(&f.store, PRS_POOL_FINISHED), 0);
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_FINISHED);
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_FINISHED);
    expect_page(ADDRESS);
    cr_assert_eq(prs_store_set_state(&f.store, PRS_POOL_RUNNING), 0);
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_RUNNING);
    cr_assert_eq(prs_store_set_state(&f.store, PRS_POOL_FINISHED), 0);
    begin();
    commit();
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_RUNNING, "a commit after the end mark takes it back");
    char reason[64];
    cr_assert_eq(prs_store_set_state_because(&f.store, PRS_POOL_LEFT, "a socket"), 0);
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_LEFT);
    prs_store_reason(&f.store, reason, sizeof reason);
    cr_assert_str_eq(reason, "a socket");
    expect_page(ADDRESS);
    begin();
    commit();
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_RUNNING, "and so does one after any other mark");
    prs_store_reason(&f.store, reason, sizeof reason);
    cr_assert_eq(prs_store_set_state(&f.store, PRS_POOL_EMPTY), 0);
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_EMPTY);
}
