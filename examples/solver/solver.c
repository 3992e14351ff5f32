/* solver.c - counts the ways to place n queens on an n x n board by recursive backtracking.
 *
 * Usage: solver [n]        (n from 4 to 18; 14 takes seconds, 15 about half a minute, 16 a few minutes)
 *
 * Where the search stands is known only to the stack: each level of the recursion keeps its own copy of the free columns, the order in
 * which it tries them, and how far it has come. There is no line about saving or restoring anything. Rebuilt with prosper-clang, the
 * program can be killed at any moment and goes on from there.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 18, BAR = 50 };

struct search {
    int n;
    uint64_t solutions;
    uint64_t digest; /* depends on every solution and on the order in which they are found */
    uint64_t nodes;
    int last_percent;
};

static void draw_progress(struct search *search, double done)
{
    int percent = (int)(done * 100.0);

    if (percent == search->last_percent)
        return;
    search->last_percent = percent;
    int filled = percent * BAR / 100;
    fprintf(stderr, "\r[%.*s%*s] %3d %%", filled, "##################################################", BAR - filled, "", percent);
    if (percent == 100)
        fputc('\n', stderr);
}

static void found(struct search *search, const int *queens)
{
    search->solutions++;
    for (int row = 0; row < search->n; row++)
        search->digest = (search->digest ^ (uint64_t)(queens[row] + 1)) * UINT64_C(0x100000001b3);
}

/* Tries all safe columns of `row`. `done` is the share of the whole search before this subtree, `share` that of the subtree. */
static void place(struct search *search, const int *above, int row, double done, double share)
{
    int queens[MAX]; /* this level's own board: the rows above are copied, ours is tried here */
    int safe[MAX];
    int safe_count = 0;

    search->nodes++;
    memcpy(queens, above, (size_t)row * sizeof queens[0]);
    for (int column = 0; column < search->n; column++) {
        bool attacked = false;
        for (int other = 0; other < row && !attacked; other++) {
            int distance = queens[other] - column;
            attacked = distance == 0 || distance == row - other || distance == other - row;
        }
        if (!attacked)
            safe[safe_count++] = column;
    }
    for (int i = 0; i < safe_count; i++) {
        double step = share / safe_count;
        queens[row] = safe[i];
        if (row + 1 == search->n)
            found(search, queens);
        else
            place(search, queens, row + 1, done + i * step, step);
        if (row < 3)
            draw_progress(search, done + (i + 1) * step);
    }
}

int main(int argc, char **argv)
{
    struct search search = {.n = argc > 1 ? atoi(argv[1]) : 14, .digest = UINT64_C(0xcbf29ce484222325), .last_percent = -1};
    int empty[MAX] = {0};

    if (search.n < 4 || search.n > MAX) {
        fprintf(stderr, "usage: %s [n]   n from 4 to %d\n", argv[0], MAX);
        return 2;
    }
    place(&search, empty, 0, 0.0, 1.0);
    draw_progress(&search, 1.0);
    printf("%d queens: %" PRIu64 " solutions, %" PRIu64 " nodes, digest %016" PRIx64 "\n", search.n, search.solutions, search.nodes,
        search.digest);
    return 0;
}
