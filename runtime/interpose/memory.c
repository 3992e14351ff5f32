/* memory.c - mmap and its kin: where the program's memory lies, and no memory that vanishes late.
 *
 * In a persistent process (one that runs without address randomisation, see below) anonymous private mappings go to the program range of layout.h, so
 * that they never meet what the kernel places for a new process: libraries, stack, vdso, and the runtime's own ranges. mimalloc
 * gets its heap through here too, before any constructor of ours has run. The range has two parts: memory that only code with marks writes, and the rest.
 *
 * INVARIANT A1: what we choose is a wish. Every mapping of ours is made with MAP_FIXED_NOREPLACE, so that a wrong wish costs a system call and never
 *               a mapping; the state below may be stale, torn by a second thread, or older by a restore, and nothing breaks.
 * INVARIANT A2: memory of the image changes its content only by stores or by calls that act at once: MADV_FREE, by which the kernel takes pages away
 *               at a time of its own, becomes MADV_DONTNEED.
 * INVARIANT A3: the marked part holds only what instrumented code, or the instrumented heap, asked for since prs_heap_marked: which part is decided by the caller.
 * INVARIANT A4: a call that changes the content of the marked part is announced while it runs (prs_w.losing: a checkpoint then compares everything), and its
 *               range is in prs_p.lost before that ends. So no checkpoint, at whatever instant, misses the change.
 *
 * Context: any, start-up of other libraries included: no dlsym, no libc but errno.
 */
#include "interpose.h"
#include "../covered.h"
#include "../layout.h"
#include "../planted.h"
#include "../region.h"
#include "../state.h"
#include "heap.h"
#include <prosper/abi.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/types.h>

#define HUGE_PAGE (2ul << 20)
#define FREED_MAX 8
#define TRIES_MAX 24

/* A part of the program range. Ranges that were unmapped lately are used again first: a program that maps and unmaps for ever stays in one place. In the
 * image with the rest of our data. */
struct part {
    uint64_t start, end;
    uint64_t next; /* where the next mapping goes */
    struct freed_range { uint64_t start, end; } freed[FREED_MAX];
    unsigned freed_turn;
};
static struct part marked = {.start = PRS_MARKED_BASE, .end = PRS_MARKED_END}, others = {.start = PRS_MARKED_END, .end = PRS_PROGRAM_END};

static struct part *part_of(uint64_t address) { return address < PRS_MARKED_END ? &marked : &others; }

static bool is_marked(uint64_t start, uint64_t end) { return PRS_UNLIKELY(prs_heap_marked) && start < PRS_MARKED_END && end > PRS_MARKED_BASE; }

/* A4: announced; is there anything to announce? */
static bool losing(uint64_t start, uint64_t end)
{
    bool any = is_marked(start, end);
    if (any && !PRS_PLANTED(losing_silent)) {
        __atomic_fetch_add(&prs_w.losing, 1, __ATOMIC_SEQ_CST);
    }
    return any;
}

static void lost(uint64_t start, uint64_t end)
{
    if (is_marked(start, end)) {
        prs_lost_add(&prs_p.lost, start, end);
    }
}

static void lost_all_that(bool announced)
{
    if (announced && !PRS_PLANTED(losing_silent)) {
        __atomic_fetch_sub(&prs_w.losing, 1, __ATOMIC_SEQ_CST);
    }
}

void prs_writes_anywhere(void)
{
    if (prs_heap_marked) {
        __atomic_fetch_add(&prs_w.losing, 1, __ATOMIC_SEQ_CST);
    }
}

void prs_wrote_anywhere(void)
{
    if (prs_heap_marked) {
        prs_lost_add_all(&prs_p.lost);
        __atomic_fetch_sub(&prs_w.losing, 1, __ATOMIC_SEQ_CST);
    }
}

/* Persistent processes are those that run without address randomisation: the only mark that is there before our constructor
 * has run. In others (no pool, or the first stage of a start) the kernel chooses, as without us. */
