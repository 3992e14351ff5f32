/* Images of the stack (stack=flush, undo, redo, romulus): a process may die between any two instructions and a machine with any set of unfenced lines lost, also
 * while what was left is being recovered. What can be read then is the committed state, whole, and it goes on from there. */
#include "stack_image.h"
#include "store_fixture.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK 8192u
#define LOW 0x7fff00000000ul
#define AHEAD 4096u /* line 0: the number of the committed state, which stands for the commit record; the head's page goes unused */

typedef const struct prs_stack_image *image_pointer;
static const enum prs_stack ways[] = {PRS_STACK_FLUSH, PRS_STACK_UNDO, PRS_STACK_REDO, PRS_STACK_ROMULUS};
static const char *const names[] = {"flush", "undo", "redo", "romulus"};
#define WAYS (sizeof ways / sizeof ways[0])

static uint64_t random_state = 1;
static uint32_t below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % n);
}

static uint64_t length_of(image_pointer image) { return AHEAD + prs_round_up(image->area_bytes(STACK), 4096); }

/* What a process that maps these bytes has at its start; its tables are zero. */
static struct prs_stack_area area_over(image_pointer image, uint8_t *bytes, const struct prs_media *media, void *tables)
{
    struct prs_stack_area area = {.image = image, .media = media, .base = bytes + AHEAD, .length = length_of(image) - AHEAD, .low = LOW, .high = LOW + STACK};
    memcpy(&area.committed, bytes, sizeof area.committed);
    memset(tables, 0, image->tables_bytes(STACK));
    area.tables = tables;
    return area;
}

static int apply(void *context, uint64_t address, const void *data, uint32_t length)
{
    cr_assert(address >= LOW && address + length <= LOW + STACK);
    memcpy((uint8_t *)context + (address - LOW), data, length);
    return 0;
}

static void expect(const struct prs_stack_area *area, const uint8_t *content, const char *when)
{
    static uint8_t found[STACK];
    memset(found, 0, sizeof found);
    cr_assert_eq(area->image->each(area, apply, found), 0, "%s: %s", when, prs_detail());
    for (unsigned i = 0; i < STACK; ++i) {
        cr_assert_eq(found[i], content[i], "%s: state %lu, byte %u is %02x instead of %02x", when, area->committed, i, found[i], content[i]);
    }
}

/* One store, of the sizes that programs have; mostly near the last ones. */
static int store(struct prs_stack_area *area, uint8_t *content)
{
    static const uint32_t sizes[] = {1, 2, 4, 8, 8, 8, 16, 32, 3, 64, 100, 700};
    static uint32_t near;
    uint32_t length = sizes[below(12)], at;
    near = below(5) == 0 ? below(STACK) : near;
    at = (near + below(150)) % (STACK - length);
    uint8_t data[700];
    memset(data, below(4) == 0 ? 0 : (int)below(256), length);
    data[0] = (uint8_t)below(256);
    int result = area->image->write(area, LOW + at, data, length);
    memcpy(content + at, data, result == 0 ? length : 0);
    return result;
}

/* As the store commits: everything before is fenced, then the record. */
static void commit(struct prs_stack_area *area, uint8_t *bytes)
{
    prs_media_fence(area->media);
    ++area->committed;
    memcpy(bytes, &area->committed, sizeof area->committed);
    prs_media_flush(area->media, bytes, 64);
    prs_media_fence(area->media);
    area->image->committed(area);
}

static void begin(struct prs_stack_area *area)
{
    cr_assert_eq(area->image->reset(area), 0);
    cr_assert_eq(area->image->attach(area), 0, "%s", prs_detail());
}

Test(stack_image, random_stores_are_read_back_at_each_commit)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint8_t *bytes = fixture_map(length_of(image)), *tables = fixture_map(image->tables_bytes(STACK)), *other = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK], last[STACK];
        memset(content, 0, STACK);
        struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
        begin(&area);
        for (unsigned round = 0; round < 3000; ++round) {
            memcpy(last, content, STACK);
            for (unsigned n = below(round % 50 == 0 ? 800 : 30); n > 0; --n) {
                cr_assert_eq(store(&area, content), 0);
            }
            struct prs_stack_area reader = area_over(image, bytes, &prs_media_none, other);
            cr_assert_eq(image->attach(&reader), 0, "%s: %s", names[way], prs_detail());
            expect(&reader, last, names[way]);
            cr_assert_eq(image->prepare(&area), 0);
            expect(&reader, last, names[way]);
            commit(&area, bytes);
            expect(&area, content, names[way]);
            if (round % 100 == 99) { /* dies in the middle of the next state, twice in a row */
                for (unsigned again = 0; again < 2; ++again) {
                    memcpy(last, content, STACK);
                    for (unsigned n = below(60); n > 0; --n) {
                        (void)store(&area, last);
                    }
                    area = area_over(image, bytes, &prs_media_none, tables);
                    cr_assert_eq(image->attach(&area), 0, "%s: %s", names[way], prs_detail());
                    cr_assert_eq(image->recover(&area), 0, "%s: %s", names[way], prs_detail());
                    expect(&area, content, names[way]);
                }
            }
        }
    }
}

