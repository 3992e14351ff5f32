/* launch.h - what stage 0 tells stage 1 across the execve: a memfd at a fixed high descriptor, because the environment and the arguments must be the
 * program's own (they decide where the kernel puts its stack). */
#ifndef PRS_LAUNCH_H
#define PRS_LAUNCH_H

#include "options.h"
#include "state.h"
#include <stdint.h>

#define PRS_LAUNCH_MAGIC 0x31686372754c7250ul

struct prs_launch {
    uint64_t magic, size;
    uint32_t resume;     /* the pool holds a checkpoint that this process is to go on from */
    uint32_t created;
    uint64_t pool_bytes; /* of the pool file */
    uint64_t started_ns; /* CLOCK_MONOTONIC when stage 0 began */
    struct prs_options options;
    char pool_path[PRS_PATH_MAX];
};

/* Number of the launch descriptor; the pool's is the one below, and then come the others of ours. */
int prs_launch_number(void);
#define PRS_OWN_DESCRIPTORS 16 /* at most so many; start.c asserts it */
#define PRS_LAUNCH_NONE 1

/* Reads and checks the launch block: 0, PRS_LAUNCH_NONE (an ordinary start), or an error code where there is one that cannot be read, or is another build's: to go on would be to run
 * without the pool, and nobody would hear of it. */
int prs_launch_receive(struct prs_launch *launch);
/* Stage 0: everything up to the execve. Returns only with an error code. */
int prs_launch_begin(const char *pool, const struct prs_options *options, int argc, char **argv, char **envp);

#endif
