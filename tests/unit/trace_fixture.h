/* trace_fixture.h - a trace in a file without a name, for the tests that write and read traces. */
#ifndef TRACE_FIXTURE_H
#define TRACE_FIXTURE_H

#include "trace.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK 0x7ffc00000000ul
#define SIZE (1ul << 20)

static char path[64]; /* of a file without a name: thousands are written, and none need reach a disk */
static struct prs_trace trace;

static void setup(void)
{
    snprintf(path, sizeof path, "/proc/self/fd/%d", memfd_create("trace", MFD_CLOEXEC));
}

static int create(void) { return open(path, O_RDWR | O_TRUNC | O_CLOEXEC); }
static void begin(void) { cr_assert_eq(prs_trace_begin(&trace, create()), 0); }
static void end(void)
{
    cr_assert_eq(prs_trace_end(&trace), 0);
    close(trace.fd);
}

#endif
