/* start.c - libprosper's constructor: decides what this process is.
 *
 *   no PROSPER_POOL, no launch block    an ordinary run: nothing happens, but that option trace begins a trace
 *   PROSPER_POOL                        stage 0 (launch.c): pool, lock, execve without address randomisation
 *   launch block                        stage 1: restore, or take checkpoint 0; the program's constructors and main come after
 *
 * A refusal is one line on stderr and exit status 125.
 */
#include "checkpoint.h"
#include "collect.h"
#include "dirtymap.h"
#include "durable.h"
#include "error.h"
#include "fault.h"
#include "fdtable.h"
#include "growth.h"
#include "hold.h"
#include "hooks.h"
#include "identity.h"
#include "interpose/heap.h"
#include "launch.h"
#include "log.h"
#include "media.h"
#include "prim.h"
#include "region.h"
#include "restore.h"
#include "stack_way.h"
#include "state.h"
#include "step.h"
#include <prosper/abi.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/vfs.h>
#include <unistd.h>

static void refuse(int code) __attribute__((noreturn));
static void refuse(int code)
{
    prs_say("%s: %s%s%s", prs_error_name(code), prs_error_text(code), prs_detail()[0] != '\0' ? ": " : "", prs_detail());
    prs_sys(SYS_exit_group, PRS_REFUSED);
    __builtin_unreachable();
}

static void must(int result)
{
    if (result < 0) {
        refuse(result);
    }
}

unsigned prs_excluded(struct prs_range *out, unsigned max)
{
    static const struct prs_range ranges[] = { /* static: a local one is copied by libc's memcpy at -O0 */
        {PRS_MAP_BASE, PRS_MAP_BASE + PRS_MAP_SIZE + PRS_PAGE}, /* a page more: the last mark covers "the next line" */
        {PRS_LONG_MAP_BASE, PRS_LONG_MAP_BASE + PRS_MAP_SIZE + PRS_PAGE},
        {PRS_RUNTIME_BASE, PRS_RUNTIME_END},
        {(uint64_t)&prs_private_pages, (uint64_t)(&prs_private_pages + 1)},
    };
    unsigned count = sizeof ranges / sizeof ranges[0] < max ? sizeof ranges / sizeof ranges[0] : max;
    for (unsigned i = 0; i < count; ++i) {
        out[i] = ranges[i];
    }
    return count;
}

/* ---- stage 1 ---- */

static void map_runtime(uint64_t start, uint64_t bytes)
{
    long at = prs_sys(SYS_mmap, start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);
    if ((uint64_t)at != start) {
        refuse(prs_fail(PROSPER_E_OTHER_LAYOUT, "%lx is taken", start));
    }
}

/* Descriptors of ours go down from the pool's. */
static int own_descriptor(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) {
        refuse(prs_fail(-errno, "%s cannot be opened", path));
    }
    int number = --prs_p.fd_floor;
    if (dup3(fd, number, O_CLOEXEC) < 0) {
        refuse(prs_fail(-errno, "descriptor %d cannot be used", number));
    }
    close(fd);
    return number;
}

/* A power cut is survived by what has a disk. Ways of keeping the stack that write into the pool between checkpoints are not for such media (docs/baselines.md). */
static const struct prs_media *by_pages(const struct prs_pool_map *map)
{
    static const unsigned long in_memory[] = {TMPFS_MAGIC, RAMFS_MAGIC, HUGETLBFS_MAGIC};
    struct statfs file_system;
    long error = prs_sys(SYS_fstatfs, prs_p.fd_pool, &file_system);
    for (unsigned i = 0; error == 0 && i < sizeof in_memory / sizeof in_memory[0]; ++i) {
        if ((unsigned long)file_system.f_type == in_memory[i]) {
            refuse(prs_fail(PROSPER_E_OPTION, "durability=power needs a pool on a disk; this file system is in memory"));
        }
    }
    const struct prs_stack_way *way = prs_stack_way((enum prs_stack)prs_p.options.stack);
    if (way != NULL && (way->own_place || way == &prs_stack_way_flush || way == &prs_stack_way_undo || way == &prs_stack_way_redo || way == &prs_stack_way_romulus)) {
        refuse(prs_fail(PROSPER_E_OPTION, "durability=power without DAX keeps the stack in the log: stack=auto, compare, copy, pages, mprotect or unit"));
    }
    prs_media_msync(&prs_p.media, map->base, map->length);
    return &prs_p.media;
}

