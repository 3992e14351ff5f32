/* profile_caller.c - who asked for a block: the chain of callers from an allocation function up (profile.h). Called by the wrappers, in normal context.
 *
 * INVARIANT P1: every signal is blocked meanwhile, so no checkpoint is ever in here and no register or stack of an image knows of the profile's memory: the image can be resumed
 *               without a profile, or with another. (Single steps cannot be blocked; they are for tests, which resume with the same options.)
 */
#include "profile.h"
#include "prim.h"
#include "state.h"
#include "unwind.h"
#include <signal.h>

#define SKIPPED_MAX 8u /* frames of libprosper's own */

/* Recursion makes many chains; from half-way on a new one is only as long as tells the caller. */
static unsigned chain_length(const struct prs_profile *file)
{
    return file->used[PRS_AREA_SITES] < PRS_PROFILE_SITES / 2 ? PRS_PROFILE_CHAIN : 2;
}

/* False: the allocator's own call. */
static bool take_chain(const struct prs_profiler *profiler, struct prs_cursor *cursor, uint64_t chain[PRS_PROFILE_CHAIN], bool mapping)
{
    uint64_t function;
    unsigned count = 0, skipped = 0, most = chain_length(profiler->file);
    prs_fill(chain, 0, PRS_PROFILE_CHAIN * sizeof *chain);
    while (count < most && prs_unwind_step(cursor, &function) > 0) {
        uint64_t address = cursor->at[PRS_UNWIND_RIP];
        if (count == 0 && address - profiler->own_start < profiler->own_end - profiler->own_start) {
            if (++skipped > SKIPPED_MAX) {
                break;
            }
            continue;
        }
        if (count == 0 && mapping && address - profiler->file->allocator_start < profiler->file->allocator_end - profiler->file->allocator_start) {
            return false;
        }
        chain[count++] = address;
    }
    return true;
}

__attribute__((noinline)) void prs_profile_block(const void *block, uint64_t bytes, bool mapping)
{
    struct prs_profiler *profiler = &prs_p.profile;
    uint64_t all = ~(1ul << (SIGTRAP - 1)), before = 0, chain[PRS_PROFILE_CHAIN];
    struct prs_cursor cursor;
    prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
    prs_unwind_here(&cursor);
    if (profiler->on /* also in the process that has gone on from a checkpoint since the caller looked */ && bytes != 0 && take_chain(profiler, &cursor, chain, mapping)) {
        prs_profile_own(profiler, (uint64_t)block, (uint64_t)block + bytes, prs_profile_site_of(profiler, chain));
    }
    prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, 0, 8);
}