Test(stack_image, all_of_the_stack_can_be_written_in_one_state_and_in_any_order)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint8_t *bytes = fixture_map(length_of(image)), *tables = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK];
        struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
        begin(&area);
        for (unsigned round = 0; round < 4; ++round) {
            for (unsigned i = 0, at = 0; i < STACK; ++i, at = (at + 8 * 389 + (i % 1024 == 0)) % STACK) { /* every byte alone, never two of a granule in turn */
                content[at] = (uint8_t)(i * 7 + round);
                cr_assert_eq(image->write(&area, LOW + at, content + at, 1), 0, "%s is full", names[way]);
            }
            cr_assert_eq(image->prepare(&area), 0);
            commit(&area, bytes);
            expect(&area, content, names[way]);
        }
    }
}

Test(stack_image, a_new_beginning_knows_nothing_of_the_one_before)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint8_t *bytes = fixture_map(length_of(image)), *tables = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK], ignored[STACK];
        for (unsigned round = 0; round < 300; ++round) {
            struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
            begin(&area);
            memset(content, 0, STACK);
            for (unsigned states = below(3); states > 0; --states) {
                for (unsigned n = below(20); n > 0; --n) {
                    (void)store(&area, content);
                }
                cr_assert_eq(image->prepare(&area), 0);
                commit(&area, bytes);
            }
            expect(&area, content, names[way]);
            for (unsigned deaths = below(3); deaths > 0; --deaths) { /* leftovers of the open state, of different lengths */
                cr_assert_eq(image->recover(&area), 0);
                for (unsigned n = below(20); n > 0; --n) {
                    (void)store(&area, ignored);
                }
                area = area_over(image, bytes, &prs_media_none, tables);
                cr_assert_eq(image->attach(&area), 0, "%s: %s", names[way], prs_detail());
                expect(&area, content, names[way]);
            }
        }
    }
}

/* ---- untrusted bytes ---- */

Test(stack_image, damaged_bytes_are_refused_or_read_within_bounds)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint64_t length = length_of(image);
        uint8_t *bytes = fixture_map(length), *damaged = fixture_map(length), *tables = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK], found[STACK];
        memset(content, 0, STACK);
        unsigned refused = 0;
        for (unsigned round = 0; round < 4000; ++round) {
            struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
            if (round % 50 == 0) {
                begin(&area);
                for (unsigned n = 0; n < 30; ++n) {
                    (void)store(&area, content);
                }
                cr_assert_eq(image->prepare(&area), 0);
                commit(&area, bytes);
                if (round % 100 == 0) {
                    uint64_t next = area.committed + 1; /* committed, and died before it was opened */
                    (void)store(&area, content);
                    cr_assert_eq(image->prepare(&area), 0);
                    memcpy(bytes, &next, 8);
                } else {
                    (void)store(&area, content); /* an open state */
                }
            }
            memcpy(damaged, bytes, length);
            for (unsigned n = 1 + below(4); n > 0; --n) {
                uint64_t at = below(3) == 0 ? AHEAD + below(128) : below(2) == 0 ? AHEAD + below((uint32_t)(length - AHEAD)) : AHEAD + STACK + below(4096 + 640);
                at = at < length ? at : AHEAD;
                damaged[at] = (uint8_t)below(256);
            }
            area = area_over(image, damaged, &prs_media_none, tables);
            int error = image->attach(&area);
            cr_assert(error == 0 || error == PROSPER_E_DAMAGED, "%s: %d", names[way], error);
            refused += error != 0;
            if (error == 0) {
                cr_assert_eq(image->each(&area, apply, found), 0);
                cr_assert_eq(image->recover(&area), 0);
            }
        }
        cr_assert(ways[way] == PRS_STACK_FLUSH || ways[way] == PRS_STACK_UNDO || refused > 10, "%s: %u refused", names[way], refused);
    }
}

