/* above.c - a handler whose alternate stack is an array of main's, so above every frame that it interrupts: hooks that it interrupts go on afterwards, for all that.
 * above ROUNDS. Each interruption is counted twice, in a variable and in one of many cells of main's; what is printed is the same each time, unless these differ. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define CELLS 4096u

static uint64_t mix(uint64_t h, uint64_t x) { return (h ^ x) * 0x9e3779b97f4a7c15ul + (h >> 29); }

static uint64_t *cells;
static volatile uint64_t interruptions;

static void count(int number)
{
    volatile uint64_t own[40];
    for (unsigned i = 0; i < 40; ++i) {
        own[i] = (uint64_t)number;
    }
    cells[interruptions * 37 % CELLS] += own[3] / (uint64_t)number;
    ++interruptions;
}

__attribute__((noinline)) static uint64_t descend(uint64_t seed, unsigned depth)
{
    uint64_t words[64];
    for (unsigned i = 0; i < 64; ++i) {
        words[i] = seed = mix(seed, i + depth);
    }
    seed = depth > 0 ? descend(seed, depth - 1) : seed;
    for (unsigned i = 0; i < 64; ++i) {
        seed = mix(seed, words[i]);
    }
    return seed;
}

static int counts_agree(void)
{
    sigset_t all, before;
    uint64_t sum = 0;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    for (unsigned i = 0; i < CELLS; ++i) {
        sum += cells[i];
    }
    int agree = sum == interruptions;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return agree;
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
    uint64_t counts[CELLS] = {0}, hash = 1;
    char signal_stack[65536];
    stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_ONSTACK | SA_RESTART};
    struct itimerval often = {{0, 100}, {0, 100}};
    cells = counts;
    sigaltstack(&stack, NULL);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (unsigned long round = 0; round < rounds; ++round) {
        hash = mix(hash, descend(hash, 200));
        if (!counts_agree()) {
            printf("round %lu: interruptions were lost\n", round);
            return 1;
        }
    }
    printf("%016lx\n", (unsigned long)hash);
    return 0;
}
