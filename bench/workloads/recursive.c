/* recursive.c - a recursion of fixed depth whose frames write a little into a page each: recursive DEPTH REPEATS DELAY [EVERY]
 *
 * The original's Recursive-N: each frame has an array of 4,096 bytes and writes one of 512 sizes (about normal, mean 63, deviation 20) from its beginning, in
 * three parts of 30, 40 and 30 % with work that stores nothing in between; the next frame is called before the last part. REPEATS: of all 512 sizes (10 in
 * the original). DELAY: length of the first stretch of work, the second is twice as long (100,000 in the original). EVERY: calls between two checkpoints, 0: none.
 */
#include "operations.h"

#define SIZES 512

static unsigned char size_of[SIZES];
static uint8_t number;
static uint64_t delay;

static __attribute__((noinline)) uint64_t frame(unsigned depth, unsigned size)
{
    volatile uint8_t data[4096];
    unsigned first = size * 3 / 10, second = size * 7 / 10;
    uint64_t sum = 0;
    ++number;
    for (unsigned i = 0; i < first; ++i) {
        data[i] = (uint8_t)(number + i);
    }
    spend(delay);
    for (unsigned i = first; i < second; ++i) {
        data[i] = (uint8_t)(number + i);
    }
    spend(2 * delay);
    operations_done(1);
    if (depth > 1) {
        sum = frame(depth - 1, size);
    }
    for (unsigned i = second; i < size; ++i) {
        data[i] = (uint8_t)(number + i);
    }
    for (unsigned i = 0; i < size; ++i) {
        sum = sum * 31 + data[i];
    }
    return sum;
}

int main(int argc, char **argv)
{
    unsigned depth = (unsigned)argument(argc, argv, 1, 1);
    uint64_t repeats = argument(argc, argv, 2, 0), checksum = 0;
    delay = argument(argc, argv, 3, 0);
    operations_every = argument(argc, argv, 4, 0);
    for (int i = 0; i < SIZES; ++i) {
        unsigned sum = 0; /* of 12 uniform numbers of 0 to 69: mean 414, deviation 70 */
        for (int j = 0; j < 12; ++j) {
            sum += next_random() % 70;
        }
        int size = 63 + ((int)sum - 414) * 2 / 7;
        size_of[i] = (unsigned char)(size < 1 ? 1 : size);
    }
    for (uint64_t i = 0; i < repeats * SIZES; ++i) {
        checksum = checksum * 31 + frame(depth, size_of[i % SIZES]);
    }
    printf("recursive: %u deep, %016llx\n", depth, (unsigned long long)checksum);
    return 0;
}
