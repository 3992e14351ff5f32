/* latin.c - Latin squares by search with propagation: latin SQUARES
 *
 * A solver that copies its state: each frame has the domains of all cells as they were before its choice, so there is nothing to undo. 44 x 44 cells of
 * 8 bytes are 15 KB a frame, and a path has more than a thousand frames: tens of megabytes of stack, most of which does not change for long.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 44
#define CELLS (N * N)

struct square {
    uint64_t domain[CELLS];
};

static uint64_t nodes, nodes_max, deepest;

/* Takes bit from the domains of cell's row and column; what has only one value left goes on with it. False: a domain is empty. */
static int assign(struct square *square, int cell, uint64_t bit)
{
    int waiting[CELLS], count = 0;
    square->domain[cell] = bit;
    waiting[count++] = cell;
    while (count > 0) {
        int at = waiting[--count], row = at / N * N, column = at % N;
        uint64_t value = square->domain[at];
        for (int i = 0; i < 2 * N; ++i) {
            int other = i < N ? row + i : column + (i - N) * N;
            uint64_t left = square->domain[other] & ~value;
            if (other == at || left == square->domain[other]) {
                continue;
            }
            if (left == 0) {
                return 0;
            }
            square->domain[other] = left;
            if ((left & (left - 1)) == 0) {
                waiting[count++] = other;
            }
        }
    }
    return 1;
}

static int tightest(const struct square *square)
{
    int best = -1, least = N + 1;
    for (int cell = 0; cell < CELLS; ++cell) {
        uint64_t domain = square->domain[cell];
        if ((domain & (domain - 1)) != 0 && __builtin_popcountll(domain) < least) {
            least = __builtin_popcountll(domain);
            best = cell;
        }
    }
    return best;
}

static int search(const struct square *before, uint64_t depth, uint64_t seed, struct square *solution)
{
    int cell = tightest(before);
    deepest = depth > deepest ? depth : deepest;
    if (cell < 0) {
        *solution = *before;
        return 1;
    }
    unsigned turn = (unsigned)((seed * (uint64_t)(cell + 1) * 0x9e3779b97f4a7c15U) >> 58) % N;
    for (unsigned i = 0; i < N; ++i) {
        uint64_t bit = 1ULL << (i + turn) % N;
        if ((before->domain[cell] & bit) == 0) {
            continue;
        }
        if (++nodes > nodes_max) {
            return 0;
        }
        struct square here = *before;
        if (assign(&here, cell, bit) && search(&here, depth + 1, seed, solution)) {
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct square empty, solution;
    if (argc < 2) {
        return 2;
    }
    for (int cell = 0; cell < CELLS; ++cell) {
        empty.domain[cell] = (1ULL << N) - 1;
    }
    for (uint64_t seed = 1; seed <= (uint64_t)atoi(argv[1]); ++seed) {
        nodes_max = nodes + 6000; /* some searches would not end */
        int solved = search(&empty, 1, seed, &solution);
        uint64_t checksum = 0;
        for (int cell = 0; cell < CELLS; ++cell) {
            checksum = checksum * 31 + solution.domain[cell];
        }
        printf("square %llu: %s, %016llx\n", (unsigned long long)seed, solved ? "solved" : "given up", (unsigned long long)checksum);
    }
    printf("%llu nodes, %llu deep\n", (unsigned long long)nodes, (unsigned long long)deepest);
    return 0;
}
