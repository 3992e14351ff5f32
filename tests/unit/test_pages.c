/* test_pages.c - P1: whatever changed a page, and however it vanished, prs_pages_scan reports it.
 *
 * A copy of the memory plays the store: what the visitor is told goes into the copy, and after the scan every page must equal its
 * copy. Pages that are not there are never read by the check (that would make them appear); their copy must be zero. */
#include "layout.h"
#include "pages_internal.h"
#include "error.h"
#include "prim.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define RANGE_PAGES 1024u

struct world {
    struct prs_pages *pages;
    uint8_t *memory, *copy;
    uint64_t reported;
    uint32_t random;
    bool feedback;
};

static uint32_t draw(struct world *world, uint32_t below)
{
    world->random = world->random * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(world->random >> 3) * below >> 29);
}

static struct prs_pages *start_with(enum prs_tracker tracker, enum prs_pages_kind kind, int expected)
{
    static struct prs_arena arena;
    struct rlimit files = {1024, 1024};
    setrlimit(RLIMIT_NOFILE, &files);
    struct prs_options options = {.tracker = tracker, .pages = kind};
    struct prs_pages *pages;
    int fd_floor = 1024;
    int result = prs_pages_init(&pages, &options, &arena, &fd_floor);
    cr_assert_eq(result, expected, "prs_pages_init: %d (%s)", result, prs_detail());
    cr_assert(result != 0 || fd_floor < 1024);
    return pages;
}

static struct prs_pages *start_or_skip(void)
{
    struct prs_options options = {.tracker = PRS_TRACKER_PAGES, .pages = PRS_PAGES_UFFD};
    struct prs_arena arena = {0};
    struct prs_pages *pages;
    int fd_floor = 1024;
    if (prs_pages_init(&pages, &options, &arena, &fd_floor) == PROSPER_E_UNSUPPORTED) {
        cr_skip_test("no asynchronous write-protect in this kernel");
    }
    return pages;
}

