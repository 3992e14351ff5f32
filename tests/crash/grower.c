/* grower.c - a program whose heap outgrows a small pool several times: it allocates, writes all of it again and again in a pseudo-random order, gives some back,
 * and prints sums. The same output in every run.
 *
 * Usage: grower MEGABYTES ROUNDS [FILE [rename | unshare | exec]]: so much in the end, reached in at most 40 rounds; FILE gets a line for each round. rename: after each round a file is renamed,
 * which cannot be done twice. unshare: in the end it asks for a namespace that a process of several threads is refused, and says what came of it. exec: in the end it becomes
 * another program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK (1u << 20)

static uint64_t state = 88172645463325252ull;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t sum(const uint64_t *block)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < BLOCK / 8; i += 8) {
        total = total * 31 + block[i];
    }
    return total;
}

int main(int argc, char **argv)
{
    unsigned blocks = argc > 1 ? (unsigned)atoi(argv[1]) : 64, rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
    FILE *out = argc > 3 ? fopen(argv[3], "w") : NULL;
    unsigned steps = rounds < 40 ? rounds : 40;
    int first = -1;
    uint64_t **block = calloc(blocks, sizeof *block);
    if (block == NULL || (argc > 3 && out == NULL)) {
        return 1;
    }
    for (unsigned round = 1; round <= rounds; ++round) {
        unsigned now = round < steps ? 1 + (blocks - 1) * round / steps : blocks;
        for (unsigned i = 0; i < now; ++i) {
            if (block[i] == NULL) {
                block[i] = malloc(BLOCK);
                if (block[i] == NULL) {
                    return 1;
                }
                for (unsigned j = 0; j < BLOCK / 8; ++j) {
                    block[i][j] = next();
                }
            } else {
                for (unsigned n = 0; n < 400; ++n) {
                    block[i][next() % (BLOCK / 8)] = next();
                }
            }
        }
        if (round % 5 == 0) { /* memory that is given back, and comes again */
            unsigned victim = (unsigned)(next() % now);
            free(block[victim]);
            block[victim] = NULL;
        }
        uint64_t total = 0;
        for (unsigned i = 0; i < now; ++i) {
            total = total * 37 + (block[i] != NULL ? sum(block[i]) : 1);
        }
        printf("%u %u %016lx\n", round, now, total);
        if (out != NULL) {
            fprintf(out, "%u %016lx\n", round, total);
        }
        if (argc > 4 && strcmp(argv[4], "rename") == 0) {
            FILE *made = fopen("made", "w");
            int number = made == NULL ? -1 : fileno(made); /* always the same: none of the runtime's is in between */
            if (round == 1) {
                first = number;
            }
            if (number != first || fclose(made) != 0 || rename("made", "renamed") != 0) {
                return 1;
            }
        }
    }
    if (out != NULL) {
        fclose(out);
    }
    if (argc > 4 && strcmp(argv[4], "unshare") == 0) {
        int error = unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
        printf("unshare: %d\n", error);
    }
    if (argc > 4 && strcmp(argv[4], "exec") == 0) {
        fflush(stdout);
        execlp("true", "true", (char *)NULL);
        return 1;
    }
    return 0;
}
