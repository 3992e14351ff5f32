/* flags: -O1 --prosper-track=all; plans: step=16,rounds=2 step=16,rounds=2,pages=1
 *
 * memset as the compiler's intrinsic has a mark before it and no window around it. Where it takes longer than a mark lives, what it writes last is unmarked: when
 * single-stepped, from some kilobytes on; by the timer at its default interval, from some ten megabytes on. The same for memcpy and memmove. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile size_t size = 16 << 10;

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    unsigned long sum = 0;
    unsigned char *block = malloc(size);
    if (block == NULL) {
        return 1;
    }
    for (int i = 1; i <= rounds; ++i) {
        memset(block, i * 37, size);
        sum = sum * 31 + block[size / 2] + block[size - 1];
    }
    printf("%lu\n", sum);
    return 0;
}
