/* test_unwind.c - the unwinder of the profile, asked against libunwind, from ordinary frames and out of signal handlers. */
#define UNW_LOCAL_ONLY
#include "unwind.h"
#include <criterion/criterion.h>
#include <libunwind.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define DEPTH 64

static struct walk {
    uint64_t rip[DEPTH], rsp[DEPTH], function[DEPTH];
    unsigned count;
    int last;
} ours, theirs;

static void walk(struct prs_cursor *cursor)
{
    ours.count = 0;
    for (ours.last = 1; ours.last > 0 && ours.count < DEPTH; ++ours.count) {
        ours.rip[ours.count] = cursor->at[PRS_UNWIND_RIP];
        ours.rsp[ours.count] = cursor->at[PRS_UNWIND_RSP];
        ours.last = prs_unwind_step(cursor, &ours.function[ours.count]);
    }
}

static void walk_theirs(unw_context_t *context, int flag)
{
    unw_cursor_t cursor;
    theirs.count = 0;
    cr_assert_eq(unw_init_local2(&cursor, context, flag), 0);
    int step = 1;
    while (step > 0 && theirs.count < DEPTH) {
        unw_word_t rip, rsp;
        unw_get_reg(&cursor, UNW_REG_IP, &rip);
        unw_get_reg(&cursor, UNW_REG_SP, &rsp);
        unw_proc_info_t info;
        theirs.function[theirs.count] = unw_get_proc_info(&cursor, &info) == 0 ? info.start_ip : 0;
        theirs.rip[theirs.count] = rip;
        theirs.rsp[theirs.count++] = rsp;
        step = unw_step(&cursor);
    }
}

static void compare(unsigned from)
{
    cr_assert_gt(ours.count, from + 3);
    cr_assert_eq(ours.last, 0, "the walk ends at the outermost frame");
    for (unsigned i = from; i < ours.count && i < theirs.count; ++i) {
        cr_assert(i == from || ours.rip[i] == theirs.rip[i], "frame %u: at %lx, wanted %lx", i, ours.rip[i], theirs.rip[i]);
        cr_assert_eq(ours.rsp[i], theirs.rsp[i], "frame %u", i);
        cr_assert_eq(ours.function[i], theirs.function[i], "frame %u", i);
    }
}

static int compare_numbers(const void *a, const void *b)
{
    if (ours.count == 0) {
        struct prs_cursor cursor;
        unw_context_t context;
        prs_unwind_here(&cursor);
        unw_getcontext(&context);
        walk(&cursor);
        walk_theirs(&context, 0);
    }
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) int variable(int n)
{
    volatile char room[n]; /* a frame by the frame pointer */
    int numbers[] = {3, 1, 2, n};
    room[n - 1] = 1;
    qsort(numbers, 4, sizeof numbers[0], compare_numbers); /* through libc, which has no frame pointers */
    return numbers[0] + room[n - 1];
}

Test(unwind, frames_are_those_of_libunwind)
{
    ours.count = 0;
    cr_assert_eq(variable(100), 2);
    compare(0);
}

static void handler(int number, siginfo_t *info, void *ucontext)
{
    (void)number, (void)info, (void)ucontext;
    struct prs_cursor cursor;
    unw_context_t context;
    prs_unwind_here(&cursor);
    unw_getcontext(&context);
    walk(&cursor);
    walk_theirs(&context, 0);
}

static void handler_from_context(int number, siginfo_t *info, void *ucontext)
{
    (void)number, (void)info;
    struct prs_cursor cursor;
    prs_unwind_from(&cursor, ucontext);
    walk(&cursor);
    walk_theirs(ucontext, UNW_INIT_SIGNAL_FRAME);
}

static void signalled(void (*with)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = with, .sa_flags = SA_SIGINFO | flags}, before;
    sigaction(SIGUSR2, &action, &before);
    raise(SIGUSR2);
    sigaction(SIGUSR2, &before, NULL);
}

Test(unwind, a_signal_frame_is_passed)
{
    signalled(handler, 0);
    compare(0);
}

Test(unwind, it_begins_at_an_interrupted_instruction)
{
    signalled(handler_from_context, 0);
    compare(0);
}

Test(unwind, a_stack_of_the_handlers_own_is_left)
{
    stack_t other = {.ss_sp = malloc(65536), .ss_size = 65536}, before;
    sigaltstack(&other, &before);
    signalled(handler, SA_ONSTACK);
    sigaltstack(&before, NULL);
    compare(0);
    free(other.ss_sp);
}

Test(unwind, code_without_tables_ends_the_walk)
{
    struct prs_cursor cursor = {.known = ~0u, .exact = true};
    static uint8_t nowhere[64];
    uint64_t function = 1;
    cursor.at[PRS_UNWIND_RIP] = (uint64_t)nowhere;
    cr_assert_eq(prs_unwind_step(&cursor, &function), -1);
    cursor.at[PRS_UNWIND_RIP] = (uint64_t)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_eq(prs_unwind_step(&cursor, &function), -1);
    cr_assert_eq(function, 0);
}

Test(unwind, a_stack_that_cannot_be_read_ends_the_walk)
{
    struct prs_cursor cursor;
    uint64_t function;
    prs_unwind_here(&cursor);
    char *pages = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cursor.at[PRS_UNWIND_RSP] = cursor.at[PRS_UNWIND_RBP] = (uint64_t)pages;
    cr_assert_eq(prs_unwind_step(&cursor, &function), -1);
}
