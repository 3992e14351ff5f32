/* stack_consolidate.c - stack_consolidate.h's task, and the checkpoint's side of it.
 *
 * INVARIANTS
 *   K1  Everything of the list is read and written either by the task with busy = 1, or by the checkpoint between epoch(true) and epoch(false).
 *   K2  COPIED holds only until the next try at an epoch is over, whatever becomes of it.
 *   K3  A page is in the list once: place[] says where.
 * Context: epoch, changed, count in the handler; run and what it calls in the task. No libc, no thread-local storage in it. Durable when: lines are fenced by the task, words by
 * the commit.
 */
#include "stack_consolidate.h"
#include "fault.h"
#include "log.h"
#include "prim.h"
#include "state.h"
#include "store_internal.h"
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>

#define PAGES_MAX 65536u /* from the end of the stack down: 256 MB. Deeper pages keep their two slots */
#define TASK_STACK 65536ul

enum { FRESH, LOOKED_AT, WRITTEN, COPIED, COUNTED };

struct candidate {
    uint64_t page, bitmap; /* COPIED: the committed bitmap */
    uint32_t entry, state, look, side, lines;
};

struct prs_consolidation {
    volatile uint32_t stop, busy;
    volatile uint32_t news, waiting; /* news counts the commits after which there is something to look at */
    volatile uint32_t ended; /* the task is to go */
    volatile int task; /* its number; the kernel clears it when the task is gone */
    bool begun;
    uint32_t count;
    struct candidate *list;
    uint32_t *place; /* of a page in the list + 1 */
    uint8_t bytes[PRS_PAGE]; /* the task's */
};

long prs_task_start(unsigned long flags, void *top, volatile int *cleared, void (*run)(void));

/* ---- the task ---- */

static uint32_t look(struct prs_consolidation *c, uint64_t page, bool *good)
{
    struct iovec to = {c->bytes, PRS_PAGE}, from = {(void *)page, PRS_PAGE};
    *good = prs_sys(SYS_process_vm_readv, prs_p.pid, &to, 1, &from, 1, 0) == (long)PRS_PAGE;
    return prs_crc32c(0, c->bytes, PRS_PAGE);
}

/* The fewer lines into the slot of the others; false when a checkpoint came meanwhile. */
static bool copy_over(struct prs_consolidation *c, struct candidate *candidate)
{
    const struct prs_store *store = &prs_p.store;
    struct prs_entry_view view;
    candidate->state = WRITTEN; /* whatever is amiss: not in this epoch */
    if (prs_entry_read(store, candidate->entry, store->v->record.epoch, &view) != NULL || view.address != candidate->page || view.committed < 0 ||
        view.state != PRF_PAGE_DATA || view.slot[0] == 0 || view.slot[1] == 0) {
        return true;
    }
    unsigned side = prs_ssp_gather_side(view.bitmap), copied = 0;
    uint8_t *to = prs_slot_at(store, view.slot[side] - 1);
    const uint8_t *from = prs_slot_at(store, view.slot[1 - side] - 1);
    for (uint64_t left = side == 1 ? ~view.bitmap : view.bitmap; left != 0; left &= left - 1, ++copied) {
        unsigned line = (unsigned)__builtin_ctzll(left);
        if (c->stop != 0) {
            candidate->state = LOOKED_AT;
            return false;
        }
        prs_media_lines(store->media, to + 64ul * line, from + 64ul * line, 1);
        PRS_FAULT_HERE(ssp_copying);
    }
    prs_media_fence(store->media);
    candidate->bitmap = view.bitmap;
    candidate->side = side;
    candidate->lines = copied;
    candidate->state = COPIED;
    PRS_FAULT_HERE(ssp_copied);
    return true;
}

static bool enter(struct prs_consolidation *c)
{
    __atomic_store_n(&c->busy, 1, __ATOMIC_SEQ_CST); /* pairs with prs_consolidate_epoch */
    if (__atomic_load_n(&c->stop, __ATOMIC_SEQ_CST) != 0) {
        __atomic_store_n(&c->busy, 0, __ATOMIC_SEQ_CST);
        return false;
    }
    return true;
}

