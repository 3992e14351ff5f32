/* Images of the stack: a machine may die at any moment with any set of unfenced lines lost, also while what was left is being recovered. What can be read then
 * is the committed state, whole, and it goes on from there. */
#include "stack_image_fixture.h"
#include <setjmp.h>

static struct {
    image_pointer image;
    struct cut_medium memory;
    uint8_t *image_bytes, *tables, *tables_two;
    uint64_t checks;
    const uint8_t *before, *after;
    uint64_t committed;
    unsigned one_in, depth;
    const char *name;
} medium;

static void look(const uint8_t *cut, const char *where);

static void maybe_cut(const char *where)
{
    if (medium.before == NULL || below(medium.one_in) != 0) {
        return;
    }
    static uint8_t *cut;
    cut = cut == NULL ? fixture_map(1 << 20) : cut;
    cut_medium_leave(&medium.memory, cut);
    look(cut, where);
}

#include "cut_recording.h"

static const struct prs_media recording = {"record", prs_media_copy_lines, record_flush, record_fence, NULL, 0};

/* A machine that comes up with these bytes; its recovery may meet with a power cut too. */
static void look(const uint8_t *cut, const char *where)
{
    char when[96];
    const struct prs_media *media = &prs_media_none;
    uint8_t *bytes = medium.image_bytes, *tables = medium.tables_two;
    ++medium.checks;
    snprintf(when, sizeof when, "%s: power cut %lu (%s)", medium.name, medium.checks, where);
    memcpy(bytes, cut, medium.memory.length);
    struct prs_stack_area area = area_over(medium.image, bytes, media, tables);
    cr_assert(area.committed == medium.committed || area.committed == medium.committed + 1, "%s: state %lu", when, area.committed);
    const uint8_t *content = area.committed == medium.committed ? medium.before : medium.after;
    cr_assert_eq(medium.image->attach(&area), 0, "%s: %s", when, prs_detail());
    expect(&area, content, when);
    if (medium.depth > 0) {
        return;
    }
    /* The same machine's memory, recorded: whatever a second cut leaves of the recovery must read the same. */
    typeof(medium) outer = medium;
    static struct cut_medium inner;
    static uint8_t *image_bytes, *tables_two, next[STACK];
    inner = inner.durable == NULL ? cut_medium_over(fixture_map(1 << 20), 1 << 20) : inner;
    image_bytes = image_bytes == NULL ? fixture_map(1 << 20) : image_bytes;
    tables_two = tables_two == NULL ? fixture_map(1 << 20) : tables_two;
    inner.bytes = bytes, inner.length = medium.memory.length;
    memcpy(inner.durable, bytes, inner.length);
    memset(inner.flushed, 0, inner.length / 64);
    memcpy(next, content, STACK);
    medium.depth = 1;
    medium.memory = inner, medium.image_bytes = image_bytes, medium.tables_two = tables_two;
    medium.before = medium.after = content;
    medium.committed = area.committed;
    medium.one_in = 3;
    area.media = &recording;
    cr_assert_eq(medium.image->recover(&area), 0, "%s: %s", when, prs_detail());
    expect(&area, content, when);
    medium.after = next;
    for (unsigned n = below(6); n > 0; --n) {
        cr_assert_eq(store(&area, next), 0);
    }
    cr_assert_eq(medium.image->prepare(&area), 0);
    commit(&area, bytes);
    expect(&area, next, when);
    outer.checks = medium.checks;
    medium = outer;
}

