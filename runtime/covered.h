/* covered.h - which code leaves marks, and which memory is given to code that leaves none. */
#ifndef PRS_COVERED_H
#define PRS_COVERED_H

#include <stdbool.h>
#include <stdint.h>

struct prs_code { uint64_t start, bytes; };
extern struct prs_code prs_covered_first; /* the range of the most callers: the program's */

/* Takes down the code of instrumented objects, as coverage.h has just found it. Start. */
void prs_covered_start(void);
bool prs_covered_elsewhere(uint64_t address);
/* Is that address in the code of an instrumented object that was there at the start? */
static inline bool prs_covered(uint64_t address)
{
    return address - prs_covered_first.start < prs_covered_first.bytes || prs_covered_elsewhere(address);
}

/* Memory of the marked part that will be written without marks at any time from now on: a stdio buffer, a signal or coroutine stack. Compared at every
 * checkpoint. Any context. */
void prs_given_add(const void *start, uint64_t bytes);
/* Range i into *start, *end; false at the end of the list. Handler. */
bool prs_given_range(uint32_t i, uint64_t *start, uint64_t *end);
bool prs_given_has(uint64_t address);
bool prs_given_overflowed(void); /* some range is not in the list */

#endif
