/* report.c - a failure: what was wrong, how to repeat it, and of each line that was not durable what of it is there. */
#include "power.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES_SHOWN 60u

uint64_t seed = 1, round_number;

void report_state(unsigned levels)
{
    printf("state %lu.%lu, while the call is: %s\n", round_number, state_number, doing);
    for (unsigned level = 0; level < levels; ++level) {
        unsigned count;
        const struct line *lines = pending_lines(level, &count);
        printf("  cut %u%s: %u lines were not durable\n", level + 1, level == 0 ? "" : ", in the recovery after that", count);
        for (unsigned i = 0; i < count && i < LINES_SHOWN; ++i) {
            const struct line *line = &lines[i];
            printf("    %-28s", name_of((uint64_t)unit_bytes * line->at));
            if (line->there == line->count) {
                printf("there (%u stores)\n", line->count);
            } else if (line->there == 0 && line->extra == 0) {
                printf("dropped (%u stores)\n", line->count);
            } else {
                printf("torn: the first %u of %u stores", line->there, line->count);
                if (line->extra != 0) {
                    printf(", and of those behind them: %x (bits)", line->extra);
                }
                printf("\n");
            }
        }
        if (count > LINES_SHOWN) {
            printf("    and %u more\n", count - LINES_SHOWN);
        }
    }
}

void fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("FAILURE in state %lu.%lu (%s): ", round_number, state_number, doing);
    vprintf(format, args);
    va_end(args);
    printf("\nafter %lu states\n", states_opened());
    report_state(level_open + 1);
    printf("again: power%s --seed %lu --exhaustive %lu --round %lu\n", by_pages ? " --pages 1" : "", seed, exhaustive_max, round_number);
    fflush(stdout);
    _exit(1);
}