/* False: nothing is left to look at before the next commit. */
static bool tick(struct prs_consolidation *c)
{
    bool later = false;
    for (uint32_t i = 0; enter(c); ++i) {
        bool more = i < c->count, good;
        struct candidate *candidate = &c->list[i];
        if (more && candidate->state <= LOOKED_AT) {
            uint32_t before = candidate->look;
            bool again = candidate->state == LOOKED_AT;
            candidate->look = look(c, candidate->page, &good);
            candidate->state = good ? LOOKED_AT : WRITTEN;
            if (good && again && candidate->look == before) {
                more = copy_over(c, candidate);
            } else if (again) {
                candidate->state = WRITTEN;
            }
            later |= candidate->state == LOOKED_AT;
        }
        __atomic_store_n(&c->busy, 0, __ATOMIC_SEQ_CST);
        if (!more) {
            return later;
        }
    }
    return later; /* a checkpoint is at work, and counts as news */
}

static void run(void)
{
    struct prs_consolidation *c = prs_p.stack.consolidation;
    uint64_t period = prs_p.options.consolidate_ns;
    struct timespec pause = {(time_t)(period / 1000000000u), (long)(period % 1000000000u)};
    prs_sys(SYS_prctl, PR_SET_TIMERSLACK, 1);
    for (;;) {
        uint32_t news = __atomic_load_n(&c->news, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&c->ended, __ATOMIC_SEQ_CST) != 0) { /* pairs with prs_consolidate_end */
            break;
        }
        if (tick(c)) {
            prs_sys(SYS_futex, &c->ended, FUTEX_WAIT, 0, &pause, NULL, 0);
        } else {
            __atomic_store_n(&c->waiting, 1, __ATOMIC_SEQ_CST); /* pairs with tell */
            prs_sys(SYS_futex, &c->news, FUTEX_WAIT, news, NULL, NULL, 0);
            __atomic_store_n(&c->waiting, 0, __ATOMIC_SEQ_CST);
        }
    }
    for (;;) {
        prs_sys(SYS_exit, 0);
    }
}

/* ---- the checkpoint ---- */

static uint32_t *place_of(struct prs_consolidation *c, uint64_t page)
{
    uint64_t number = (prs_p.stack_top - page) / PRS_PAGE - 1;
    return page < prs_p.stack_top && number < PAGES_MAX ? &c->place[number] : NULL;
}

static bool begin(void)
{
    struct prs_consolidation *c = prs_arena_take(&prs_p.scratch, sizeof *c);
    struct candidate *list = prs_arena_take(&prs_p.scratch, PAGES_MAX * sizeof *list);
    uint32_t *place = prs_arena_take(&prs_p.scratch, PAGES_MAX * sizeof *place);
    if (c == NULL || list == NULL || place == NULL) {
        return false;
    }
    c->list = list;
    c->place = place;
    prs_p.stack.consolidation = c;
    return true;
}

static void leave(struct prs_consolidation *c, uint32_t i)
{
    *place_of(c, c->list[i].page) = 0;
    c->list[i] = c->list[--c->count];
    if (i < c->count) {
        *place_of(c, c->list[i].page) = i + 1;
    }
}

/* The committed words have it: the slots without lines are free. */
static void give_back(struct prs_consolidation *c)
{
    for (uint32_t i = 0; i < c->count; ++i) {
        struct candidate *candidate = &c->list[i];
        if (candidate->state == COUNTED) {
            prs_p.stats.stack_slots_freed += prs_ssp_release_one(&prs_p.store, candidate->entry);
            candidate->state = FRESH; /* in case that epoch was given up */
            PRS_FAULT_HERE(ssp_released);
        }
    }
}

/* Which pages have two slots now; those that were written are looked at anew. */
static void review(struct prs_consolidation *c)
{
    for (uint32_t i = 0; i < c->count;) {
        struct candidate *candidate = &c->list[i];
        struct prs_entry_view view;
        const char *wrong = prs_entry_read(&prs_p.store, candidate->entry, prs_p.store.epoch, &view);
        if (wrong != NULL || view.address != candidate->page || view.committed < 0 || view.state != PRF_PAGE_DATA || view.slot[0] == 0 || view.slot[1] == 0) {
            leave(c, i);
            continue;
        }
        candidate->state = candidate->state == LOOKED_AT || candidate->state == COUNTED ? candidate->state : FRESH; /* K2; a look counts for later epochs too */
        ++i;
    }
}

/* The task sleeps while there is nothing to look at: waking up each period for nothing would take the program's processor, where there is no other. */
static void tell(struct prs_consolidation *c)
{
    bool any = false;
    for (uint32_t i = 0; i < c->count && !any; ++i) {
        any = c->list[i].state <= LOOKED_AT;
    }
    if (any) {
        __atomic_fetch_add(&c->news, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&c->waiting, __ATOMIC_SEQ_CST) != 0) {
            prs_sys(SYS_futex, &c->news, FUTEX_WAKE, 1, NULL, NULL, 0);
        }
    }
}

