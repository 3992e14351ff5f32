#include "store_fixture.h"
#include <criterion/criterion.h>

static struct fixture f;
static void setup(void) { fixture_open(&f, 16384, 10, 0); }
static void teardown(void) { fixture_close(&f); }

TestSuite(deltalog, .init = setup, .fini = teardown);

struct seen {
    unsigned count;
    uint64_t epoch[64], address[64];
    uint32_t length[64];
    uint8_t first[64], last[64];
};

static int note(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    struct seen *seen = context;
    unsigned i = seen->count++;
    if (i < 64) {
        seen->epoch[i] = epoch;
        seen->address[i] = address;
        seen->length[i] = length;
        seen->first[i] = ((const uint8_t *)data)[0];
        seen->last[i] = ((const uint8_t *)data)[length - 1];
    }
    return seen->count == 64;
}

static int epoch_with(uint64_t address, const void *data, uint32_t length, bool want_full, bool *full)
{
    cr_assert_eq(prs_store_begin(&f.store, 2000, want_full, full), 0);
    int result = prs_store_append(&f.store, address, data, length);
    if (result != 0) {
        prs_store_abort(&f.store);
        return result;
    }
    return prs_store_commit(&f.store);
}

Test(deltalog, entries_of_every_length_come_back)
{
    static uint8_t data[300];
    for (unsigned i = 0; i < sizeof data; ++i) {
        data[i] = (uint8_t)(i + 1);
    }
    bool full;
    for (uint32_t length = 1; length < 200; ++length) {
        cr_assert_eq(epoch_with(0x1000 + length, data + length % 9, length, length % 30 == 0, &full), 0);
        struct seen seen = {0};
        cr_assert_eq(prs_store_log_last(&f.store, note, &seen), 0);
        cr_assert_eq(seen.count, 1);
        cr_assert_eq(seen.length[0], length);
        cr_assert_eq(seen.address[0], 0x1000 + length);
        cr_assert_eq(seen.first[0], data[length % 9]);
        cr_assert_eq(seen.last[0], data[length % 9 + length - 1]);
        cr_assert_eq(fixture_restart(&f), 0, "length %u: %s", length, prs_detail());
    }
}

Test(deltalog, the_first_epoch_is_full_and_the_next_ones_are_deltas)
{
    bool full;
    for (unsigned i = 1; i <= 5; ++i) {
        cr_assert_eq(epoch_with(i, "x", 1, false, &full), 0);
        cr_assert_eq(full, i == 1);
    }
    struct seen seen = {0};
    cr_assert_eq(prs_store_log_each(&f.store, note, &seen), 0);
    cr_assert_eq(seen.count, 5);
    for (unsigned i = 0; i < 5; ++i) {
        cr_assert_eq(seen.epoch[i], i + 1);
        cr_assert_eq(seen.address[i], i + 1);
    }
}

Test(deltalog, a_full_area_says_enospc_and_a_full_epoch_goes_to_the_other_one)
{
    static uint8_t data[3000];
    bool full;
    unsigned switches = 0;
    for (unsigned i = 0; i < 200; ++i) {
        int result = epoch_with(i, data, 1000 + i * 10, false, &full);
        if (result == -ENOSPC) {
            cr_assert_not(full);
            uint64_t epoch = f.store.epoch;
            cr_assert_eq(fixture_restart(&f), 0);
            cr_assert_eq(f.store.epoch, epoch, "an epoch that was given up leaves no trace");
            cr_assert_eq(epoch_with(i, data, 1000 + i * 10, true, &full), 0);
            cr_assert(full);
        }
        if (full) {
            ++switches;
            struct seen seen = {0};
            cr_assert_eq(prs_store_log_each(&f.store, note, &seen), 0);
            cr_assert_eq(seen.count, 1, "a full epoch starts afresh");
        }
    }
    cr_assert_gt(switches, 10);
}

Test(deltalog, more_than_an_area_holds_is_enospc_at_begin)
{
    bool full;
    cr_assert_eq(prs_store_begin(&f.store, 20000, false, &full), -ENOSPC);
    cr_assert_eq(prs_store_begin(&f.store, 2000, false, &full), 0);
    prs_store_abort(&f.store);
}

