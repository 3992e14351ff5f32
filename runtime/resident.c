/* resident.c - by PAGEMAP_SCAN (Linux 6.7), which passes over holes at once, or by pagemap in big reads, eight bytes a page. */
#include "resident.h"
#include "kernel_uapi.h"
#include "layout.h"
#include "prim.h"
#include <errno.h>

#define BATCH 1024u
#define REGIONS 256u

/* Joins neighbouring runs. */
struct joining {
    prs_resident_visitor visit;
    void *context;
    uint64_t start, end; /* pending; start == end: none */
};

static int flush(struct joining *joining)
{
    uint64_t start = joining->start, end = joining->end;
    joining->start = joining->end = 0;
    return start != end ? joining->visit(joining->context, start, end) : 0;
}

static int join(struct joining *joining, uint64_t start, uint64_t end)
{
    int result = 0;
    if (joining->end != start || joining->start == joining->end) {
        result = flush(joining);
        joining->start = start;
    }
    joining->end = end;
    return result;
}

/* A page may be both present and a file's; one that is a guard (MADV_GUARD_INSTALL) is neither present nor swapped here. */
static int by_scan(int fd, uint64_t start, uint64_t end, bool anonymous_only, struct joining *joining)
{
    struct prs_pm_region regions[REGIONS];
    while (start < end) {
        struct prs_pm_scan_arg arg = {
            .size = sizeof arg,
            .start = start,
            .end = end,
            .vec = (uint64_t)regions,
            .vec_length = REGIONS,
            .category_inverted = anonymous_only ? PRS_PM_FILE : 0,
            .category_mask = anonymous_only ? PRS_PM_FILE : 0,
            .category_anyof_mask = PRS_PM_PRESENT | PRS_PM_SWAPPED,
            .return_mask = PRS_PM_PRESENT | PRS_PM_SWAPPED,
        };
        long count = prs_sys(SYS_ioctl, fd, PRS_PAGEMAP_SCAN, &arg);
        if (count < 0 || arg.walk_end <= start) {
            return count < 0 ? (int)count : -EIO;
        }
        for (long i = 0; i < count; ++i) {
            int result = join(joining, regions[i].start, regions[i].end);
            if (result != 0) {
                return result;
            }
        }
        start = arg.walk_end;
    }
    return 0;
}

static int by_entries(int fd, uint64_t start, uint64_t end, bool anonymous_only, struct joining *joining)
{
    uint64_t entries[BATCH];
    while (start < end) {
        uint64_t want = (end - start) / PRS_PAGE < BATCH ? (end - start) / PRS_PAGE : BATCH;
        long got = prs_sys(SYS_pread64, fd, entries, want * 8, start / PRS_PAGE * 8);
        if (got < 8) {
            return got < 0 ? (int)got : -EIO;
        }
        for (uint64_t i = 0; i < (uint64_t)got / 8; ++i, start += PRS_PAGE) {
            bool there = (entries[i] & (PRS_PAGEMAP_PRESENT | PRS_PAGEMAP_SWAPPED)) != 0;
            if (there && !(anonymous_only && (entries[i] & PRS_PAGEMAP_FILE) != 0)) {
                int result = join(joining, start, start + PRS_PAGE);
                if (result != 0) {
                    return result;
                }
            }
        }
    }
    return 0;
}

int prs_resident_each(int fd, uint64_t start, uint64_t end, bool anonymous_only, prs_resident_visitor visit, void *context)
{
    struct joining joining = {.visit = visit, .context = context};
    int result = by_scan(fd, start, end, anonymous_only, &joining);
    if (result == -ENOTTY) { /* an older kernel, said before anything was visited */
        result = by_entries(fd, start, end, anonymous_only, &joining);
    }
    return result != 0 ? result : flush(&joining);
}

static int found(void *context, uint64_t start, uint64_t end)
{
    (void)context, (void)start, (void)end;
    return 1;
}

int prs_resident_any(int fd, uint64_t start, uint64_t end, bool anonymous_only)
{
    return prs_resident_each(fd, start, end, anonymous_only, found, NULL);
}
