/* pages_uffd.c - page tracking by userfaultfd's asynchronous write-protect and PAGEMAP_SCAN (Linux 6.7).
 *
 * HOW. A registered page that is there and protected has not been written since; a write takes the protection off, inside the kernel, for
 * whatever writer. PAGEMAP_SCAN lists the rest. One scan asks for three kinds of page at once:
 *     WRITTEN          not protected: new, changed, hot, or replaced by another mapping
 *     not PRESENT      not there: reported with flags 0, every time (P3); swapped-out ones are sorted out below
 *     not WPALLOWED    in a mapping that is not registered: somebody put it there since prs_pages_track, so all of it counts as
 *                      changed. The protection bits of such pages mean nothing (kernels before 6.13 kept them when mremap moved a
 *                      mapping)
 * so soundness does not hang on prs_pages_track being called in time; only speed does.
 *
 * WHY PAGES THAT ARE NOT THERE STAY UNPROTECTED. The kernel can protect them too, by markers (feature WP_UNPOPULATED, implied by
 * WP_ASYNC). Measured here on a reservation of 1 GB with 64 MB touched: with markers 5.6 ms for the first scan, 0.5 ms for each later
 * one and 2 MB of page tables for every GB; without, 0.04 ms from the first scan on, and 0.6 ms for 64 GB with a page in each GB.
 * Vanished pages are seen either way, and the price is one call of the visitor for each hole.
 *
 * WHY ONE SCAN PROTECTS, NOT ONE CALL PER RUN. UFFDIO_WRITEPROTECT costs 6 us a call (it flushes the TLB); PAGEMAP_SCAN with
 * WP_MATCHING 0.1 us a page. Within a span that one scan has reported and in which no page is hot, "there and not protected" is
 * exactly what was reported, so one call protects the span. A call costs 0.7 us and looks at 1 page in a ns: between runs that are far apart (SPAN_GAP) the next
 * one begins, so that protecting follows what changed and not how far apart it lies.
 *
 * WHAT A SCAN COSTS. It is the kernel's walk through the page tables of what is there: 2.6 ns a page, 0.7 ms for 1 GB, whatever changed. It is all of a checkpoint by
 * pages that follows the size of the heap. Marks have no such part.
 *
 * LARGE PAGES stay on. A write to a protected large page splits it and frees only the 4 KB it hit, khugepaged leaves protected pages
 * alone, and a fresh large page counts as 512 changed pages once: 0.1 ms of comparing instead of up to 512 faults.
 *
 * Context: checkpoint handler, restore; open at start.
 */
#include "maps.h"
#include "pages_internal.h"
#include "prim.h"
#include <errno.h>
#include <fcntl.h>

#define SPAN_GAP (512 * PRS_PAGE) /* what one page table covers */

static bool works(struct prs_pages *pages);

int prs_uffd_open(struct prs_pages *pages, int *fd_floor)
{
    if (!pages->can_scan) {
        return -ENOTTY;
    }
    long fd = prs_sys(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | PRS_UFFD_USER_MODE_ONLY);
    if (fd < 0) {
        return (int)fd;
    }
    struct prs_uffd_api api = {.api = PRS_UFFD_API, .features = PRS_UFFD_FEATURE_WP_ASYNC | PRS_UFFD_FEATURE_WP_UNPOPULATED};
    long result = prs_sys(SYS_ioctl, fd, PRS_UFFDIO_API, &api);
    if (result < 0) {
        prs_sys(SYS_close, fd);
        return (int)result;
    }
    pages->uffd = prs_pages_move_fd((int)fd, fd_floor);
    if (pages->uffd < 0) {
        return pages->uffd;
    }
    if (!works(pages)) {
        prs_sys(SYS_close, pages->uffd);
        pages->uffd = -1;
        return -ENOSYS;
    }
    return 0;
}

static long writeprotect(const struct prs_pages *pages, uint64_t start, uint64_t end, bool protect)
{
    struct prs_uffd_writeprotect arg = {.range = {start, end - start}, .mode = protect};
    return prs_sys(SYS_ioctl, pages->uffd, PRS_UFFDIO_WRITEPROTECT, &arg);
}

