/* power - what a power cut may leave of a pool, opened by the real recovery code, state by state.
 *
 *   power [--seed N] [--states N] [--exhaustive N] [--round N] [--state N] [--pages 0|1]
 *
 * --pages 1: of a pool on a file system with a page cache, which is written to the disk by msync. Otherwise, of one on persistent memory.
 * Rounds of random operations until so many states were opened. A failure names its round: --round N makes only that one, the same again, and --state K
 * shows the lines of its K-th state. Exit status 0: all states were right; 1: one was not (or an assertion of the store's failed on the way); 2: usage.
 */
#include "power.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS_OF_A_ROUND 60u

static const char *const kind_names[KINDS] = {
    [CREATION] = "creation",
    [DATA] = "an epoch's data",
    [RECORD] = "its record",
    [REST] = "after its commit",
    [OPENED] = "image of the stack",
    [GATHER] = "begin, gathering",
    [ABORTED] = "given up",
    [RESET] = "reset",
    [MARK] = "marks, reasons",
    [GROWTH] = "an extension",
    [RECOVERY] = "recovery, then on",
    [RECOVERY_CUT] = "cut in recovery",
    [RECOVERY_TWICE] = "and once more",
};

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        fprintf(stderr, "power: %s is no number\n", text);
        exit(2);
    }
    return value;
}

static void died(int signal_number) { fail("signal %d: an assertion of the store's failed, or worse", signal_number); }

static void print_counts(uint64_t rounds)
{
    printf("%-20s %9s %11s %10s %10s %6s\n", "where", "sets", "exhausted", "states", "torn", "lines");
    for (unsigned i = 0; i < KINDS; ++i) {
        const struct counted *count = &counted[i];
        printf("%-20s %9lu %11lu %10lu %10lu %6lu\n", kind_names[i], count->sets, count->exhausted, count->states, count->torn, count->lines_most);
    }
    printf("seed %lu: %lu states in %lu rounds; %lu epochs, %lu cold pages gathered, %lu extensions, %lu power cuts and %lu kills on the way, %lu states carried on from; all right\n",
           seed, states_opened(), rounds, epochs_driven, gathered_calmly, extensions, cuts, kills, carried_on);
}

int main(int argc, char **argv)
{
    uint64_t states = 100000, only = UINT64_MAX;
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--seed") == 0) {
            seed = number(value);
        } else if (strcmp(argv[i], "--states") == 0) {
            states = number(value);
        } else if (strcmp(argv[i], "--exhaustive") == 0) {
            exhaustive_max = number(value);
        } else if (strcmp(argv[i], "--round") == 0) {
            only = number(value);
        } else if (strcmp(argv[i], "--pages") == 0) {
            by_pages = number(value) != 0;
        } else if (strcmp(argv[i], "--fresh") == 0) {
            fresh_every = number(value);
        } else if (strcmp(argv[i], "--state") == 0) {
            state_wanted = number(value);
        } else {
            fprintf(stderr, "usage: power [--seed N] [--states N] [--exhaustive N] [--round N] [--state N] [--pages 0|1] [--fresh N]\n");
            return 2;
        }
    }
    signal(SIGABRT, died);
    signal(SIGSEGV, died);
    signal(SIGBUS, died);
    memory_open();
    fresh_begin(argv[0]);
    uint64_t rounds = 0;
    do {
        round_number = only == UINT64_MAX ? rounds : only;
        state_number = 0;
        choose_seed(seed, round_number);
        drive_round(EPOCHS_OF_A_ROUND);
        ++rounds;
    } while (only == UINT64_MAX && states_opened() < states);
    print_counts(rounds);
    if (fresh_every != 0) {
        printf("%lu of them opened by a process of their own, too\n", fresh_opened);
    }
    return 0;
}
