/* arena.h - address ranges of the runtime's own, filled from the bottom up by mmap. No free; a table that outgrows its place
 * reserves more than it needs (reservations cost nothing until touched). Safe in handlers: one raw mmap at most. */
#ifndef PRS_ARENA_H
#define PRS_ARENA_H

#include <stdint.h>

struct prs_arena {
    uint64_t next; /* first free address; 0: let the kernel choose (tools, unit tests) */
    uint64_t end;
};

/* Zeroed pages, PROT_READ|WRITE, MAP_NORESERVE, not inherited by fork. NULL when the range is used up or the kernel refuses. */
void *prs_arena_take(struct prs_arena *arena, uint64_t bytes);

#endif