/* Registers every part of [start, end) that is not. Its pages count as changed whatever their bits say: so they are cleared. */
int prs_uffd_track(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    bool checked = false;
    while (start < end) {
        uint64_t walked;
        long count = prs_pm_scan(pages, start, end, PRS_PM_WPALLOWED, PRS_PM_WPALLOWED, 0, PRS_PM_WPALLOWED, &walked);
        if (count < 0) {
            return (int)count;
        }
        if (count > 0 && !checked) {
            int refused = prs_pages_anonymous(pages, start, end);
            if (refused != 0) {
                return refused;
            }
            checked = true;
        }
        for (long i = 0; i < count; i++) {
            struct prs_uffd_register arg = {
                .range = {pages->vector[i].start, pages->vector[i].end - pages->vector[i].start},
                .mode = PRS_UFFD_REGISTER_MODE_WP,
            };
            long result = prs_sys(SYS_ioctl, pages->uffd, PRS_UFFDIO_REGISTER, &arg);
            if (result == 0) {
                result = writeprotect(pages, pages->vector[i].start, pages->vector[i].end, false);
            }
            if (result < 0) {
                return (int)result;
            }
        }
        start = walked;
    }
    return 0;
}

void prs_uffd_unprotect(struct prs_pages *pages, uint64_t start, uint64_t end) { (void)writeprotect(pages, start, end, false); }

void prs_uffd_forget(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    struct prs_uffd_range arg = {start, end - start};
    prs_sys(SYS_ioctl, pages->uffd, PRS_UFFDIO_UNREGISTER, &arg); /* fails where nothing is mapped any more: nothing to forget */
}

static void remember(struct prs_pages *pages, uint64_t start, uint64_t end, bool *first)
{
    if (pages->run_count == PRS_PAGES_RUNS_MAX) {
        pages->use.fallback++;
        return;
    }
    pages->runs[pages->run_count++] = (struct prs_page_run){start | *first, end};
    *first = false;
}

int prs_uffd_scan(struct prs_pages *pages, uint64_t start, uint64_t end, struct prs_page_merge *merge)
{
    bool first = true;
    while (start < end) {
        uint64_t walked;
        const uint64_t any = PRS_PM_WRITTEN | PRS_PM_PRESENT | PRS_PM_WPALLOWED;
        long count = prs_pm_scan(pages, start, end, PRS_PM_PRESENT | PRS_PM_WPALLOWED, 0, any,
                                 PRS_PM_WPALLOWED | PRS_PM_WRITTEN | PRS_PM_PRESENT | PRS_PM_SWAPPED | pages->guard, &walked);
        if (count < 0) {
            return (int)count;
        }
        for (long i = 0; i < count; i++) {
            struct prs_pm_region region = pages->vector[i];
            bool there = (region.categories & (PRS_PM_PRESENT | PRS_PM_SWAPPED)) != 0 && (region.categories & PRS_PM_GUARD) == 0;
            if (there && (region.categories & PRS_PM_WRITTEN) == 0 && (region.categories & PRS_PM_WPALLOWED) != 0) {
                continue; /* swapped out while protected */
            }
            int result = prs_page_merge_add(merge, region.start, region.end, there ? PRS_PAGE_PRESENT : 0);
            if (result != 0) {
                return result;
            }
            if ((region.categories & (PRS_PM_PRESENT | PRS_PM_WPALLOWED)) == (PRS_PM_PRESENT | PRS_PM_WPALLOWED)) {
                remember(pages, region.start, region.end, &first);
            }
        }
        start = walked;
    }
    return 0;
}

