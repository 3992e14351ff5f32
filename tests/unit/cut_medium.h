/* cut_medium.h - memory as a power cut leaves it: what was flushed and then fenced is there, as it was when it was flushed; any other line that changed may be
 * there as it is now, as it was flushed, or not at all. */
#ifndef CUT_MEDIUM_H
#define CUT_MEDIUM_H

#include <stdint.h>
#include <string.h>

struct cut_medium {
    uint8_t *bytes, *durable, *snapshot; /* of `length` bytes each; bytes is what the code under test writes */
    uint8_t *flushed;                    /* by line: flushed since the last fence, and snapshot has it */
    uint64_t length;
};

static uint64_t random_state = 1;
static inline uint32_t below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % n);
}

static inline struct cut_medium cut_medium_over(uint8_t *bytes, uint64_t length)
{
    struct cut_medium medium = {bytes, fixture_map(length), fixture_map(length), fixture_map(length / 64), length};
    memcpy(medium.durable, bytes, length);
    return medium;
}

static inline void cut_medium_flush(struct cut_medium *medium, const void *at, uint64_t length)
{
    uint64_t from = (uint64_t)((const uint8_t *)at - medium->bytes);
    cr_assert(from <= medium->length && length <= medium->length - from);
    for (uint64_t line = from / 64; line * 64 < from + length; ++line) {
        medium->flushed[line] = 1;
        memcpy(medium->snapshot + line * 64, medium->bytes + line * 64, 64);
    }
}

static inline void cut_medium_fence(struct cut_medium *medium)
{
    for (uint64_t line = 0; line < medium->length / 64; ++line) {
        if (medium->flushed[line]) {
            memcpy(medium->durable + line * 64, medium->snapshot + line * 64, 64);
        }
    }
    memset(medium->flushed, 0, medium->length / 64);
}

/* One of the states that a cut may leave now. Of lines that need not be there none, some, most or all are. */
static inline void cut_medium_leave(const struct cut_medium *medium, uint8_t *cut)
{
    unsigned chance = below(4);
    for (uint64_t line = 0; line < medium->length / 64; ++line) {
        const uint8_t *now = medium->bytes + line * 64, *from = medium->durable + line * 64;
        if (memcmp(now, from, 64) != 0 && below(3) < chance) {
            from = medium->flushed[line] && below(4) == 0 ? medium->snapshot + line * 64 : now;
        }
        memcpy(cut + line * 64, from, 64);
    }
}

/* It happens: the next start finds what is durable. */
static inline void cut_medium_happen(struct cut_medium *medium)
{
    memcpy(medium->bytes, medium->durable, medium->length);
    memset(medium->flushed, 0, medium->length / 64);
}

#endif
