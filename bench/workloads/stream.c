/* stream.c - arrays in the frames of a shallow recursion, written from end to end: stream PAGES [EVERY]
 *
 * The original's Stream: an array of variable size, 20 to 24 pages, is written in steps of 4 bytes; 1 to 4 frames deep; until so many PAGES are written
 * (1,000,000 in the original). EVERY: writes between two checkpoints, 0: none. Each write stores another number; the array is volatile.
 */
#include "operations.h"

#define PAGE_WORDS 1024

static uint32_t number;

static __attribute__((noinline)) uint64_t frame(unsigned depth, unsigned pages)
{
    volatile uint32_t array[pages * PAGE_WORDS];
    uint64_t sum = 0;
    for (unsigned page = 0; page < pages; ++page) {
        for (unsigned i = 0; i < PAGE_WORDS; ++i) {
            array[page * PAGE_WORDS + i] = ++number;
        }
        operations_done(PAGE_WORDS);
    }
    spend(1000);
    if (depth > 1) {
        sum = frame(depth - 1, pages);
    }
    for (unsigned page = 0; page < pages; ++page) {
        sum = sum * 31 + array[page * PAGE_WORDS + page];
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t wanted = argument(argc, argv, 1, 0), written = 0, checksum = 0;
    operations_every = argument(argc, argv, 2, 0);
    while (written < wanted) {
        unsigned pages = next_between(20, 24), depth = next_between(1, 4);
        checksum = checksum * 31 + frame(depth, pages);
        written += pages * depth;
    }
    printf("stream: %llu pages, %016llx\n", (unsigned long long)written, (unsigned long long)checksum);
    return 0;
}