static void make_world(struct world *world, struct prs_pages *pages, bool huge)
{
    uint64_t bytes = RANGE_PAGES * PRS_PAGE;
    uint8_t *room = mmap(NULL, bytes + (4u << 20), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t base = prs_round_up((uint64_t)room, 2u << 20);
    *world = (struct world){.pages = pages, .random = 12345, .feedback = true};
    world->memory = mmap((void *)base, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    world->copy = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(world->memory != MAP_FAILED && world->copy != MAP_FAILED);
    madvise(world->memory, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    cr_assert_eq(prs_pages_track(pages, base, base + bytes), 0);
}

static int apply(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    struct world *world = context;
    uint64_t base = (uint64_t)world->memory;
    cr_assert(start >= base && end <= base + RANGE_PAGES * PRS_PAGE && start < end && start % PRS_PAGE == 0 && end % PRS_PAGE == 0);
    for (uint64_t page = start; page < end; page += PRS_PAGE) {
        uint8_t *copy = world->copy + (page - base);
        if ((flags & PRS_PAGE_PRESENT) == 0) {
            memset(copy, 0, PRS_PAGE);
            continue;
        }
        world->reported++;
        bool changed = memcmp(copy, (const void *)page, PRS_PAGE) != 0;
        memcpy(copy, (const void *)page, PRS_PAGE);
        if (world->feedback) {
            prs_pages_feedback(world->pages, page, changed);
        }
    }
    return 0;
}

static void scan(struct world *world)
{
    uint64_t base = (uint64_t)world->memory;
    world->reported = 0;
    int result = prs_pages_scan(world->pages, base, base + RANGE_PAGES * PRS_PAGE, apply, world);
    cr_assert_eq(result, 0, "scan: %d", result);
}

static void checkpoint(struct world *world)
{
    scan(world);
    cr_assert_eq(prs_pages_done(world->pages), 0);
}

/* Every page equals its copy; pages that are not there have a zero copy. */
static void check(struct world *world, const char *after)
{
    static int fd = -1;
    static uint64_t entries[RANGE_PAGES];
    static const uint8_t zero[PRS_PAGE];
    fd = fd < 0 ? open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC) : fd;
    cr_assert_eq(pread(fd, entries, sizeof entries, (off_t)((uint64_t)world->memory / PRS_PAGE * 8)), (ssize_t)sizeof entries);
    for (uint32_t i = 0; i < RANGE_PAGES; i++) {
        bool there = (entries[i] & (PRS_PAGEMAP_PRESENT | PRS_PAGEMAP_SWAPPED)) != 0;
        const uint8_t *live = there ? world->memory + i * PRS_PAGE : zero;
        cr_assert(memcmp(live, world->copy + i * PRS_PAGE, PRS_PAGE) == 0, "page %u changed and was not reported, after %s", i, after);
    }
}

static void write_some(struct world *world, uint32_t writes)
{
    for (uint32_t i = 0; i < writes; i++) {
        uint32_t page = draw(world, 4) == 0 ? draw(world, 8) : draw(world, RANGE_PAGES); /* a few pages get hot */
        world->memory[page * PRS_PAGE + draw(world, PRS_PAGE)] = (uint8_t)draw(world, 256);
    }
}

/* One random event on a random part of the range; returns its name. */
static const char *disturb(struct world *world)
{
    uint32_t first = draw(world, RANGE_PAGES), count = 1 + draw(world, draw(world, 8) == 0 ? 512 : 16);
    count = first + count <= RANGE_PAGES ? count : RANGE_PAGES - first;
    uint8_t *at = world->memory + first * PRS_PAGE;
    size_t bytes = count * PRS_PAGE;
    switch (draw(world, 12)) {
    case 0:
        cr_assert_eq(madvise(at, bytes, MADV_DONTNEED), 0);
        return "MADV_DONTNEED";
    case 1: {
        cr_assert_eq(madvise(at, bytes, MADV_DONTNEED), 0);
        volatile uint8_t sink = 0;
        for (size_t i = 0; i < bytes; i += PRS_PAGE) {
            sink = (uint8_t)(sink + at[i]);
        }
        return "MADV_DONTNEED and reading";
    }
    case 2:
        madvise(at, bytes, MADV_FREE);
        return "MADV_FREE";
    case 3:
        cr_assert_eq(munmap(at, bytes), 0);
        cr_assert_eq(mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), at);
        if (draw(world, 2) == 0) {
            memset(at, 7, PRS_PAGE);
        }
        return "munmap and mmap";
    case 4: { /* another mapping, with content, tracked and protected or not, is moved into the range */
        uint8_t *other = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(other, 1 + (int)draw(world, 255), bytes);
        if (draw(world, 2) == 0 && prs_pages_backend(world->pages) == PRS_BACKEND_UFFD) {
            cr_assert_eq(prs_pages_track(world->pages, (uint64_t)other, (uint64_t)other + bytes), 0);
            struct prs_uffd_writeprotect protect = {{(uint64_t)other, bytes}, 1};
            cr_assert_eq(prs_sys(SYS_ioctl, world->pages->uffd, PRS_UFFDIO_WRITEPROTECT, &protect), 0);
        }
        cr_assert_eq(mremap(other, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at), at);
        return "mremap into the range";
    }
    case 5: { /* out of the range, something new in its place */
        uint8_t *away = mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
        if (away != MAP_FAILED) {
            munmap(away, bytes);
        }
        return "mremap out of the range";
    }
    case 6:
        cr_assert_eq(mprotect(at, bytes, PROT_NONE), 0);
        cr_assert_eq(mprotect(at, bytes, PROT_READ | PROT_WRITE), 0);
        *at = (uint8_t)draw(world, 256);
        return "mprotect";
    case 7: {
        int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
        cr_assert(read(fd, at + draw(world, 64), 100 + draw(world, 4000)) > 0 || count == 1);
        close(fd);
        return "read() by the kernel";
    }
    case 8: {
        char text[] = "written through process_vm_writev";
        struct iovec from = {text, sizeof text}, to = {at + draw(world, 4000), sizeof text};
        (void)!process_vm_writev(getpid(), &from, 1, &to, 1, 0);
        return "process_vm_writev";
    }
    case 9: {
        pid_t child = fork();
        if (child == 0) {
            _exit(0);
        }
        *at ^= 0x55;
        waitpid(child, NULL, 0);
        *at ^= 0xAA;
        return "fork";
    }
    case 10:
        madvise(at, bytes, MADV_PAGEOUT);
        return "MADV_PAGEOUT";
    default:
        memset(at, (int)draw(world, 3), bytes);
        return "memset";
    }
}

static void property(struct prs_pages *pages, bool huge, uint32_t rounds)
{
    struct world world;
    make_world(&world, pages, huge);
    uint64_t base = (uint64_t)world.memory, reported = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        const char *last = "writes";
        write_some(&world, draw(&world, 40));
        for (uint32_t i = draw(&world, 3); i > 0; i--) {
            last = disturb(&world);
            write_some(&world, draw(&world, 4));
        }
        if (draw(&world, 3) == 0) { /* the caller re-tracks when the maps changed; nothing may depend on when */
            cr_assert_eq(prs_pages_track(pages, base, base + RANGE_PAGES * PRS_PAGE), 0);
        }
        world.feedback = draw(&world, 16) != 0;
        scan(&world);
        reported += world.reported;
        check(&world, last);
        if (draw(&world, 8) == 0) { /* a checkpoint that is given up: the content seen is gone again */
            memset(world.copy, 0xEE, RANGE_PAGES * PRS_PAGE);
            prs_pages_abort(pages);
            prs_pages_forget(pages, base, base + RANGE_PAGES * PRS_PAGE);
            cr_assert_eq(prs_pages_track(pages, base, base + RANGE_PAGES * PRS_PAGE), 0);
            checkpoint(&world);
            check(&world, "forget and track: all counts as changed");
        } else if (draw(&world, 8) != 0) {
            cr_assert_eq(prs_pages_done(pages), 0);
        }
    }
    struct prs_pages_use use;
    prs_pages_usage(pages, &use);
    printf("%s pages: %u rounds, %.0f pages reported a round of %u, %lu hot at last, %lu spans protected\n", huge ? "large" : "small",
           rounds, (double)reported / rounds, RANGE_PAGES, use.hot, use.protected_runs);
}

