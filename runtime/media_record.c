/* media_record.c - a medium that keeps every store, flush and fence of the pool's memory, in order: what a power cut may leave is made from that (tests/power).
 *
 * Flushes, fences and copied lines are calls of the medium. Stores are not, so they come in two ways:
 *   announced   code that is compiled for it (sanitizer coverage of stores; prs_copy and prs_fill of prim.h) says where it is going to store, before
 *               it does. What was there is kept, and looked at again when the next thing happens: so each store is known by itself, in program order
 *   found       memory is compared with a shadow copy: a line when it is flushed, everything at a fence. What nobody announced is found there. It counts
 *               as stored in that instant and is counted in `unseen`; where all code announces, that stays zero, and then the record is exact
 *
 * A *group* is what one instruction has stored. The parts of a string instruction or of a copied line may reach the medium in any order, and so may the two
 * words of a 16-byte store; groups of one line reach it one after the other (media.h).
 *
 * INVARIANT E1: undoing the events from the last one to the first gives the memory as it was.
 * Context: tests alone; nothing is durable.
 */
#include "log.h"
#include "media.h"
#include "prim.h"

static uint64_t *word_at(const struct prs_recorder *recorder, uint64_t at) { return (uint64_t *)(recorder->base + at); }

static void note(struct prs_recorder *recorder, enum prs_event_kind kind, uint64_t at, uint64_t old, uint64_t value)
{
    PRS_ASSERT(recorder->count < recorder->max);
    recorder->events[recorder->count++] = (struct prs_event){at, old, value, kind, recorder->group};
    if (kind == PRS_EVENT_STORE && recorder->shadow != 0) {
        *(uint64_t *)(recorder->shadow + at) = value;
    }
}

/* The store that was announced has been made. */
static void settle(struct prs_recorder *recorder)
{
    uint64_t at = recorder->open_at, end = recorder->open_end;
    recorder->open_at = recorder->open_end = 0;
    if (at == end) {
        return;
    }
    ++recorder->group;
    for (const uint64_t *before = recorder->before; at < end; at += 8, ++before) {
        if (*word_at(recorder, at) != *before) {
            note(recorder, PRS_EVENT_STORE, at, *before, *word_at(recorder, at));
        }
    }
}

/* What was stored in [at, end) without a word. */
static void compare(struct prs_recorder *recorder, uint64_t at, uint64_t end)
{
    if (recorder->shadow == 0 || __builtin_memcmp(recorder->base + at, recorder->shadow + at, end - at) == 0) {
        return;
    }
    ++recorder->group;
    for (; at < end; at += 8) {
        uint64_t old = *(uint64_t *)(recorder->shadow + at);
        if (*word_at(recorder, at) != old) {
            note(recorder, PRS_EVENT_STORE, at, old, *word_at(recorder, at));
            ++recorder->unseen;
        }
    }
}

void prs_recorder_announce(struct prs_recorder *recorder, const void *at, uint64_t length)
{
    settle(recorder);
    uint64_t from = (uint64_t)((const uint8_t *)at - recorder->base);
    if (from >= recorder->length) {
        return;
    }
    uint64_t end = prs_round_up(from + length, 8);
    end = end < recorder->length ? end : recorder->length;
    from = prs_round_down(from, 8);
    PRS_ASSERT(end - from <= sizeof recorder->before);
    for (uint64_t i = 0; from + 8 * i < end; ++i) {
        recorder->before[i] = *word_at(recorder, from + 8 * i);
    }
    recorder->open_at = from;
    recorder->open_end = end;
}

void prs_recorder_settle(struct prs_recorder *recorder)
{
    settle(recorder);
    compare(recorder, 0, recorder->length);
}

static void lines_record(const struct prs_media *self, void *to, const void *from, unsigned lines)
{
    struct prs_recorder *recorder = (struct prs_recorder *)(uintptr_t)self;
    settle(recorder);
    uint64_t at = (uint64_t)((uint8_t *)to - recorder->base);
    const uint64_t *words = from;
    for (unsigned line = 0; line < lines; ++line) {
        ++recorder->group;
        for (unsigned i = 0; i < 8; ++i, at += 8, ++words) {
            uint64_t old = *word_at(recorder, at);
            if (old != *words) {
                *word_at(recorder, at) = *words;
                note(recorder, PRS_EVENT_STORE, at, old, *words);
            }
        }
        note(recorder, PRS_EVENT_FLUSH, at - 64, 0, 0);
    }
}

static void flush_record(const struct prs_media *self, const void *at, uint64_t length)
{
    struct prs_recorder *recorder = (struct prs_recorder *)(uintptr_t)self;
    settle(recorder);
    uint64_t from = (uint64_t)((const uint8_t *)at - recorder->base);
    for (uint64_t line = prs_round_down(from, 64); line < from + length; line += 64) {
        compare(recorder, line, line + 64);
        note(recorder, PRS_EVENT_FLUSH, line, 0, 0);
    }
}

static void fence_record(const struct prs_media *self)
{
    struct prs_recorder *recorder = (struct prs_recorder *)(uintptr_t)self;
    prs_recorder_settle(recorder);
    note(recorder, PRS_EVENT_FENCE, 0, 0, 0);
}

void prs_recorder_init(struct prs_recorder *recorder, void *base, uint64_t length, void *shadow, struct prs_event *events, uint64_t max)
{
    recorder->media = (struct prs_media){"record", lines_record, flush_record, fence_record, base, length, false, 0};
    recorder->base = base;
    recorder->length = length;
    recorder->shadow = shadow;
    recorder->events = events;
    recorder->count = recorder->unseen = recorder->open_at = recorder->open_end = 0;
    recorder->max = max;
    recorder->group = 0;
    if (shadow != 0) {
        prs_copy(shadow, base, length);
    }
}
