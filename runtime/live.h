/* live.h - the statistics block of a pool: what checkpoints cost and move, for whoever watches a running program (`prosper stat`, `prosper info`).
 * Nothing of it counts for recovery. */
#ifndef PRS_LIVE_H
#define PRS_LIVE_H

#include "format.h"
#include "interval.h"
#include "stats.h"
#include "store.h"
#include <stdbool.h>
#include <stdint.h>

/* ---- writing: the handler, after an attempt at a checkpoint ---- */

/* stop_ns: of a checkpoint that was committed; 0: it was given up. The first call of a process (*began false) begins the block anew. */
void prs_live_write(struct prs_store *store, bool *began, const struct prs_stats *stats, const struct prs_interval *interval, int pid, uint64_t running_ns, uint64_t stop_ns);

/* ---- reading: any bytes; normal context ---- */

/* The block of a pool that is attached. False: there is none, or it is being written all the time. */
bool prs_live_read(const struct prs_store *store, struct prf_live *out);
/* What a pool says at its root, without attaching it. `place` is where the PRF_ROOT_BYTES bytes at `root` stand in the file of file_bytes bytes.
 * 0 or PROSPER_E_*; *epoch is the committed one, *state enum prs_pool_state. */
int prs_live_root_place(const uint8_t *head, uint64_t have, uint64_t file_bytes, uint64_t *place);
int prs_live_root(const uint8_t *root, uint64_t place, uint64_t file_bytes, uint64_t *epoch, enum prs_pool_state *state);
/* A block that was read is one, and whole. */
bool prs_live_valid(const struct prf_live *live);
/* It says that its interval follows a budget (and believably). */
bool prs_live_is_auto(const struct prf_live *live);

/* Buckets of stop times: eight to a doubling, from 256 ns. A quantile is the end of its bucket, up to an eighth too high. */
unsigned prs_stop_bucket(uint64_t ns);
uint64_t prs_stop_bucket_end(unsigned bucket);

#endif
