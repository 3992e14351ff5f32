/* test_live.c - the statistics block: what is written is read, half of it is not, and any bytes do no harm. */
#include "live.h"
#include "store_fixture.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct prf_live *block_of(struct fixture *f) { return (struct prf_live *)(void *)(f->bytes + FIXTURE_ROOT + PRF_LIVE_AT); }

Test(live, what_is_written_is_read)
{
    struct fixture f;
    fixture_open(&f, 1u << 20, 16, 0);
    struct prs_stats stats = {.checkpoints = 7, .full_epochs = 2, .given_up = 1, .heap_lines = 300, .stop_ns_total = 5000, .cost_ns_total = 4000};
    struct prs_interval interval;
    struct prf_live live;
    bool began = false;
    prs_interval_begin(&interval, PRS_INTERVAL_AUTO, 20000);
    cr_assert_not(prs_live_read(&f.store, &live), "a new pool has none");
    cr_assert_eq(live.interval_ns, 0);
    memset(block_of(&f), 0xA5, sizeof live);
    prs_live_write(&f.store, &began, &stats, &interval, 42, 123456, 300);
    cr_assert(began);
    cr_assert(prs_live_read(&f.store, &live));
    cr_assert(live.process == 42 && live.checkpoints == 7 && live.full_epochs == 2 && live.given_up == 1 && live.lines == 300);
    cr_assert(live.stop_ns == 5000 && live.cost_ns == 4000 && live.running_ns == 123456);
    cr_assert(live.interval_ns == 10000000 && live.budget == 20000 && prs_live_is_auto(&live));
    prs_live_write(&f.store, &began, &stats, &interval, 42, 123456, 0);
    prs_live_write(&f.store, &began, &stats, &interval, 42, 123456, UINT64_MAX);
    cr_assert(prs_live_read(&f.store, &live));
    uint32_t stops = 0;
    for (unsigned i = 0; i < PRF_LIVE_STOPS; i++) {
        stops += live.stops[i];
    }
    cr_assert_eq(stops, 2, "an attempt that was given up has no stop time");
    cr_assert_eq(live.stops[prs_stop_bucket(300)], 1);
    cr_assert_eq(live.stops[PRF_LIVE_STOPS - 1], 1);
    fixture_close(&f);
}

Test(live, half_a_block_is_none_and_the_next_process_begins_anew)
{
    struct fixture f;
    fixture_open(&f, 1u << 20, 16, 0);
    struct prs_stats stats = {.checkpoints = 7};
    struct prs_interval interval;
    struct prf_live live;
    bool began = false, again = false;
    prs_interval_begin(&interval, 10000000, 0);
    prs_live_write(&f.store, &began, &stats, &interval, 42, 1, 300);
    block_of(&f)->sequence |= 1; /* killed while it was written */
    cr_assert_not(prs_live_read(&f.store, &live));
    stats.checkpoints = 1;
    prs_live_write(&f.store, &again, &stats, &interval, 43, 1, 300);
    cr_assert(prs_live_read(&f.store, &live));
    cr_assert(live.process == 43 && live.checkpoints == 1 && live.stops[prs_stop_bucket(300)] == 1 && !prs_live_is_auto(&live));
    fixture_close(&f);
}

struct writing {
    struct fixture *f;
    int ended;
};

/* A process after the other, each of which clears the block first. */
static void *write_on(void *context)
{
    struct writing *writing = context;
    struct prs_stats stats = {.checkpoints = 7};
    struct prs_interval interval;
    prs_interval_begin(&interval, 10000000, 0);
    for (int i = 0; i < 200000; i++) {
        bool began = false;
        prs_live_write(&writing->f->store, &began, &stats, &interval, 42, 1, 300);
    }
    __atomic_store_n(&writing->ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

Test(live, the_sequence_never_goes_back, .timeout = 60)
{
    struct fixture f;
    fixture_open(&f, 1u << 20, 16, 0);
    struct writing writing = {.f = &f};
    uint64_t before = 0;
    pthread_t writer;
    cr_assert_eq(pthread_create(&writer, NULL, write_on, &writing), 0);
    while (__atomic_load_n(&writing.ended, __ATOMIC_SEQ_CST) == 0) {
        uint64_t now = __atomic_load_n(&block_of(&f)->sequence, __ATOMIC_SEQ_CST);
        cr_assert_geq(now, before);
        before = now;
    }
    pthread_join(writer, NULL);
    cr_assert_eq(block_of(&f)->sequence, 400000, "from one even number to the next, each time");
    fixture_close(&f);
}

Test(live, buckets_of_stop_times_follow_each_other)
{
    uint64_t end = 0;
    for (unsigned i = 0; i < PRF_LIVE_STOPS; i++) {
        cr_assert_gt(prs_stop_bucket_end(i), end);
        end = prs_stop_bucket_end(i);
        cr_assert_eq(prs_stop_bucket(end - 1), i);
        cr_assert_eq(prs_stop_bucket(end), i + 1 < PRF_LIVE_STOPS ? i + 1 : i);
    }
}