/* The checksums fit, what they cover does not. */
Test(stack_image, places_outside_of_the_stack_are_refused)
{
    uint8_t line[64], *tables = fixture_map(1 << 20);
    image_pointer undo = &prs_stack_undo_image, redo = &prs_stack_redo_image;
    uint8_t *bytes = fixture_map(length_of(undo));
    struct prs_stack_area area = area_over(undo, bytes, &prs_media_none, tables);
    begin(&area);
    cr_assert_eq(undo->write(&area, LOW, "12345678", 8), 0);
    uint8_t *entry = bytes + AHEAD + STACK;
    for (unsigned granule = STACK / 32 - 1; granule <= STACK / 32; ++granule) {
        memcpy(entry + 8, &granule, 4);
        uint32_t crc = prs_crc32c(prs_crc32c(0, entry, 12), entry + 16, 32);
        memcpy(entry + 12, &crc, 4);
        cr_assert_eq(undo->attach(&area), granule == STACK / 32 ? PROSPER_E_DAMAGED : 0);
    }
    bytes = fixture_map(length_of(redo));
    area = area_over(redo, bytes, &prs_media_none, tables);
    begin(&area);
    cr_assert_eq(redo->write(&area, LOW, "12345678", 8), 0);
    cr_assert_eq(redo->prepare(&area), 0);
    area.committed = 1;
    cr_assert_eq(redo->attach(&area), 0, "%s", prs_detail());
    uint8_t *first = bytes + AHEAD + 4096 + STACK;
    for (unsigned place = STACK / 8; place <= STACK / 8 + 1; ++place) {
        memcpy(first + 40, &place, 4);
        uint64_t sequence = 1;
        uint32_t crc = prs_crc32c(prs_crc32c(0, &sequence, 8), first, 60);
        memcpy(first + 60, &crc, 4);
        cr_assert_eq(redo->attach(&area), place > STACK / 8 ? PROSPER_E_DAMAGED : 0);
    }
    uint64_t head[3] = {1, 1ull << 40, 0};
    uint32_t crc = prs_crc32c(0, head, 16);
    memcpy(line, head, 24);
    memcpy(line + 20, &crc, 4);
    memcpy(bytes + AHEAD + 64, line, 24);
    cr_assert_eq(redo->attach(&area), PROSPER_E_DAMAGED);
}

/* ---- power cuts ---- */

static struct {
    image_pointer image;
    uint8_t *bytes, *durable, *flushed, *image_bytes, *tables, *tables_two;
    uint64_t length, checks;
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
    unsigned chance = below(4);
    for (uint64_t line = 0; line < medium.length / 64; ++line) {
        const uint8_t *now = medium.bytes + line * 64, *old = medium.durable + line * 64;
        memcpy(cut + line * 64, memcmp(now, old, 64) != 0 && below(3) < chance ? now : old, 64);
    }
    look(cut, where);
}

static void record_flush(const struct prs_media *self, const void *at, uint64_t length)
{
    (void)self;
    uint64_t from = (uint64_t)((const uint8_t *)at - medium.bytes);
    cr_assert(from + length <= medium.length);
    for (uint64_t line = from / 64; line * 64 < from + length; ++line) {
        medium.flushed[line] = 1;
    }
    maybe_cut("flush");
}

static void record_fence(const struct prs_media *self)
{
    (void)self;
    maybe_cut("before a fence");
    for (uint64_t line = 0; line < medium.length / 64; ++line) {
        if (medium.flushed[line]) {
            memcpy(medium.durable + line * 64, medium.bytes + line * 64, 64);
        }
    }
    memset(medium.flushed, 0, medium.length / 64);
    maybe_cut("after a fence");
}

static const struct prs_media recording = {"record", prs_media_copy_lines, record_flush, record_fence, NULL, 0};

