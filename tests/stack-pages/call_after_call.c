/* call_after_call.c - system calls that write into old pages of a deep stack, one right after the other, so that most checkpoints come while one is on its way to the kernel. Each must
 * find its page open. Deterministic; argument: rounds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 1500 /* so many that calls are dispatched for longer than an interval (prs_protected_calls_max) */

static __attribute__((noinline)) unsigned long calls(int fd, int round)
{
    unsigned char deep[PAGES * PAGE];
    unsigned long sum = 1;
    memset(deep, round, sizeof deep);
    for (int i = 0; i < 4 * PAGES; i++) {
        unsigned char *at = deep + (size_t)(i * 7 % PAGES) * PAGE + (size_t)(i % 5) * 700;
        long from = (i * 13 + round) % 3000;
        if (pread(fd, at, 600, from) != 600) {
            printf("round %d: call %d failed\n", round, i);
            exit(1);
        }
        sum = sum * 31 + at[0] + at[599];
    }
    for (size_t i = 0; i < sizeof deep; i += 61)
        sum = sum * 31 + deep[i];
    return sum;
}

int main(int argc, char **argv)
{
    unsigned char content[PAGE];
    int rounds = argc > 1 ? atoi(argv[1]) : 20, fd = open("call_after_call.data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < PAGE; i++)
        content[i] = (unsigned char)(i * 11 + i / 256);
    if (fd < 0 || write(fd, content, sizeof content) != sizeof content)
        return 2;
    for (int round = 0; round < rounds; round++)
        printf("%d: %016lx\n", round, calls(fd, round));
    return close(fd);
}
