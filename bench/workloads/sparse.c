/* sparse.c - one write a page to large arrays in the frames of a shallow recursion: sparse PAGES [EVERY]
 *
 * The original's Sparse: frames with an array of 256 KB, of which 4 bytes are written at the beginning of 24 to 33 pages; 1 to 4 frames deep; until so many
 * PAGES are written (1,000,000 in the original). EVERY: writes between two checkpoints, 0: none. Each write stores another number; the array is volatile.
 */
#include "operations.h"

#define PAGE_WORDS 1024
#define PAGES 64

static uint32_t number;

static __attribute__((noinline)) uint64_t frame(unsigned depth, unsigned pages)
{
    volatile uint32_t array[PAGES * PAGE_WORDS];
    uint64_t sum = 0;
    for (unsigned page = 0; page < pages; ++page) {
        array[page * PAGE_WORDS] = ++number;
        operations_done(1);
    }
    spend(1000);
    if (depth > 1) {
        sum = frame(depth - 1, pages);
    }
    for (unsigned page = 0; page < pages; ++page) {
        sum = sum * 31 + array[page * PAGE_WORDS];
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argument(argc, argv, 1, 0), written = 0, checksum = 0;
    operations_every = argument(argc, argv, 2, 0);
    while (written < wanted) {
        unsigned pages = next_between(24, 33), depth = next_between(1, 4);
        checksum = checksum * 31 + frame(depth, pages);
        written += pages * depth;
    }
    printf("sparse: %llu pages, %016llx\n", (unsigned long long)written, (unsigned long long)checksum);
    return 0;
}
