/* range.h - addresses from start up to end. */
#ifndef PRS_RANGE_H
#define PRS_RANGE_H

#include <stdint.h>

struct prs_range {
    uint64_t start, end;
};

#endif
