/* Consolidation of pages that went cold: that it happens, that it stays within its limits, and that no content changes by it, whatever comes between. */
#include "ssp_fixture.h"

#define PAGES 900u

static void wide_setup(void)
{
    fixture_open(&f, 1 << 20, 1024, 2048);
    memset(page, 0, sizeof page);
}

static void small_limits(void) { f.store.v->ssp.calm_limits = (struct prs_calm_limits){.cold = 1, .share = 1, .spare = 0}; }

static void sums_setup(void)
{
    fixture_sums = true;
    wide_setup();
    small_limits();
}

/* Pages that differ from each other, and of which `changed` lines were written a second time. */
static void fill(unsigned i, bool second, unsigned changed)
{
    for (unsigned at = 0; at < sizeof page / 8; ++at) {
        ((uint64_t *)(void *)page)[at] = (i + 1) * 1000003ull + at;
    }
    for (unsigned line = 0; second && line < changed; ++line) {
        page[64 * ((line * 7 + i) % 64)] ^= 0x55;
    }
}

static uint64_t address_of(unsigned i) { return ADDRESS + 4096ull * i; }

static void expect_all(unsigned changed)
{
    for (unsigned i = 0; i < PAGES; ++i) {
        fill(i, true, changed);
        expect_page(address_of(i));
    }
}

static void write_all(bool second, unsigned changed)
{
    begin();
    for (unsigned i = 0; i < PAGES; ++i) {
        fill(i, second, changed);
        cr_assert_gt(put_at(address_of(i)), 0);
    }
    commit();
}

static void quiet_epoch(void)
{
    uint64_t gathered = usage().pages_gathered;
    begin();
    cr_assert_leq(usage().pages_gathered - gathered, PRS_CALM_PAGES);
    cr_assert_geq(usage().slots_released, gathered, "what an epoch gathered is released before the next one");
    cr_assert_leq(usage().lines_gathered * PRS_CALM_SHARE, usage().bytes_lines_total / 64);
    commit();
}

Test(consolidation, cold_pages_end_with_one_slot_and_the_others_are_used_again, .init = wide_setup, .fini = teardown)
{
    write_all(false, 0);
    cr_assert_eq(usage().slots_used, PAGES);
    write_all(true, 2);
    cr_assert_eq(usage().slots_used, 2 * PAGES);
    for (unsigned i = 0; i < PRS_CALM_COLD - 1; ++i) {
        quiet_epoch();
    }
    cr_assert_eq(usage().pages_gathered, 0, "they are not cold yet");
    for (unsigned i = 0; i < 200; ++i) {
        quiet_epoch();
    }
    cr_assert_leq(usage().slots_used, PAGES + PAGES / 8 + PRS_CALM_SPARE + PRS_CALM_PAGES);
    cr_assert_geq(usage().slots_released, 2 * PAGES - usage().slots_used);
    cr_assert_eq(usage().lines_gathered, 2 * usage().pages_gathered, "the fewer lines move");
    expect_all(2);

    uint32_t high = f.store.v->ssp.slots.high;
    begin();
    memset(page, 3, sizeof page);
    for (unsigned i = 0; i < 100; ++i) {
        cr_assert_eq(put_at(address_of(PAGES + i)), 64);
    }
    commit();
    cr_assert_eq(f.store.v->ssp.slots.high, high, "new pages take the slots that were given back");
    expect_all(2);
}

Test(consolidation, more_than_one_line_in_thirty_two_is_never_moved, .init = wide_setup, .fini = teardown)
{
    write_all(false, 0);
    write_all(true, 24); /* 24 lines each: all of it would be 21600 lines, of 79200 that were written */
    for (unsigned i = 0; i < PRS_CALM_COLD + 200; ++i) {
        quiet_epoch();
    }
    uint64_t moved = usage().lines_gathered, written = usage().bytes_lines_total / 64;
    cr_assert_gt(moved, 0);
    cr_assert_leq(moved * PRS_CALM_SHARE, written);
    cr_assert_gt((moved + 24) * PRS_CALM_SHARE, written, "what is allowed is used");
    expect_all(24);
    begin(); /* and what is written allows more */
    memset(page, 9, sizeof page);
    for (unsigned i = 0; i < 60; ++i) {
        cr_assert_eq(put_at(address_of(PAGES + i)), 64);
    }
    commit();
    for (unsigned i = 0; i < 20; ++i) {
        quiet_epoch();
    }
    cr_assert_gt(usage().lines_gathered, moved);
    expect_all(24);
}

