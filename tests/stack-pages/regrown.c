/* regrown.c - a deep part of the stack that is written, out of use while the log begins anew, and in use again without being written: what lies there must be in the image
 * all the same. Under a pool of 40M (log areas of 8 MB). */
#include <stdint.h>
#include <stdio.h>
#include <alloca.h>
static volatile uint64_t sink;

static __attribute__((noinline)) void spin(unsigned count)
{
    volatile uint64_t x = 1;
    for (unsigned i = 0; i < count; i++)
        x = x * 3 + i;
    sink = x;
}

static __attribute__((noinline)) void written(void)
{
    volatile uint64_t frame[300000];
    for (unsigned i = 0; i < 300000; i++)
        frame[i] = i + sink;
    spin(3000000);
    sink += frame[7];
}

static __attribute__((noinline)) void shallow(void)
{
    volatile uint64_t *frame = alloca(65536);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 8192; i++)
            frame[i] = round * 7 + i + sink;
        spin(1500000);
    }
}

static __attribute__((noinline)) void unwritten(void)
{
    volatile uint64_t frame[300000];
    frame[0] = sink;
    spin(4000000);
    sink += frame[0];
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        written();
        shallow();
        unwritten();
    }
    printf("%lx\n", (unsigned long)sink);
    return 0;
}
