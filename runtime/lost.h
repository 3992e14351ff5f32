/* lost.h - ranges whose content changed without a store: unmapped, mapped anew, dropped (MADV_DONTNEED), moved. A bounded list. */
#ifndef PRS_LOST_H
#define PRS_LOST_H

#include <stdbool.h>
#include <stdint.h>

#define PRS_LOST_MAX 256u

struct prs_lost {
    volatile uint64_t slots[PRS_LOST_MAX]; /* first page << 28 | pages; 0: free */
    volatile uint64_t all;                 /* the list overflowed, or the range is not known: everything */
};

/* Any context, several threads: no lock. Widened to whole pages. */
void prs_lost_add(struct prs_lost *lost, uint64_t start, uint64_t end);
void prs_lost_add_all(struct prs_lost *lost);
/* The rest in the handler, when nothing else runs. Range of slot i into *start, *end; false: free. */
bool prs_lost_range(const struct prs_lost *lost, uint32_t i, uint64_t *start, uint64_t *end);
bool prs_lost_has(const struct prs_lost *lost, uint64_t address);
void prs_lost_clear(struct prs_lost *lost); /* a checkpoint that compared all of it has committed */

#endif
