/* profile_stack.c - stack bytes to the functions in whose frames they lie (profile.h). Handler.
 *
 * A frame reaches from its stack pointer at the call that it is in (with the return address of that call below it, which is the callee's) to the same of its caller:
 *
 *      main          [ ................ )            addresses grow to the right
 *      filler  [ .. ret to main )                    frame of filler: [rsp in filler, CFA of filler)
 *      red zone and frame of the interrupted function begin at rsp - 128
 *
 * The walk goes only as far up as something changed; changes come in ascending order, so both are followed side by side.
 */
#include "profile.h"
#include "unwind.h"

#define FRAMES_MAX 20000u /* some milliseconds */

void prs_profile_frame_add(struct prs_profile *file, uint64_t function, uint64_t bytes)
{
    uint32_t slot = (uint32_t)((function * 0x9e3779b97f4a7c15ul) >> 48);
    for (unsigned probe = 0; probe < 64; ++probe, slot = (slot + 1) % PRS_PROFILE_FRAMES) {
        struct prs_profile_frame *frame = &file->frames[slot];
        if (frame->function == 0) {
            frame->function = function;
        }
        if (frame->function == function) {
            frame->bytes += bytes;
            return;
        }
    }
    file->rest[PRS_REST_NO_ROOM] += bytes;
}

struct changes {
    struct prs_sample *at, *end; /* the first is cut as it is taken */
};

static bool next(struct changes *changes)
{
    while (changes->at < changes->end && (changes->at->kind != PRS_SAMPLE_STACK || changes->at->what == 0)) {
        ++changes->at;
    }
    return changes->at < changes->end;
}

/* Bytes below `end`, which are taken away. */
static uint64_t below(struct changes *changes, uint64_t end)
{
    uint64_t bytes = 0;
    while (next(changes) && changes->at->address < end) {
        uint64_t part = changes->at->address + changes->at->what <= end ? changes->at->what : end - changes->at->address;
        changes->at->address += part;
        changes->at->what -= part;
        bytes += part;
    }
    return bytes;
}

void prs_profile_stack(struct prs_profiler *profiler, const void *ucontext, uint64_t stack_start, uint64_t stack_end)
{
    struct changes changes = {profiler->samples, profiler->samples + profiler->sample_count};
    struct prs_cursor cursor;
    prs_unwind_from(&cursor, ucontext);
    enum prs_profile_rest left = PRS_REST_STACK_DEEP;
    for (unsigned i = 0; i < FRAMES_MAX && next(&changes); ++i) {
        uint64_t from = cursor.at[PRS_UNWIND_RSP] - (cursor.exact ? PRS_REDZONE : 0), function;
        bool here = from >= stack_start && from < stack_end;
        if (here) {
            profiler->file->rest[PRS_REST_STACK_BELOW] += below(&changes, from);
        }
        int result = prs_unwind_step(&cursor, &function);
        uint64_t to = cursor.at[PRS_UNWIND_RSP];
        if (result <= 0) {
            left = result == 0 ? PRS_REST_STACK_ABOVE : PRS_REST_STACK_LOST;
            break;
        }
        if (here && to > from && to < stack_end) {
            uint64_t bytes = below(&changes, cursor.exact ? to - PRS_REDZONE : to);
            if (bytes != 0) {
                prs_profile_frame_add(profiler->file, function, bytes);
            }
        }
    }
    profiler->file->rest[left] += below(&changes, UINT64_MAX);
}
