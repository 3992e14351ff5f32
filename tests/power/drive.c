/* drive.c - one round: the real store code works on the live pool, and at each of its fences the states that a power cut may leave are opened.
 *
 *   created ──> epochs: begin, changes, commit | abort      resets, marks, reasons
 *                  ^                 │
 *                  │   cut: the machine dies in a state at random; the live pool becomes the image
 *                  │   kill: the process dies between two stores; the pool is as it was stored, and what was not durable still is not
 *                  └── recovery <────┘
 *
 * What must be read back (`allowed`) changes where calls begin and return, never in between. Since the states at a fence include those of any earlier instant
 * since the fence before it, what had returned at the fence is what they must have.
 *
 * A kill adds this: recovery sees what was stored, not what is durable. What it found must be durable when it returns; until then a cut may lead back.
 */
#include "power.h"
#include <errno.h>
#include <string.h>

uint64_t epochs_driven, cuts, kills, extensions, gathered_calmly;
const char *doing = "";

static struct content contents[2];
static uint8_t durable[POOL_MAX]; /* a copy of the image between two fences: what the explorer undoes must be undone */
static enum { ALIVE, KILLED, CUT } fate;
static uint32_t cut_in, kill_in; /* fences; events that are not about the lines of a slot, of which there are so many */
static bool want_full, without_promise;
static unsigned made; /* extensions, of this round */
static struct { /* what stands beside the mark */
    uint64_t value;
    const char *text;
} reason;

static void dies_later(void)
{
    cut_in = 20 + below(80);
    kill_in = 50 + below(500);
}

static void check_image(void)
{
    if (image_mark() != 0 || memcmp(image.bytes, durable, pool_length) != 0) {
        fail("the explorer itself has changed the image");
    }
}

static void durable_now(void)
{
    image_forget();
    memcpy(durable, image.bytes, pool_length);
}

/* The process dies before event `at`: what came later was never stored. */
static void kill_before(uint64_t at)
{
    for (uint64_t i = live.recorder.count; i > at; --i) {
        const struct prs_event *event = &live.recorder.events[i - 1];
        if (event->kind == PRS_EVENT_STORE) {
            *(uint64_t *)(live.bytes + event->at) = event->old;
        }
    }
    fate = KILLED;
    ++kills;
}

/* What has been recorded since the last time: `first` is what the states of the first fence count as, `later` those of the others. */
static void explore(enum kind first, enum kind later)
{
    prs_recorder_settle(&live.recorder);
    if (live.recorder.unseen != 0) {
        fail("%lu words were stored without being announced: the record has no order for them", live.recorder.unseen);
    }
    if (without_promise) { /* all of it gets to the disk in time */
        for (uint64_t i = 0; i < live.recorder.count; ++i) {
            if (live.recorder.events[i].kind != PRS_EVENT_FENCE) {
                pending_event(0, &live.recorder.events[i]);
            }
        }
        pending_fence(0);
        durable_now();
        live.recorder.count = 0;
        return;
    }
    enum kind kind = first;
    for (uint64_t i = 0; i < live.recorder.count && fate == ALIVE; ++i) {
        struct prs_event event = live.recorder.events[i];
        if (kill_in > 0 && !is_slot(event.at) && --kill_in == 0) {
            kill_before(i);
        } else if (event.kind != PRS_EVENT_FENCE) {
            pending_event(0, &event);
        } else {
            pending_explore(0, kind);
            check_image();
            kind = later;
            if (cut_in > 0 && --cut_in == 0) {
                pending_die();
                fate = CUT;
                ++cuts;
            } else {
                pending_fence(0);
            }
            durable_now();
        }
    }
    live.recorder.count = 0;
}

/* Nothing is going on. */
static void rest(enum kind kind)
{
    if (fate == ALIVE && !without_promise) {
        doing = "nothing";
        pending_explore(0, kind);
        check_image();
    }
}

static void returned(void)
{
    if (fate == ALIVE) {
        if (allowed.may_be_next) {
            allowed.now = allowed.next;
        }
        allowed.may_be_next = false;
    }
}

/* ---- dying and starting again ---- */

