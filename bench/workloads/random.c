/* random.c - scattered writes to arrays in the frames of a shallow recursion: random PAGES [EVERY]
 *
 * The original's Random: frames with 132 KB of 4-byte numbers; in each of 24 to 33 pages of the array 100 are written, at places that were drawn once;
 * 1 to 4 frames deep; until so many PAGES are written (1,000,000 in the original). EVERY: writes between two checkpoints, 0: none.
 * Each write stores another number than the one before it, so that what was written has also changed. The array is volatile: all writes happen.
 */
#include "operations.h"

#define PAGE_WORDS 1024
#define PAGES_MAX 33
#define WRITES 100

static uint16_t place[WRITES];
static uint32_t number;

static __attribute__((noinline)) uint64_t frame(unsigned depth, unsigned pages)
{
    volatile uint32_t array[PAGES_MAX * PAGE_WORDS];
    uint64_t sum = 0;
    for (unsigned page = 0; page < pages; ++page) {
        for (unsigned i = 0; i < WRITES; ++i) {
            array[page * PAGE_WORDS + place[i]] = ++number;
        }
        operations_done(WRITES);
    }
    spend(1000);
    if (depth > 1) {
        sum = frame(depth - 1, pages);
    }
    for (unsigned page = 0; page < pages; ++page) {
        sum = sum * 31 + array[page * PAGE_WORDS + place[page]];
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argument(argc, argv, 1, 0), written = 0, checksum = 0;
    operations_every = argument(argc, argv, 2, 0);
    for (unsigned i = 0; i < WRITES; ++i) {
        place[i] = (uint16_t)(next_random() % PAGE_WORDS);
    }
    while (written < wanted) {
        unsigned pages = next_between(24, PAGES_MAX), depth = next_between(1, 4);
        checksum = checksum * 31 + frame(depth, pages);
        written += pages * depth;
    }
    printf("random: %llu pages, %016llx\n", (unsigned long long)written, (unsigned long long)checksum);
    return 0;
}
