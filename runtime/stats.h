/* stats.h - what the checkpoints of this process cost and moved. Filled in the handler, printed at exit and by prosper_stats(). */
#ifndef PRS_STATS_H
#define PRS_STATS_H

#include <stdint.h>

#define PRS_STATS_BUCKETS 256 /* stop times: prs_stop_bucket */

struct prs_stats {
    uint64_t checkpoints, full_epochs, given_up, on_request;
    uint64_t stop_ns_total, stop_ns_max;
    uint64_t cost_ns_total; /* what the budget of interval=auto counts; else the stop time */
    uint32_t stop_histogram[PRS_STATS_BUCKETS];
    uint64_t fixed_ns_total, small_ns_total, large_ns_total, commit_ns_total; /* where the stop time goes */
    /* What of it is the stack's: collecting; the way's own steps, and waiting for its task; its share of the commit. first: all three of the first checkpoint. */
    uint64_t began_ns, began_ticks; /* of the first checkpoint: what a tick is */
    uint64_t stack_collect_ticks, stack_steps_ticks, stack_commit_ticks, stack_first_ticks, consolidation_wait_ticks;
    uint64_t stack_ticks_until;                  /* all of them but the waiting, up to the last checkpoint */
    uint64_t stack_least_until;                  /* collecting and the share of the commit alone */
    uint32_t stack_histogram[PRS_STATS_BUCKETS], stack_least_histogram[PRS_STATS_BUCKETS]; /* both for each checkpoint after the first, in ticks */
    uint64_t dirty_lines;         /* lines that were found changed: small and large memory */
    uint32_t last_dirty_lines;    /* of the last checkpoint */
    uint32_t net_histogram[PRS_STATS_BUCKETS]; /* stop times less what their dirty lines are allowed */
    uint64_t seen_dirty_bytes;    /* candidates that were compared: pages of large memory, small memory in use */
    uint64_t stack_bytes, stack_page_bytes; /* changed granules, and what 4-KB pages would have copied */
    uint64_t stack_faults, stack_calls; /* stack=mprotect: SIGSEGV, dispatched system calls */
    uint64_t stack_pages_consolidated, stack_lines_consolidated, stack_slots_freed; /* stack=ssp */
    uint64_t other_bytes, meta_bytes;       /* small memory that is no stack; registers and tables */
    uint64_t heap_lines, heap_pages;        /* 64-byte lines written, pages they lie in */
    uint64_t stack_unseen_bytes;            /* of stack_bytes: found by comparing, in ways that follow stores; not at full epochs */
    uint64_t last_stack_bytes, last_stack_page_bytes;
    uint64_t restore_ns;
    uint64_t checkpoints_by_marks, compared_in_full; /* of the marked part; in_full: by marks, but everything had to be compared */
    uint64_t lines_by_marks, suspects_kept; /* candidates; lines that stay suspect after the last checkpoint */
    uint64_t made_durable, durable_ns_total, durable_ns_max; /* durability=power without DAX: epochs, from the stop until they were durable */
    uint64_t postponed; /* checkpoints that were due while the disk was at work */
    uint64_t pages_by_marks, marks_ns_total; /* pages that candidates lie in; time that the marked part took by marks: maps, comparing, ageing */
    uint64_t tracker_changes;     /* from marks to pages and back, for the sake of cost */
    uint64_t words_checked, lines_unmarked; /* verify=1 in mode all: markcheck.h */
};

/* A stop is to be short for what changed: so much is allowed for each MB of dirty lines, and the rest is counted apart (stop_net_ns_*). */
#define PRS_STATS_NS_PER_DIRTY_MB 50000u

/* Before anything of a checkpoint, and when it has committed: the stack's part of it. */
void prs_stats_begin(struct prs_stats *stats);
void prs_stats_stack(struct prs_stats *stats);
/* A checkpoint that committed; last_dirty_lines is its. */
void prs_stats_stop(struct prs_stats *stats, uint64_t ns);
uint64_t prs_stats_quantile(const struct prs_stats *stats, double q); /* ns, upper end of the bucket */
uint64_t prs_stats_net_quantile(const struct prs_stats *stats, double q); /* likewise, of the stop times less what is allowed */
/* JSON into buffer; returns its length. No libc state. */
unsigned long prs_stats_json(char *buffer, unsigned long size);
int prs_stats_check(void); /* PROSPER_E_OPTION when the file of the option is somebody's; at start */
int prs_stats_write(void); /* to the file of the option, if one is named */

#endif
