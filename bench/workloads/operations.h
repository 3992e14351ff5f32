/* operations.h - for the workloads that are made after the original's: a checkpoint after every so many operations, and its random numbers.
 *
 * What a checkpoint saves depends on what was done since the last one, not on how fast the machine did it. So the bytes of these workloads are
 * measured at a number of operations a checkpoint, which is the original's. Without a pool, or linked without the runtime, nothing happens.
 */
#ifndef BENCH_OPERATIONS_H
#define BENCH_OPERATIONS_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int prosper_checkpoint(void) __attribute__((weak));

static uint64_t operations_every, operations_since;

static inline void operations_done(uint64_t count)
{
    operations_since += count;
    if (operations_every != 0 && operations_since >= operations_every) {
        operations_since -= operations_every;
        if (prosper_checkpoint) {
            prosper_checkpoint();
        }
    }
}

/* A shift register of 16 bits (x^16 + x^14 + x^13 + x^11 + 1), begun at 0xACE1, as in the original. */
static uint16_t shift_register = 0xACE1;

static inline unsigned next_random(void)
{
    for (int i = 0; i < 16; ++i) {
        unsigned bit = (shift_register ^ shift_register >> 2 ^ shift_register >> 3 ^ shift_register >> 5) & 1;
        shift_register = (uint16_t)(shift_register >> 1 | bit << 15);
    }
    return shift_register;
}

static inline unsigned next_between(unsigned least, unsigned greatest) { return least + next_random() % (greatest - least + 1); }

/* Work that stores nothing. */
static inline void spend(uint64_t count)
{
    for (uint64_t i = 0; i < count; ++i) {
        __asm__ volatile("");
    }
}

static inline uint64_t argument(int argc, char **argv, int at, uint64_t otherwise) { return argc > at ? strtoull(argv[at], NULL, 0) : otherwise; }
#endif
