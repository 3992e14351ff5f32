/* stack_copy.c - stack=copy: all of the stack that is in use, at each checkpoint, whatever changed. Handler. */
#include "prim.h"
#include "stack_way.h"
#include "state.h"
#include <errno.h>

static int collect(struct prs_range range, bool full, uint32_t granularity, prs_diff_visitor put, void *context)
{
    (void)full, (void)granularity;
    for (uint64_t at = range.start, stop; at < range.end; at = stop) {
        stop = prs_round_down(at, PRS_CHUNK) + PRS_CHUNK;
        stop = stop < range.end ? stop : range.end;
        uint8_t *chunk = prs_mirror_chunk(prs_stack_mirror(), at, true);
        int error = chunk == NULL ? -ENOMEM : put(context, at, (const void *)at, (uint32_t)(stop - at));
        if (error != 0) {
            return error;
        }
        prs_copy(chunk + at % PRS_CHUNK, (const void *)at, stop - at);
    }
    return 0;
}

const struct prs_stack_way prs_stack_copy = {.number = PRS_STACK_COPY, .collect = collect};
