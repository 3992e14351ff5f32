/* durable.c - the task that makes epochs durable (durable.h), and the checkpoint's side of it.
 *
 * INVARIANTS
 *   A1  While the state is WORKING the store is the task's: nothing but statistics is written into the pool, no epoch begins, META stays as it is.
 *   A2  What an epoch counts on is durable before its record is: its data (prs_store_publish), and the program's files as they were at the checkpoint. Files that are open,
 *       and were at the last checkpoint, are synced one by one. Where files were opened or closed, or names made, moved or removed, or a child was waited for, everything is (sync): it is not known any more
 *       where they are.
 *   A3  After a failure nothing is published, settled or begun any more: state DONE, error set (T4 of store.c).
 *   A4  The task is unknown to the program: it has a table of descriptors of its own, every signal blocked, a stack in the runtime's range, no thread-local storage, and dies with the process. A kill at any
 *       instant leaves what a kill within a commit leaves.
 * Context: run, and what it calls, in the task; the rest in the handler, or where checkpoints are held back. Raw system calls, no libc.
 */
#include "durable.h"
#include "error.h"
#include "fault.h"
#include "growth_internal.h"
#include "image.h"
#include "log.h"
#include "prim.h"
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

enum { IDLE, WORKING, DONE };
enum files { NONE, OPEN, ALL }; /* which are to be durable before the record is */
#define TASK_STACK 65536ul
#define CHANGES_LINGER 3u /* checkpoints after a change was announced: one may come between that and the change */
#define GONE_LOOK_NS 20000l
#define GONE_LOOKS 10000u

struct prs_durable {
    volatile uint32_t state; /* a futex. WORKING: all but `ended` is the task's */
    volatile uint32_t ended; /* the task is to go; a futex */
    volatile int task;       /* its number; the kernel clears it when the task is gone */
    uint32_t wanted, files;  /* enum files: for the next epoch; for the one that the task is at */
    uint32_t changing;       /* checkpoints for which names and files may have changed unseen */
    bool own_table;
    int error;
    uint64_t files_seen, ends_seen; /* what was open for writing at the last checkpoint, and how far it was written, as numbers */
    uint64_t children_seen;         /* what the children that had been waited for had used, as a number */
    uint64_t began_ns, took_ns; /* the second is the task's */
    uint8_t *stack;
};

long prs_task_start(unsigned long flags, void *top, volatile int *cleared, void (*run)(void));

static uint32_t state_of(const struct prs_durable *d) { return d == NULL ? IDLE : __atomic_load_n(&d->state, __ATOMIC_SEQ_CST); }

/* ---- the task ---- */

static bool open_for_writing(const struct prs_descriptor *descriptor)
{
    return descriptor->kind == PRS_DESCRIPTOR_FILE && (descriptor->flags & O_ACCMODE) != O_RDONLY && descriptor->path != 0 && descriptor->inode != 0;
}

/* By a descriptor of the task's own: what is synced is the file, whoever wrote it. False: it is not to be reached by its name. */
static bool write_file(const struct prs_descriptor *descriptor, int *error)
{
    struct stat status;
    long fd = prs_sys(SYS_openat, AT_FDCWD, PRS_META->text + descriptor->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, 0);
    if (fd < 0) {
        return false;
    }
    bool same = prs_sys(SYS_fstat, fd, &status) == 0 && status.st_dev == descriptor->device && status.st_ino == descriptor->inode;
    long result = same ? prs_sys(SYS_fdatasync, fd) : 0;
    *error = result < 0 && result != -EINVAL ? (int)result : *error; /* -EINVAL: a file that has no place on a disk */
    prs_sys(SYS_close, fd);
    return same;
}

