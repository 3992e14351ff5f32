/* mappings.h - is the list of mappings what it was? Asked of the kernel without making its text. Handler-safe. */
#ifndef PRS_MAPPINGS_H
#define PRS_MAPPINGS_H

#include "range.h"
#include <stdbool.h>
#include <stdint.h>

struct prs_mapping {
    uint64_t start, end, flags, offset, inode;
    uint32_t device_major, device_minor;
};
#define PRS_MAPPINGS_MAX 4096u

struct prs_mappings {
    uint32_t count; /* 0: nothing is known */
    struct prs_mapping entries[PRS_MAPPINGS_MAX];
};

/* Notes the list as it is now. fd: an open /proc/self/maps. What lies in the ranges of `without` is left out. Nothing is known afterwards where the kernel
 * does not answer (before Linux 6.11) or there are more mappings than fit. */
void prs_mappings_note(struct prs_mappings *mappings, int fd, const struct prs_range *without, unsigned count);
/* Whether the list is known and the same now: addresses, protection, sharing, offsets and files. Not looked at: names. */
bool prs_mappings_same(const struct prs_mappings *mappings, int fd, const struct prs_range *without, unsigned count);

#endif
