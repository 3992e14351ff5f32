/* trace_areas.h - the memory that stacks of a trace lie in, told from a first reading: bounds that overlap become one area. */
#ifndef PRS_TRACE_AREAS_H
#define PRS_TRACE_AREAS_H

#include "trace_reader.h"
#include "unit.h"

struct area {
    uint64_t low, high;           /* as the trace has them */
    uint64_t used_low, used_high; /* all stores, and all that the stack pointer was: [used_low, used_high); no store: used_low is UINT64_MAX */
    bool sp_fresh;                /* no store by the owner since its stack pointer was told */
    struct prs_unit_stack stack;  /* its registers, while another area has the unit */
    uint64_t bitmap_bytes;
};
struct areas {
    struct area *list;            /* ascending, disjoint once areas_finish was called */
    uint32_t count, room;
    uint64_t records;             /* of the trace */
};

/* Reads the whole trace. 0, or a code: nothing of a trace that turns out damaged is counted. */
int areas_find(struct areas *areas, const char *path, bool partial);
/* Bitmaps for what is stored to. 0, or a code. */
int areas_prepare(struct areas *areas, uint32_t granularity);
void areas_free(struct areas *areas);
/* Index of the first area that ends behind an address: the one that holds it, if any does. */
uint32_t areas_from(const struct areas *areas, uint64_t address);
/* The area of a stack of the trace; NULL: there was no such stack at the first reading. */
struct area *areas_of_stack(const struct areas *areas, const struct trace_event *event);

#endif
