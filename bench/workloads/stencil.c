/* stencil.c - heat flowing through a plate that lies on the stack: stencil STEPS
 *
 * Two arrays of 1024 x 1024 floats, 4 MB each, as locals of one function; five points, one store each.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 1024

static void step(float (*restrict to)[N], float (*restrict from)[N])
{
    for (int i = 1; i < N - 1; ++i) {
        for (int j = 1; j < N - 1; ++j) {
            to[i][j] = 0.5F * from[i][j] + 0.125F * (from[i - 1][j] + from[i + 1][j] + from[i][j - 1] + from[i][j + 1]);
        }
    }
}

int main(int argc, char **argv)
{
    float even[N][N], odd[N][N];
    int steps = argc > 1 ? atoi(argv[1]) : 2;
    for (int i = 0; i < N; ++i) {
        for (int j = 0; j < N; ++j) {
            even[i][j] = odd[i][j] = (float)((i * 31 + j * 17) % 257);
        }
    }
    for (int i = 0; i < steps; i += 2) {
        step(odd, even);
        step(even, odd);
    }
    uint64_t checksum = 0;
    for (int i = 0; i < N; ++i) {
        for (int j = 0; j < N; ++j) {
            uint32_t bits;
            memcpy(&bits, &even[i][j], sizeof bits);
            checksum = checksum * 31 + bits;
        }
    }
    printf("stencil %.6e, %016llx\n", (double)even[N / 2][N / 3], (unsigned long long)checksum);
    return 0;
}
