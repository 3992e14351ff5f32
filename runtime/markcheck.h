/* markcheck.h - verify=1 in mode all with tracker=pages: every change of the marked part of memory since the last checkpoint carries a mark or lies in an open write window. */
#ifndef PRS_MARKCHECK_H
#define PRS_MARKCHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Is there anything to check in this checkpoint? Before the collecting. Handler. */
void prs_markcheck_begin(void);
bool prs_markcheck_on(void);
/* [address, address + length) holds `now`, the last checkpoint has `before` (NULL: zeros). Reports each line without a mark. */
void prs_markcheck_change(uint64_t address, const void *now, const void *before, uint64_t length);
/* A candidate page of large memory against its committed content. */
void prs_markcheck_page(uint64_t page);
/* The epoch has committed: do short marks grow older? (marks.c) */
bool prs_markcheck_turns(void);

#endif
