/* arena.c - address ranges of the runtime's own, filled from the bottom up.
 *
 * INVARIANT A1: memory once taken never moves and reads as zero until written.
 * INVARIANT A2: an arena with fixed addresses never maps outside [its first next, end).
 * Context: any (one or two raw system calls). Volatile memory only.
 */
#include "arena.h"
#include "prim.h"
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

void *prs_arena_take(struct prs_arena *arena, uint64_t bytes)
{
    if (bytes == 0 || bytes > 1ull << 46) {
        return 0;
    }
    uint64_t length = prs_round_up(bytes, 4096);
    uint64_t at = arena->next;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (at != 0) {
        at = prs_round_up(at, 4096);
        if (at + length > arena->end) {
            return 0;
        }
        flags |= MAP_FIXED_NOREPLACE;
    }
    long got = prs_sys(SYS_mmap, at, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (got < 0 && got > -4096) {
        return 0;
    }
    if (at != 0 && (uint64_t)got != at) { /* a kernel that does not know MAP_FIXED_NOREPLACE takes it as a hint */
        prs_sys(SYS_munmap, got, length);
        return 0;
    }
    prs_sys(SYS_madvise, got, length, MADV_DONTFORK);
    if (at != 0) {
        arena->next = at + length;
    }
    return (void *)got;
}
