/* known.c - a program whose dirty bytes are known: in each interval all of a 64-KB heap table, 16 KB of a frame, 8 KB of a global array, and little else.
 * known ROUNDS: rounds of at least one interval each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TABLE (64 * 1024)
#define FRAME (16 * 1024)
#define GLOBAL (8 * 1024)

unsigned char numbers[GLOBAL];
static unsigned char *table;
static unsigned long sum;

static void fill(unsigned char *bytes, size_t count, unsigned round)
{
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (unsigned char)(bytes[i] * 5 + round + i);
    }
}

__attribute__((noinline)) static unsigned char *make_table(size_t bytes)
{
    unsigned char *made = malloc(bytes); /* SITE */
    memset(made, 1, bytes);
    return made;
}

__attribute__((noinline)) static void work(unsigned char *frame, unsigned round)
{
    for (int i = 0; i < 12; i++) { /* each byte more than once between two checkpoints, whenever they come */
        fill(table, TABLE, round + (unsigned)i);
        fill(frame, FRAME, round + (unsigned)i);
        fill(numbers, GLOBAL, round + (unsigned)i);
    }
}

__attribute__((noinline)) static void filler(unsigned rounds)
{ /* FRAME */
    unsigned char frame[FRAME];
    memset(frame, 3, sizeof frame);
    for (unsigned round = 0; round < rounds; round++) {
        work(frame, round);
        sum += frame[round % FRAME] + table[round % TABLE] + numbers[round % GLOBAL];
    }
}

int main(int argc, char **argv)
{
    table = make_table(TABLE);
    filler(argc > 1 ? (unsigned)atoi(argv[1]) : 100);
    printf("%lu\n", sum);
    free(table);
    return 0;
}
