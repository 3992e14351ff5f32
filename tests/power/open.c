/* open.c - a process starts on the image as a power cut left it: attach, read back, recover, read back; then, of some, one epoch more; and cuts in the
 * recovery itself, whose states are opened in the same way.
 *
 * What the first start after a cut has read, every later one must read, too, however often recovery is cut: the version found is the only one allowed then.
 */
#include "power.h"
#include <string.h>

#define VERIFY_ONE_IN 8u
#define CARRY_ON_ONE_IN 16u
#define CUT_AGAIN_ONE_IN 32u

uint64_t carried_on;
unsigned level_open;

static void finding(void *context, const char *sentence)
{
    (void)context;
    fail("after recovery prosper verify would say: %s", sentence);
}

/* The pool must go on working: an epoch, which another start then reads. */
static void carry_on(const struct version *version)
{
    static struct content next;
    struct prs_store *store = &image.store;
    if (version->content != NULL) {
        next = *version->content;
    } else {
        memset(&next, 0, sizeof next);
    }
    if (version->content == NULL) {
        side_begin_stack(&image);
    }
    content_stack(&image, version->content);
    bool full;
    int result = prs_store_begin(store, 2 * SMALL, one_in(8), &full);
    uint64_t epoch = store->epoch; /* begin may commit one of its own */
    if (result == 0) {
        content_change(&next, &image, full, below(2), &result);
    }
    result = result == 0 ? side_prepare(&image) : result;
    if (result != 0) {
        prs_store_abort(store); /* no room */
        return;
    }
    prs_store_commit(store);
    side_committed(&image);
    result = side_attach(&image);
    if (result != 0) {
        fail("after one epoch more the pool is refused: %s", prs_detail());
    }
    struct version after = {epoch + 1, &next, PRS_POOL_RUNNING, ""};
    const char *differs = version_differs(store, &after);
    if (differs != NULL) {
        fail("after one epoch more it has epoch %lu, not %lu (%s)", store->epoch, after.epoch, differs);
    }
    ++carried_on;
}

/* The events [first, end) of the image's recorder are those of a recovery; the image is as it was before. */
static void cut_recovery(unsigned level, uint64_t first, uint64_t end, const struct version *found)
{
    struct allowed outer = allowed;
    uint64_t mark = image_mark();
    enum kind kind = level == 1 ? RECOVERY_CUT : RECOVERY_TWICE;
    allowed = (struct allowed){.now = *found};
    for (uint64_t i = first; i < end; ++i) {
        struct prs_event event = image.recorder.events[i];
        if (event.kind == PRS_EVENT_FENCE) {
            pending_explore(level, kind);
            pending_fence(level);
        } else {
            pending_event(level, &event);
        }
    }
    if (pending_count(level) > 0) {
        pending_explore(level, kind);
        pending_clear(level);
    }
    image_undo(mark);
    allowed = outer;
}

void open_state(unsigned level)
{
    uint64_t mark = image_mark(), first = image.recorder.count;
    level_open = level;
    char said[FRESH_BYTES];
    bool fresh = fresh_every != 0 && states_opened() % fresh_every == 0;
    if (fresh) {
        fresh_open(said);
    }
    int result = side_attach(&image);
    if (fresh && (result == 0 || stack_way == 0)) { /* the image of the stack is looked at here alone */
        fresh_compare(said, result != 0);
    }
    if (result != 0) {
        if (allowed.may_be_nothing && result <= -5000) {
            return; /* half a creation, which the next one begins anew */
        }
        fail("refused: %s", prs_detail());
    }
    struct version found = version_found(&image.store);
    if (side_recover(&image) != 0) {
        fail("recovery refuses it: %s", prs_detail());
    }
    prs_recorder_settle(&image.recorder);
    uint64_t end = image.recorder.count;
    bool wrote = false;
    for (uint64_t i = first; i < end && !wrote; ++i) {
        wrote = image.recorder.events[i].kind == PRS_EVENT_STORE;
    }
    const char *differs = wrote ? version_differs(&image.store, &found) : NULL;
    if (differs != NULL) {
        fail("recovery has changed what is read back (%s)", differs);
    }
    if (state_number % VERIFY_ONE_IN == 0) {
        prs_store_verify(&image.store, finding, NULL);
    }
    if (state_number == state_wanted) {
        report_state(level + 1);
    }
    if (one_in(CARRY_ON_ONE_IN)) {
        carry_on(&found);
        prs_recorder_settle(&image.recorder);
    }
    image_undoes(first, image.recorder.count);
    image_undo(mark);
    image.recorder.count = end;
    if (wrote && level + 1 < LEVELS && one_in(CUT_AGAIN_ONE_IN)) {
        cut_recovery(level + 1, first, end, &found);
        level_open = level;
    }
    image.recorder.count = first;
}
