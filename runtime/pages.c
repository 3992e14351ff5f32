/* pages.c - which pages of large memory may have changed: choice of the back end, and the hot list.
 *
 * INVARIANTS
 *   P1  (pages.h) every page whose content differs from what the last prs_pages_done saw is reported.
 *   P2  Only a page that was reported since the last done, or that a restore filled from the committed epoch (prs_pages_restored), and that is there, is ever protected. All that goes wrong on the way
 *       (a full table, a refusal of the kernel's) leaves a page unprotected, which means that it is reported again: never less.
 *   P3  A page that is not there is reported at every scan (flags 0). So it needs no protection, reservations of many
 *       gigabytes cost no page tables, and a page that vanished cannot hide behind one that never was.
 *       What vanished is told from what never was by the store, which knows whether it has content for the page.
 *
 * THE HOT LIST. A fault costs 13 to 25 us in a virtual machine (1 us on bare metal), comparing a page 0.2 us. A page that changed in
 * two consecutive checkpoints therefore stays unprotected, so that it is reported (and compared) every time without a fault, until it
 * was found unchanged 16 times in a row. The list is a hint: a set-associative table of fixed size that may forget.
 *
 * Private file mappings are refused by prs_pages_track: there a page that is not there reads as the file's content, not as
 * zero, and MADV_DONTNEED leaves a marker behind by which the page looks protected, hence unchanged, once it has been read.
 *
 * Context: init at start; everything else in the checkpoint handler or in restore. Raw system calls only, memory from the arena.
 * Fork children do not inherit the arena's tables and never come here.
 */
#include "error.h"
#include "maps.h"
#include "pages_internal.h"
#include "prim.h"
#include <errno.h>
#include <fcntl.h>

#define HOT_AFTER 2u        /* checkpoints in a row in which a page changed */
#define COLD_AFTER 16u      /* ... in which it did not */

/* Heat entry: page number (36 bits) | hot (1) | count (5) | stamp (22). 0: free. */
#define HEAT_STAMP_MASK ((1ul << 22) - 1)
#define HEAT_COUNT_SHIFT 22
#define HEAT_COUNT_MASK 31ul
#define HEAT_HOT (1ul << 27)
#define HEAT_PAGE_SHIFT 28

/* Neighbouring pages lie together in the table, four to a bucket, so that it costs few page faults of its own (scattering them cost
 * 27 ms at the first checkpoint of a 64-MB heap); bits above 2 GB are folded in. */
static uint64_t *heat_bucket(const struct prs_pages *pages, uint64_t page)
{
    uint64_t group = page / PRS_PAGE / 4;
    uint64_t bucket = (group ^ (group / PRS_PAGES_HEAT_BUCKETS) * 0x9E35ul) % PRS_PAGES_HEAT_BUCKETS;
    return pages->heat + bucket * PRS_PAGES_HEAT_WAYS;
}

static uint64_t *heat_find(const struct prs_pages *pages, uint64_t page)
{
    uint64_t *bucket = heat_bucket(pages, page);
    for (unsigned i = 0; i < PRS_PAGES_HEAT_WAYS; i++) {
        if (bucket[i] != 0 && bucket[i] >> HEAT_PAGE_SHIFT == page / PRS_PAGE) {
            return &bucket[i];
        }
    }
    return NULL;
}

static uint64_t heat_age(const struct prs_pages *pages, uint64_t entry)
{
    return (pages->now - entry) & HEAT_STAMP_MASK;
}

/* A free place, or that of the entry heard of least recently. */
static uint64_t *heat_place(const struct prs_pages *pages, uint64_t page)
{
    uint64_t *bucket = heat_bucket(pages, page);
    uint64_t *oldest = bucket;
    for (unsigned i = 0; i < PRS_PAGES_HEAT_WAYS; i++) {
        if (bucket[i] == 0) {
            return &bucket[i];
        }
        if (heat_age(pages, bucket[i]) > heat_age(pages, *oldest)) {
            oldest = &bucket[i];
        }
    }
    return oldest;
}

