/* moments.h - what moments.c and moments_loops.c share. */
#ifndef MOMENTS_H
#define MOMENTS_H

#include <stddef.h>

#define NOINLINE __attribute__((noinline))
typedef unsigned long word;

static inline word mix(word h, word v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ul;
    return h ^ h >> 29;
}

/* Instructions between a mark and its store: volatile accesses to the frame, which have no marks. */
#define FEW slow = slow * 3 + 1; slow ^= slow >> 7; slow += 5; slow = slow * 5 + 3;

extern word *counted; /* 256 bytes, made by who needs them */

void *block(size_t bytes); /* of zeros, or the end */
word folded(const word *at, size_t count);
/* Calls of a function that has a long mark, and so releases all marks of the thread before it returns. */
void releases(word *at, int count);

word strips(int times);
word hoisted(int times);
word calls(int times);

#endif
