/* memory.c KIND MEGABYTES ROUNDS - how much of a large heap is written between two checkpoints, and in which pattern, by kind:
 *   stream   dense: every byte of all of it, from one end to the other, again and again
 *   dense    dense, over little: all of it many times in an interval
 *   scatter  a word here and there, at random: a line of each page
 *   walk     a word in each page in turn
 *   rare     ten words at random, then work in registers
 * The work is counted, so that each run does the same; a checksum is printed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void stream(uint64_t *words, uint64_t count, uint64_t rounds)
{
    for (uint64_t round = 0; round < rounds; ++round) {
        for (uint64_t i = 0; i < count; ++i) {
            words[i] = words[i] * 3 + round;
        }
    }
}

static void scatter(uint64_t *words, uint64_t count, uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds * 1000000; ++i) {
        words[next() % count] += i;
    }
}

static void walk(uint64_t *words, uint64_t count, uint64_t rounds)
{
    for (uint64_t round = 0; round < rounds * 10; ++round) {
        for (uint64_t i = 0; i < count; i += 512) {
            words[i + round % 512] += round;
        }
    }
}

static void rare(uint64_t *words, uint64_t count, uint64_t rounds)
{
    for (uint64_t round = 0; round < rounds; ++round) {
        for (int i = 0; i < 10; ++i) {
            words[next() % count] += round;
        }
        for (int i = 0; i < 1000000; ++i) {
            next();
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    uint64_t count = strtoull(argv[2], NULL, 10) << 17, rounds = strtoull(argv[3], NULL, 10), sum = 0;
    uint64_t *words = malloc(count * sizeof *words);
    if (words == NULL) {
        return 1;
    }
    for (uint64_t i = 0; i < count; ++i) {
        words[i] = i;
    }
    if (strcmp(argv[1], "scatter") == 0) {
        scatter(words, count, rounds);
    } else if (strcmp(argv[1], "walk") == 0) {
        walk(words, count, rounds);
    } else if (strcmp(argv[1], "rare") == 0) {
        rare(words, count, rounds);
    } else {
        stream(words, count, rounds);
    }
    for (uint64_t i = 0; i < count; ++i) {
        sum = sum * 31 + words[i];
    }
    printf("%016llx\n", (unsigned long long)sum);
    return 0;
}
