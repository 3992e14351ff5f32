#include "store_fixture.h"
#include <criterion/criterion.h>

static struct fixture f;
static struct prf_record newest;
static struct prs_commit_health health;

static uint8_t *root(void) { return f.bytes + FIXTURE_ROOT; }
static void setup(void) { fixture_format(&f, 8192, 10, 0); }
static void teardown(void) { fixture_close(&f); }

static struct prf_record record_of(uint64_t epoch)
{
    struct prf_record record;
    memset(&record, 0, sizeof record);
    record.epoch = epoch;
    record.flags = PRF_RECORD_CONTENT;
    record.pages_since = 1;
    record.realtime_ns = epoch * 1000;
    prs_commit_seal(&record);
    return record;
}

static void commit_to(uint64_t epoch)
{
    for (uint64_t i = 1; i <= epoch; ++i) {
        struct prf_record record = record_of(i);
        prs_commit_write(root(), &record, &prs_media_none);
    }
}

static void break_copy(unsigned parity, unsigned copy) { root()[PRF_RECORD_AT(parity, copy) + 40] ^= 1; }

TestSuite(commit, .init = setup, .fini = teardown);

Test(commit, a_new_pool_is_at_epoch_zero)
{
    cr_assert_eq(prs_commit_read(root(), &newest, &health), 0);
    cr_assert_eq(newest.epoch, 0);
    cr_assert_eq(newest.flags, 0);
    cr_assert_eq(prs_mark_value(&health), 0);
}

Test(commit, the_newest_record_wins)
{
    for (uint64_t epoch = 1; epoch < 20; ++epoch) {
        struct prf_record record = record_of(epoch);
        prs_commit_write(root(), &record, &prs_media_none);
        cr_assert_eq(prs_commit_read(root(), &newest, &health), 0);
        cr_assert_eq(newest.epoch, epoch);
        cr_assert_eq(newest.realtime_ns, epoch * 1000);
    }
}

Test(commit, one_broken_copy_of_either_record_does_no_harm_and_is_repaired)
{
    for (unsigned parity = 0; parity < 2; ++parity) {
        for (unsigned copy = 0; copy < 2; ++copy) {
            commit_to(7);
            break_copy(parity, copy);
            cr_assert_eq(prs_commit_read(root(), &newest, &health), 0);
            cr_assert_eq(newest.epoch, 7);
            cr_assert_not(health.valid[parity][copy]);
            prs_commit_repair(root(), &newest, &prs_media_none);
            cr_assert_eq(prs_commit_read(root(), &newest, &health), 0);
            cr_assert(health.valid[parity][copy]);
            cr_assert_eq(health.epoch[parity][copy], parity == 1 ? 7 : 6);
        }
    }
}

Test(commit, both_copies_of_the_newest_broken_is_damage_and_not_the_epoch_before)
{
    commit_to(7);
    break_copy(1, 0);
    break_copy(1, 1);
    cr_assert_eq(prs_commit_read(root(), &newest, &health), PROSPER_E_DAMAGED);
}

Test(commit, both_copies_of_the_older_broken_is_damage)
{
    commit_to(7);
    break_copy(0, 0);
    break_copy(0, 1);
    cr_assert_eq(prs_commit_read(root(), &newest, &health), PROSPER_E_DAMAGED);
}

Test(commit, a_record_torn_at_any_byte_leaves_the_epoch_before_or_is_whole)
{
    commit_to(4);
    struct prf_record five = record_of(5);
    uint8_t before[2][128];
    memcpy(before[0], root() + PRF_RECORD_AT(1, 0), 128);
    memcpy(before[1], root() + PRF_RECORD_AT(1, 1), 128);
    for (unsigned copy = 0; copy < 2; ++copy) {
        for (unsigned bytes = 0; bytes <= 128; ++bytes) {
            memcpy(root() + PRF_RECORD_AT(1, 0), copy == 1 ? (uint8_t *)&five : before[0], 128);
            memcpy(root() + PRF_RECORD_AT(1, 1), before[1], 128);
            memcpy(root() + PRF_RECORD_AT(1, copy), &five, bytes);
            cr_assert_eq(prs_commit_read(root(), &newest, &health), 0, "copy %u, %u bytes", copy, bytes);
            cr_assert_eq(newest.epoch, copy == 1 || bytes == 128 ? 5 : 4, "copy %u, %u bytes: epoch %lu", copy, bytes, newest.epoch);
        }
    }
}

