/* dirtymap.h - the maps that instrumented code writes: one byte for each 64-byte line of the address space (abi.h). */
#ifndef PRS_DIRTYMAP_H
#define PRS_DIRTYMAP_H

#include "arena.h"
#include <stdbool.h>
#include <stdint.h>

/* Reserves the map's address space; needed before any instrumented instruction runs, in plain runs too. A second call does
 * nothing. 0 or -errno (-EEXIST: something else is mapped there; -ENOMEM: RLIMIT_AS or vm.overcommit_memory=2 forbids 4 TiB). */
int prs_dirtymap_reserve(void);

/* An open /proc/self/pagemap to use from now on; without one, aging opens it. */
void prs_dirtymap_use_pagemap(int fd);

/* Addresses below are the program's, not the map's. An unreserved map has no marks. Handler-safe. */
bool prs_dirtymap_marked(uint64_t address);                        /* its line is marked, or was and its store may be still to come */
void prs_dirtymap_mark(uint64_t start, uint64_t end);              /* a long mark of every line that the range touches */

/* ---- the marks of a checkpoint. Handler. ---- */

#define PRS_SPANS_MAX (1u << 20)

/* Spans of 256 KB of addresses (each has one page in either map) that hold marks, ascending. */
struct prs_spans {
    uint64_t *lists[3];
    uint32_t count;
    uint64_t fresh; /* lines that were marked in the dirty map since its last aging */
};
int prs_spans_init(struct prs_spans *spans, struct prs_arena *arena);
/* Those in [start, end), multiples of the span's size. give_back: memory of the maps that holds no marks goes back to the kernel. 0; -errno or -E2BIG: not known, so
 * anything may be marked. */
int prs_spans_find(struct prs_spans *spans, uint64_t start, uint64_t end, bool give_back);
uint64_t prs_span_address(const struct prs_spans *spans, uint32_t i);
#define PRS_SPAN_BYTES (256ul << 10)
/* The lines of a page in span i that have a mark in either map, a bit each. */
uint64_t prs_span_lines(const struct prs_spans *spans, uint32_t i, uint64_t page);

/* A checkpoint has consumed all that is marked in these spans: it turns suspect (its store may be still to come). What was suspect before: */
enum prs_aging {
    PRS_AGE_KEEP, /* stays */
    PRS_AGE_TURN, /* is clean if it was suspect at the last turn already */
    PRS_AGE_DROP  /* is clean */
};
struct prs_aged {
    uint64_t left;  /* lines that are suspect now */
    uint64_t lines; /* that had a mark, in either map */
    uint64_t pages; /* of the program, with a line that was marked since the last aging; a page counts for each map */
};
struct prs_aged prs_spans_age(const struct prs_spans *spans, enum prs_aging in_short, enum prs_aging in_long);

#endif
