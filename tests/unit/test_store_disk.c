/* A medium by pages whose fences fail: what a failed commit leaves, and that nothing is committed after it. */
#include "store_fixture.h"
#include <criterion/criterion.h>

#define ADDRESS 0x7000ull
#define PAGE 0x100000000000ull

static struct prs_media disk;
static unsigned fences_left; /* that succeed */

static void no_flush(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    (void)at;
    (void)length;
}

static void fence(const struct prs_media *self)
{
    (void)self;
    if (fences_left > 0) {
        --fences_left;
    } else if (disk.error == 0) {
        disk.error = -EIO;
    }
}

static struct fixture pool;

static int commit(uint64_t value)
{
    static uint8_t page[4096] __attribute__((aligned(64)));
    bool full;
    memset(page, (int)value, sizeof page);
    int result = prs_store_begin(&pool.store, 4096, false, &full);
    if (result == 0) {
        cr_assert_eq(prs_store_append(&pool.store, ADDRESS, &value, sizeof value), 0);
        cr_assert_eq(prs_store_page(&pool.store, PAGE, page, false) >= 0, true);
        result = prs_store_commit(&pool.store);
    }
    return result;
}

static int last(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    (void)epoch;
    (void)address;
    memcpy(context, data, length);
    return 0;
}

/* The value of the pool as another process finds it. */
static uint64_t found(void)
{
    static uint8_t page[4096] __attribute__((aligned(64)));
    uint64_t value = 0;
    fences_left = 1000;
    disk.error = 0;
    munmap((void *)FIXTURE_ARENA, FIXTURE_ARENA_SIZE);
    cr_assert_eq(fixture_attach_bytes(&pool.store, pool.bytes, pool.length, &disk), 0, "%s", prs_detail());
    cr_assert_eq(prs_store_recover(&pool.store), 0);
    cr_assert_eq(prs_store_log_each(&pool.store, last, &value), 0);
    cr_assert(prs_store_page_read(&pool.store, PAGE, page));
    cr_assert_eq(page[5], (uint8_t)value, "log and page are of different epochs");
    return value;
}

static void open_pool(void)
{
    disk = (struct prs_media){"failing", prs_media_copy_lines, no_flush, fence, NULL, 0, true, 0};
    fences_left = 1000;
    fixture_format(&pool, 64 << 10, 30, 0);
    cr_assert_eq(fixture_attach_bytes(&pool.store, pool.bytes, pool.length, &disk), 0);
    cr_assert_eq(prs_store_recover(&pool.store), 0);
    cr_assert_eq(commit(1), 0);
    cr_assert_eq(commit(2), 0);
}

Test(store_disk, a_fence_that_fails_leaves_the_epoch_before_or_this_one_and_says_so)
{
    for (unsigned good = 0; good < 3; ++good) { /* data, copy 0, copy 1 */
        open_pool();
        uint64_t epoch = pool.store.epoch;
        fences_left = good;
        cr_assert_eq(commit(3), PROSPER_E_DISK, "fence %u", good);
        cr_assert_eq(pool.store.epoch, epoch, "what is not durable is not the committed epoch");
        cr_assert_eq(found(), good == 0 ? 2 : 3, "the record was %swritten after fence %u", good == 0 ? "" : "not ", good);
        munmap((void *)FIXTURE_ARENA, FIXTURE_ARENA_SIZE);
    }
}

static void a_mark_after_a_failure(enum prs_pool_state state)
{
    for (unsigned good = 0; good < 3; ++good) {
        open_pool();
        fences_left = good;
        cr_assert_eq(commit(3), PROSPER_E_DISK);
        int result = state == PRS_POOL_FINISHED ? prs_store_set_state(&pool.store, state) : prs_store_set_state_because(&pool.store, state, "a disk");
        cr_assert_eq(result, PROSPER_E_DISK);
        found();
        cr_assert_eq(prs_store_state(&pool.store), state, "fence %u", good);
        munmap((void *)FIXTURE_ARENA, FIXTURE_ARENA_SIZE);
    }
}

Test(store_disk, after_a_failure_a_mark_names_the_record_that_is_found) { a_mark_after_a_failure(PRS_POOL_LEFT); }
Test(store_disk, after_a_failure_the_end_of_the_program_names_it_too) { a_mark_after_a_failure(PRS_POOL_FINISHED); }

Test(store_disk, recovery_and_marks_report_a_disk_that_fails)
{
    open_pool();
    fences_left = 0;
    cr_assert_eq(prs_store_set_state(&pool.store, PRS_POOL_FINISHED), PROSPER_E_DISK);
    munmap((void *)FIXTURE_ARENA, FIXTURE_ARENA_SIZE);
    disk.error = 0;
    cr_assert_eq(fixture_attach_bytes(&pool.store, pool.bytes, pool.length, &disk), 0);
    cr_assert_eq(prs_store_recover(&pool.store), PROSPER_E_DISK);
}

/* T4: an epoch of begin's own, that was to make room, may be the one that fails. Nothing is given back behind it. */
Test(store_disk, after_an_epoch_that_was_to_make_room_has_failed_no_slot_is_given_back)
{
    static uint8_t page[4096] __attribute__((aligned(64)));
    bool full;
    open_pool();
    struct prs_ssp *ssp = &pool.store.v->ssp;
    ssp->calm_limits = (struct prs_calm_limits){.cold = 3, .share = 1, .spare = 0};
    for (unsigned epoch = 0; epoch < 6; ++epoch) { /* ten pages with lines in both slots, and one of them cold */
        cr_assert_eq(prs_store_begin(&pool.store, 4096, false, &full), 0);
        for (unsigned i = epoch < 2 ? 0 : 1; i < 10; ++i) {
            memset(page, (int)(i + 2), sizeof page);
            page[64 * (epoch % 2)] ^= 0x80;
            cr_assert_geq(prs_store_page(&pool.store, PAGE + 4096ull * i, page, false), 0);
        }
        cr_assert_eq(prs_store_commit(&pool.store), 0);
    }
    cr_assert_eq(ssp->calm_count, 1);
    ssp->short_of_slots = true;
    fences_left = 0;
    cr_assert_eq(prs_store_begin(&pool.store, 4096, false, &full), PROSPER_E_DISK); /* G1 is asserted */
    cr_assert(pool.store.v->sealed);
    cr_assert_eq(found(), 2);
}
