/* cut_recording.h - flush and fence of a medium that records them, with cuts in between. Behind the definitions of `medium`, whose `memory` is a struct cut_medium, and of maybe_cut. */
#ifndef CUT_RECORDING_H
#define CUT_RECORDING_H

static void record_flush(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    cut_medium_flush(&medium.memory, at, length);
    maybe_cut("flush");
}

static void record_fence(const struct prs_media *self)
{
    (void)self;
    maybe_cut("before a fence");
    cut_medium_fence(&medium.memory);
    maybe_cut("after a fence");
}

#endif