static bool placing(void)
{
    static signed char known; /* 0: not asked, 1: yes, -1: no */
    if (PRS_UNLIKELY(known == 0)) {
        long persona = prs_sys(SYS_personality, 0xffffffff);
        known = persona >= 0 && ((unsigned long)persona & ADDR_NO_RANDOMIZE) != 0 ? 1 : -1;
    }
    return known > 0;
}

/* Another mapping may stand at an address where one stood before: page tracking looks again (it would be right without, but compare everything). */
static void *replaced(long result)
{
    if (result >= 0) {
        prs_w.changed |= PRS_CHANGED_MAPPINGS;
    }
    return (void *)prs_errno(result);
}

static bool in_program_range(uint64_t start, uint64_t length)
{
    return start >= PRS_PROGRAM_BASE && start < PRS_PROGRAM_END && length <= PRS_PROGRAM_END - start;
}

static long map_at(uint64_t address, uint64_t length, int protection, int flags)
{
    long result = prs_sys(SYS_mmap, address, length, protection, flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (result >= 0 && (uint64_t)result != address) { /* a kernel before 4.17: takes it as a hint */
        prs_sys(SYS_munmap, result, length);
        return -EEXIST;
    }
    return result;
}

/* The smallest freed range that fits; 0 when there is none. */
static uint64_t take_freed(struct part *part, uint64_t length, uint64_t alignment)
{
    struct freed_range *best = NULL;
    for (unsigned i = 0; i < FREED_MAX; i++) {
        struct freed_range *range = &part->freed[i];
        uint64_t start = prs_round_up(range->start, alignment);
        if (range->end <= start || range->end - start < length)
            continue;
        if (best == NULL || range->end - range->start < best->end - best->start)
            best = range;
    }
    if (best == NULL)
        return 0;
    uint64_t found = prs_round_up(best->start, alignment);
    best->start = found + length;
    return found;
}

/* Remembers an unmapped range. Neighbours are joined, and what ends at the top lowers the top, so that stack-like use leaves no trace. */
static void note_freed(uint64_t start, uint64_t end)
{
    if (!in_program_range(start, end - start))
        return;
    struct part *part = part_of(start);
    struct freed_range *freed = part->freed;
    for (unsigned i = 0; i < FREED_MAX; i++) {
        struct freed_range *range = &freed[i];
        if (range->start >= range->end || range->end < start || end < range->start)
            continue;
        start = range->start < start ? range->start : start;
        end = range->end > end ? range->end : end;
        range->start = range->end = 0;
    }
    if (end == part->next) {
        part->next = start;
        return;
    }
    unsigned slot = FREED_MAX;
    for (unsigned i = 0; i < FREED_MAX && slot == FREED_MAX; i++)
        if (freed[i].start >= freed[i].end)
            slot = i;
    if (slot == FREED_MAX) { /* full: the smallest goes, unless it is larger than the new one */
        slot = 0;
        for (unsigned i = 1; i < FREED_MAX; i++)
            if (freed[i].end - freed[i].start < freed[slot].end - freed[slot].start)
                slot = i;
        if (freed[slot].end - freed[slot].start > end - start)
            slot = part->freed_turn++ % FREED_MAX;
    }
    freed[slot] = (struct freed_range){start, end};
}

/* In that part of the program range, or an error: -EEXIST when no place was found in a few tries. */
static long place(struct part *part, uint64_t length, uint64_t alignment, int protection, int flags)
{
    long result = -EEXIST;
    uint64_t again = take_freed(part, length, alignment);
    if (again != 0) {
        result = map_at(again, length, protection, flags);
        if (result != -EEXIST)
            return result;
    }
    uint64_t step = prs_round_up(length, alignment);
    for (int i = 0; i < TRIES_MAX; i++) {
        uint64_t next = part->next;
        if (next < part->start || next > part->end)
            next = part->start;
        next = prs_round_up(next, alignment);
        if (next >= part->end || part->end - next < length) /* round once more from the bottom */
            next = part->start;
        part->next = next + length;
        result = map_at(next, length, protection, flags);
        if (result != -EEXIST)
            return result;
        /* Something lives here. Leave it behind in growing steps. */
        part->next = next + step;
        step = step < (1ul << 40) ? step * 4 : step;
    }
    return result;
}

/* mimalloc asks for its arenas at addresses that it draws at random. Those hints are replaced (a hint binds nobody) and their alignment is kept. */
#define MIMALLOC_HINT_LOW (2ul << 40)

/* Where the kernel would follow a hint (no pool), it must not lead into the maps, which are reserved only once other libraries' constructors have run. */
#define MAPS_END (PRS_LONG_MAP_BASE + PRS_MAP_SIZE + PRS_PAGE)

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset, struct part *part)
{
    const int elsewhere = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_32BIT | MAP_GROWSDOWN | MAP_HUGETLB;
    uint64_t hint = (uint64_t)address;
    bool wish_is_ours = hint == 0 || (hint >= MIMALLOC_HINT_LOW && hint < PRS_PROGRAM_END);
    uint64_t bytes = prs_round_up(length, PRS_PAGE);
    if ((flags & (MAP_PRIVATE | MAP_ANONYMOUS)) == (MAP_PRIVATE | MAP_ANONYMOUS) && (flags & elsewhere) == 0 && wish_is_ours &&
        length != 0 && bytes >= length && bytes <= (part->end - part->start) / 4 && placing()) {
        uint64_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : PRS_PAGE;
        if (hint != 0) {
            alignment = hint & -hint;
            alignment = alignment > (64ul << 20) ? 64ul << 20 : alignment < PRS_PAGE ? PRS_PAGE : alignment;
        }
        bool announced = losing(part->start, part->end);
        long result = place(part, bytes, alignment, protection, flags);
        if (result >= 0)
            lost((uint64_t)result, (uint64_t)result + bytes);
        lost_all_that(announced);
        if (result >= 0)
            return replaced(result);
        if (result != -EEXIST && result != -EINVAL)
            return (void *)prs_errno(result);
    }
    if ((flags & elsewhere) == 0 && hint >= PRS_MAP_BASE && hint < MAPS_END) {
        hint += 4ul << 40; /* keeps its alignment */
    }
    bool announced = losing(hint, hint + bytes);
    long result = prs_sys(SYS_mmap, hint, length, protection, flags, fd, offset);
    lost(hint, hint + bytes);
    lost_all_that(announced);
    return replaced(result);
}

