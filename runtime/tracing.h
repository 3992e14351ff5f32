/* tracing.h - option trace: this process writes what it stores to, into a file of our own format (trace.h).
 *
 * The listener of __prosper_store (stores.h) hands each store on to the writer. The state is in prs_p: a process that goes on from a checkpoint
 * writes no trace.
 */
#ifndef PRS_TRACING_H
#define PRS_TRACING_H

#include "trace.h"
#include <stdbool.h>
#include <stdint.h>

struct prs_tracing {
    bool on;
    int pid;
    uint64_t thread;    /* thread pointer: other threads' stores are counted as lost */
    uint64_t due;       /* reading of the TSC from which on the next TIME is written */
    uint64_t began_ns;  /* processor time of the thread at the beginning */
    struct prs_trace trace;
};

/* Can this program be traced? 0 or PROSPER_E_OPTION with a detail. Start, stage 0 too. */
int prs_tracing_check(const char *path);
/* Opens the file of options.trace, if there is one, and begins. *fd_floor: descriptors of ours begin there; the file's becomes the one below. 0 or an error with a detail.
 * Normal context, start. */
int prs_tracing_start(int *fd_floor);
/* The process ends (why NULL), or must be left alone from now on, which is said: END, and nobody listens any more. In others than the one that began it, nothing. Idempotent. */
void prs_tracing_end(const char *why);
/* The process may end without a word (execve): all that was stored is in the file. */
void prs_tracing_flush(void);
/* In a fork child: the trace is its parent's. The descriptor stays open. */
void prs_tracing_leave(void);

#endif
