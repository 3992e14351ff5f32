/* pages_fault.c - what one fault of page tracking costs here, for choice.h and the statistics: the median of FAULTS writes to pages that the tracker has just protected.
 *
 * The pages are mapped for it and gone afterwards, before the first checkpoint or restore looks at what is mapped. Context: init, in normal context. */
#include "pages_internal.h"
#include "prim.h"

#define FAULTS 17u

static int nothing(void *context, uint64_t start, uint64_t end, unsigned flags) { return (void)context, (void)start, (void)end, (void)flags, 0; }

static uint64_t median(uint64_t *values)
{
    for (unsigned i = 1; i < FAULTS; ++i) {
        for (unsigned j = i; j > 0 && values[j] < values[j - 1]; --j) {
            uint64_t value = values[j];
            values[j] = values[j - 1];
            values[j - 1] = value;
        }
    }
    return values[FAULTS / 2];
}

uint64_t prs_pages_fault_ns(struct prs_pages *pages)
{
    uint64_t took[FAULTS], bytes = FAULTS * PRS_PAGE;
    if (pages->backend != PRS_BACKEND_UFFD) {
        return 0; /* all: no faults; softdirty: its done is the whole process's */
    }
    long mapped = prs_sys(SYS_mmap, 0, bytes, 3 /* read, write */, 0x22 /* private, anonymous */, -1, 0);
    if (mapped < 0) {
        return 0;
    }
    uint64_t base = (uint64_t)mapped;
    for (unsigned i = 0; i < FAULTS; ++i) {
        *(volatile char *)(base + i * PRS_PAGE) = 1;
    }
    struct prs_pages_use before = pages->use;
    bool good = prs_pages_track(pages, base, base + bytes) == 0 && prs_pages_scan(pages, base, base + bytes, nothing, NULL) == 0 && prs_pages_done(pages) == 0;
    for (unsigned i = 0; good && i < FAULTS; ++i) {
        uint64_t start = prs_now_ns();
        *(volatile char *)(base + i * PRS_PAGE) = 2;
        took[i] = prs_now_ns() - start;
    }
    prs_pages_forget(pages, base, base + bytes);
    prs_sys(SYS_munmap, mapped, bytes);
    pages->use = before;
    return good ? median(took) : 0;
}
