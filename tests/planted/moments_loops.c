/* moments_loops.c - parts of moments.c: marks that one store must not share with another, and marks that leave their loop. */
#include "moments.h"
#include <stdbool.h>

/* ---- loops ---- */

#define LONG 24000
static NOINLINE void along(word *at, word h)
{
    for (word i = 0; i < LONG; ++i) {
        at[i] = at[i] * 3 + (h ^ i);
    }
}

/* Each round in a line of its own. */
static NOINLINE void along_lines(word *at, word h)
{
    for (word i = 0; i < LONG / 8; ++i) {
        at[8 * i] = at[8 * i] * 3 + (h ^ i);
    }
}

word strips(int times)
{
    word *at = block(LONG * sizeof *at);
    for (int i = 0; i < times; ++i) {
        along(at, mix(i, 1));
        along_lines(at, mix(i, 2));
    }
    return folded(at, LONG);
}

/* Marks that leave their loop, because calls are rare in it. */
static NOINLINE word moving(word *at, word h, int rounds)
{
    for (int i = 0; i < rounds; ++i) {
        at[0] = h;
        at[1] += h;
        h = mix(h, i);
        at += 9;
        if (__builtin_expect(h % 64 == 5, 0)) {
            releases(counted, 1);
        }
    }
    return h;
}

static NOINLINE word stepping(word *at, word h, int rounds)
{
    for (int i = 0; i < rounds; ++i) {
        at[0] = h;
        at[1] += h;
        h = mix(h, at[1]);
        if (__builtin_expect(h % 16 == 5, 0)) {
            at += 9;
        }
        if (__builtin_expect(h % 64 == 6, 0)) {
            releases(counted, 1);
        }
    }
    return h;
}

static NOINLINE word indexed(word *at, word h, int rounds)
{
    for (int i = 0; i < rounds; ++i) {
        at[h >> 7 & 31] = h;
        h = mix(h, i);
        if (__builtin_expect(h % 64 == 5, 0)) {
            releases(counted, 1);
        }
    }
    return h;
}

/* Never follows the pointer when `leads` is false; it is no address then. */
static NOINLINE word nowhere(word *at, word h, int rounds, bool leads)
{
    for (int i = 0; i < rounds; ++i) {
        if (leads) {
            at[1] = h;
        }
        h = mix(h, i);
        if (__builtin_expect(h % 64 == 5, 0)) {
            releases(counted, 1);
        }
    }
    return h;
}

word hoisted(int times)
{
    word h = 1, *at = block(8192);
    counted = block(256);
    for (int i = 0; i < times; ++i) {
        h = moving(at, h, 60);
        h = stepping(at + 8, h, 100);
        releases(counted, 5); /* what is marked so far is no longer suspect */
        h = indexed(at + 1, h, 60); /* not from the beginning of a line on */
        h = nowhere(at, h, 30, true);
        h = nowhere((word *)(0x7ffful << 48), h, 30, false);
    }
    return mix(h, folded(at, 1024));
}

/* ---- what must not share a mark ---- */

static NOINLINE void around_a_call(word *at, word value)
{
    at[0] = value;
    releases(counted, 4);
    at[1] = value * 3;
}

static NOINLINE void on_one_way(word *at, word value)
{
    if (value & 1) {
        at[0] = value;
    }
    at[1] = value * 3;
}

static NOINLINE void around_a_loop(word *at, word value, int rounds)
{
    at[0] = value;
    do {
        at[1] += value;
        releases(counted, 4);
    } while (--rounds > 0);
}

static NOINLINE word around_a_rare_call(word *at, word h, int rounds)
{
    for (int i = 0; i < rounds; ++i) {
        at[0] = h;
        at[1] += h;
        h = mix(h, i);
        if (__builtin_expect(h % 16 == 5, 0)) {
            releases(counted, 4);
        }
    }
    return h;
}

/* The first store in one line, the last in the next but one. */
struct __attribute__((packed)) pair {
    word first;
    char between[56];
    word last;
};

static NOINLINE void far_apart(struct pair *at, word value)
{
    at->first = value;
    at->last = value * 3;
}

static NOINLINE void behind_a_loop(word *at, const word *numbers, int rounds)
{
    int i = 0;
    do {
        at[i & 3] += numbers[i];
        if (__builtin_expect(numbers[i] == 77, 0)) {
            releases(counted, 1);
        }
    } while (++i < rounds);
    volatile word slow = numbers[0];
    FEW FEW FEW FEW FEW FEW FEW
    at[1] = slow;
}

word calls(int times)
{
    word h = 1, *at = block(4096), numbers[20];
    counted = block(256);
    for (int i = 0; i < times; ++i) {
        h = mix(h, i);
        for (int j = 0; j < 20; ++j) {
            numbers[j] = h;
        }
        around_a_call(at, h);
        on_one_way(at + 64, h);
        around_a_loop(at + 128, h, 3);
        h = around_a_rare_call(at + 192, h, 30);
        far_apart((struct pair *)((char *)(at + 256) + 60), h);
        behind_a_loop(at + 320, numbers, 20);
    }
    return mix(h, folded(at, 512));
}
