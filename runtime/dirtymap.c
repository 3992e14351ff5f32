/* dirtymap.c - the address space of the dirty map and of the long map, and reading them.
 *
 * INVARIANTS
 *   1. The maps are at PRS_MAP_BASE and PRS_LONG_MAP_BASE, private, zero where nobody wrote, and never in the image: a restored process starts with no marks.
 *   2. A byte that instrumented code wrote stays until two agings with drop.
 *   3. Only pages of the map that have content are read, by pagemap: a mark gave its page content, in memory or in swap. (mincore will
 *      not do: it reports a page in swap as absent.)
 * Context: reserve at start; the rest anywhere, the handler included: raw system calls, no libc. Nothing here is durable.
 */
#include "dirtymap.h"
#include "prim.h"
#include "resident.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <prosper/abi.h>

#define PAGE 4096ul
#define ADDRESS_END ((uint64_t)PRS_MAP_SIZE << PRS_LINE_SHIFT)
#define WORD_LINES 8u

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static bool reserved;
static int pagemap = -1;

void prs_dirtymap_use_pagemap(int fd) { pagemap = fd; }

static uint8_t *in_map(uint64_t base, uint64_t address) { return (uint8_t *)(base + (address >> PRS_LINE_SHIFT)); }

static int reserve(uint64_t base)
{
    /* One page more: the second byte of a mark in the very last line. */
    const uint64_t bytes = PRS_MAP_SIZE + PAGE;
    long at = prs_sys(SYS_mmap, base, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at < 0) {
        return (int)at;
    }
    if ((uint64_t)at != base) { /* a kernel that does not know MAP_FIXED_NOREPLACE takes the address as a hint */
        prs_sys(SYS_munmap, at, bytes);
        return -EEXIST;
    }
    prs_sys(SYS_madvise, at, bytes, MADV_NOHUGEPAGE); /* marks are few and scattered */
    prs_sys(SYS_madvise, at, bytes, MADV_DONTDUMP);
    return 0;
}

int prs_dirtymap_reserve(void)
{
    int error = reserved ? 0 : reserve(PRS_MAP_BASE);
    if (error == 0 && !reserved) {
        error = reserve(PRS_LONG_MAP_BASE);
    }
    reserved = error == 0;
    return error;
}

static bool is_marked(uint64_t base, uint64_t address) { return *(volatile uint8_t *)in_map(base, address) != PRS_MARK_CLEAN; }

bool prs_dirtymap_marked(uint64_t address)
{
    return reserved && address < ADDRESS_END && (is_marked(PRS_MAP_BASE, address) || is_marked(PRS_LONG_MAP_BASE, address));
}

/* Calls visit for each run of map bytes in [from, to) that may be other than zero, ascending, until it returns true. */
struct walk {
    uint8_t *from, *to;
    bool (*visit)(uint8_t *from, uint8_t *to, void *context);
    void *context;
};

static int visit_run(void *context, uint64_t start, uint64_t end)
{
    const struct walk *walk = context;
    uint8_t *from = (uint8_t *)start > walk->from ? (uint8_t *)start : walk->from;
    uint8_t *to = (uint8_t *)end < walk->to ? (uint8_t *)end : walk->to;
    return from < to && walk->visit(from, to, walk->context);
}

static bool each_present(uint8_t *from, uint8_t *to, bool (*visit)(uint8_t *from, uint8_t *to, void *context), void *context)
{
    struct walk walk = {from, to, visit, context};
    int fd = pagemap >= 0 ? pagemap : (int)prs_sys(SYS_open, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
    int result = fd;
    if (fd >= 0) {
        result = prs_resident_each(fd, prs_round_down((uint64_t)from, PAGE), prs_round_up((uint64_t)to, PAGE), false, visit_run, &walk);
    }
    if (fd >= 0 && fd != pagemap) {
        prs_sys(SYS_close, fd);
    }
    return result < 0 ? visit(from, to, context) : result != 0; /* cannot tell: all of it */
}

/* The first map byte in [from, to) that is not clean, or to. */
static uint8_t *next_mark(uint8_t *from, uint8_t *to)
{
    while (from < to) {
        uint64_t word;
        if ((uint64_t)from % WORD_LINES == 0 && to - from >= (long)WORD_LINES) {
            __builtin_memcpy(&word, from, sizeof word);
            if (word == 0) {
                from += WORD_LINES;
                continue;
            }
        }
        if (*from != PRS_MARK_CLEAN) {
            break;
        }
        ++from;
    }
    return from;
}

#define SUSPECT_OLD 3 /* PRS_MARK_SUSPECT, and seen by an aging with drop */

static bool age(uint8_t *from, uint8_t *to, void *context)
{
    bool drop = *(const bool *)context;
    while ((from = next_mark(from, to)) < to) {
        if (drop && *from != PRS_MARK_DIRTY) {
            *from = *from == PRS_MARK_SUSPECT ? SUSPECT_OLD : PRS_MARK_CLEAN;
        } else if (*from == PRS_MARK_DIRTY) {
            *from = PRS_MARK_SUSPECT;
        }
        ++from;
    }
    return false;
}

void prs_dirtymap_age(bool drop, bool drop_long)
{
    if (reserved) {
        each_present(in_map(PRS_MAP_BASE, 0), in_map(PRS_MAP_BASE, ADDRESS_END), age, &drop);
        each_present(in_map(PRS_LONG_MAP_BASE, 0), in_map(PRS_LONG_MAP_BASE, ADDRESS_END), age, &drop_long);
    }
}

/* Short ones are the rule: strips of a loop, small copies. A string instruction takes some 30 cycles to begin. */
static void fill_marks(uint8_t *from, size_t count)
{
    const uint64_t eight = PRS_MARK_DIRTY * 0x0101010101010101ul;
    if (count < 8 || count > 512) {
        if (count < 8) {
            for (size_t i = 0; i < count; ++i) {
                ((volatile uint8_t *)from)[i] = PRS_MARK_DIRTY;
            }
        } else {
            prs_fill(from, PRS_MARK_DIRTY, count);
        }
        return;
    }
    for (size_t i = 0; i + 8 <= count; i += 8) {
        __builtin_memcpy(from + i, &eight, 8);
    }
    __builtin_memcpy(from + count - 8, &eight, 8);
}

static void mark(uint64_t base, uint64_t start, uint64_t end)
{
    end = end > ADDRESS_END ? ADDRESS_END : end;
    if (reserved && start < end) {
        uint8_t *from = in_map(base, start), *to = in_map(base, end - 1) + 1;
        fill_marks(from, (size_t)(to - from));
    }
}

void prs_dirtymap_mark(uint64_t start, uint64_t end) { mark(PRS_LONG_MAP_BASE, start, end); }

void prs_dirtymap_mark_stored(uint64_t start, uint64_t end) { mark(PRS_MAP_BASE, start, end); }
