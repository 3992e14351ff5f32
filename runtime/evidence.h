/* evidence.h - when is a mark that a checkpoint consumed known to have been stored? (abi.h: gaps and release) */
#ifndef PRS_EVIDENCE_H
#define PRS_EVIDENCE_H

#include "dirtymap.h"
#include <stdbool.h>
#include <stdint.h>

struct prs_evidence { /* of the time between two commits */
    bool released;  /* the thread was where none of its marks waits for a store */
    bool handled;   /* a handler of the program's own was entered, or was running: nothing counts */
    uint64_t fresh; /* lines newly marked in the dirty map */
};
/* What becomes of older suspects at the commit. *since_turn: fresh lines since the last turn of the dirty map; 0 at first. */
void prs_evidence_weigh(struct prs_evidence evidence, uint64_t *since_turn, enum prs_aging *in_short, enum prs_aging *in_long);

#endif
