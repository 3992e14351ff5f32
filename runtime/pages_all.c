/* pages_all.c - no tracking: every page that is there counts as perhaps changed (tracker=full|copy, or a kernel with neither way of
 * tracking).
 *
 * Pages that are not there are reported with flags 0, so that what vanished is noticed. PAGEMAP_SCAN, where it exists, lists runs
 * without looking at each page of a hole; else the entries of pagemap are read, 8 bytes a page. Context: checkpoint handler, restore.
 */
#include "pages_internal.h"

static int scan_regions(struct prs_pages *pages, uint64_t start, uint64_t end, struct prs_page_merge *merge)
{
    while (start < end) {
        uint64_t walked;
        long count = prs_pm_scan(pages, start, end, 0, 0, 0, PRS_PM_PRESENT | PRS_PM_SWAPPED | pages->guard, &walked);
        if (count < 0) {
            return (int)count;
        }
        for (long i = 0; i < count; i++) {
            uint64_t what = pages->vector[i].categories;
            bool there = (what & (PRS_PM_PRESENT | PRS_PM_SWAPPED)) != 0 && (what & PRS_PM_GUARD) == 0;
            int result = prs_page_merge_add(merge, pages->vector[i].start, pages->vector[i].end, there ? PRS_PAGE_PRESENT : 0);
            if (result != 0) {
                return result;
            }
        }
        start = walked;
    }
    return 0;
}

int prs_all_scan(struct prs_pages *pages, uint64_t start, uint64_t end, struct prs_page_merge *merge)
{
    if (pages->can_scan) {
        return scan_regions(pages, start, end, merge);
    }
    while (start < end) {
        long count = prs_pm_read(pages, start, end);
        if (count < 0) {
            return (int)count;
        }
        for (long i = 0; i < count; i++, start += PRS_PAGE) {
            uint64_t entry = pages->entries[i];
            bool there = (entry & (PRS_PAGEMAP_PRESENT | PRS_PAGEMAP_SWAPPED)) != 0 && (entry & PRS_PAGEMAP_GUARD) == 0;
            int result = prs_page_merge_add(merge, start, start + PRS_PAGE, there ? PRS_PAGE_PRESENT : 0);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}