Test(deltalog, an_epoch_number_used_again_shows_nothing_of_its_first_use)
{
    bool full;
    cr_assert_eq(epoch_with(1, "first", 5, false, &full), 0);
    for (unsigned i = 0; i < 3; ++i) {
        cr_assert_eq(prs_store_begin(&f.store, 2000, false, &full), 0);
        cr_assert_eq(prs_store_append(&f.store, 0xdead, "garbage garbage", 15), 0);
        if (i == 1) {
            cr_assert_eq(fixture_restart(&f), 0);
        } else {
            prs_store_abort(&f.store);
        }
    }
    cr_assert_eq(epoch_with(2, "s", 1, false, &full), 0);
    cr_assert_eq(fixture_restart(&f), 0);
    struct seen seen = {0};
    cr_assert_eq(prs_store_log_each(&f.store, note, &seen), 0);
    cr_assert_eq(seen.count, 2);
    cr_assert_eq(seen.address[1], 2);
    cr_assert_eq(seen.epoch[1], 2);
}

Test(deltalog, an_epoch_without_changes_commits)
{
    bool full;
    cr_assert_eq(epoch_with(1, "first", 5, false, &full), 0);
    for (unsigned i = 0; i < 10; ++i) {
        cr_assert_eq(prs_store_begin(&f.store, 2000, false, &full), 0);
        cr_assert_eq(prs_store_commit(&f.store), 0);
        cr_assert_eq(fixture_restart(&f), 0);
        cr_assert_eq(f.store.epoch, i + 2);
        struct seen seen = {0};
        cr_assert_eq(prs_store_log_last(&f.store, note, &seen), 0);
        cr_assert_eq(seen.count, 0);
    }
}

Test(deltalog, a_visitor_that_says_stop_stops_the_walk)
{
    bool full;
    cr_assert_eq(prs_store_begin(&f.store, 2000, false, &full), 0);
    for (unsigned i = 0; i < 100; ++i) {
        cr_assert_eq(prs_store_append(&f.store, i, "x", 1), 0);
    }
    cr_assert_eq(prs_store_commit(&f.store), 0);
    struct seen seen = {0};
    cr_assert_eq(prs_store_log_each(&f.store, note, &seen), 1);
    cr_assert_eq(seen.count, 64);
}

Test(deltalog, every_flipped_bit_in_the_log_is_found)
{
    bool full;
    for (unsigned i = 0; i < 4; ++i) {
        cr_assert_eq(epoch_with(0x5000 + i, "some thirteen", 13, false, &full), 0);
    }
    uint8_t *area = f.bytes + f.store.v->geometry.log_at[f.store.v->record.log_area];
    uint64_t end = f.store.v->record.log_end;
    cr_assert_gt(end, 200);
    for (uint64_t bit = 0; bit < end * 8; ++bit) {
        area[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_eq(prs_store_log_each(&f.store, NULL, NULL), PROSPER_E_DAMAGED, "bit %lu", bit);
        area[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert_eq(prs_store_log_each(&f.store, NULL, NULL), 0);
}

Test(deltalog, memory_that_grew_once_does_not_make_every_epoch_a_full_one)
{
    static uint8_t data[6000] = {1};
    bool full;
    cr_assert_eq(epoch_with(0x1000, data, 100, false, &full), 0);
    cr_assert_eq(epoch_with(0x2000, data, sizeof data, false, &full), 0);
    cr_assert_not(full);
    unsigned full_epochs = 0;
    for (unsigned i = 0; i < 20; ++i) { /* a full one has all of it, a delta little */
        cr_assert_eq(prs_store_begin(&f.store, 7000, false, &full), 0);
        full_epochs += full;
        cr_assert_eq(prs_store_append(&f.store, 0x2000, data, full ? sizeof data : 64), 0);
        cr_assert_eq(prs_store_commit(&f.store), 0);
    }
    cr_assert_leq(full_epochs, 4, "%u of 20", full_epochs);
}