static void map_pool(const struct prs_launch *launch)
{
    struct prs_pool_map map;
    if (launch->pool_bytes > PRS_POOL_END - PRS_POOL_BASE) {
        refuse(prs_fail(PROSPER_E_NO_SPACE, "a pool has at most %lu bytes", PRS_POOL_END - PRS_POOL_BASE));
    }
    must(prs_pool_map(&map, prs_p.fd_pool, launch->pool_path, (void *)PRS_POOL_BASE, PROT_READ | PROT_WRITE, true, prs_p.options.foreign == 0));
    if (map.length > PRS_POOL_END - PRS_POOL_BASE) { /* with files that have holes, and no addresses that are ours */
        refuse(prs_fail(PROSPER_E_NO_SPACE, "a pool has at most %lu bytes", PRS_POOL_END - PRS_POOL_BASE));
    }
    const struct prs_media *media = &prs_media_none;
    if (prs_p.options.durability == PRS_DURABILITY_POWER) {
        media = prs_media_is_dax(prs_p.fd_pool) ? prs_media_pmem() : by_pages(&map);
    }
    if (prs_p.options.flush == PRS_FLUSH_ALWAYS && !media->by_pages) { /* which leaves nothing to flush */
        media = prs_media_pmem();
        if (prs_p.options.flush_ns != 0) {
            prs_media_slow(&prs_p.media, prs_p.options.flush_ns);
            media = &prs_p.media;
        }
    }
    /* The tables get room for a pool as large as it may become: address space, which costs nothing until it is touched. Where so much is refused, it is to become
     * less. */
    prs_p.pool_limit = prs_p.options.limit_bytes < PRS_POOL_BYTES_MAX ? prs_p.options.limit_bytes : PRS_POOL_BYTES_MAX;
    int error = prs_store_attach_growing(&prs_p.store, map.base, map.length, prs_p.pool_limit, media, &prs_p.scratch);
    while (error == -ENOMEM && prs_p.pool_limit > map.length) {
        prs_p.pool_limit = prs_p.pool_limit / 2 > map.length ? prs_p.pool_limit / 2 : map.length;
        error = prs_store_attach_growing(&prs_p.store, map.base, map.length, prs_p.pool_limit, media, &prs_p.scratch);
    }
    if (error == 0) {
        prs_store_file(&prs_p.store, prs_p.fd_pool, map.main_length);
    }
    must(error);
}

static void prepare(const struct prs_launch *launch)
{
    prs_p.pid = getpid();
    prs_p.entry = getauxval(AT_ENTRY);
    prs_p.options = launch->options;
    prs_p.rseq.start = (uint64_t)__builtin_thread_pointer() + (uint64_t)__rseq_offset;
    prs_p.rseq.end = prs_p.rseq.start + 64;
    strcpy(prs_p.pool_path, launch->pool_path);
    must(prs_fault_select(prs_p.options.fault));
    map_runtime(PRS_STACK_BASE, PRS_STACK_SIZE);
    map_runtime(PRS_META_BASE, prs_round_up(sizeof(struct prs_meta), PRS_PAGE));
    prs_p.scratch = (struct prs_arena){PRS_SCRATCH_BASE, PRS_SCRATCH_END};
    prs_p.mirrors = (struct prs_arena){PRS_MIRROR_BASE, PRS_MIRROR_END};
    prs_p.fd_top = prs_launch_number();
    prs_p.fd_pool = prs_p.fd_top - 1;
    prs_p.fd_floor = prs_p.fd_pool;
    fcntl(prs_p.fd_pool, F_SETFD, FD_CLOEXEC);
    prs_p.fd_maps = own_descriptor("/proc/self/maps", O_RDONLY);
    prs_p.fd_pagemap = own_descriptor("/proc/self/pagemap", O_RDONLY);
    prs_p.fd_tasks = own_descriptor("/proc/self/task", O_RDONLY | O_DIRECTORY);
    prs_p.fd_fds = own_descriptor("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    must(prs_regions_startup()); /* S2: nothing before it and the two behind it takes from the arena */
    must(prs_growth_reserve());
    must(prs_durable_reserve());
    map_pool(launch);
    must(prs_stats_check());
    must(prs_profile_start(launch->resume != 0));
    must(prs_tracing_start(&prs_p.fd_floor));
    must(prs_pages_init(&prs_p.pages, &prs_p.options, &prs_p.scratch, &prs_p.fd_floor));
    must(prs_collect_possible());
    prs_p.fault_ns = prs_pages_fault_ns(prs_p.pages);
    PRS_ASSERT(prs_p.fd_top - prs_p.fd_floor < PRS_OWN_DESCRIPTORS); /* those that stage 0 found free */
    must(prs_fdtable_startup());
    prs_dirtymap_use_pagemap(prs_p.fd_pagemap);
    must(prs_mirror_init(&prs_p.mirror, &prs_p.mirrors));
    must(prs_mirror_init(&prs_p.verify_mirror, &prs_p.mirrors));
    prs_p.large_committed = prs_arena_take(&prs_p.scratch, PRS_REGIONS_MAX * sizeof(struct prs_range));
    prs_p.large_now = prs_arena_take(&prs_p.scratch, PRS_REGIONS_MAX * sizeof(struct prs_range));
    if (prs_p.large_committed == NULL || prs_p.large_now == NULL) {
        refuse(-ENOMEM);
    }
}

static uint32_t add_strings(uint32_t *used, char **list, uint32_t *count)
{
    uint32_t first = *used;
    for (*count = 0; list[*count] != NULL; ++*count) {
        if (prs_text_add(PRS_META, used, list[*count], strlen(list[*count])) == 0) {
            refuse(prs_fail(PROSPER_E_USAGE, "arguments and environment are longer than the image has room for"));
        }
    }
    return *count > 0 ? first : 0;
}

static void begin_afresh(char **argv, char **envp)
{
    struct prs_meta *meta = PRS_META;
    must(prs_store_recover(&prs_p.store));
    must(prs_growth_start());
    must(prs_store_reset(&prs_p.store));
    must(prs_store_set_state(&prs_p.store, PRS_POOL_RUNNING));
    meta->version = PRS_META_VERSION;
    meta->size = sizeof *meta;
    meta->pid = (uint32_t)getpid();
    meta->tid = (uint32_t)gettid();
    prs_identity_take(meta);
    meta->stack_top = prs_p.stack_top;
    uint32_t used = 1;
    const char *path = (const char *)getauxval(AT_EXECFN);
    meta->exec_path = prs_text_add(meta, &used, path, strlen(path));
    meta->argv = add_strings(&used, argv, &meta->argc);
    meta->envp = add_strings(&used, envp, &meta->envc);
    meta->text_fixed = used;
    prs_p.text_fixed = used;
    must(prs_stack_begin());
    meta->left_out = prs_p.options.heap == PRS_HEAP_NONE ? PRS_LEFT_OUT_HEAP : 0;
    if (!prs_p.options.quiet) {
        prs_heap_passed_over();
    }
    prs_marks_decide();
    prs_marks_start(false);
    prs_w.places[0] = prs_p.startup;
    prs_w.places[1] = prs_p.growth_place;
    prs_w.places[2] = prs_p.durable;
    prs_w.changed = PRS_CHANGED_SIGNALS | PRS_CHANGED_TIMERS | PRS_CHANGED_LIMITS | PRS_CHANGED_CREDENTIALS;
    prs_checkpoint_install();
    uint64_t ours = 1ul << (PRS_SIGNAL - 1);
    prs_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &ours, NULL, 8);
    prs_p.active = true;
    prs_profile_on();
    prs_p.began_with_children = prs_has_children();
    must(prs_checkpoint_timers());
    prs_checkpoint_durably(); /* a kill from here on finds a checkpoint */
}