Test(pages, every_change_is_reported)
{
    property(start_or_skip(), false, 3000);
}

Test(pages, every_change_is_reported_with_large_pages)
{
    property(start_or_skip(), true, 1000);
}

Test(pages, every_change_is_reported_without_tracking)
{
    property(start_with(PRS_TRACKER_FULL, PRS_PAGES_AUTO, 0), false, 100);
}

Test(pages, every_change_is_reported_by_pagemap_entries_alone)
{
    struct prs_pages *pages = start_with(PRS_TRACKER_COPY, PRS_PAGES_AUTO, 0);
    pages->can_scan = false; /* a kernel before 6.7 */
    property(pages, false, 100);
}

Test(pages, unchanged_pages_are_not_reported)
{
    struct world world;
    make_world(&world, start_or_skip(), false);
    memset(world.memory, 1, 100 * PRS_PAGE);
    checkpoint(&world);
    cr_assert_eq(world.reported, 100);
    checkpoint(&world);
    cr_assert_eq(world.reported, 0);
    world.memory[50 * PRS_PAGE] = 2;
    checkpoint(&world);
    cr_assert_eq(world.reported, 1);
}

Test(pages, one_write_into_a_large_page_is_one_page)
{
    struct world world;
    make_world(&world, start_or_skip(), true);
    memset(world.memory, 1, 1024 * PRS_PAGE);
    checkpoint(&world);
    cr_assert_eq(world.reported, 1024);
    world.memory[700 * PRS_PAGE] = 2;
    checkpoint(&world);
    cr_assert_eq(world.reported, 1);
    check(&world, "a write into a large page");
}

Test(pages, a_checkpoint_given_up_is_reported_again)
{
    struct world world;
    make_world(&world, start_or_skip(), false);
    world.feedback = false; /* or the page would be hot */
    world.memory[0] = 1;
    checkpoint(&world);
    world.memory[0] = 2;
    scan(&world);
    prs_pages_abort(world.pages);
    scan(&world);
    cr_assert_eq(world.reported, 1);
    cr_assert_eq(prs_pages_done(world.pages), 0);
    scan(&world);
    cr_assert_eq(world.reported, 0);
}

static int stop_at_once(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    (void)context, (void)start, (void)end, (void)flags;
    return 42;
}

