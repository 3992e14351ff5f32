/* resident.h - which pages of a range have content of their own, by /proc/self/pagemap. Handler-safe. */
#ifndef PRS_RESIDENT_H
#define PRS_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

/* Runs of pages that are present or swapped out, ascending; anonymous_only leaves out pages that are still the file's. Non-zero return of visit stops and is
 * returned. -errno when pagemap cannot be read. */
typedef int (*prs_resident_visitor)(void *context, uint64_t start, uint64_t end);
int prs_resident_each(int fd, uint64_t start, uint64_t end, bool anonymous_only, prs_resident_visitor visit, void *context);
/* 1: at least one such page, 0: none, -errno. */
int prs_resident_any(int fd, uint64_t start, uint64_t end, bool anonymous_only);

#endif