static void start_again(void)
{
    while (fate != ALIVE) {
        bool killed = fate == KILLED;
        fate = ALIVE;
        dies_later();
        if (one_in(6)) { /* in the recovery itself */
            cut_in = one_in(2) ? 1 + below(3) : cut_in;
            kill_in = one_in(2) ? 1 + below(30) : kill_in;
        }
        if (!killed) {
            memcpy(live.bytes, image.bytes, pool_length);
        }
        memcpy(live.recorder.shadow, live.bytes, pool_length);
        live.recorder.count = live.recorder.open_at = live.recorder.open_end = 0;
        doing = killed ? "start after a kill" : "start after a cut";
        if (side_attach(&live) != 0) {
            fail("refused: %s", prs_detail());
        }
        struct version found = version_found(&live.store);
        if (killed) {
            allowed.next = found;
            allowed.may_be_next = true;
        } else {
            allowed = (struct allowed){.now = found};
        }
        doing = killed ? "recovery after a kill" : "recovery after a cut";
        if (side_recover(&live) != 0) {
            fail("recovery refuses it: %s", prs_detail());
        }
        content_stack(&live, found.content);
        explore(RECOVERY, RECOVERY);
        returned();
        if (fate == ALIVE && found.reason[0] != '\0') { /* perhaps that of a call that did not return; a mark without one leaves the last reason where it is */
            reason.value = found.epoch << 8 | found.state;
            reason.text = found.reason;
        }
        rest(RECOVERY);
        want_full = true;
    }
}

/* ---- the calls ---- */

static struct content *next_content(void)
{
    struct content *next = allowed.now.content == &contents[0] ? &contents[1] : &contents[0];
    if (allowed.now.content != NULL) {
        *next = *allowed.now.content;
    } else {
        memset(next, 0, sizeof *next);
    }
    return next;
}

static void give_up(void)
{
    doing = "abort";
    kill_in = one_in(4) ? 1 + below(10) : kill_in;
    prs_store_abort(&live.store);
    explore(ABORTED, ABORTED);
    rest(ABORTED);
}

/* The next extension, which no record counts before an epoch commits. It is a file of its own, made whole before it has its name; here it is made in its place, over
 * what an extension that was never counted may have left there. */
static void grow(void)
{
    uint64_t end = live.store.v->geometry.end;
    doing = "growth";
    memory_write_extension();
    explore(GROWTH, GROWTH);
    if (fate == ALIVE && prs_store_extend(&live.store, end + EXTENSION_BYTES) != 0) {
        fail("the extension is refused: %s", prs_detail());
    }
    made = live.store.v->geometry.extensions;
    ++extensions;
}

static void epoch(void)
{
    bool full;
    uint32_t size = below(10);
    size = size < 6 ? 0 : size < 9 ? 1 : 2;
    if (allowed.now.content == NULL && stack_way != 0) {
        doing = "begin of the image of the stack";
        side_begin_stack(&live);
        explore(OPENED, OPENED);
        if (fate != ALIVE) {
            return;
        }
    }
    doing = "begin";
    allowed.next = (struct version){allowed.now.epoch + 1, allowed.now.content, PRS_POOL_RUNNING, ""};
    allowed.may_be_next = allowed.now.content != NULL; /* an epoch that only moves lines */
    int result = prs_store_begin(&live.store, 2 * SMALL, want_full || one_in(10), &full);
    explore(GATHER, GATHER);
    if (fate != ALIVE) {
        return;
    }
    if (live.store.epoch != allowed.now.epoch) {
        returned();
    }
    allowed.may_be_next = false;
    if (result != 0) {
        want_full = true;
        return;
    }
    gathered_calmly += live.store.v->ssp.calm_count;
    doing = "changes";
    struct content *next = next_content();
    content_change(next, &live, full, size, &result);
    explore(DATA, DATA);
    if (fate == ALIVE && live.store.v->geometry.extensions > live.store.v->record.extensions && one_in(2)) {
        kill_before(0); /* all is written, and nothing counts the extension yet */
    }
    if (fate != ALIVE) {
        return;
    }
    result = result == 0 ? side_prepare(&live) : result;
    want_full = result == -ENOSPC;
    if (result != 0 || one_in(8)) {
        give_up();
        return;
    }
    doing = "commit";
    allowed.next = (struct version){allowed.now.epoch + 1, next, PRS_POOL_RUNNING, ""};
    allowed.may_be_next = true;
    prs_store_commit(&live.store);
    explore(DATA, RECORD);
    returned();
    if (fate == ALIVE && stack_way != 0) {
        doing = "opening the next state of the stack";
        side_committed(&live);
        explore(OPENED, OPENED);
    }
    rest(REST);
    ++epochs_driven;
}

