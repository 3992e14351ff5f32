/* collect.h - the COLLECTING step of a checkpoint: what changed, into the epoch that is being written. Handler. */
#ifndef PRS_COLLECT_H
#define PRS_COLLECT_H

#include "image.h"
#include "range.h"
#include "stats.h"
#include <stdbool.h>
#include <stdint.h>

/* The part of a small region that is in the image: a stack counts from the red zone below SP up to its end, where SP lies in it; when SP is on
 * another stack, all of it counts. */
struct prs_range prs_collect_in_use(const struct prs_region *region, uint64_t sp);
/* Small memory and META. full: everything, in lines. 0, -ENOSPC (the log area), -ENOMEM. */
int prs_collect_small(uint64_t sp, bool full, struct prs_stats *stats);
/* Large memory. 0, -ENOSPC (slots). */
int prs_collect_large(struct prs_stats *stats);
/* The marked part, by marks; everything: all of it, whatever they say. Same results. */
int prs_collect_marked(struct prs_stats *stats, bool everything);
/* Can large memory be saved as heap= says? After prs_pages_init. 0 or PROSPER_E_OPTION. */
int prs_collect_possible(void);
/* Drops what the committed epoch had as large memory and `now` has not. */
int prs_collect_gone(const struct prs_range *now, uint32_t count);
/* The drop has committed: page tracking starts anew there, should the range be large memory again. Its pages may be protected and unwritten since, but their
 * content is no longer in the page entries. */
void prs_collect_forget(const struct prs_range *now, uint32_t count);
/* A range that the program made unreadable but that has content is made readable for the moment of a comparison. */
void prs_collect_readable(uint64_t start, uint64_t end, const struct prs_region *region, bool on);

#endif
