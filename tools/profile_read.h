/* profile_read.h - the file of option profile (runtime/profile.h), read whole: what the program has counted up to now. */
#ifndef PRS_PROFILE_READ_H
#define PRS_PROFILE_READ_H

#include "profile.h"

struct profile {
    struct prs_profile *head;
    struct prs_profile_site *sites; /* head->used[PRS_AREA_SITES] of them; the first is nobody's */
    struct prs_profile_page *pages;
    uint32_t *words;                /* PRS_WORDS_PER_PAGE for each used item */
};

/* 0, or a code with a detail. A zeroed profile may be closed. */
int profile_read(struct profile *profile, const char *path);
void profile_close(struct profile *profile);

#endif