void prs_consolidate_epoch(bool open)
{
    if (prs_p.stack.consolidation == NULL && !begin()) {
        return; /* without it the stack is kept as well, in more slots */
    }
    struct prs_consolidation *c = prs_p.stack.consolidation;
    if (open) {
        __atomic_store_n(&c->stop, 1, __ATOMIC_SEQ_CST); /* pairs with enter */
        uint64_t start = prs_ticks();
        bool waits = __atomic_load_n(&c->busy, __ATOMIC_SEQ_CST) != 0;
        for (unsigned tries = 0; __atomic_load_n(&c->busy, __ATOMIC_SEQ_CST) != 0; ++tries) {
            __builtin_ia32_pause();
            if (tries % 1024 == 1023) {
                prs_sys(SYS_sched_yield); /* it may be waiting for this very processor */
            }
        }
        prs_p.stats.consolidation_wait_ticks += waits ? prs_ticks() - start : 0;
        give_back(c);
        return;
    }
    review(c);
    __atomic_store_n(&c->stop, 0, __ATOMIC_SEQ_CST);
    tell(c);
    if (!c->begun && prs_p.active) {
        uint8_t *stack = prs_arena_take(&prs_p.scratch, TASK_STACK);
        c->begun = true;
        if (stack != NULL) {
            long task = prs_task_start(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
                                       stack + TASK_STACK, &c->task, run);
            if (task < 0) {
                prs_say("stack=ssp: pages are not consolidated (a task cannot be made)");
            }
        }
    }
}

void prs_consolidate_end(void)
{
    struct prs_consolidation *c = prs_p.stack.consolidation;
    if (c == NULL) {
        return;
    }
    __atomic_store_n(&c->ended, 1, __ATOMIC_SEQ_CST); /* before news: the task reads them the other way round */
    __atomic_fetch_add(&c->news, 1, __ATOMIC_SEQ_CST);
    prs_sys(SYS_futex, &c->ended, FUTEX_WAKE, 1, NULL, NULL, 0);
    prs_sys(SYS_futex, &c->news, FUTEX_WAKE, 1, NULL, NULL, 0);
    for (int task; (task = c->task) != 0;) {
        prs_sys(SYS_futex, &c->task, FUTEX_WAIT, task, NULL, NULL, 0); /* the kernel wakes it up when it clears the number */
    }
}

void prs_consolidate_changed(uint64_t page)
{
    struct prs_consolidation *c = prs_p.stack.consolidation;
    uint32_t *place = c == NULL ? NULL : place_of(c, page);
    uint32_t entry = prs_index_find(&prs_p.store.v->ssp.index, page);
    if (place == NULL || *place != 0 || entry == 0 || c->count == PAGES_MAX) {
        return;
    }
    c->list[c->count] = (struct candidate){.page = page, .entry = entry - 1};
    *place = ++c->count;
}

void prs_consolidate_count(void)
{
    struct prs_consolidation *c = prs_p.stack.consolidation;
    for (uint32_t i = 0; c != NULL && i < c->count; ++i) {
        struct candidate *candidate = &c->list[i];
        struct prs_entry_view view;
        if (candidate->state != COPIED || prs_entry_read(&prs_p.store, candidate->entry, prs_p.store.epoch, &view) != NULL || view.address != candidate->page ||
            view.committed < 0 || view.state != PRF_PAGE_DATA || view.bitmap != candidate->bitmap) {
            continue;
        }
        if (candidate->lines > 0) {
            prs_ssp_gathered(&prs_p.store, candidate->entry, &view, candidate->side);
            PRS_FAULT_HERE(ssp_counted);
        }
        candidate->state = COUNTED;
        prs_p.store.v->bytes_lines += candidate->lines * PRS_LINE;
        prs_p.store.v->lines_flushed += candidate->lines;
        prs_p.stats.stack_pages_consolidated += 1;
        prs_p.stats.stack_lines_consolidated += candidate->lines;
    }
}

uint64_t prs_consolidate_cpu_ns(void)
{
    int task = prs_p.stack.consolidation != NULL ? prs_p.stack.consolidation->task : 0;
    clockid_t clock = (clockid_t)(~(unsigned)task << 3 | 6); /* the kernel's number for the processor time of a task */
    struct timespec time;
    return task != 0 && prs_sys(SYS_clock_gettime, clock, &time) == 0 ? (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec : 0;
}

unsigned prs_consolidate_tasks(void) { return prs_p.stack.consolidation != NULL && prs_p.stack.consolidation->task != 0; }
