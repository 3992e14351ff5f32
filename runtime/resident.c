/* resident.c - pagemap in big reads. Eight bytes a page: bit 63 present, 62 swapped, 61 the page is a file's (or shared). */
#include "resident.h"
#include "layout.h"
#include "prim.h"

#define BATCH 1024u

int prs_resident_each(int fd, uint64_t start, uint64_t end, bool anonymous_only, prs_resident_visitor visit, void *context)
{
    uint64_t entries[BATCH];
    uint64_t run = 0; /* start of the open run, 0: none */
    for (uint64_t page = start; page < end;) {
        uint64_t want = (end - page) / PRS_PAGE < BATCH ? (end - page) / PRS_PAGE : BATCH;
        long got = prs_sys(SYS_pread64, fd, entries, want * 8, page / PRS_PAGE * 8);
        if (got < 8) {
            return got < 0 ? (int)got : -5;
        }
        for (uint64_t i = 0; i < (uint64_t)got / 8; ++i, page += PRS_PAGE) {
            bool counts = (entries[i] >> 62) != 0 && !(anonymous_only && (entries[i] >> 61 & 1) != 0);
            int result = 0;
            if (counts && run == 0) {
                run = page;
            } else if (!counts && run != 0) {
                result = visit(context, run, page);
                run = 0;
            }
            if (result != 0) {
                return result;
            }
        }
    }
    return run != 0 ? visit(context, run, end) : 0;
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
