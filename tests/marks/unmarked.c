/* unmarked.c - stores that the pass cannot see, because the inline assembly does not say that it stores. verify=1 must report each kind of memory that
 * PLACE names; with PLACE=none nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

static volatile long small_data[64];
static volatile long large_data[1 << 18];

static void spin(double seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double end = (double)now.tv_sec + (double)now.tv_nsec / 1e9 + seconds;
    do {
        for (volatile int i = 0; i < 100000; ++i) {
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)now.tv_sec + (double)now.tv_nsec / 1e9 < end);
}

static void unmarked(volatile long *place) { __asm__ volatile("incq (%0)" : : "r"(place)); }

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "none";
    volatile long *block = malloc(4096);
    volatile long *mapping = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == NULL || mapping == MAP_FAILED) {
        return 1;
    }
    struct {
        const char *name;
        volatile long *at;
    } const places[] = {{"block", &block[100]}, {"mapping", &mapping[1000]}, {"small", &small_data[40]}, {"large", &large_data[70000]}};
    for (int round = 0; round < 12; ++round) {
        for (unsigned i = 0; i < 4; ++i) {
            places[i].at[-16] += round; /* neighbours, with marks */
            if (round == 8 && strcmp(places[i].name, name) == 0) {
                unmarked(places[i].at);
            }
        }
        spin(0.02);
    }
    printf("%ld %ld\n", block[100] + mapping[1000], small_data[40] + large_data[70000]);
    return 0;
}
