/* Images of the stack: a process may die between any two instructions, and a write may be left between any two for ever. */
#include "stack_image_fixture.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

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

Test(stack_kills, a_kill_between_any_two_instructions_leaves_a_whole_state, .timeout = 300)
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

Test(stack_kills, a_write_may_be_left_at_any_instruction, .timeout = 300)
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