Test(stack_cuts, a_power_cut_with_any_lines_lost_leaves_a_whole_state, .timeout = 300)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        memset(&medium, 0, sizeof medium);
        medium.image = prs_stack_image_of(ways[way]);
        medium.name = names[way];
        medium.memory = cut_medium_over(fixture_map(length_of(medium.image)), length_of(medium.image));
        medium.image_bytes = fixture_map(medium.memory.length);
        medium.tables = fixture_map(medium.image->tables_bytes(STACK)), medium.tables_two = fixture_map(medium.image->tables_bytes(STACK));
        static uint8_t now[STACK], committed[STACK];
        memset(now, 0, STACK), memset(committed, 0, STACK);
        struct prs_stack_area area = area_over(medium.image, medium.memory.bytes, &recording, medium.tables);
        begin(&area);
        medium.one_in = 40;
        for (unsigned round = 0; round < 100; ++round) {
            medium.before = committed, medium.after = now, medium.committed = area.committed;
            for (unsigned n = below(40); n > 0; --n) {
                cr_assert_eq(store(&area, now), 0);
                maybe_cut("store");
            }
            cr_assert_eq(medium.image->prepare(&area), 0);
            maybe_cut("prepared");
            commit(&area, medium.memory.bytes);
            memcpy(committed, now, STACK);
            medium.committed = area.committed;
            maybe_cut("committed");
            if (round % 10 == 0) { /* in earnest */
                cut_medium_happen(&medium.memory);
                area = area_over(medium.image, medium.memory.bytes, &recording, medium.tables);
                cr_assert_eq(medium.image->attach(&area), 0, "%s", prs_detail());
                cr_assert_eq(medium.image->recover(&area), 0);
                expect(&area, committed, names[way]);
            }
        }
        printf("%s: %lu power cuts\n", names[way], medium.checks);
        cr_assert_gt(medium.checks, 200);
    }
}

/* ---- a kill first ---- */

static jmp_buf killed_at;
static int until_kill; /* flushes and fences */

static void dying_flush(const struct prs_media *self, const void *at, uint64_t length)
{
    if (until_kill-- == 0) {
        longjmp(killed_at, 1);
    }
    record_flush(self, at, length);
}

static void dying_fence(const struct prs_media *self)
{
    if (until_kill-- == 0) {
        longjmp(killed_at, 1);
    }
    record_fence(self);
}

static const struct prs_media dying = {"dying", prs_media_copy_lines, dying_flush, dying_fence, NULL, 0};

/* What a process stored and did not flush before it was killed reads like anything else, and a power cut takes it back later: recovery must have made durable what it found.
 * Found by tests/power. */
Test(stack_cuts, what_a_killed_process_had_not_flushed_is_durable_after_recovery)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        memset(&medium, 0, sizeof medium);
        medium.image = prs_stack_image_of(ways[way]);
        medium.memory = cut_medium_over(fixture_map(length_of(medium.image)), length_of(medium.image));
        medium.tables = fixture_map(medium.image->tables_bytes(STACK));
        static uint8_t now[STACK];
        memset(now, 0, STACK);
        struct prs_stack_area area = area_over(medium.image, medium.memory.bytes, &recording, medium.tables);
        begin(&area);
        volatile unsigned kills = 0;
        volatile int at = 0; /* in vain: the state was opened before the kill came, and the next one is tried from the beginning */
        for (unsigned round = 0; round < 300; ++round) {
            for (unsigned n = 1 + below(8); n > 0; --n) {
                cr_assert_eq(store(&area, now), 0);
            }
            cr_assert_eq(medium.image->prepare(&area), 0);
            until_kill = 3 + at; /* behind the two fences and the flush of the commit */
            area.media = &dying;
            if (setjmp(killed_at) == 0) {
                commit(&area, medium.memory.bytes);
                at = 0;
            } else {
                ++kills;
                ++at;
            }
            area = area_over(medium.image, medium.memory.bytes, &recording, medium.tables);
            cr_assert_eq(medium.image->attach(&area), 0, "%s: %s", names[way], prs_detail());
            expect(&area, now, names[way]);
            cr_assert_eq(medium.image->recover(&area), 0, "%s: %s", names[way], prs_detail());
            cr_assert_eq(medium.image->prepare(&area), 0); /* a state in which nothing changed */
            prs_media_fence(area.media);
            uint64_t next = area.committed + 1;
            memcpy(medium.memory.bytes, &next, sizeof next);
            prs_media_flush(area.media, medium.memory.bytes, 64);
            prs_media_fence(area.media);
            cut_medium_happen(&medium.memory); /* of what was not fenced nothing is there */
            area = area_over(medium.image, medium.memory.bytes, &recording, medium.tables);
            cr_assert_eq(medium.image->attach(&area), 0, "%s, after a kill and a cut: %s", names[way], prs_detail());
            expect(&area, now, names[way]);
            cr_assert_eq(medium.image->recover(&area), 0);
        }
        printf("%s: %u kills, each followed by a power cut\n", names[way], kills);
        cr_assert(kills > 100 || ways[way] == PRS_STACK_UNDO); /* which has nothing to flush behind a commit */
    }
}
