/* test_trace_writer.c - writing traces while things go wrong: full media, and handlers that come in the middle of a record, write themselves, or never return. */
#include "trace_fixture.h"
#include "trace_reader.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

TestSuite(trace_writer, .init = setup, .timeout = 120);

Test(trace_writer, a_failing_write_is_told_and_ends_it)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert_eq(prs_trace_begin(&trace, full), -ENOSPC);
    close(full);
    begin();
    close(trace.fd);
    cr_assert_eq(prs_trace_store(&trace, STACK, 8), 0);
    cr_assert_eq(prs_trace_flush(&trace), -EBADF);
    cr_assert_eq(prs_trace_store(&trace, STACK, 8), -EBADF);
    cr_assert_eq(prs_trace_end(&trace), -EBADF);
}

Test(trace_writer, what_a_handler_cannot_record_is_counted)
{
    struct trace_reader reader;
    struct trace_event event;
    begin();
    cr_assert_eq(prs_trace_store(&trace, STACK, 8), 0);
    trace.busy = UINT64_MAX; /* as in the middle of a call */
    cr_assert_eq(prs_trace_store(&trace, STACK, 8), -EBUSY);
    cr_assert_eq(prs_trace_time(&trace, 1, 0), -EBUSY);
    trace.busy = 0;
    end();
    cr_assert_eq(trace_open(&reader, path, false), 0);
    while (trace_next(&reader, &event) == 1) {
    }
    cr_assert(reader.records == 1 && reader.lost == 2);
    trace_close(&reader);
}

/* A handler may have its stack above the frames that it interrupts: the record on its way goes on when it returns, so the handler's is the one that is lost. */
static volatile uint64_t handlers, turned_away;
static void store_too(int signal)
{
    (void)signal;
    handlers++;
    turned_away += prs_trace_store(&trace, STACK + 8, 8) == -EBUSY;
}

Test(trace_writer, a_handler_on_a_higher_stack_does_not_take_over)
{
    char above[65536];
    stack_t stack = {.ss_sp = above, .ss_size = sizeof above};
    struct sigaction action = {.sa_handler = store_too, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct itimerval often = {{0, 50}, {0, 50}}, never = {{0, 0}, {0, 0}};
    struct trace_reader reader;
    struct trace_event event;
    uint64_t mine = 0, read = 0;
    begin();
    cr_assert_eq(sigaltstack(&stack, NULL), 0);
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (; handlers < 4000; ++mine) {
        cr_assert_eq(prs_trace_store(&trace, STACK + mine % 100 * 0x10000, 8), 0);
    }
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    cr_assert_eq(prs_trace_flush(&trace), 0);
    end();
    cr_assert_eq(trace_open(&reader, path, false), 0);
    uint64_t from_handlers = 0;
    while (trace_next(&reader, &event) == 1) {
        cr_assert(event.kind == TRACE_STORE && event.size == 8);
        from_handlers += event.address == STACK + 8;
        cr_assert(event.address == STACK + 8 || event.address == STACK + read++ % 100 * 0x10000, "record %lu: %lx", read, event.address);
    }
    cr_assert(read == mine && from_handlers + turned_away == handlers && reader.lost == turned_away && turned_away > 0, "%lu of %lu, %lu turned away", read, mine, turned_away);
    trace_close(&reader);
}

/* The record that is on its way when a handler comes and leaves by longjmp is not there, whatever it had put into the buffer; those before and after are. */
static sigjmp_buf again;
static void jump_out(int signal)
{
    (void)signal;
    siglongjmp(again, 1);
}

Test(trace_writer, a_handler_may_leave_by_longjmp)
{
    struct sigaction action = {.sa_handler = jump_out};
    struct itimerval soon = {{0, 0}, {0, 50}};
    struct trace_reader reader;
    struct trace_event event;
    static volatile uint64_t mine, jumps;
    begin();
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    if (sigsetjmp(again, 1) != 0) {
        jumps++;
    }
    if (jumps < 2000) {
        cr_assert_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
        for (;;) {
            mine++; /* at most one number is missing for each jump */
            cr_assert_eq(prs_trace_store(&trace, STACK + mine % 100 * 0x10000, 8), 0);
        }
    }
    cr_assert_eq(prs_trace_flush(&trace), 0);
    end();
    cr_assert_eq(trace_open(&reader, path, false), 0);
    uint64_t read = 0, at = 0;
    for (; trace_next(&reader, &event) == 1; ++read) {
        cr_assert(event.kind == TRACE_STORE && event.size == 8 && (event.address - STACK) % 0x10000 == 0);
        uint64_t skipped = ((event.address - STACK) / 0x10000 + 100 - (at + 1) % 100) % 100;
        at += 1 + skipped;
    }
    cr_assert(at <= mine && at + 100 > mine && read <= mine && read + jumps >= mine && reader.lost <= jumps, "%lu of %lu, %lu jumps", read, mine, jumps);
    trace_close(&reader);
}

static volatile uint64_t written, refused_busy;
static void on_signal(int signal)
{
    (void)signal;
    for (unsigned i = 0; i < 20; ++i) { /* another stack, far away: the differences are large */
        if (prs_trace_store(&trace, 0x1000 + i, 4) == 0) {
            written++;
        } else {
            refused_busy++;
        }
    }
}

Test(trace_writer, a_handler_may_write_whatever_it_interrupts)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
    struct trace_reader reader;
    struct trace_event event;
    uint64_t mine = 0, theirs = 0;
    begin();
    cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
    cr_assert_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
    for (; mine < 2000000 || (written == 0 && mine < 1000000000); ++mine) {
        cr_assert_eq(prs_trace_store(&trace, STACK + mine % 1000 * 8, 8), 0);
    }
    cr_assert_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    end();
    cr_assert_eq(trace_open(&reader, path, false), 0);
    for (uint64_t i = 0; trace_next(&reader, &event) == 1;) {
        if (event.size == 4) {
            cr_assert(event.address >= 0x1000 && event.address < 0x1000 + 20);
            theirs++;
        } else {
            cr_assert(event.address == STACK + i % 1000 * 8 && event.size == 8, "store %lu", i);
            i++;
        }
    }
    cr_assert(reader.records == mine + written && theirs == written && reader.lost == refused_busy && written > 0);
    trace_close(&reader);
}
