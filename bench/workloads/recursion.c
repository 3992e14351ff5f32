/* recursion.c - calls and returns: recursion SIZE ROUNDS
 *
 *   ackermann   small frames, many of them come and go
 *   queens      backtracking; the arrays that say what is attacked lie in each frame
 *   flood       a cave is filled recursively: one path of hundreds of thousands of frames, tens of megabytes of stack
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEENS_MAX 16

static uint64_t calls;

static unsigned ackermann(unsigned m, unsigned n)
{
    ++calls;
    if (m == 0) {
        return n + 1;
    }
    return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

struct attacked {
    unsigned char column[QUEENS_MAX], rising[2 * QUEENS_MAX], falling[2 * QUEENS_MAX];
    signed char queen[QUEENS_MAX];
};

static unsigned queens(int n, int row, const struct attacked *before, uint64_t *digest)
{
    unsigned found = 0;
    if (row == n) {
        for (int i = 0; i < n; ++i) {
            *digest = *digest * 31 + (unsigned char)before->queen[i];
        }
        return 1;
    }
    for (int column = 0; column < n; ++column) {
        if (before->column[column] || before->rising[row + column] || before->falling[row - column + n]) {
            continue;
        }
        struct attacked here = *before;
        here.column[column] = here.rising[row + column] = here.falling[row - column + n] = 1;
        here.queen[row] = (signed char)column;
        found += queens(n, row + 1, &here, digest);
    }
    return found;
}

struct cave {
    int size;
    unsigned char *at;
};

/* Fills what is connected with (x, y); returns its size. Frames hold the neighbours, in an order that depends on the place. */
static unsigned flood(struct cave *cave, int x, int y, unsigned depth, unsigned *deepest)
{
    if (x < 0 || y < 0 || x >= cave->size || y >= cave->size || cave->at[y * cave->size + x] != ' ') {
        return 0;
    }
    cave->at[y * cave->size + x] = '.';
    *deepest = depth > *deepest ? depth : *deepest;
    int turn = (x * 7 + y * 13) & 3;
    int nextx[4], nexty[4];
    for (int i = 0; i < 4; ++i) {
        int direction = (i + turn) & 3;
        nextx[i] = x + (direction == 0) - (direction == 2);
        nexty[i] = y + (direction == 1) - (direction == 3);
    }
    unsigned filled = 1;
    for (int i = 0; i < 4; ++i) {
        filled += flood(cave, nextx[i], nexty[i], depth + 1, deepest);
    }
    return filled;
}

static void dig(struct cave *cave)
{
    uint64_t state = 11;
    for (int i = 0; i < cave->size * cave->size; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        cave->at[i] = (state >> 40) % 100 < 28 ? '#' : ' ';
    }
}

static void recurse(int size)
{
    unsigned value = ackermann(3, 7 + (unsigned)size / 2);
    printf("ackermann %u, %llu calls\n", value, (unsigned long long)calls);

    struct attacked none;
    uint64_t digest = 0;
    memset(&none, 0, sizeof none);
    unsigned found = queens(8 + size / 2, 0, &none, &digest);
    printf("queens %u, %016llx\n", found, (unsigned long long)digest);

    struct cave cave = {.size = 250 * size};
    cave.at = malloc((size_t)cave.size * (size_t)cave.size);
    if (cave.at == NULL) {
        exit(1);
    }
    unsigned filled = 0, deepest = 0;
    dig(&cave);
    for (int i = 0; i < cave.size; ++i) {
        filled += flood(&cave, i, i, 1, &deepest);
    }
    printf("flood %u, %u deep\n", filled, deepest);
    free(cave.at);
}

int main(int argc, char **argv)
{
    int size = argc > 2 ? atoi(argv[1]) : 0;
    if (size < 1 || size > 10) {
        return 2;
    }
    for (int round = atoi(argv[2]); round > 0; --round) {
        recurse(size);
    }
    return 0;
}