/* Option profile: whose the memory is (profile.h). */
static inline void *noted(void *result, size_t length)
{
    if (PRS_UNLIKELY(prs_p.profile.on) && result != MAP_FAILED && in_program_range((uint64_t)result, length)) {
        prs_profile_block(result, prs_round_up(length, PRS_PAGE), true);
    }
    return result;
}

PRS_EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    bool covered = PRS_UNLIKELY(prs_heap_marked) && prs_covered((uint64_t)__builtin_return_address(0));
    return noted(map(address, length, protection, flags, fd, offset, covered ? &marked : &others), length);
}
PRS_ALIAS(mmap) void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset);

/* What the instrumented heap calls. */
void *prs_marked_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return map(address, length, protection, flags, fd, offset, &marked);
}

static long change_protection(long number, uint64_t start, uint64_t length, int protection, long key)
{
    if ((protection & PROT_WRITE) != 0) {
        prs_region_opened(start, start + prs_round_up(length, PRS_PAGE)); /* before: a checkpoint may come at once */
    }
    long result = prs_sys(number, start, length, protection, key);
    prs_w.changed |= PRS_CHANGED_MAPPINGS;
    return prs_errno(result);
}

PRS_EXPORT int munmap(void *address, size_t length)
{
    bool announced = losing((uint64_t)address, (uint64_t)address + length);
    long result = prs_sys(SYS_munmap, address, length);
    lost((uint64_t)address, (uint64_t)address + length);
    lost_all_that(announced);
    if (result == 0 && length != 0)
        note_freed((uint64_t)address, (uint64_t)address + prs_round_up(length, PRS_PAGE));
    return (int)prs_errno(result);
}