static uint64_t heat_entry(const struct prs_pages *pages, uint64_t page, bool hot, uint64_t count)
{
    return page / PRS_PAGE << HEAT_PAGE_SHIFT | (hot ? HEAT_HOT : 0) | count << HEAT_COUNT_SHIFT | (pages->now & HEAT_STAMP_MASK);
}

void prs_pages_feedback(struct prs_pages *pages, uint64_t page, bool changed)
{
    if (pages->backend != PRS_BACKEND_UFFD) {
        return;
    }
    uint64_t *entry = heat_find(pages, page);
    if (entry == NULL) {
        if (changed) {
            *heat_place(pages, page) = heat_entry(pages, page, false, 1);
        }
        return;
    }
    uint64_t age = heat_age(pages, *entry);
    bool hot = (*entry & HEAT_HOT) != 0;
    uint64_t count = *entry >> HEAT_COUNT_SHIFT & HEAT_COUNT_MASK;
    if (age == 0) { /* a second time in this checkpoint (the first try was given up): counts once */
        if (changed && hot) {
            *entry = heat_entry(pages, page, true, 0);
        }
        return;
    }
    if (age != 1) { /* not reported last time: what was known is stale */
        *entry = changed ? heat_entry(pages, page, false, 1) : 0;
    } else if (hot) {
        count = changed ? 0 : count + 1;
        *entry = count < COLD_AFTER ? heat_entry(pages, page, true, count) : 0;
    } else if (changed) {
        count++;
        *entry = count < HOT_AFTER ? heat_entry(pages, page, false, count) : heat_entry(pages, page, true, 0);
    } else {
        *entry = 0;
    }
}

/* Hot pages are reported, and so heard of, at every checkpoint: an entry not of this one is of a page that went away. */
bool prs_page_is_hot(const struct prs_pages *pages, uint64_t page)
{
    const uint64_t *entry = heat_find(pages, page);
    return entry != NULL && (*entry & HEAT_HOT) != 0 && heat_age(pages, *entry) == 0;
}

bool prs_pages_unwatched(const struct prs_pages *pages, uint64_t page)
{
    const uint64_t *entry = pages->backend == PRS_BACKEND_UFFD ? heat_find(pages, page) : NULL;
    return entry != NULL && (*entry & HEAT_HOT) != 0 && heat_age(pages, *entry) <= 1;
}

int prs_page_merge_flush(struct prs_page_merge *merge)
{
    if (merge->start == merge->end) {
        return 0;
    }
    uint64_t start = merge->start, end = merge->end;
    merge->start = merge->end = 0;
    merge->pages->use.reported += (merge->flags & PRS_PAGE_PRESENT) != 0 ? (end - start) / PRS_PAGE : 0;
    return merge->visit(merge->context, start, end, merge->flags);
}

int prs_page_merge_add(struct prs_page_merge *merge, uint64_t start, uint64_t end, unsigned flags)
{
    if (merge->end == start && merge->start != merge->end && merge->flags == flags) {
        merge->end = end;
        return 0;
    }
    int result = prs_page_merge_flush(merge);
    merge->start = start;
    merge->end = end;
    merge->flags = flags;
    return result;
}

int prs_pages_move_fd(int fd, int *floor)
{
    for (int number = *floor - 1; number > 2; number--) {
        long moved = prs_sys(SYS_fcntl, fd, F_DUPFD_CLOEXEC, number);
        if (moved == number) {
            prs_sys(SYS_close, fd);
            *floor = number;
            return number;
        }
        if (moved >= 0) { /* that number is taken */
            prs_sys(SYS_close, moved);
        } else if (moved != -EINVAL) { /* EINVAL: above the limit on descriptors, try lower ones */
            prs_sys(SYS_close, fd);
            return (int)moved;
        }
    }
    prs_sys(SYS_close, fd);
    return -EMFILE;
}