/* apart: with a table of descriptors of its own. In the program's, closing one of a file would drop the program's locks on that file. */
static int write_files(enum files files, bool apart)
{
    int error = 0;
    files = files == OPEN && !apart ? ALL : files;
    for (uint32_t i = 0; i < PRS_META->descriptor_count && files == OPEN; ++i) { /* A1 */
        const struct prs_descriptor *descriptor = &PRS_META->descriptors[i];
        if (open_for_writing(descriptor) && descriptor->shares < 0 && !write_file(descriptor, &error)) {
            files = ALL;
        }
    }
    if (files == ALL) {
        prs_sys(SYS_sync); /* which has no result: errors are nobody's */
    }
    return error;
}

static void work(struct prs_durable *d, bool apart)
{
    PRS_FAULT_HERE(durable_sealed);
    int error = write_files((enum files)d->files, apart);
    PRS_FAULT_HERE(durable_files);
    d->error = error != 0 ? PROSPER_E_DISK : prs_store_publish(&prs_p.store);
    d->took_ns = prs_now_ns() - d->began_ns;
    PRS_FAULT_HERE(durable_published);
}

/* The task's table of descriptors becomes its own, and empty: a descriptor that the program closes is closed, and none of the task's turns up among the program's. */
static bool leave_descriptors(const struct prs_durable *d)
{
    if (!d->own_table) {
        return prs_sys(SYS_close_range, 0, ~0u, PRS_CLOSE_RANGE_UNSHARE) == 0;
    }
    for (int fd = 0; fd <= prs_p.fd_top; ++fd) {
        prs_sys(SYS_close, fd);
    }
    return true;
}

static void run(void)
{
    struct prs_durable *d = prs_p.durable;
    bool apart = leave_descriptors(d);
    for (;;) {
        uint32_t state = state_of(d);
        if (state == WORKING) {
            work(d, apart);
            __atomic_store_n(&d->state, DONE, __ATOMIC_SEQ_CST); /* pairs with state_of in the handler */
            prs_sys(SYS_futex, &d->state, FUTEX_WAKE, 1, NULL, NULL, 0);
        } else if (__atomic_load_n(&d->ended, __ATOMIC_SEQ_CST) != 0) {
            break;
        } else {
            prs_sys(SYS_futex, &d->state, FUTEX_WAIT, state, NULL, NULL, 0);
        }
    }
    for (;;) {
        prs_sys(SYS_exit, 0);
    }
}

/* ---- the checkpoint ---- */

static bool start(struct prs_durable *d)
{
    unsigned long flags = CLONE_VM | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    d->ended = 0;
    return prs_task_start(flags | (d->own_table ? 0 : CLONE_FILES), d->stack + TASK_STACK, &d->task, run) >= 0;
}

void prs_durable_begin(void)
{
    struct prs_durable *d = prs_p.durable;
    PRS_ASSERT(d != NULL && state_of(d) == IDLE);
    d->files = d->wanted;
    d->wanted = NONE;
    d->error = 0;
    d->began_ns = prs_now_ns();
    __atomic_store_n(&d->state, WORKING, __ATOMIC_SEQ_CST);
    if (d->task != 0 || start(d)) {
        prs_sys(SYS_futex, &d->state, FUTEX_WAKE, 1, NULL, NULL, 0);
        return;
    }
    work(d, false); /* no task can be made: the program waits */
    __atomic_store_n(&d->state, DONE, __ATOMIC_SEQ_CST);
}

bool prs_durable_busy(void) { return state_of(prs_p.durable) == WORKING; }

int prs_durable_settle(bool wait)
{
    struct prs_durable *d = prs_p.durable;
    uint32_t state = state_of(d);
    while (state == WORKING && wait) {
        prs_sys(SYS_futex, &d->state, FUTEX_WAIT, WORKING, NULL, NULL, 0);
        state = state_of(d);
    }
    if (state == IDLE) {
        return 0;
    }
    if (state == WORKING) {
        return -EAGAIN;
    }
    if (d->error != 0) {
        return PROSPER_E_DISK; /* A3 */
    }
    prs_store_settle(&prs_p.store);
    uint64_t took = d->took_ns;
    ++prs_p.stats.made_durable;
    prs_p.stats.durable_ns_total += took;
    prs_p.stats.durable_ns_max = took > prs_p.stats.durable_ns_max ? took : prs_p.stats.durable_ns_max;
    __atomic_store_n(&d->state, IDLE, __ATOMIC_SEQ_CST);
    PRS_FAULT_HERE(durable_settled);
    return 0;
}

