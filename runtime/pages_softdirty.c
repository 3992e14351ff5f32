/* pages_softdirty.c - page tracking by the kernel's soft-dirty bits (Linux 3.11 with CONFIG_MEM_SOFT_DIRTY).
 *
 * HOW. Writing "4" to /proc/self/clear_refs clears the bit of every page of the process and protects the page; a write sets it. The
 * clearing is for the whole process, so it is done once, in prs_pages_done, and INVARIANT: every tracked range is scanned between
 * two of them.
 *
 * WHAT IS REPORTED, besides pages with the bit:
 *     not there                        flags 0, every time (P3 of pages.c)
 *     there, but no page of its own    a page that was dropped and read again is the kernel's zero page (or the file's page): it is
 *                                      not soft-dirty, yet its content changed. Such pages are not "exclusive" in pagemap, or are
 *                                      "file". Pages shared with a fork child look the same; comparing them costs time, never truth.
 * Mappings made since are soft-dirty as a whole, also where they were merged with an older neighbour.
 *
 * Holes are read entry by entry, 8 bytes a page: there is no cheaper way on kernels that need this back end.
 * Context: checkpoint handler, restore; open at start.
 */
#include "pages_internal.h"
#include "prim.h"
#include <errno.h>
#include <fcntl.h>

static int clear(const struct prs_pages *pages)
{
    long written = prs_sys(SYS_write, pages->clear_refs, "4", 1);
    return written == 1 ? 0 : written < 0 ? (int)written : -EIO;
}

int prs_softdirty_scan(struct prs_pages *pages, uint64_t start, uint64_t end, struct prs_page_merge *merge)
{
    while (start < end) {
        long count = prs_pm_read(pages, start, end);
        if (count < 0) {
            return (int)count;
        }
        for (long i = 0; i < count; i++, start += PRS_PAGE) {
            uint64_t entry = pages->entries[i];
            bool there = (entry & (PRS_PAGEMAP_PRESENT | PRS_PAGEMAP_SWAPPED)) != 0 && (entry & PRS_PAGEMAP_GUARD) == 0;
            bool own = (entry & PRS_PAGEMAP_SWAPPED) != 0 || (entry & (PRS_PAGEMAP_EXCLUSIVE | PRS_PAGEMAP_FILE)) == PRS_PAGEMAP_EXCLUSIVE;
            if (there && own && (entry & PRS_PAGEMAP_SOFT_DIRTY) == 0) {
                continue;
            }
            int result = prs_page_merge_add(merge, start, start + PRS_PAGE, there ? PRS_PAGE_PRESENT : 0);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

int prs_softdirty_done(struct prs_pages *pages)
{
    return clear(pages);
}

static bool is_soft_dirty(struct prs_pages *pages, uint64_t page)
{
    return prs_pm_read(pages, page, page + PRS_PAGE) == 1 && (pages->entries[0] & PRS_PAGEMAP_SOFT_DIRTY) != 0;
}

/* Kernels without the option accept the write and keep no bits, so it is tried on a page. The page lies in a mapping that is older than
 * the clearing: a new mapping is soft-dirty as a whole. */
static bool works(struct prs_pages *pages)
{
    volatile char *page = (volatile char *)pages->runs; /* of the arena, not in use yet */
    *page = 0;
    if (clear(pages) != 0 || is_soft_dirty(pages, (uint64_t)page)) {
        return false;
    }
    *page = 0;
    return is_soft_dirty(pages, (uint64_t)page);
}

int prs_softdirty_open(struct prs_pages *pages, int *fd_floor)
{
    long fd = prs_sys(SYS_openat, AT_FDCWD, "/proc/self/clear_refs", O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return (int)fd;
    }
    pages->clear_refs = prs_pages_move_fd((int)fd, fd_floor);
    if (pages->clear_refs < 0) {
        return pages->clear_refs;
    }
    if (!works(pages)) {
        prs_sys(SYS_close, pages->clear_refs);
        pages->clear_refs = -1;
        return -ENOSYS;
    }
    return 0;
}
