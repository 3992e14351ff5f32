/* growth.c - when the pool grows, and what a checkpoint has to do with it (growth.h).
 *
 * WHEN. A pool is short of slots when fewer are free than a quarter of those in use, or than an epoch took lately. Then the next extension is made,
 * which is as large as all so far (prs_extension_bytes). An epoch that takes more than there is left is given up and growth begun; it is tried again when the
 * extension is there, and again, until it fits, the limit is reached, or the disk is full.
 *
 * INVARIANT W1: while the state is WORKING the store's geometry does not change; it changes in prs_growth_add only, with state MADE and no epoch open.
 * INVARIANT W2: there is one task at most, and its stack is used again only when the kernel has cleared its number.
 * Context: handler, but where growth.h says otherwise. No libc.
 */
#include "error.h"
#include "fault.h"
#include "growth_internal.h"
#include "state.h"
#include <linux/futex.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>

#define RETRY_NS 2000000000ull
#define LINGER_NS 200000000ull /* a task that has come to its end is on its way out; on a busy machine that takes a while */
#define LOOK_NS 20000l

long prs_task_start(unsigned long flags, void *top, volatile int *cleared, void (*run)(void));

static uint32_t state_of(const struct prs_growth *growth) { return growth == NULL ? PRS_GROWTH_FAILED : __atomic_load_n(&growth->state, __ATOMIC_SEQ_CST); }

int prs_growth_reserve(void)
{
    struct prs_growth *growth = prs_arena_take(&prs_p.scratch, sizeof *growth);
    uint8_t *stack = prs_arena_take(&prs_p.scratch, PRS_GROWTH_STACK);
    if (growth == NULL || stack == NULL) {
        return prs_fail(-ENOMEM, "growth of the pool cannot be prepared");
    }
    growth->stack = stack;
    prs_p.growth_place = growth;
    return 0;
}

int prs_growth_start(void)
{
    struct stat status;
    struct prs_growth *growth = prs_p.growth_place;
    long error = prs_sys(SYS_fstat, prs_p.fd_pool, &status);
    if (error != 0) {
        return prs_fail((int)error, "growth of the pool cannot be prepared");
    }
    growth->device = status.st_dev;
    growth->inode = status.st_ino;
    growth->counted = true;
    growth->own_table = prs_sys(SYS_close_range, ~0u, ~0u, PRS_CLOSE_RANGE_UNSHARE) != 0; /* before Linux 5.9, or not allowed; closes nothing */
    prs_growth_tidy(growth, prs_p.store.v->geometry.extensions + 1);
    prs_p.growth = growth;
    return 0;
}

bool prs_growth_possible(void) { return prs_p.growth != NULL && prs_extension_bytes(&prs_p.store.v->geometry, prs_p.pool_limit) != 0; }

static void wait_until_gone(struct prs_growth *growth)
{
    for (int task; (task = growth->task) != 0;) {
        prs_sys(SYS_futex, &growth->task, FUTEX_WAIT, task, NULL, NULL, 0); /* the kernel wakes it up when it clears the number */
    }
}

static bool begin(void)
{
    struct prs_growth *growth = prs_p.growth;
    if (!prs_growth_possible() || !prs_p.active) {
        return false;
    }
    wait_until_gone(growth); /* W2: the last one has said what became of it and has a system call or two to go */
    growth->bytes = prs_extension_bytes(&prs_p.store.v->geometry, prs_p.pool_limit);
    growth->error = 0;
    growth->ended = 0;
    growth->lingers_until_ns = 0;
    growth->lingers = true;
    __atomic_store_n(&growth->state, PRS_GROWTH_WORKING, __ATOMIC_SEQ_CST);
    unsigned long flags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    long task = prs_task_start(flags | (growth->own_table ? 0 : CLONE_FILES), growth->stack + PRS_GROWTH_STACK, &growth->task, prs_growth_run);
    if (task < 0) {
        growth->error = (int)task;
        growth->lingers = false;
        __atomic_store_n(&growth->state, PRS_GROWTH_FAILED, __ATOMIC_SEQ_CST);
    }
    return task >= 0;
}

void prs_growth_add(void)
{
    struct prs_growth *growth = prs_p.growth;
    if (state_of(growth) != PRS_GROWTH_MADE) {
        return;
    }
    int error = prs_store_extend(&prs_p.store, prs_p.store.v->geometry.end + growth->bytes);
    if (error != 0) {
        prs_growth_remove(growth);
        growth->error = error;
        growth->state = PRS_GROWTH_FAILED;
        return;
    }
    if (prs_p.media.by_pages) {
        prs_p.media.length = prs_p.store.length;
    }
    growth->counted = growth->needed = false;
    growth->state = PRS_GROWTH_IDLE;
    PRS_FAULT_HERE(growth_added);
}

