/* deep.c - for the ways of the stack that follow stores: frames of many kinds that are made, changed and left, and stores into the stack from wherever they can come:
 * callees, libc, handlers (also on a stack of their own, and such that interrupt a store and never come back), coroutines.
 * deep ROUNDS [DEPTH]. What it prints depends on these alone. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

static uint64_t mix(uint64_t h, uint64_t x) { return (h ^ x) * 0x9e3779b97f4a7c15ul + (h >> 29); }

struct packed {
    char letter;
    uint32_t number;
    short halves[3];
} __attribute__((packed));

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

__attribute__((noinline)) static uint64_t descend(unsigned depth, uint64_t seed, uint64_t *above)
{
    uint64_t words[9];
    struct packed pieces[7];
    int sorted[24];
    char text[60];
    for (unsigned i = 0; i < 9; ++i) {
        words[i] = seed = mix(seed, i + depth);
    }
    for (unsigned i = 0; i < 7; ++i) {
        pieces[i] = (struct packed){(char)seed, (uint32_t)(seed >> 7), {(short)i, (short)(seed >> 40), (short)depth}};
    }
    if (depth == 0) {
        return seed;
    }
    for (int i = 0; i < 24; ++i) {
        sorted[i] = (int)(mix(seed, (uint64_t)i) >> 33);
    }
    if (depth % 16 == 0) {
        qsort(sorted, 24, sizeof sorted[0], by_value);
    }
    uint64_t below = descend(depth - 1, mix(seed, pieces[depth % 7].number), &words[depth % 9]);
    *above = mix(*above, below); /* into the caller's frame */
    snprintf(text, sizeof text, "%u %lx %d", depth, (unsigned long)(below & 0xffff), sorted[depth % 24]);
    for (unsigned i = 0; i < 9; ++i) {
        below = mix(below, words[i] + (unsigned char)text[i] + (uint64_t)pieces[i % 7].halves[1]);
    }
    return below;
}

/* ---- handlers ---- */

static uint64_t *from_handler;
static volatile sig_atomic_t interruptions;
static sigjmp_buf *way_out;

static void store_from_handler(int number)
{
    char own[200];
    memset(own, number, sizeof own);
    *from_handler = mix(*from_handler, (uint64_t)own[100]);
}

static void count(int number)
{
    volatile uint64_t own[20];
    for (unsigned i = 0; i < 20; ++i) {
        own[i] = i + (uint64_t)number;
    }
    ++interruptions;
    if (way_out != NULL && own[3] != 0) {
        siglongjmp(*way_out, 1); /* whatever it interrupted never goes on */
    }
}

__attribute__((noinline)) static uint64_t signalled(uint64_t seed)
{
    uint64_t here[4] = {seed, 1, 2, 3};
    from_handler = &here[2];
    raise(SIGUSR1); /* on this stack */
    raise(SIGUSR2); /* on its own */
    return mix(here[2], here[1]);
}

/* The round is done again from its beginning when a handler jumps out of it, so the result does not tell. */
__attribute__((noinline)) static uint64_t interrupted(uint64_t seed)
{
    sigjmp_buf place;
    uint64_t table[40];
    static volatile unsigned left;
    left = 0;
    if (sigsetjmp(place, 1) != 0) {
        ++left;
    }
    way_out = left < 3 ? &place : NULL;
    for (unsigned round = 0; round < 60; ++round) {
        for (unsigned i = 0; i < 40; ++i) {
            table[i] = round == 0 ? seed + i : mix(table[i], table[(i + 7) % 40]);
        }
        memmove(table + 3, table, 20 * sizeof table[0]);
    }
    way_out = NULL;
    return mix(table[5], table[39]);
}

/* ---- a coroutine, which stores into the frame of the one that started it ---- */

static ucontext_t main_context, other_context;
static uint64_t *from_coroutine;

static void coroutine(void)
{
    for (uint64_t i = 0;; ++i) {
        uint64_t own[10];
        for (unsigned j = 0; j < 10; ++j) {
            own[j] = mix(i, j);
            from_coroutine[j % 3] += own[j];
        }
        swapcontext(&other_context, &main_context);
    }
}

__attribute__((noinline)) static uint64_t switched(uint64_t seed)
{
    uint64_t here[3] = {seed, seed, seed};
    from_coroutine = here;
    for (unsigned i = 0; i < 4; ++i) {
        swapcontext(&main_context, &other_context);
        here[i % 3] ^= i;
    }
    return mix(here[0], here[1] ^ here[2]);
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    unsigned depth = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 120;
    static char signal_stack[65536], coroutine_stack[65536];
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_handler = store_from_handler};
    struct itimerval often = {{0, 700}, {0, 700}};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR2, &action, NULL);
    action = (struct sigaction){.sa_handler = count, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    getcontext(&other_context);
    other_context.uc_stack.ss_sp = coroutine_stack;
    other_context.uc_stack.ss_size = sizeof coroutine_stack;
    makecontext(&other_context, coroutine, 0);
    uint64_t hash = 1, frame[3] = {1, 2, 3};
    for (unsigned long round = 0; round < rounds; ++round) {
        hash = mix(hash, descend(depth + (unsigned)(round % 50), hash, &frame[round % 3]));
        hash = mix(hash, signalled(hash));
        hash = mix(hash, interrupted(hash));
        hash = mix(hash, switched(hash));
        if (round % 500 == 499 || round + 1 == rounds) {
            printf("%lu %016lx %016lx\n", round, (unsigned long)hash, (unsigned long)frame[0]);
            fflush(stdout);
        }
    }
    return 0;
}