Test(pages, a_scan_that_was_stopped_protects_nothing)
{
    struct world world;
    make_world(&world, start_or_skip(), false);
    uint64_t base = (uint64_t)world.memory;
    memset(world.memory, 1, 10 * PRS_PAGE);
    cr_assert_eq(prs_pages_scan(world.pages, base, base + RANGE_PAGES * PRS_PAGE, stop_at_once, NULL), 42);
    cr_assert_eq(prs_pages_done(world.pages), 0);
    scan(&world);
    cr_assert_eq(world.reported, 10);
}

Test(pages, ranges_that_were_not_scanned_are_not_protected)
{
    struct world world;
    make_world(&world, start_or_skip(), false);
    uint64_t base = (uint64_t)world.memory;
    memset(world.memory, 1, 30 * PRS_PAGE);
    cr_assert_eq(prs_pages_scan(world.pages, base, base + 10 * PRS_PAGE, apply, &world), 0);
    cr_assert_eq(prs_pages_scan(world.pages, base + 20 * PRS_PAGE, base + 30 * PRS_PAGE, apply, &world), 0);
    cr_assert_eq(prs_pages_done(world.pages), 0);
    scan(&world);
    cr_assert_eq(world.reported, 10);
    check(&world, "a scan of two parts");
}

Test(pages, a_page_changed_twice_is_hot_until_16_quiet_checkpoints)
{
    struct world world;
    make_world(&world, start_or_skip(), false);
    struct prs_pages_use use;
    memset(world.memory, 1, 8 * PRS_PAGE);
    checkpoint(&world);
    world.memory[3 * PRS_PAGE]++;
    checkpoint(&world);
    prs_pages_usage(world.pages, &use);
    cr_assert_eq(use.hot, 1, "changed in two checkpoints running");
    for (int quiet = 1; quiet <= 16; quiet++) {
        checkpoint(&world);
        cr_assert_eq(world.reported, 1, "hot pages are reported without a change (checkpoint %d)", quiet);
    }
    checkpoint(&world);
    cr_assert_eq(world.reported, 0, "protected again");
    prs_pages_usage(world.pages, &use);
    cr_assert_eq(use.hot, 0);
}

Test(pages, writes_to_a_hot_page_cost_no_fault)
{
    struct world world;
    make_world(&world, start_or_skip(), false);
    for (int i = 0; i < 4; i++) {
        memset(world.memory, i + 1, 64 * PRS_PAGE);
        checkpoint(&world);
    }
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    memset(world.memory, 9, 64 * PRS_PAGE);
    getrusage(RUSAGE_SELF, &after);
    cr_assert_lt(after.ru_minflt - before.ru_minflt, 8);
    checkpoint(&world);
    check(&world, "writes to hot pages");
}

Test(pages, a_file_mapping_is_refused_and_reported_in_full)
{
    struct prs_pages *pages = start_or_skip();
    int fd = memfd_create("pages", MFD_CLOEXEC);
    cr_assert_eq(ftruncate(fd, 8 * (off_t)PRS_PAGE), 0);
    struct world world;
    make_world(&world, pages, false);
    memset(world.memory, 1, 4 * PRS_PAGE);
    checkpoint(&world);
    cr_assert_neq(mmap(world.memory, 8 * PRS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0), MAP_FAILED);
    uint64_t base = (uint64_t)world.memory;
    cr_assert_eq(prs_pages_track(pages, base, base + 8 * PRS_PAGE), -EOPNOTSUPP);
    world.memory[0] = 5;
    checkpoint(&world);
    check(&world, "a file mapped in place");
    checkpoint(&world);
    cr_assert_geq(world.reported, 1, "never protected");
}

Test(pages, asking_for_soft_dirty_bits_without_them_is_an_error)
{
    struct prs_options options = {.tracker = PRS_TRACKER_PAGES, .pages = PRS_PAGES_SOFTDIRTY};
    struct prs_arena arena = {0};
    struct prs_pages *pages;
    int fd_floor = 1024;
    int result = prs_pages_init(&pages, &options, &arena, &fd_floor);
    if (result == 0) { /* a kernel that has them: then they must be right */
        property(pages, false, 1000);
        return;
    }
    cr_assert_eq(result, PROSPER_E_UNSUPPORTED);
    cr_assert_not_null(strstr(prs_detail(), "softdirty"));
}