/* To a place in the program range instead of one of the kernel's choice. -ENOMEM where that cannot be. */
static long move(void *old, size_t old_length, size_t new_length)
{
    uint64_t bytes = prs_round_up(new_length, PRS_PAGE);
    long target = bytes < new_length ? -ENOMEM : place(part_of((uint64_t)old), bytes, bytes >= HUGE_PAGE ? HUGE_PAGE : PRS_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    if (target < 0) {
        return -ENOMEM;
    }
    long result = prs_sys(SYS_mremap, old, old_length, new_length, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    if (result < 0) {
        prs_sys(SYS_munmap, target, bytes);
        return -ENOMEM;
    }
    return result;
}

PRS_EXPORT void *mremap(void *old, size_t old_length, size_t new_length, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    void *wanted = (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 ? va_arg(list, void *) : NULL;
    va_end(list);
    long result = -ENOMEM;
    bool announced = losing(PRS_MARKED_BASE, PRS_MARKED_END);
    if (flags == MREMAP_MAYMOVE && in_program_range((uint64_t)old, 0) && placing()) {
        result = prs_sys(SYS_mremap, old, old_length, new_length, 0);
        if (result == -ENOMEM) {
            result = move(old, old_length, new_length);
        }
    }
    if (result == -ENOMEM) {
        result = prs_sys(SYS_mremap, old, old_length, new_length, flags, wanted);
    }
    lost((uint64_t)old, (uint64_t)old + old_length);
    if (result >= 0 && !PRS_PLANTED(moved_unseen)) {
        lost((uint64_t)result, (uint64_t)result + new_length);
    }
    lost_all_that(announced);
    if (result >= 0 && (flags & MREMAP_DONTUNMAP) == 0) {
        uint64_t start = (uint64_t)old, end = start + prs_round_up(old_length, PRS_PAGE);
        uint64_t kept = (uint64_t)result == start ? start + prs_round_up(new_length, PRS_PAGE) : start;
        if (kept < end)
            note_freed(kept, end);
    }
    return noted(replaced(result), new_length);
}

/* Writable for a moment: between two checkpoints the kernel's list may look the same and the pages not. */
PRS_EXPORT int mprotect(void *address, size_t length, int protection)
{
    return (int)change_protection(SYS_mprotect, (uint64_t)address, length, protection, 0);
}

PRS_EXPORT int pkey_mprotect(void *address, size_t length, int protection, int key)
{
    return (int)change_protection(key == -1 ? SYS_mprotect : SYS_pkey_mprotect, (uint64_t)address, length, protection, key);
}

/* Advice that is known to leave content alone. */
static bool may_lose(int advice)
{
    switch (advice) {
    case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_DONTFORK: case MADV_DOFORK: case MADV_DONTDUMP: case MADV_DODUMP:
    case MADV_HUGEPAGE: case MADV_NOHUGEPAGE: case MADV_MERGEABLE: case MADV_UNMERGEABLE: case MADV_COLD: case MADV_PAGEOUT:
        return false;
    default:
        return true;
    }
}

PRS_EXPORT int madvise(void *address, size_t length, int advice)
{
    if (advice == MADV_FREE && prs_active())
        advice = MADV_DONTNEED; /* A2; both mean that the content may be gone */
    bool announced = may_lose(advice) && losing((uint64_t)address, (uint64_t)address + length);
    long result = prs_sys(SYS_madvise, address, length, advice);
    if (announced) {
        lost((uint64_t)address, (uint64_t)address + length);
    }
    lost_all_that(announced);
    return (int)prs_errno(result);
}