void prs_growth_consider(void)
{
    struct prs_growth *growth = prs_p.growth;
    struct prs_store_volatile *v = prs_p.store.v;
    struct prs_ssp *ssp = &v->ssp;
    if (growth == NULL) {
        return;
    }
    if (!growth->counted && v->record.extensions == v->geometry.extensions) {
        growth->counted = true;
        PRS_FAULT_HERE(growth_counted);
    }
    /* What a page takes at most is two slots: an epoch that took many is not followed by more like it for long, unless the program grows. */
    uint32_t slowly = growth->taken_most - growth->taken_most / 8;
    growth->taken_most = ssp->taken > slowly ? ssp->taken : slowly;
    ssp->taken = 0;
    uint32_t enough = ssp->slots.used / 4 > growth->taken_most ? ssp->slots.used / 4 : growth->taken_most;
    if (ssp->slots.count - ssp->slots.used >= enough) {
        return;
    }
    uint32_t state = state_of(growth);
    if (state == PRS_GROWTH_IDLE || (state == PRS_GROWTH_FAILED && !growth->needed && prs_now_ns() >= growth->retry_ns)) {
        growth->retry_ns = prs_now_ns() + RETRY_NS;
        begin();
    }
}

bool prs_growth_need(void)
{
    struct prs_growth *growth = prs_p.growth;
    if (growth == NULL) {
        return false;
    }
    growth->needed = true;
    uint32_t state = state_of(growth);
    if (state == PRS_GROWTH_IDLE || state == PRS_GROWTH_FAILED) {
        growth->needed = begin();
    }
    return growth->needed;
}

bool prs_growth_coming(void) { return state_of(prs_p.growth) == PRS_GROWTH_WORKING && prs_p.growth->needed; }

bool prs_growth_failed(void)
{
    struct prs_growth *growth = prs_p.growth;
    bool failed = state_of(growth) == PRS_GROWTH_FAILED && growth != NULL && growth->needed;
    if (failed) {
        growth->needed = false;
    }
    return failed;
}

void prs_growth_why(char *out, uint64_t size)
{
    const struct prs_growth *growth = prs_p.growth;
    if (growth != NULL && state_of(growth) == PRS_GROWTH_FAILED && growth->error != 0 && prs_growth_possible()) {
        prs_format(out, size, " and %s cannot be made (%s%s)", growth->name[0] != '\0' ? growth->name : "an extension", prs_error_text(growth->error),
                   growth->error == -EEXIST ? "; to be removed if its pool is gone" : "");
    } else if (prs_p.pool_limit == 0) {
        prs_format(out, size, " and is not to grow (limit=0)");
    } else if (prs_p.store.v->geometry.grows) {
        prs_format(out, size, " and has reached its limit (limit=%luM)", prs_p.pool_limit >> 20);
    } else {
        prs_format(out, size, " and of a format that does not grow");
    }
}

bool prs_growth_wait(void)
{
    struct prs_growth *growth = prs_p.growth;
    uint32_t state = state_of(growth);
    if (state != PRS_GROWTH_WORKING) {
        return state == PRS_GROWTH_MADE;
    }
    do {
        prs_sys(SYS_futex, &growth->state, FUTEX_WAIT, PRS_GROWTH_WORKING, NULL, NULL, 0);
    } while (state_of(growth) == PRS_GROWTH_WORKING);
    return true;
}

void prs_growth_end(void)
{
    struct prs_growth *growth = prs_p.growth;
    if (growth == NULL) {
        return;
    }
    __atomic_store_n(&growth->ended, 1, __ATOMIC_SEQ_CST);
    wait_until_gone(growth);
    if (state_of(growth) == PRS_GROWTH_MADE) {
        prs_growth_remove(growth); /* nothing is going to use it */
        growth->state = PRS_GROWTH_IDLE;
    } else if (state_of(growth) == PRS_GROWTH_FAILED && growth->error == -ECANCELED) {
        growth->state = PRS_GROWTH_IDLE;
    }
}

unsigned prs_growth_tasks(void) { return prs_p.growth != NULL && prs_p.growth->task != 0; }

bool prs_growth_lingers(bool seen)
{
    struct prs_growth *growth = prs_p.growth;
    if (growth == NULL || !growth->lingers) {
        return false;
    }
    uint64_t now = prs_now_ns();
    if (growth->lingers_until_ns == 0 && !seen) {
        growth->lingers_until_ns = now + LINGER_NS;
    }
    growth->lingers = !seen && (growth->task != 0 || now < growth->lingers_until_ns);
    if (growth->lingers) {
        struct timespec pause = {0, LOOK_NS};
        prs_sys(SYS_nanosleep, &pause, NULL);
    }
    return growth->lingers;
}
