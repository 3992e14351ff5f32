/* live.h - memory whose every store should carry a mark: what verify=1 checks the marks of (markcheck.c).
 *
 *   live    blocks that instrumented code was handed by the allocator, and anonymous mappings that it made: a bit for each 8 bytes
 *   data    .data and .bss of instrumented objects
 * Not the allocator's own memory (free blocks, its tables), not blocks that libc asked for, and nothing that prs_live_foreign names: known writers
 * without instrumentation write there.
 *
 * INVARIANT V1: memory is marked whole before it becomes live, and stops being live before its writer changes: so a checkpoint at any instant finds an
 *               unmarked change of live memory only where instrumented code stored without a mark.
 * The bits and lists are in the image. Off (prs_live_on false) they cost the allocation functions one test of a byte.
 */
#ifndef PRS_LIVE_H
#define PRS_LIVE_H

#include <stdbool.h>
#include <stdint.h>

extern bool prs_live_on;
extern bool prs_live_long; /* some object has long marks */
extern bool prs_live_bound; /* ld.so has bound every call at the start (LD_BIND_NOW) */

/* Turns it on when every object is covered by marks (coverage.h); says in one line why not otherwise. Start, verify=1, before the program's constructors. */
void prs_live_start(void);

/* A block or mapping of `bytes` that came into the hands of code at `caller`, or that goes out of its hands. Normal context. */
void prs_live_born(const void *start, uint64_t bytes, const void *caller);
void prs_live_born_zero(const void *start, uint64_t bytes, const void *caller); /* unmarked: a word that is zero passes */
void prs_live_dies(const void *start, uint64_t bytes);
/* Will be written by code without instrumentation, at any time from now on: a stdio buffer, a signal or coroutine stack. Normal context. */
void prs_live_foreign(const void *start, uint64_t bytes);

/* Is a change of the 8 bytes at address (aligned) to carry a mark? *heap: it is a block or mapping. Handler. */
bool prs_live_has(uint64_t address, bool *heap);

#endif
