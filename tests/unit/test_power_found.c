/* States that the explorer of power cuts (tests/power) has found to be wrong once, made by hand; and the recording medium that it rests on.
 *
 * Three of them need a kill first: the next process sees what was stored, and it must not rely on it before it is durable. */
#include "store_fixture.h"
#include <criterion/criterion.h>

#define PAGE 0x155000000000ull
#define EVENTS 4096u

static struct fixture pool;
static struct prs_recorder recorder;
static struct prs_event events[EVENTS];
static uint8_t *shadow, *durable;

/* A pool with one epoch; everything is durable. */
static void begin(void)
{
    static uint8_t page[4096] __attribute__((aligned(64)));
    bool full;
    fixture_open(&pool, 8192, 8, 0);
    cr_assert_eq(prs_store_begin(&pool.store, 1000, false, &full), 0);
    cr_assert_eq(prs_store_append(&pool.store, 0, "small memory....", 16), 0);
    page[100] = 1;
    cr_assert_eq(prs_store_page(&pool.store, PAGE, page, false), 64);
    cr_assert_eq(prs_store_commit(&pool.store), 0);
    shadow = fixture_map(pool.length);
    durable = fixture_map(pool.length);
    memcpy(durable, pool.bytes, pool.length);
}

static void record(void)
{
    prs_recorder_init(&recorder, pool.bytes, pool.length, shadow, events, EVENTS);
    pool.store.media = &recorder.media;
}

/* What was flushed and fenced goes to the durable copy. */
static void make_durable(void)
{
    static uint8_t now[1 << 18], flushed[1 << 18];
    cr_assert_leq(pool.length, sizeof now);
    memcpy(now, durable, pool.length);
    memcpy(flushed, durable, pool.length);
    for (uint64_t i = 0; i < recorder.count; ++i) {
        const struct prs_event *event = &events[i];
        switch (event->kind) {
        case PRS_EVENT_STORE: memcpy(now + event->at, &event->value, 8); break;
        case PRS_EVENT_FLUSH: memcpy(flushed + event->at, now + event->at, 64); break;
        default: memcpy(durable, flushed, pool.length); break;
        }
    }
}

/* Another process starts on what the dead one has stored, be it durable or not. */
static void start_again(void)
{
    prs_recorder_init(&recorder, pool.bytes, pool.length, shadow, events, EVENTS);
    cr_assert_eq(fixture_attach_bytes(&pool.store, pool.bytes, pool.length, &recorder.media), 0, "%s", prs_detail());
    cr_assert_eq(prs_store_recover(&pool.store), 0, "%s", prs_detail());
}

/* The line that was stored before the recorder came, by a process that was killed, is flushed and fenced by recovery: then it counts as durable here. */
static bool is_flushed(uint64_t at)
{
    bool flushed = false;
    for (uint64_t i = 0; i < recorder.count; ++i) {
        if (events[i].kind == PRS_EVENT_FLUSH && events[i].at == at / 64 * 64) {
            flushed = true;
        } else if (events[i].kind == PRS_EVENT_FENCE && flushed) {
            return true;
        }
    }
    return false;
}

Test(power_found, a_word_that_was_cleared_before_a_kill_is_flushed_by_recovery)
{
    /* Epoch 2 was given up; the process dies between the store that clears its word and the flush. If recovery, which sees no word any more, flushes nothing,
     * a power cut after the real epoch 2 brings the other one's back. */
    begin();
    struct prf_entry *entry = prs_entry_at(&pool.store, 0);
    entry->word[1] = (struct prf_page_word){0, 1};
    entry->check[1] = prs_word_check(entry->address, 2 << 8 | PRF_PAGE_DATA, 1);
    start_again();
    cr_assert(is_flushed((uint64_t)((uint8_t *)entry - pool.bytes)));
}

