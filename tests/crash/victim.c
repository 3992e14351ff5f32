/* victim.c - a small program to refuse, kill and resume: some state in every kind of memory, output to stdout and to a file.
 *
 * Usage: victim [-o FILE] [-l FILE] [-i] [-c SECONDS] [-x THING] ROUNDS
 *   -o FILE     writes a line a round to FILE too       -c SECONDS  leaves a child behind that sleeps, and says so in FILE.child
 *   -l FILE     locks FILE while it runs
 *   -i          reads a line from standard input first  -t / -p     starts a thread / opens a pipe of its own
 * A round takes about a millisecond.
 */
#include "victim_library.h"
#include "victim_things.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t global = VICTIM_BUILD;
static _Thread_local uint64_t local = 2;

static uint64_t mix(uint64_t value, int depth)
{
    volatile uint64_t frame[8];
    for (int i = 0; i < 8; i++)
        frame[i] = value * (uint64_t)(i + depth + 3) + (value >> 7);
    uint64_t sum = depth > 0 ? mix(frame[depth % 8] ^ frame[3], depth - 1) : 1;
    for (int i = 0; i < 8; i++)
        sum = sum * 31 + frame[i];
    return sum;
}

static void leave_child(int seconds)
{
    fflush(NULL);
    if (fork() == 0) {
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        sleep((unsigned)seconds);
        _exit(0);
    }
}

int main(int argc, char **argv)
{
    FILE *file = NULL;
    char line[256] = "";
    int option;
    int child = 0;
    const char *thing = NULL;

    while ((option = getopt(argc, argv, "o:l:ic:x:")) != -1) {
        switch (option) {
        case 'o':
            file = fopen(optarg, "w");
            break;
        case 'l':
            if (lockf(open(optarg, O_RDWR | O_CREAT, 0600), F_TLOCK, 0) != 0)
                return 8;
            break;
        case 'i':
            if (fgets(line, sizeof line, stdin) == NULL)
                return 3;
            break;
        case 'c':
            child = atoi(optarg);
            break;
        case 'x':
            thing = optarg;
            break;
        default:
            return 2;
        }
    }
    if (optind >= argc)
        return 2;
    if (child > 0)
        leave_child(child);
    if (thing != NULL)
        get_thing(thing);

    int rounds = atoi(argv[optind]);
    uint64_t *heap = malloc(4096 * sizeof *heap);
    if (heap == NULL)
        return 6;
    memset(heap, 0, 4096 * sizeof *heap);
    for (int round = 1; round <= rounds; round++) {
        for (int i = 0; i < 1200; i++) {
            global += mix(global + (uint64_t)i, 12);
            heap[global % 4096] += local;
            local = local * 5 + heap[(global >> 20) % 4096] + library_step(local);
        }
        if (round % 10 == 0)
            printf("round %d: %016" PRIx64 "\n", round, global ^ local);
        if (file != NULL)
            fprintf(file, "%d %016" PRIx64 "\n", round, local);
    }
    uint64_t sum = global;
    for (int i = 0; i < 4096; i++)
        sum = sum * 3 + heap[i];
    printf("%s%d rounds: %016" PRIx64 "\n", line, rounds, sum);
    free(heap);
    return file != NULL && fclose(file) != 0 ? 7 : 0;
}
