/* exits.c - the main thread ends by the system call that ends a thread: the process ends with it, and has its status. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((noinline)) static unsigned long descend(unsigned long seed, unsigned depth)
{
    volatile unsigned long words[100];
    for (unsigned i = 0; i < 100; ++i) {
        words[i] = seed += i * depth;
    }
    seed = depth > 0 ? descend(seed, depth - 1) : seed;
    return seed + words[depth % 100];
}

int main(void)
{
    unsigned long hash = 1;
    for (unsigned round = 0; round < 10000; ++round) {
        hash = descend(hash, 60);
    }
    printf("%lx\n", hash);
    fflush(stdout);
    syscall(SYS_exit, 7);
}