static void stage_one(const struct prs_launch *launch, char **argv, char **envp)
{
    prepare(launch);
    if (launch->resume) {
        must(prs_restore(launch));
    }
    begin_afresh(argv, envp);
    if (prs_p.options.step != 0) {
        prs_step_begin();
    }
}

/* ---- which stage ---- */

static void stage_zero(const char *pool, const char *text, int argc, char **argv, char **envp)
{
    struct prs_options options;
    prs_options_defaults(&options);
    must(prs_options_parse(&options, text));
    if (options.help) {
        prs_options_help(1);
        _exit(0);
    }
    must(prs_tracing_check(options.trace));
    if (pool != NULL && pool[0] != '\0') {
        must(prs_stack_possible((enum prs_stack)options.stack));
        refuse(prs_launch_begin(pool, &options, argc, argv, envp));
    }
    if (options.trace[0] != '\0') {
        unsetenv("PROSPER_OPTIONS"); /* programs that this one executes would take the file for their own */
        prs_p.options = options;
        prs_p.fd_floor = prs_launch_number();
        prs_p.fd_top = prs_p.fd_floor - 1;
        must(prs_tracing_start(&prs_p.fd_floor));
    }
}

/* The last of our own: what the others look up is in checkpoint 0 and need not be stepped through. */
__attribute__((constructor(103), used)) static void prs_constructor(int argc, char **argv, char **envp)
{
    static struct prs_launch launch; /* too large for a stack */
    must(prs_hooks_start());
    if (getauxval(AT_SECURE) != 0) {
        return; /* a set-user-ID program does not take orders from the environment */
    }
    int received = prs_launch_receive(&launch);
    must(received);
    if (received == 0) {
        stage_one(&launch, argv, envp);
        return;
    }
    const char *pool = getenv("PROSPER_POOL"), *text = getenv("PROSPER_OPTIONS");
    if (pool != NULL || text != NULL) {
        stage_zero(pool, text != NULL ? text : "", argc, argv, envp);
    }
}

/* exit(n) is a normal end. Our destructor runs after the program's; what stdio still holds must be out before the pool says "finished", or a kill in between
 * would lose it. */
__attribute__((destructor(101), used)) static void prs_destructor(void)
{
    if (prs_owner()) {
        fflush(NULL);
        PRS_FAULT_HERE(finish_flushed);
    }
    prs_finish();
}
