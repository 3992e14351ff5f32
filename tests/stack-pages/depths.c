/* depths.c - a stack whose depth changes all the time: recursion with frames of every size, alloca, large frames of which little is written, callers' frames written
 * from below, a handler on the program's own stack and one on an alternate stack. Deterministic; arguments: rounds, and
 * `plain` for no handlers.
 */
#include <alloca.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 0xACE1u, total;

static uint32_t next(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

static uint64_t sum(const volatile uint64_t *words, unsigned count)
{
    uint64_t result = 1;
    for (unsigned i = 0; i < count; i++)
        result = result * 31 + words[i];
    return result;
}

/* Frames of up to 12 KB; writes into those above, as far as they were handed down. */
static uint64_t walk(int depth, volatile uint64_t *above, unsigned above_count)
{
    unsigned count = 1 + next() % (next() % 8 == 0 ? 1500 : 60);
    volatile uint64_t *own = alloca(count * sizeof *own);
    for (unsigned i = 0; i < count; i++)
        own[i] = i ^ seed;
    if (above_count > 0)
        above[next() % above_count] += (uint64_t)depth;
    uint64_t before = sum(own, count), below = 0;
    for (unsigned branches = next() % 3; depth > 0 && branches > 0; branches--)
        below += walk(depth - 1 - (int)(next() % 2), own, count);
    own[next() % count] ^= below;
    return before * 3 + sum(own, count);
}

/* A chain of frames of 4 KB: some megabytes, of which the deep part is written now and then. */
static uint64_t chain(unsigned depth, volatile uint64_t *top)
{
    volatile uint64_t frame[512];
    for (unsigned i = 0; i < 512; i += 32)
        frame[i] = seed + i + depth;
    if (depth % 64 == 0)
        top[depth % 512] += frame[32];
    uint64_t below = depth > 0 ? chain(depth - 1, top) : total;
    for (unsigned i = 0; i < 512; i += 32)
        below = below * 5 + frame[i];
    return below;
}

/* A quarter of a megabyte, one word in each page. */
static uint64_t sparse(int depth)
{
    volatile uint64_t frame[32768];
    for (unsigned i = 0; i < 32768; i += 512)
        frame[i] = next();
    uint64_t below = depth > 0 ? sparse(depth - 1) : 0;
    for (unsigned i = 0; i < 32768; i += 512)
        below = below * 7 + frame[i];
    return below;
}

/* Long at one depth, while little of what lies above changes. */
static uint64_t rest(volatile uint64_t *above, unsigned count)
{
    uint64_t result = 0;
    for (unsigned i = 0; i < 40000; i++) {
        result = result * 3 + next();
        if (i % 512 == 0)
            above[next() % count] ^= result;
    }
    return result;
}

static volatile uint64_t handled;

static void handler(int signo)
{
    volatile uint64_t frame[700];
    for (unsigned i = 0; i < 700; i += 50)
        frame[i] = handled + i * (unsigned)signo;
    for (unsigned i = 0; i < 700; i += 50)
        handled = handled * 3 + frame[i];
}

static void set(int signo, int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(signo, &action, NULL);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 100, handlers = argc < 3 || strcmp(argv[2], "plain") != 0;
    volatile uint64_t above[3000];
    static char alternate[65536];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    memset((void *)above, 0, sizeof above);
    if (handlers) {
        sigaltstack(&stack, NULL);
        set(SIGUSR1, 0);
        set(SIGUSR2, SA_ONSTACK);
    }
    for (int round = 0; round < rounds; round++) {
        total = total * 31 + walk(4 + (int)(next() % 12), above, 3000);
        total += rest(above, 3000);
        if (handlers && round % 10 == 3) {
            raise(SIGUSR1);
            raise(SIGUSR2);
        }
        if (round % 25 == 7)
            total += chain(100 + next() % 600, above);
        if (round % 25 == 19)
            total += sparse((int)(next() % 6));
        if (round % 10 == 9)
            printf("round %d: %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n", round, total, (uint64_t)handled, sum(above, 3000));
    }
    return 0;
}
