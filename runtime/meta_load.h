/* meta_load.h - META of a committed checkpoint, read from the pool and checked. Start and tools (normal context). */
#ifndef PRS_META_LOAD_H
#define PRS_META_LOAD_H

#include "arena.h"
#include "image.h"
#include "mirror.h"
#include "store.h"

/* Applies the log to `mirror` (NULL: one of its own, in arena), and copies META out of it into *out (in arena). Every count, offset and order in it has
 * been checked when this returns 0; else PROSPER_E_DAMAGED, PROSPER_E_VERSION, PROSPER_E_OTHER_LIBRARY or -ENOMEM. */
int prs_meta_load(const struct prs_store *store, struct prs_arena *arena, struct prs_mirror *mirror, struct prs_meta **out);
/* The check alone; and that of its version alone: PROSPER_E_OTHER_LIBRARY for an older one. */
int prs_meta_check_version(const struct prs_meta *meta);
int prs_meta_check(const struct prs_meta *meta);

/* stack=ssp: a page below the end of the stack that the page entries may have, in use or not; other pages of the pool belong to large memory. */
bool prs_meta_stack_page(const struct prs_meta *meta, uint64_t page);

#endif
