/* chase.c - a chain of places in an array of the stack is followed again and again, now farther, now less far: chase normal|poisson GROUPS [EVERY]
 *
 * The original's Normal and Poisson: 10,000 numbers of 4 bytes in a frame; a group follows the chain from its beginning for a number of steps drawn from N(63, 20)
 * or Poisson(65), and adds to each number that it passes. GROUPS: 15,000 in the original. EVERY: steps between two checkpoints, 0: none. The original adds 0,
 * which changes nothing; here the upper bits of a number count how often it was passed, the lower 14 say where the chain goes on. The array is volatile.
 */
#include "operations.h"
#include <math.h>

#define COUNT 10000u
#define LINK_BITS 14

static unsigned steps_normal(void)
{
    int sum = 0; /* of 12 uniform numbers of 0 to 69: mean 414, deviation 70 */
    for (int j = 0; j < 12; ++j) {
        sum += (int)(next_random() % 70);
    }
    int steps = 63 + (sum - 414) * 2 / 7;
    return steps < 1 ? 1 : (unsigned)steps;
}

static unsigned steps_poisson(void) /* Knuth: uniform numbers are multiplied until the product is below e^-65 */
{
    double product = 1, least = exp(-65);
    unsigned steps = 0;
    while ((product *= (next_random() + 0.5) / 65536) > least) {
        ++steps;
    }
    return steps < 1 ? 1 : steps;
}

int main(int argc, char **argv)
{
    volatile uint32_t input[COUNT];
    int poisson = argc > 1 && argv[1][0] == 'p';
    uint64_t groups = argument(argc, argv, 2, 0), steps_all = 0, checksum = 0;
    operations_every = argument(argc, argv, 3, 0);
    for (uint32_t i = 0; i < COUNT; ++i) {
        input[i] = i;
    }
    for (uint32_t i = COUNT - 1; i > 0; --i) { /* one cycle through all of them (Sattolo) */
        uint32_t j = (next_random() << 8 ^ next_random()) % i, swapped = input[i];
        input[i] = input[j];
        input[j] = swapped;
    }
    for (uint64_t group = 0; group < groups; ++group) {
        unsigned steps = poisson ? steps_poisson() : steps_normal();
        uint32_t at = 0;
        for (unsigned i = 0; i < steps; ++i) {
            input[at] += 1u << LINK_BITS;
            at = input[at] & ((1u << LINK_BITS) - 1);
        }
        steps_all += steps;
        operations_done(steps);
    }
    for (uint32_t i = 0; i < COUNT; ++i) {
        checksum = checksum * 31 + input[i];
    }
    printf("chase: %llu steps, %016llx\n", (unsigned long long)steps_all, (unsigned long long)checksum);
    return 0;
}