static void reset(void)
{
    doing = "reset";
    allowed.next = (struct version){allowed.now.epoch + 1, NULL, PRS_POOL_EMPTY, ""};
    allowed.may_be_next = true;
    if (prs_store_reset(&live.store) != 0) {
        fail("reset: %s", prs_detail());
    }
    explore(RESET, RESET);
    returned();
    rest(RESET);
}

static void mark(void)
{
    static const char *const reasons[] = {"a socket", "a second thread of the program",
                                          "a text that is longer than two lines of the medium, so that some of them may be there and some not: its checksum says so"};
    enum prs_pool_state state = (enum prs_pool_state)(PRS_POOL_RUNNING + below(4));
    uint64_t value = allowed.now.epoch << 8 | state;
    bool because = state >= PRS_POOL_OVERTAKEN && !one_in(4);
    const char *text = because ? reasons[below(3)] : reason.value == value ? reason.text : "";
    if (allowed.now.content == NULL) {
        return;
    }
    doing = because ? "mark with a reason" : "mark";
    allowed.next = (struct version){allowed.now.epoch, allowed.now.content, state, text};
    allowed.may_be_next = true;
    int result = because ? prs_store_set_state_because(&live.store, state, text) : prs_store_set_state(&live.store, state);
    if (result != 0) {
        fail("mark: %s", prs_detail());
    }
    explore(MARK, MARK);
    returned();
    if (because && fate == ALIVE) {
        reason.value = value;
        reason.text = text;
    }
    rest(MARK);
}

static void create(void)
{
    memory_fresh();
    memcpy(durable, image.bytes, pool_length);
    pending_clear(0);
    cut_in = kill_in = 0;
    fate = ALIVE;
    want_full = false;
    made = 0;
    reason.value = 0;
    allowed = (struct allowed){.now = {0, NULL, PRS_POOL_EMPTY, ""}, .may_be_nothing = true};
    doing = "creation";
    memory_write_root();
    prs_media_flush(&live.recorder.media, live.bytes + root_at, PRF_ROOT_BYTES); /* pmemobj_persist */
    prs_media_fence(&live.recorder.media);
    explore(CREATION, CREATION);
    allowed.may_be_nothing = false; /* it gets its name */
    rest(CREATION);
    fate = CUT; /* the process that creates is not the one that uses it; with nothing pending, this is only another start */
    start_again();
}

/* By pages: some epochs under durability=process, then the pool is opened under durability=power again. */
static void by_process(void)
{
    fate = CUT; /* another process; with nothing pending, this is only another start */
    pending_clear(0);
    memcpy(image.bytes, live.bytes, pool_length);
    durable_now();
    live.recorder.media.by_pages = false;
    without_promise = true;
    start_again();
    for (unsigned i = below(4); i > 0 && fate == ALIVE; --i) {
        epoch();
    }
    live.recorder.media.by_pages = true;
    without_promise = false;
    fate = CUT;
    start_again();
}

void drive_round(unsigned epochs)
{
    create();
    dies_later();
    for (unsigned i = 0; i < epochs; ++i) {
        bool lost = made > live.store.v->geometry.extensions; /* it died before a record counted it: a process makes it again soon */
        const struct prs_bits *slots = &live.store.v->ssp.slots;
        if (live.store.v->geometry.extensions < EXTENSIONS && one_in(lost ? 2 : slots->count - slots->used <= slots->used / 4 ? 4 : 40)) {
            grow();
            start_again();
        }
        if (by_pages && one_in(12)) {
            by_process();
        }
        switch (below(16)) {
        case 0: mark(); break;
        case 1: one_in(3) ? reset() : mark(); break;
        default: epoch(); break;
        }
        start_again();
    }
}