long prs_pm_scan(struct prs_pages *pages, uint64_t start, uint64_t end, uint64_t inverted, uint64_t mask, uint64_t any, uint64_t wanted,
                 uint64_t *walked)
{
    struct prs_pm_scan_arg arg = {
        .size = sizeof arg,
        .start = start,
        .end = end,
        .vec = (uint64_t)pages->vector,
        .vec_length = PRS_PAGES_VECTOR,
        .category_inverted = inverted,
        .category_mask = mask,
        .category_anyof_mask = any,
        .return_mask = wanted,
    };
    long count = prs_sys(SYS_ioctl, pages->pagemap, PRS_PAGEMAP_SCAN, &arg);
    *walked = arg.walk_end;
    return count < 0 || arg.walk_end > start ? count : -EIO;
}

long prs_pm_read(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    uint64_t count = (end - start) / PRS_PAGE;
    count = count < PRS_PAGES_ENTRIES ? count : PRS_PAGES_ENTRIES;
    long bytes = prs_sys(SYS_pread64, pages->pagemap, pages->entries, count * 8, start / PRS_PAGE * 8);
    return bytes < 0 ? bytes : bytes < 8 ? -EIO : bytes / 8;
}

static int open_high(const char *path, int *fd_floor, int *out)
{
    long fd = prs_sys(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return prs_fail((int)fd, "cannot open %s", path);
    }
    *out = prs_pages_move_fd((int)fd, fd_floor);
    return *out >= 0 ? 0 : prs_fail(*out, "no descriptor number is free for %s", path);
}

static int open_files(struct prs_pages *pages, int *fd_floor)
{
    int result = open_high("/proc/self/pagemap", fd_floor, &pages->pagemap);
    if (result == 0) {
        result = open_high("/proc/self/maps", fd_floor, &pages->maps);
    }
    if (result != 0) {
        return result;
    }
    uint64_t walked, page = prs_round_down((uint64_t)pages, PRS_PAGE);
    pages->can_scan = prs_pm_scan(pages, page, page + PRS_PAGE, 0, 0, 0, PRS_PM_PRESENT, &walked) >= 0;
    if (prs_pm_scan(pages, page, page + PRS_PAGE, 0, 0, 0, PRS_PM_GUARD, &walked) >= 0) {
        pages->guard = PRS_PM_GUARD;
    }
    return 0;
}

int prs_pages_init(struct prs_pages **out, const struct prs_options *options, struct prs_arena *arena, int *fd_floor)
{
    *out = NULL;
    struct prs_pages *pages = prs_arena_take(arena, sizeof *pages);
    if (pages == NULL) {
        return prs_fail(-ENOMEM, "no memory for page tracking");
    }
    pages->uffd = pages->clear_refs = -1;
    pages->now = 1;
    pages->runs = prs_arena_take(arena, PRS_PAGES_RUNS_MAX * sizeof *pages->runs);
    pages->heat = prs_arena_take(arena, PRS_PAGES_HEAT_BUCKETS * PRS_PAGES_HEAT_WAYS * sizeof *pages->heat);
    pages->vector = prs_arena_take(arena, PRS_PAGES_VECTOR * sizeof *pages->vector);
    pages->entries = prs_arena_take(arena, PRS_PAGES_ENTRIES * sizeof *pages->entries);
    pages->maps_text = prs_arena_take(arena, PRS_PAGES_MAPS_BYTES);
    if (pages->runs == NULL || pages->heat == NULL || pages->vector == NULL || pages->entries == NULL || pages->maps_text == NULL) {
        return prs_fail(-ENOMEM, "no memory for page tracking");
    }
    int result = open_files(pages, fd_floor);
    if (result != 0) {
        return result;
    }
    *out = pages;
    pages->backend = PRS_BACKEND_ALL;
    if (options->tracker == PRS_TRACKER_FULL || options->tracker == PRS_TRACKER_COPY) {
        return 0;
    }
    if (options->pages != PRS_PAGES_SOFTDIRTY) {
        result = prs_uffd_open(pages, fd_floor);
        if (result == 0) {
            pages->backend = PRS_BACKEND_UFFD;
            return 0;
        }
        if (options->pages == PRS_PAGES_UFFD) {
            *out = NULL;
            return prs_fail(PROSPER_E_UNSUPPORTED, "pages=uffd: this kernel has no asynchronous write-protect (Linux 6.7 has it)");
        }
    }
    result = prs_softdirty_open(pages, fd_floor);
    if (result == 0) {
        pages->backend = PRS_BACKEND_SOFTDIRTY;
        return 0;
    }
    if (options->pages == PRS_PAGES_SOFTDIRTY) {
        *out = NULL;
        return prs_fail(PROSPER_E_UNSUPPORTED, "pages=softdirty: this kernel keeps no soft-dirty bits (CONFIG_MEM_SOFT_DIRTY)");
    }
    return 0;
}

