/* mirror.h - DRAM copy of small memory as the pool's log has it.
 *
 * INVARIANT M1: mirror(address) == the log of the current area applied to zeros. So a byte equal to its mirror needs no entry, and a byte that
 *               differs needs one; when the log starts again (a full epoch) the mirror is cleared first.
 * Kept in chunks of 64 KiB by address, so regions may come, go, grow and change their kind without a rule of their own.
 * Context: handler and restore; memory from an arena; no libc.
 */
#ifndef PRS_MIRROR_H
#define PRS_MIRROR_H

#include "arena.h"
#include <stdbool.h>
#include <stdint.h>

#define PRS_CHUNK 65536ul
#define PRS_CHUNK_SLOTS 65536u /* hash slots: 2 GiB of small memory at half load */

struct prs_chunk {
    uint64_t key; /* address / PRS_CHUNK + 1; 0: free */
    uint8_t *bytes;
};

struct prs_mirror {
    struct prs_chunk *chunks;
    uint32_t count;
    struct prs_arena *arena;
};

int prs_mirror_init(struct prs_mirror *mirror, struct prs_arena *arena);
void prs_mirror_clear(struct prs_mirror *mirror);
/* The chunk that holds address; created (zeros) when asked for. NULL when it does not exist or memory is used up. */
uint8_t *prs_mirror_chunk(struct prs_mirror *mirror, uint64_t address, bool create);
int prs_mirror_apply(struct prs_mirror *mirror, uint64_t address, const void *data, uint32_t length);
/* Chunks for all of [low, high), one behind the other, in a mirror that has none yet: the byte of address a is at result[a - low]. NULL: no memory. */
uint8_t *prs_mirror_flat(struct prs_mirror *mirror, uint64_t low, uint64_t high);
/* Writes the mirror's content of [start, end) over live memory. */
void prs_mirror_restore(struct prs_mirror *mirror, uint64_t start, uint64_t end);

/* Called for each run of granules that differ, in order; the bytes are live memory. Non-zero stops. */
typedef int (*prs_diff_visitor)(void *context, uint64_t address, const void *live, uint32_t length);
/* Compares live [start, end) with the mirror in aligned granules (power of two) and brings the mirror up to date. 0, -ENOMEM, or what visit returned. */
int prs_mirror_diff(struct prs_mirror *mirror, uint64_t start, uint64_t end, uint32_t granularity, prs_diff_visitor visit, void *context);
/* First address in [start, end) where live memory differs, or end. */
uint64_t prs_mirror_first_difference(struct prs_mirror *mirror, uint64_t start, uint64_t end);

#endif
