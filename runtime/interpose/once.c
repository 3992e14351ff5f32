/* once.c - an operation that is done once, whenever the process dies (files.h, L1, L2 and L5).
 *
 * Every image of the program is one of three: of before prs_once_begin's checkpoint, where the operation is still to come; of prs_once_begin itself, which finds out that it was
 * resumed; of after prs_once_end, where the operation is done. In between every signal is blocked: the timer's waits, and a handler of the program's could jump out. Tests
 * single-step, where a process dies of a trap that it has blocked: its checkpoints are held back.
 * Context: normal.
 */
#include "files.h"
#include <signal.h>

struct prs_once prs_once_begin(bool needed)
{
    struct prs_once once = {.begun = needed};
    if (needed) {
        const uint64_t most = ~(1ul << (SIGTRAP - 1)), generation = prs_w.restores;
        prs_run_restore_callbacks();
        prs_checkpoint_quietly();
        prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &most, &once.mask, sizeof most);
        prs_hold();
        once.again = prs_w.restores != generation; /* not earlier: there may have been a checkpoint since */
    }
    return once;
}

void prs_once_end(const struct prs_once *once)
{
    if (once->begun) {
        prs_release();
        prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &once->mask, NULL, sizeof once->mask);
    }
}