/* A machine that comes up with these bytes; its recovery may meet with a power cut too. */
static void look(const uint8_t *cut, const char *where)
{
    char when[96];
    const struct prs_media *media = &prs_media_none;
    uint8_t *bytes = medium.image_bytes, *tables = medium.tables_two;
    ++medium.checks;
    snprintf(when, sizeof when, "%s: power cut %lu (%s)", medium.name, medium.checks, where);
    memcpy(bytes, cut, medium.length);
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
    static uint8_t *durable, *flushed, *image_bytes, *tables_two, next[STACK];
    durable = durable == NULL ? fixture_map(1 << 20) : durable;
    flushed = flushed == NULL ? fixture_map(1 << 15) : flushed;
    image_bytes = image_bytes == NULL ? fixture_map(1 << 20) : image_bytes;
    tables_two = tables_two == NULL ? fixture_map(1 << 20) : tables_two;
    memcpy(durable, bytes, medium.length);
    memset(flushed, 0, medium.length / 64);
    memcpy(next, content, STACK);
    medium.depth = 1;
    medium.bytes = bytes, medium.durable = durable, medium.flushed = flushed, medium.image_bytes = image_bytes, medium.tables_two = tables_two;
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

Test(stack_image, a_power_cut_with_any_lines_lost_leaves_a_whole_state, .timeout = 300)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        memset(&medium, 0, sizeof medium);
        medium.image = prs_stack_image_of(ways[way]);
        medium.name = names[way];
        medium.length = length_of(medium.image);
        medium.bytes = fixture_map(medium.length), medium.durable = fixture_map(medium.length), medium.image_bytes = fixture_map(medium.length);
        medium.flushed = fixture_map(medium.length / 64);
        medium.tables = fixture_map(medium.image->tables_bytes(STACK)), medium.tables_two = fixture_map(medium.image->tables_bytes(STACK));
        static uint8_t now[STACK], committed[STACK];
        memset(now, 0, STACK), memset(committed, 0, STACK);
        struct prs_stack_area area = area_over(medium.image, medium.bytes, &recording, medium.tables);
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
            commit(&area, medium.bytes);
            memcpy(committed, now, STACK);
            medium.committed = area.committed;
            maybe_cut("committed");
            if (round % 10 == 0) { /* in earnest */
                memcpy(medium.bytes, medium.durable, medium.length);
                memset(medium.flushed, 0, medium.length / 64);
                area = area_over(medium.image, medium.bytes, &recording, medium.tables);
                cr_assert_eq(medium.image->attach(&area), 0, "%s", prs_detail());
                cr_assert_eq(medium.image->recover(&area), 0);
                expect(&area, committed, names[way]);
            }
        }
        printf("%s: %lu power cuts\n", names[way], medium.checks);
        cr_assert_gt(medium.checks, 200);
    }
}

/* ---- every instruction ---- */

#define STATES 4u
#define STORES 8u

struct op {
    uint32_t at, length;
    uint8_t data[64];
};

static void choose(struct op *op)
{
    static const uint32_t sizes[] = {1, 4, 8, 8, 16, 40};
    op->length = sizes[below(6)];
    op->at = 4000 + below(200);
    for (unsigned i = 0; i < op->length; ++i) {
        op->data[i] = (uint8_t)below(256);
    }
}

static int play(struct prs_stack_area *area, const struct op *op) { return area->image->write(area, LOW + op->at, op->data, op->length); }

static void victim(image_pointer image, uint8_t *bytes, const struct op *ops)
{
    struct prs_stack_area area = area_over(image, bytes, &prs_media_none, fixture_map(image->tables_bytes(STACK)));
    if (image->attach(&area) != 0 || image->recover(&area) != 0) {
        _exit(1);
    }
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    for (unsigned i = 0; i < STATES * STORES; ++i) {
        if (play(&area, ops + i) != 0 || (i % STORES == STORES - 1 && image->prepare(&area) != 0)) {
            _exit(1);
        }
        if (i % STORES == STORES - 1) {
            commit(&area, bytes);
        }
    }
    _exit(0);
}

Test(stack_image, a_kill_between_any_two_instructions_leaves_a_whole_state, .timeout = 300)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint64_t length = length_of(image);
        uint8_t *bytes = fixture_map(length), *last = fixture_map(length), *copy = fixture_map(length), *tables = fixture_map(image->tables_bytes(STACK));
        static uint8_t contents[STATES + 1][STACK];
        static struct op ops[STATES * STORES];
        memset(contents, 0, sizeof contents);
        for (unsigned i = 0; i < STATES * STORES; ++i) {
            choose(ops + i);
            memcpy(contents[i / STORES + 1] + ops[i].at, ops[i].data, ops[i].length);
            if (i % STORES == STORES - 1 && i / STORES + 2 <= STATES) {
                memcpy(contents[i / STORES + 2], contents[i / STORES + 1], STACK);
            }
        }
        struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
        begin(&area);
        pid_t child = fork();
        if (child == 0) {
            victim(image, bytes, ops);
        }
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        if (!WIFSTOPPED(status)) {
            cr_skip_test("ptrace is not allowed here");
        }
        uint64_t seen = 0, state = 0;
        while (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
            if (memcmp(last, bytes, length) == 0) {
                continue;
            }
            char when[64];
            memcpy(last, bytes, length), memcpy(copy, bytes, length);
            snprintf(when, sizeof when, "%s: change %lu", names[way], ++seen);
            area = area_over(image, copy, &prs_media_none, tables);
            cr_assert(area.committed == state || area.committed == state + 1, "%s", when);
            state = area.committed;
            cr_assert_eq(image->attach(&area), 0, "%s: %s", when, prs_detail());
            expect(&area, contents[state], when);
            cr_assert_eq(image->recover(&area), 0, "%s: %s", when, prs_detail());
            expect(&area, contents[state], when);
        }
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s: %x", names[way], (unsigned)status);
        cr_assert_eq(state, STATES);
        printf("%s: %lu states of the image\n", names[way], seen);
        cr_assert_gt(seen, 60);
    }
}