Test(consolidation, pages_that_change_now_and_then_are_left_alone, .init = wide_setup, .fini = teardown)
{
    write_all(false, 0);
    write_all(true, 1);
    for (unsigned round = 0; round < 6; ++round) {
        for (unsigned i = 0; i < PRS_CALM_COLD - 10; ++i) {
            quiet_epoch();
        }
        write_all(true, 2 + round);
    }
    cr_assert_eq(usage().pages_gathered, 0);
    expect_all(7);
}

Test(consolidation, what_is_given_up_or_changes_in_the_same_epoch_is_right, .init = wide_setup, .fini = teardown)
{
    srand(7);
    static unsigned changed[PAGES];
    uint64_t gathered = 0;
    write_all(false, 0);
    write_all(true, 2);
    for (unsigned i = 0; i < PAGES; ++i) {
        changed[i] = 2;
    }
    for (unsigned i = 0; i < PRS_CALM_COLD; ++i) {
        quiet_epoch();
    }
    for (unsigned round = 0; round < 60; ++round) {
        begin(); /* gathers */
        unsigned kept[PAGES];
        memcpy(kept, changed, sizeof kept);
        for (unsigned n = 0; n < 40; ++n) {
            unsigned i = (unsigned)rand() % PAGES;
            changed[i] = (unsigned)rand() % 20;
            fill(i, true, changed[i]);
            cr_assert_geq(put_at(address_of(i)), 0);
        }
        if (rand() % 3 == 0) {
            prs_store_abort(&f.store);
            memcpy(changed, kept, sizeof kept);
        } else {
            commit();
        }
        for (unsigned i = 0; i < PAGES; ++i) {
            fill(i, true, changed[i]);
            expect_page(address_of(i));
        }
        if (round % 10 == 9) { /* as a kill would leave it */
            gathered += usage().pages_gathered;
            cr_assert_eq(fixture_restart(&f), 0);
        }
    }
    cr_assert_gt(gathered, 0);
}

/* Candidates are pages that may have changed: one that has not is compared, in the epoch that gathers it too. */
Test(consolidation, a_page_that_is_looked_at_and_has_not_changed_stays_gathered, .init = wide_setup, .fini = teardown)
{
    write_all(false, 0);
    write_all(true, 2);
    for (unsigned epoch = 0; epoch < PRS_CALM_COLD + 100; ++epoch) {
        begin();
        for (unsigned i = 0; i < PAGES; ++i) {
            fill(i, true, 2);
            cr_assert_eq(epoch % 2 == 0 ? put_at(address_of(i)) : prs_store_lines(&f.store, address_of(i), page, 1), 0);
        }
        commit();
    }
    cr_assert_leq(usage().slots_used, PAGES + PAGES / 8 + PRS_CALM_SPARE + PRS_CALM_PAGES);
    cr_assert_lt(usage().pages_gathered, PAGES, "none is gathered twice");
    expect_all(2);
}

/* In one epoch: gathered, changed, and as it was again; or a changed line that is what the gathered copy has. */
Test(consolidation, what_changes_and_changes_back_is_right_whatever_was_moved, .init = sums_setup, .fini = teardown)
{
    srand(11);
    static uint8_t content[20][4096] __attribute__((aligned(64)));
    static uint8_t committed[20][4096] __attribute__((aligned(64)));
    uint64_t gathered = 0;
    for (unsigned round = 0; round < 4000; ++round) {
        memcpy(committed, content, sizeof content);
        begin();
        for (unsigned n = (unsigned)rand() % 4; n > 0; --n) {
            unsigned i = (unsigned)rand() % 20, line = (unsigned)rand() % 64;
            for (unsigned again = 1 + (unsigned)rand() % 3; again > 0; --again) {
                content[i][64 * line] = (uint8_t)(rand() % 3);
                memcpy(page, content[i], 4096);
                cr_assert_geq(put_at(address_of(i)), 0);
            }
            if (rand() % 3 == 0) {
                memcpy(content[i], committed[i], 4096);
                memcpy(page, content[i], 4096);
                cr_assert_geq(put_at(address_of(i)), 0);
            }
        }
        if (rand() % 4 == 0) {
            prs_store_abort(&f.store);
            memcpy(content, committed, sizeof content);
        } else {
            commit();
        }
        gathered += round % 200 == 199 ? usage().pages_gathered : 0;
        if (round % 200 == 199) {
            cr_assert_eq(fixture_restart(&f), 0);
            small_limits();
        }
        uint64_t wrong;
        cr_assert_eq(prs_store_pages_check(&f.store, &wrong), 0, "round %u: %s", round, prs_detail());
        for (unsigned i = 0; i < 20; ++i) {
            static const uint8_t zeros[4096];
            const uint8_t *found = prs_store_page_read(&f.store, address_of(i), out) ? out : zeros;
            cr_assert_eq(memcmp(found, content[i], 4096), 0, "page %u, round %u", i, round);
        }
    }
    cr_assert_gt(gathered, 500);
}
