/* outcome.c - what follows from an attempt at a checkpoint (outcome.h): it goes on, it is suspended, or it is over.
 *
 * What cannot be restored is often gone in a moment: a child that is waited for, a pipe to it. For GRACE nothing is said and nothing is marked: the last checkpoint,
 * from before, is as good as ever, only older. After that the program is said to run on without persistence, and the pool is marked with the reason,
 * so that it does not go on from a state that it left long ago unless the user wants that (option stale). The mark does not touch the checkpoint.
 * Context: the handler, and where checkpoints are held back.
 */
#include "outcome.h"
#include "checkpoint.h"
#include "durable.h"
#include "error.h"
#include "growth.h"
#include "log.h"
#include "prim.h"
#include "stack_way.h"
#include "state.h"
#include <errno.h>

#define GRACE_NS 1000000000ul /* what cannot be restored may be there for so long before it is said */
#define RETRY_NS 100000000ul  /* between two looks at what stopped checkpointing */
#define RETRY_MAX_NS 5000000000ul

const char *prs_what_it_has(void) { return prs_p.stop_reason != NULL ? prs_p.stop_reason : prs_p.why; }

/* The further away the beginning, the less often it is looked at: a look costs up to some milliseconds in a process with thousands of mappings. */
static uint64_t retry_after(uint64_t suspended_for)
{
    return suspended_for < GRACE_NS ? 0 : suspended_for < 20 * RETRY_NS ? RETRY_NS : suspended_for / 20 < RETRY_MAX_NS ? suspended_for / 20 : RETRY_MAX_NS;
}

static void suspend(enum prs_suspension kind, uint64_t now)
{
    if (prs_p.suspended != kind) {
        prs_p.suspended = kind;
        prs_p.suspended_since_ns = now;
        prs_p.said = false;
    }
    prs_p.suspended_until_ns = now + retry_after(now - prs_p.suspended_since_ns);
}

static void leave(uint64_t now)
{
    suspend(PRS_SUSPENDED_UNRESTORABLE, now);
    if (!prs_p.said && (prs_p.stop_reason != NULL || now - prs_p.suspended_since_ns >= GRACE_NS)) {
        prs_p.said = true;
        if (!prs_p.overtaken) {
            prs_store_set_state_because(&prs_p.store, PRS_POOL_LEFT, prs_what_it_has());
        }
        prs_say("PROSPER_E_UNSUPPORTED: %s cannot be restored yet; the program runs on without persistence%s", prs_what_it_has(),
                prs_p.stop_reason != NULL ? "" : " for as long as it has it");
    }
}

static void suspend_saying(const char *line, uint64_t now)
{
    suspend(PRS_SUSPENDED_SPACE, now);
    if (!prs_p.said) {
        prs_p.said = true;
        prs_say("%s", line);
    }
    prs_p.suspended_until_ns = now + RETRY_NS;
}

/* Nothing can be done about it, for now. Long after, it is tried less often: a try may write all that there is room for. */
void prs_suspend_for_space(uint64_t now)
{
    char line[PRS_PATH_MAX / 2], why[PRS_PATH_MAX / 4] = "";
    if (prs_store_short_of_slots(&prs_p.store)) {
        prs_growth_why(why, sizeof why);
    }
    prs_format(line, sizeof line, "PROSPER_E_NO_SPACE: the pool is full%s; checkpoints are suspended, the last one is kept", why);
    suspend_saying(line, now);
    uint64_t pause = retry_after(now - prs_p.suspended_since_ns);
    prs_p.suspended_until_ns = now + (pause > RETRY_NS ? pause : RETRY_NS);
}

void prs_end_tasks(void)
{
    prs_durable_end();
    prs_stack_end();
    prs_growth_end();
}

/* What the disk has of the epoch that it did not take, nobody knows; the last one that was durable it has. Nothing that is written on can be called durable any more, so it is the end. The mark is
 * written as far as there is a disk: the next start is not to go on from a state that the program left long ago. */
static void disk_failed(void)
{
    prs_say("PROSPER_E_DISK: %s (error %d); the program runs on without persistence, the last durable checkpoint is that of epoch %lu", prs_error_text(PROSPER_E_DISK),
            -prs_media_error(prs_p.store.media), prs_p.store.epoch);
    (void)prs_store_set_state_because(&prs_p.store, PRS_POOL_LEFT, "a disk that did not take a checkpoint");
    prs_p.stop_reason = "a disk that did not take a checkpoint";
    prs_checkpoint_disarm();
    prs_p.active = false;
    prs_end_tasks(); /* or the process would outlive its main thread */
}

void prs_conclude(int result)
{
    char line[128];
    uint64_t now = prs_now_ns();
    switch (result) {
    case 0:
        if (prs_p.suspended != PRS_NOT_SUSPENDED && prs_p.said) {
            prs_say("checkpoints go on");
        }
        prs_p.suspended = PRS_NOT_SUSPENDED;
        prs_p.overtaken = false;
        return;
    case PROSPER_E_UNSUPPORTED:
        leave(now);
        return;
    case PROSPER_E_DISK:
        disk_failed();
        return;
    case -ENOSPC:
        if (prs_store_short_of_slots(&prs_p.store) && prs_growth_need()) {
            suspend(PRS_SUSPENDED_SPACE, now); /* and nothing is said: it goes on as soon as the pool has grown */
            prs_p.suspended_until_ns = now;
        } else {
            prs_suspend_for_space(now);
        }
        return;
    default:
        prs_format(line, sizeof line, "checkpoint given up (error %d); the last one is kept", result);
        suspend_saying(line, now);
        return;
    }
}