/* ---- a write that is left ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COARSE 29u /* a process takes long to be made then, and has ten times as many instructions */
#endif
#endif
#ifndef COARSE
#define COARSE 1u
#endif

static sigjmp_buf way_out;
static volatile int begun, done, left;
static void leave(int number)
{
    (void)number;
    if (begun && !done) {
        left = 1;
        siglongjmp(way_out, 1);
    }
}

/* Is stopped somewhere in a write, jumps out of it, and writes the same bytes, which are others by now. Exit status 2: the write was over. */
static void deserter(image_pointer image, const struct op *ops)
{
    static uint8_t content[STACK];
    uint8_t *bytes = fixture_map(length_of(image)), *tables = fixture_map(image->tables_bytes(STACK));
    struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
    begin(&area);
    signal(SIGUSR1, leave);
    for (unsigned i = 0; i < 20; ++i) {
        struct op op = ops[i];
        (void)play(&area, &op);
        memcpy(content + op.at, op.data, op.length);
        if (i == 11) {
            if (sigsetjmp(way_out, 1) == 0) {
                ptrace(PTRACE_TRACEME, 0, NULL, NULL);
                raise(SIGSTOP);
                begun = 1;
                (void)play(&area, &ops[20]);
                done = 1;
            }
            op = ops[20];
            op.data[0] ^= 0xff;
            (void)play(&area, &op);
            memcpy(content + op.at, op.data, op.length);
        }
        if (i % 7 == 6) {
            if (image->prepare(&area) != 0) {
                _exit(1);
            }
            commit(&area, bytes);
            expect(&area, content, "a write was left");
        }
    }
    for (unsigned i = 0; i < 2; ++i) { /* and what stands in the area would be recovered, twice */
        static uint8_t now[STACK];
        area = area_over(image, bytes, &prs_media_none, tables);
        if (image->attach(&area) != 0 || image->recover(&area) != 0) {
            _exit(1);
        }
        memcpy(now, content, STACK);
        (void)store(&area, now);
    }
    _exit(left ? 0 : 2);
}

Test(stack_image, a_write_may_be_left_at_any_instruction, .timeout = 300)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        unsigned tries = 0, was_left = 0;
        for (unsigned size = 0; size < (COARSE == 1 ? 3 : 1); ++size) {
            static struct op ops[21];
            for (unsigned i = 0; i < 21; ++i) {
                choose(ops + i);
            }
            ops[20].length = size == 0 ? 8 : size == 1 ? 16 : 60;
            ops[20].at = 5000 + size * 3;
            for (unsigned steps = 1;; steps += COARSE + size * below(size == 2 ? 8 : 4)) {
                int status = 0;
                pid_t child = fork();
                if (child == 0) {
                    deserter(prs_stack_image_of(ways[way]), ops);
                }
                cr_assert_eq(waitpid(child, &status, 0), child);
                if (!WIFSTOPPED(status)) {
                    cr_skip_test("ptrace is not allowed here");
                }
                for (unsigned i = 0; i < steps && WIFSTOPPED(status); ++i) {
                    cr_assert(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child);
                }
                cr_assert(WIFSTOPPED(status));
                ptrace(PTRACE_DETACH, child, NULL, SIGUSR1);
                cr_assert_eq(waitpid(child, &status, 0), child);
                cr_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 2), "%s, %u bytes, left after %u instructions: %x", names[way],
                          ops[20].length, steps, (unsigned)status);
                ++tries, was_left += WEXITSTATUS(status) == 0;
                if (WEXITSTATUS(status) == 2 && was_left > 0 && steps > 60) {
                    break; /* it had come to its end */
                }
            }
        }
        printf("%s: left at %u of %u instructions\n", names[way], was_left, tries);
        cr_assert_gt(was_left, 30);
    }
}