Test(commit, records_that_are_no_neighbours_are_damage)
{
    commit_to(4);
    struct prf_record record = record_of(9);
    prs_commit_write(root(), &record, &prs_media_none);
    cr_assert_eq(prs_commit_read(root(), &newest, &health), PROSPER_E_DAMAGED);
}

Test(commit, a_record_in_the_wrong_place_is_not_valid)
{
    commit_to(4);
    memcpy(root() + PRF_RECORD_AT(1, 0), root() + PRF_RECORD_AT(0, 0), 128);
    cr_assert_eq(prs_commit_read(root(), &newest, &health), 0);
    cr_assert_not(health.valid[1][0]);
    cr_assert_eq(newest.epoch, 4);
}

Test(commit, an_end_mark_survives_one_broken_copy)
{
    commit_to(3);
    prs_mark_write(root(), 3 << 8 | PRS_POOL_FINISHED, &prs_media_none);
    for (unsigned copy = 0; copy < 2; ++copy) {
        root()[PRF_MARK_AT(copy)] ^= 4;
        cr_assert_eq(prs_commit_read(root(), &newest, &health), 0);
        cr_assert_eq(prs_mark_value(&health), 3 << 8 | PRS_POOL_FINISHED);
        root()[PRF_MARK_AT(copy)] ^= 4;
    }
    root()[PRF_MARK_AT(0)] ^= 4;
    root()[PRF_MARK_AT(1)] ^= 8;
    cr_assert_eq(prs_commit_read(root(), &newest, &health), PROSPER_E_DAMAGED);
}

Test(commit, a_reason_counts_with_its_mark_only_and_survives_one_broken_copy)
{
    char text[300];
    commit_to(3);
    uint64_t value = 3 << 8 | PRS_POOL_LEFT;
    prs_mark_write_because(root(), value, "a socket (descriptor 7)", &prs_media_none);
    for (unsigned copy = 0; copy < 2; ++copy) {
        root()[PRF_REASON_AT(copy) + 20] ^= 4;
        cr_assert_eq(prs_reason_read(root(), 0, value, text, sizeof text), 23);
        cr_assert_str_eq(text, "a socket (descriptor 7)");
        root()[PRF_REASON_AT(copy) + 20] ^= 4;
    }
    cr_assert_eq(prs_reason_read(root(), 0, value + 256, text, sizeof text), 0);
    cr_assert_str_eq(text, "");
    root()[PRF_REASON_AT(0) + 20] ^= 4;
    root()[PRF_REASON_AT(1) + 12] ^= 4;
    cr_assert_eq(prs_reason_read(root(), 0, value, text, sizeof text), 0);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    prs_mark_write_because(root(), value, text, &prs_media_none);
    cr_assert_eq(prs_reason_read(root(), 0, value, text, sizeof text), 240, "a long one is cut");
    cr_assert_eq(prs_reason_read(root(), 0, value, text, 10), 9);
}

Test(commit, a_record_that_no_other_can_follow_is_damage)
{
    const uint64_t since[] = {0, 4 + 2, UINT64_MAX};
    for (unsigned i = 0; i < 3; ++i) {
        commit_to(3);
        struct prf_record record = record_of(4);
        record.pages_since = since[i];
        prs_commit_seal(&record);
        prs_commit_write(root(), &record, &prs_media_none);
        cr_assert_eq(prs_commit_read(root(), &newest, &health), PROSPER_E_DAMAGED);
    }
    for (unsigned i = 0; i < 2; ++i) { /* words of pages have no room for the next epoch */
        struct prf_record record = record_of(PRF_EPOCH_MAX + 1 + i);
        prs_commit_write(root(), &record, &prs_media_none);
    }
    cr_assert_eq(prs_commit_read(root(), &newest, &health), PROSPER_E_DAMAGED);
}

Test(commit, a_broken_copy_of_a_reason_is_repaired)
{
    char text[64];
    commit_to(3);
    uint64_t value = 3 << 8 | PRS_POOL_LEFT;
    for (unsigned copy = 0; copy < 2; ++copy) {
        prs_mark_write_because(root(), value, "a socket", &prs_media_none);
        root()[PRF_REASON_AT(copy) + 20] ^= 4;
        cr_assert_eq(prs_commit_read(root(), &newest, &health), 0);
        cr_assert_not(prs_reason_fits(root(), copy, value));
        prs_commit_repair(root(), &newest, &prs_media_none);
        cr_assert(prs_reason_fits(root(), copy, value));
        root()[PRF_REASON_AT(1 - copy) + 20] ^= 4;
        cr_assert_eq(prs_reason_read(root(), 0, value, text, sizeof text), 8);
    }
}
