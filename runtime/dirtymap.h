/* dirtymap.h - the maps that instrumented code writes: one byte for each 64-byte line of the address space (abi.h). */
#ifndef PRS_DIRTYMAP_H
#define PRS_DIRTYMAP_H

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

void prs_dirtymap_mark_stored(uint64_t start, uint64_t end);       /* a short mark: for what was stored already, or is stored before the next call */

/* A checkpoint has consumed the marks of the whole map: they turn suspect (their store may be still to come). drop, drop_long: what was suspect in that map at the
 * last call with it is clean now, so a mark lives on for one to two such calls. Handler. */
void prs_dirtymap_age(bool drop, bool drop_long);

#endif