void prs_durable_end(void)
{
    struct prs_durable *d = prs_p.durable;
    if (d == NULL) {
        return;
    }
    (void)prs_durable_settle(true); /* what failed is said by the next checkpoint */
    struct stat before, now;
    bool counted = d->task != 0 && prs_sys(SYS_fstat, prs_p.fd_tasks, &before) == 0;
    __atomic_store_n(&d->ended, 1, __ATOMIC_SEQ_CST);
    for (int task; (task = d->task) != 0;) {
        struct timespec pause = {0, 1000000};
        prs_sys(SYS_futex, &d->state, FUTEX_WAKE, 1, NULL, NULL, 0); /* it may have looked before `ended` was set, and wait only now */
        prs_sys(SYS_futex, &d->task, FUTEX_WAIT, task, &pause, NULL, 0); /* the kernel wakes it up when it clears the number */
    }
    /* It is listed for a moment more. */
    for (unsigned i = 0; counted && i < GONE_LOOKS && prs_sys(SYS_fstat, prs_p.fd_tasks, &now) == 0 && now.st_nlink >= before.st_nlink; ++i) {
        struct timespec pause = {0, GONE_LOOK_NS};
        prs_sys(SYS_nanosleep, &pause, NULL);
    }
}

unsigned prs_durable_tasks(void) { return prs_p.durable != NULL && prs_p.durable->task != 0; }

/* ---- the program's files ---- */

static uint64_t mixed(uint64_t hash, uint64_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15ull ^ (hash >> 29); }

int prs_durable_reserve(void)
{
    struct prs_durable *d = prs_arena_take(&prs_p.scratch, sizeof *d);
    uint8_t *stack = prs_arena_take(&prs_p.scratch, TASK_STACK);
    if (d == NULL || stack == NULL) {
        return -ENOMEM;
    }
    d->stack = stack;
    d->own_table = prs_sys(SYS_close_range, ~0u, ~0u, PRS_CLOSE_RANGE_UNSHARE) != 0; /* before Linux 5.9, or not allowed; closes nothing */
    d->changing = CHANGES_LINGER; /* what was before this process */
    prs_p.durable = d;
    return 0;
}

/* Another number when another child was waited for: each has been on and off a processor. What it wrote, nobody here has seen. */
static uint64_t children(void)
{
    struct rusage usage;
    long error = prs_sys(SYS_getrusage, RUSAGE_CHILDREN, &usage);
    return error != 0 ? 0 : mixed(mixed(mixed(1, (uint64_t)usage.ru_minflt), (uint64_t)usage.ru_nvcsw), (uint64_t)usage.ru_nivcsw);
}

void prs_durable_look(void)
{
    struct prs_durable *d = prs_p.durable;
    uint64_t files = 1, ends = 1, ended = children();
    for (uint32_t i = 0; i < PRS_META->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &PRS_META->descriptors[i];
        if (open_for_writing(descriptor)) {
            files = mixed(mixed(files, descriptor->device), descriptor->inode);
            ends = mixed(mixed(ends, descriptor->size), descriptor->offset);
        }
    }
    /* One that was closed is written, too, and it is not known any more where it is. */
    uint32_t now = d->changing != 0 || d->files_seen != files || d->children_seen != ended ? ALL : d->ends_seen != ends ? OPEN : NONE;
    d->changing -= d->changing != 0;
    d->files_seen = files;
    d->ends_seen = ends;
    d->children_seen = ended;
    d->wanted = now > d->wanted ? now : d->wanted; /* of a try that was given up, too */
}

void prs_durable_changing(void)
{
    if (prs_p.durable != NULL) {
        prs_p.durable->changing = CHANGES_LINGER;
    }
}

void prs_durable_last_files(void)
{
    if (prs_p.store.media->by_pages) {
        prs_sys(SYS_sync);
    }
}