/* Kernels without the bits still allow a test of what is made of them: a file of made-up entries stands for pagemap. */
Test(pages, soft_dirty_entries_are_read_as_documented)
{
    static struct {
        uint64_t entry;
        int expected; /* -1: not reported */
    } cases[] = {
        {0, 0},
        {PRS_PAGEMAP_PRESENT | PRS_PAGEMAP_EXCLUSIVE, -1},
        {PRS_PAGEMAP_PRESENT | PRS_PAGEMAP_EXCLUSIVE | PRS_PAGEMAP_SOFT_DIRTY, 1},
        {PRS_PAGEMAP_PRESENT, 1},                                              /* the zero page, or shared with a child */
        {PRS_PAGEMAP_PRESENT | PRS_PAGEMAP_FILE | PRS_PAGEMAP_EXCLUSIVE, 1},  /* a file's page */
        {PRS_PAGEMAP_SWAPPED, -1},
        {PRS_PAGEMAP_SWAPPED | PRS_PAGEMAP_SOFT_DIRTY, 1},
        {PRS_PAGEMAP_SOFT_DIRTY, 0},                                           /* in a new mapping, not there */
        {PRS_PAGEMAP_SWAPPED | PRS_PAGEMAP_GUARD, 0},
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    struct prs_pages *pages = start_with(PRS_TRACKER_FULL, PRS_PAGES_AUTO, 0);
    struct world world = {.pages = pages, .memory = mmap(NULL, RANGE_PAGES * PRS_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)};
    world.copy = calloc(RANGE_PAGES, PRS_PAGE);
    int fd = memfd_create("pagemap", MFD_CLOEXEC);
    for (uint64_t i = 0; i < COUNT; i++) {
        off_t at = (off_t)((uint64_t)world.memory / PRS_PAGE * 8 + i * 8);
        cr_assert_eq(pwrite(fd, &cases[i].entry, 8, at), 8);
        memset(world.copy + i * PRS_PAGE, 0xEE, PRS_PAGE);
    }
    pages->pagemap = fd;
    pages->backend = PRS_BACKEND_SOFTDIRTY;
    uint64_t base = (uint64_t)world.memory, present = 0;
    cr_assert_eq(prs_pages_scan(pages, base, base + COUNT * PRS_PAGE, apply, &world), 0);
    for (uint64_t i = 0; i < COUNT; i++) {
        bool seen = world.copy[i * PRS_PAGE] == 0;
        cr_assert_eq(seen, cases[i].expected >= 0, "entry %lu", (unsigned long)i);
        present += cases[i].expected == 1;
    }
    cr_assert_eq(world.reported, present);
    free(world.copy);
}

static int count_present(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    *(uint64_t *)context += (flags & PRS_PAGE_PRESENT) != 0 ? (end - start) / PRS_PAGE : 0;
    return 0;
}

/* Of a large range of which little is there: what was written since, and nothing else. */
static void sparse(uint64_t reserve, uint64_t touched, uint64_t stride)
{
    struct prs_pages *pages = start_or_skip();
    uint8_t *memory = mmap(NULL, reserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t base = (uint64_t)memory, present = 0;
    cr_assert_neq(memory, MAP_FAILED);
    for (uint64_t i = 0; i < touched; i += stride) {
        memory[i] = 1;
    }
    cr_assert_eq(prs_pages_track(pages, base, base + reserve), 0);
    cr_assert_eq(prs_pages_scan(pages, base, base + reserve, count_present, &present), 0);
    cr_assert_eq(prs_pages_done(pages), 0);
    present = 0;
    cr_assert_eq(prs_pages_scan(pages, base, base + reserve, count_present, &present), 0);
    cr_assert_eq(present, 0);
    for (uint64_t i = 0; i < touched; i += 2 * stride) {
        memory[i] = 2;
    }
    cr_assert_eq(prs_pages_scan(pages, base, base + reserve, count_present, &present), 0);
    cr_assert_eq(prs_pages_done(pages), 0);
    cr_assert_eq(present, touched / (2 * stride));
    munmap(memory, reserve);
}

Test(pages, large_ranges_with_few_pages)
{
    sparse(1ul << 30, 64ul << 20, PRS_PAGE);
    sparse(64ul << 30, 64ul << 30, 1ul << 30);
}