Test(power_found, records_and_marks_of_before_a_kill_are_flushed_by_recovery)
{
    /* The second copy of a record was stored, not flushed, and the process died. When the next commit of that parity is cut within copy 0, copy 1 must be there. */
    begin();
    start_again();
    for (unsigned copy = 0; copy < 2; ++copy) {
        for (unsigned parity = 0; parity < 2; ++parity) {
            cr_assert(is_flushed(FIXTURE_ROOT + PRF_RECORD_AT(parity, copy)) && is_flushed(FIXTURE_ROOT + PRF_RECORD_AT(parity, copy) + 64));
        }
        cr_assert(is_flushed(FIXTURE_ROOT + PRF_MARK_AT(copy)) && is_flushed(FIXTURE_ROOT + PRF_REASON_AT(copy) + 192));
    }
}

/* The pool as it is after the first `count` events. */
static void look(uint64_t count, const uint8_t *before, enum prs_pool_state old, const char *old_reason, enum prs_pool_state new, const char *new_reason)
{
    static uint8_t *image;
    image = image == NULL ? fixture_map(pool.length) : image;
    memcpy(image, before, pool.length);
    for (uint64_t i = 0; i < count; ++i) {
        if (events[i].kind == PRS_EVENT_STORE) {
            memcpy(image + events[i].at, &events[i].value, 8);
        }
    }
    for (unsigned start = 0; start < 2; ++start) { /* before and after recovery */
        struct prs_store store;
        struct prs_arena arena = {0, 0};
        char text[300];
        cr_assert_eq(prs_store_attach(&store, image, pool.length, &prs_media_none, &arena), 0, "%s", prs_detail());
        enum prs_pool_state state = prs_store_state(&store);
        prs_store_reason(&store, text, sizeof text);
        bool is_old = state == old && (old < PRS_POOL_OVERTAKEN || strcmp(text, old_reason) == 0);
        bool is_new = state == new && strcmp(text, new_reason) == 0;
        cr_assert(is_old || is_new, "after %lu words: state %d, reason '%s'", count, (int)state, text);
        cr_assert_eq(prs_store_recover(&store), 0);
    }
}

Test(power_found, a_mark_and_its_reason_change_together)
{
    static const struct {
        enum prs_pool_state state;
        const char *reason;
    } steps[] = {{PRS_POOL_RUNNING, ""},        {PRS_POOL_LEFT, "a socket"}, {PRS_POOL_OVERTAKEN, "a file"},
                 {PRS_POOL_LEFT, "two threads"}, {PRS_POOL_LEFT, "a socket"}};
    begin();
    uint8_t *before = fixture_map(pool.length);
    for (unsigned i = 1; i < sizeof steps / sizeof *steps; ++i) {
        memcpy(before, pool.bytes, pool.length);
        record();
        cr_assert_eq(prs_store_set_state_because(&pool.store, steps[i].state, steps[i].reason), 0);
        for (uint64_t count = 0; count <= recorder.count; ++count) {
            look(count, before, steps[i - 1].state, steps[i - 1].reason, steps[i].state, steps[i].reason);
        }
        make_durable();
        cr_assert_eq(memcmp(durable, pool.bytes, pool.length), 0, "durable on return");
    }
}

Test(power_found, the_recording_medium_knows_announced_stores_and_finds_the_others)
{
    begin();
    record();
    uint64_t *at = (uint64_t *)(pool.bytes + FIXTURE_ROOT + PRF_MARK_AT(0) + 128);
    prs_recorder_announce(&recorder, at, 8);
    at[0] = 5;
    prs_recorder_announce(&recorder, at, 8); /* the same word again: two events */
    at[0] = 6;
    prs_recorder_announce(&recorder, at + 1, 8); /* what it has already: none */
    at[1] = at[1];
    at[2] = 7; /* not announced */
    prs_media_flush(&recorder.media, at, 8);
    prs_media_fence(&recorder.media);
    cr_assert_eq(recorder.count, 5);
    cr_assert_eq(recorder.unseen, 1);
    cr_assert(events[0].kind == PRS_EVENT_STORE && events[0].old == 0 && events[0].value == 5);
    cr_assert(events[1].kind == PRS_EVENT_STORE && events[1].old == 5 && events[1].value == 6 && events[1].group != events[0].group);
    cr_assert(events[2].kind == PRS_EVENT_STORE && events[2].at == events[0].at + 16 && events[2].value == 7);
    cr_assert(events[3].kind == PRS_EVENT_FLUSH && events[3].at == events[0].at / 64 * 64 && events[4].kind == PRS_EVENT_FENCE);
}
