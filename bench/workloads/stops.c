/* stops.c - what a checkpoint's time depends on: stops changed|deep BYTES ROUNDS
 *
 *   changed   an array in a frame, of which the first BYTES are written anew in each round
 *   deep      BYTES of frames that were written once, and above them a small frame that changes
 *
 * A checkpoint after each round; the statistics of the runtime have its time. Run it without a timer (interval=1000s).
 */
#include "operations.h"
#include <string.h>

#define FRAME_WORDS 2048

static uint64_t number;

static __attribute__((noinline)) uint64_t change(uint64_t words, uint64_t rounds)
{
    volatile uint64_t array[words];
    uint64_t sum = 0;
    for (uint64_t round = 0; round < rounds; ++round) {
        for (uint64_t i = 0; i < words; ++i) {
            array[i] = ++number;
        }
        operations_done(1);
        sum = sum * 31 + array[words / 2];
    }
    return sum;
}

static __attribute__((noinline)) uint64_t go_deeper(uint64_t frames, uint64_t rounds)
{
    volatile uint64_t array[FRAME_WORDS];
    if (frames == 0) {
        return change(128, rounds);
    }
    for (unsigned i = 0; i < FRAME_WORDS; ++i) {
        array[i] = ++number;
    }
    uint64_t sum = go_deeper(frames - 1, rounds);
    return sum * 31 + array[frames % FRAME_WORDS];
}

int main(int argc, char **argv)
{
    uint64_t bytes = argument(argc, argv, 2, 0), rounds = argument(argc, argv, 3, 0);
    operations_every = 1;
    if (argc < 4 || bytes < 8) {
        return 2;
    }
    int deep = strcmp(argv[1], "deep") == 0;
    uint64_t sum = deep ? go_deeper(bytes / (8 * FRAME_WORDS), rounds) : change(bytes / 8, rounds);
    printf("stops: %016llx\n", (unsigned long long)sum);
    return 0;
}