/* Protects what is there and unprotected in the span. Mappings that are not registered are passed over by the kernel. */
static void protect_span(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    pages->use.protected_runs += start < end;
    while (start < end) {
        struct prs_pm_scan_arg arg = {
            .size = sizeof arg,
            .flags = PRS_PM_SCAN_WP_MATCHING,
            .start = start,
            .end = end,
            .category_mask = PRS_PM_PRESENT | PRS_PM_WRITTEN,
        };
        if (prs_sys(SYS_ioctl, pages->pagemap, PRS_PAGEMAP_SCAN, &arg) < 0 || arg.walk_end <= start) {
            pages->use.fallback++;
            return;
        }
        start = arg.walk_end;
    }
}

/* What is not registered, or not there, stays unprotected: a scan reports it. */
void prs_uffd_protect(struct prs_pages *pages, uint64_t start, uint64_t end)
{
    (void)prs_uffd_track(pages, start, end);
    protect_span(pages, start, end);
}

int prs_uffd_done(struct prs_pages *pages)
{
    pages->use.hot = 0;
    uint64_t start = 0, end = 0; /* span so far; empty when equal */
    for (uint64_t i = 0; i < pages->run_count; i++) {
        uint64_t at = prs_round_down(pages->runs[i].start, PRS_PAGE);
        if ((pages->runs[i].start & 1) != 0 || at < end) { /* another scan: what lies between was not looked at */
            protect_span(pages, start, end);
            start = end = at;
        }
        if (at > end + SPAN_GAP) {
            protect_span(pages, start, end);
            start = end = at;
        }
        for (; at < pages->runs[i].end; at += PRS_PAGE) {
            if (prs_page_is_hot(pages, at)) {
                pages->use.hot++;
                protect_span(pages, start, end);
                start = end = at + PRS_PAGE;
            } else {
                start = start == end ? at : start;
                end = at + PRS_PAGE;
            }
        }
    }
    protect_span(pages, start, end);
    return 0;
}

void prs_uffd_restored(struct prs_pages *pages, uint64_t start, uint64_t end) { protect_span(pages, start, end); }

/* ---- does this kernel do what the above relies on? tried on four pages ---- */

struct seen {
    uint64_t base;
    unsigned there, gone; /* bit per page */
};

static int note(void *context, uint64_t start, uint64_t end, unsigned flags)
{
    struct seen *seen = context;
    for (uint64_t page = start; page < end; page += PRS_PAGE) {
        unsigned bit = 1u << (page - seen->base) / PRS_PAGE;
        seen->there |= (flags & PRS_PAGE_PRESENT) != 0 ? bit : 0;
        seen->gone |= (flags & PRS_PAGE_PRESENT) != 0 ? 0 : bit;
    }
    return 0;
}

static bool sees(struct prs_pages *pages, uint64_t base, unsigned there, unsigned gone)
{
    struct seen seen = {.base = base};
    struct prs_page_merge merge = {.pages = pages, .visit = note, .context = &seen};
    return prs_uffd_scan(pages, base, base + 4 * PRS_PAGE, &merge) == 0 && prs_page_merge_flush(&merge) == 0 && seen.there == there &&
           seen.gone == gone;
}

static bool works(struct prs_pages *pages)
{
    long mapped = prs_sys(SYS_mmap, 0, 4 * PRS_PAGE, 3 /* read, write */, 0x22 /* private, anonymous */, -1, 0);
    if (mapped < 0) {
        return false;
    }
    volatile char *byte = (volatile char *)mapped;
    uint64_t base = (uint64_t)mapped;
    byte[0] = byte[PRS_PAGE] = byte[2 * PRS_PAGE] = 1;
    bool good = prs_uffd_track(pages, base, base + 4 * PRS_PAGE) == 0 && sees(pages, base, 7, 8);
    good = good && prs_uffd_done(pages) == 0;
    byte[PRS_PAGE] = 2;
    good = good && prs_sys(SYS_madvise, mapped + 2l * (long)PRS_PAGE, PRS_PAGE, 4 /* MADV_DONTNEED */) == 0;
    good = good && sees(pages, base, 2, 12);
    prs_sys(SYS_munmap, mapped, 4 * PRS_PAGE);
    pages->run_count = 0;
    pages->use = (struct prs_pages_use){0};
    return good;
}