enum prs_pages_backend prs_pages_backend(const struct prs_pages *pages)
{
    return pages->backend;
}

int prs_pages_anonymous(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    long length = prs_maps_read(pages->maps, pages->maps_text, PRS_PAGES_MAPS_BYTES);
    if (length < 0) {
        return (int)length;
    }
    const char *cursor = pages->maps_text;
    struct prs_map map;
    while (prs_maps_next(&cursor, pages->maps_text + length, &map) && map.start < end) {
        if (map.end > start && map.inode != 0) {
            return -EOPNOTSUPP;
        }
    }
    return 0;
}

int prs_pages_track(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    return pages->backend == PRS_BACKEND_UFFD ? prs_uffd_track(pages, start, end) : prs_pages_anonymous(pages, start, end);
}

int prs_pages_scan(struct prs_pages *pages, uint64_t start, uint64_t end, prs_pages_visitor visit, void *context)
{
    struct prs_page_merge merge = {.pages = pages, .visit = visit, .context = context};
    uint64_t runs_before = pages->run_count;
    pages->use.scans++;
    int result;
    switch (pages->backend) {
    case PRS_BACKEND_UFFD:
        result = prs_uffd_scan(pages, start, end, &merge);
        break;
    case PRS_BACKEND_SOFTDIRTY:
        result = prs_softdirty_scan(pages, start, end, &merge);
        break;
    case PRS_BACKEND_ALL:
    default:
        result = prs_all_scan(pages, start, end, &merge);
        break;
    }
    if (result == 0) {
        result = prs_page_merge_flush(&merge);
    }
    if (result != 0) { /* stopped half-way: what the visitor did not see must not be protected (P2) */
        pages->run_count = runs_before;
    }
    return result;
}

void prs_pages_forget(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    if (pages->backend == PRS_BACKEND_UFFD) {
        prs_uffd_forget(pages, start, end);
    }
}

void prs_pages_unprotect(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    if (pages->backend == PRS_BACKEND_UFFD) {
        prs_uffd_unprotect(pages, start, end);
    }
}

void prs_pages_restored(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    if (pages->backend == PRS_BACKEND_UFFD) {
        prs_uffd_restored(pages, start, end);
    }
}

bool prs_pages_protect(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    if (pages->backend != PRS_BACKEND_UFFD) {
        return false;
    }
    prs_uffd_protect(pages, start, end);
    return true;
}

void prs_pages_abort(struct prs_pages *pages)
{
    pages->run_count = 0;
}

int prs_pages_done(struct prs_pages *pages)
{
    int result = 0;
    if (pages->backend == PRS_BACKEND_UFFD) {
        result = prs_uffd_done(pages);
    } else if (pages->backend == PRS_BACKEND_SOFTDIRTY) {
        result = prs_softdirty_done(pages);
    }
    pages->run_count = 0;
    pages->now++;
    return result;
}

void prs_pages_usage(const struct prs_pages *pages, struct prs_pages_use *use)
{
    *use = pages->use;
}
