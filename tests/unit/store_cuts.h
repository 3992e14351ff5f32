/* store_cuts.h - what tests of kills and power cuts share: a little content, epochs of it, and what must hold of whatever is left of the pool. */
#ifndef STORE_CUTS_H
#define STORE_CUTS_H

#include "store_fixture.h"
#include <criterion/criterion.h>
#include "cut_medium.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 10u
#define SMALL 64u
#define BASE 0x155000000000ull

struct content {
    uint8_t small[SMALL];
    uint8_t pages[PAGES][4096] __attribute__((aligned(64)));
};

static void change(struct content *content)
{
    for (unsigned n = 1 + below(4); n > 0; --n) {
        content->small[below(SMALL)] = (uint8_t)below(256);
    }
    for (unsigned n = 1 + below(5); n > 0; --n) {
        unsigned page = below(PAGES);
        switch (below(5)) {
        case 0: memset(content->pages[page], 0, 4096); break;
        case 1: memset(content->pages[page], (int)below(256), 4096); break;
        default: content->pages[page][below(4096)] = (uint8_t)below(256); break;
        }
    }
}

static int write_all(struct prs_store *store, const struct content *content, bool want_full)
{
    bool full;
    int result = prs_store_begin(store, 1000, want_full, &full);
    for (unsigned i = 0; i < SMALL && result == 0; i += 16) {
        result = prs_store_append(store, i, content->small + i, 16);
    }
    for (unsigned i = 0; i < PAGES && result >= 0; ++i) {
        result = prs_store_page(store, BASE + i * 4096 * 1500, content->pages[i], false);
    }
    return result < 0 ? result : 0;
}

static int apply(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    (void)epoch;
    cr_assert(address + length <= SMALL);
    memcpy((uint8_t *)context + address, data, length);
    return 0;
}

static bool equals(const struct prs_store *store, const struct content *content)
{
    static struct content found;
    uint64_t wrong;
    cr_assert_eq(prs_store_pages_check(store, &wrong), 0, "%s", prs_detail());
    memset(&found, 0, sizeof found);
    cr_assert_eq(prs_store_log_each(store, apply, found.small), 0);
    for (unsigned i = 0; i < PAGES; ++i) {
        prs_store_page_read(store, BASE + i * 4096 * 1500, found.pages[i]);
    }
    return memcmp(&found, content, sizeof found) == 0;
}

/* The image of a dead process or machine: recovers, holds epoch n or n + 1, and takes another epoch with the same number. */
static uint64_t check_image(uint8_t *image, uint64_t length, const uint8_t *bytes, uint64_t epoch, const struct content *before,
                            const struct content *after, const char *when)
{
    struct prs_store store;
    memcpy(image, bytes, length);
    cr_assert_eq(fixture_attach_bytes(&store, image, length, &prs_media_none), 0, "%s: %s", when, prs_detail());
    cr_assert(store.epoch == epoch || store.epoch == epoch + 1, "%s: epoch %lu", when, store.epoch);
    const struct content *expected = store.epoch == epoch ? before : after;
    cr_assert(equals(&store, expected), "%s: content of epoch %lu", when, store.epoch);
    cr_assert_eq(prs_store_recover(&store), 0, "%s: %s", when, prs_detail());
    cr_assert(equals(&store, expected), "%s: recovery changed the content", when);
    uint64_t result = store.epoch;
    if (below(4) == 0) {
        static struct content next;
        next = *expected;
        change(&next);
        if (write_all(&store, &next, false) == 0) {
            cr_assert_eq(prs_store_commit(&store), 0);
            cr_assert_eq(fixture_attach_bytes(&store, image, length, &prs_media_none), 0, "%s: %s", when, prs_detail());
            cr_assert_eq(store.epoch, result + 1);
            cr_assert(equals(&store, &next), "%s: the epoch after it", when);
            /* And the machine dies again, in the middle of the record of the epoch after that. */
            memset(image + FIXTURE_ROOT + PRF_RECORD_AT((result + 2) & 1, 0) + 8, 0x3c, 40);
            cr_assert_eq(fixture_attach_bytes(&store, image, length, &prs_media_none), 0, "%s, twice: %s", when, prs_detail());
            cr_assert_eq(store.epoch, result + 1);
        }
    }
    return result;
}

/* ---- every instruction ---- */

/* The child has asked to be traced, and stops; then it commits `count` epochs, the first of which has number 2: `start` is epoch 1. Whatever an instruction leaves of the pool is
 * looked at. How many different pools that were. */
static uint64_t step_through(const struct fixture *f, pid_t child, const struct content *start, const struct content *epochs, unsigned count)
{
    uint8_t *image = fixture_map(f->length), *last = fixture_map(f->length);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) {
        cr_skip_test("ptrace is not allowed here");
    }
    uint64_t steps = 0, states = 0, epoch = 1;
    memcpy(last, f->bytes, f->length);
    for (;;) {
        cr_assert_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        cr_assert_eq(waitpid(child, &status, 0), child);
        if (!WIFSTOPPED(status)) {
            break;
        }
        ++steps;
        if (memcmp(last, f->bytes, f->length) == 0) {
            continue; /* this instruction left the pool as it was */
        }
        memcpy(last, f->bytes, f->length);
        ++states;
        char when[64];
        snprintf(when, sizeof when, "after instruction %lu", steps);
        unsigned index = (unsigned)epoch - 1;
        const struct content *before = index == 0 ? start : &epochs[index - 1];
        uint64_t got = check_image(image, f->length, f->bytes, epoch, before, index < count ? &epochs[index] : before, when);
        cr_assert_geq(got, epoch, "%s: the epoch went back", when);
        epoch = got;
    }
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_eq(epoch, count + 1);
    printf("%lu instructions, %lu states of the pool\n", steps, states);
    return states;
}

/* ---- power cuts ---- */

static struct {
    struct cut_medium memory;
    uint8_t *image;
    uint64_t calls, checks, epoch;
    unsigned one_in;
    const struct content *before, *after;
    bool checking;
} medium;

static void maybe_cut(const char *where)
{
    ++medium.calls;
    if (medium.checking || medium.before == NULL || below(medium.one_in) != 0) {
        return;
    }
    medium.checking = true;
    static uint8_t *cut;
    cut = cut == NULL ? fixture_map(medium.memory.length) : cut;
    cut_medium_leave(&medium.memory, cut);
    char when[96];
    snprintf(when, sizeof when, "power cut at call %lu (%s)", medium.calls, where);
    check_image(medium.image, medium.memory.length, cut, medium.epoch, medium.before, medium.after, when);
    ++medium.checks;
    medium.checking = false;
}

#include "cut_recording.h"

static void record_lines(const struct prs_media *self, void *to, const void *from, unsigned lines)
{
    (void)self;
    memcpy(to, from, 64ul * lines);
    cut_medium_flush(&medium.memory, to, 64ul * lines);
    maybe_cut("lines");
}

static const struct prs_media recording = {"record", record_lines, record_flush, record_fence, NULL, 0};

/* Checks attach to the image while the store under test is attached too, so that one has an arena of its own. */
static int attach_apart(struct prs_store *store, uint8_t *bytes, uint64_t length)
{
    struct prs_arena arena = {0, 0};
    return prs_store_attach_growing(store, bytes, length, length, &recording, &arena);
}

#endif
