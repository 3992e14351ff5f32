/* fft.c - fast Fourier transforms of an array on the stack: fft ROUNDS
 *
 * Radix 2, in place, 2^17 complex numbers: 2 MB of data and 1 MB of roots, all of them locals of one function.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG 17
#define N (1 << LOG)

struct complex {
    double re, im;
};

static void transform(struct complex *x, const struct complex *root)
{
    for (unsigned i = 0, j = 0; i < N; ++i) {
        if (i < j) {
            struct complex kept = x[i];
            x[i] = x[j];
            x[j] = kept;
        }
        unsigned bit = N >> 1;
        for (; j & bit; bit >>= 1) {
            j ^= bit;
        }
        j ^= bit;
    }
    for (unsigned half = 1; half < N; half *= 2) {
        for (unsigned base = 0; base < N; base += 2 * half) {
            for (unsigned k = 0; k < half; ++k) {
                struct complex w = root[k * (N / 2 / half)], a = x[base + k], b = x[base + half + k];
                struct complex t = {b.re * w.re - b.im * w.im, b.re * w.im + b.im * w.re};
                x[base + k] = (struct complex){a.re + t.re, a.im + t.im};
                x[base + half + k] = (struct complex){a.re - t.re, a.im - t.im};
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct complex data[N], root[N / 2];
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < N / 2; ++i) {
        root[i] = (struct complex){cos(-2 * 3.14159265358979323846 * i / N), sin(-2 * 3.14159265358979323846 * i / N)};
    }
    for (int i = 0; i < N; ++i) {
        data[i] = (struct complex){(i * 7919) % 1009 / 1009.0, (i * 104729) % 997 / 997.0};
    }
    for (int round = 0; round < rounds; ++round) {
        transform(data, root);
        for (int i = 0; i < N; ++i) {
            data[i] = (struct complex){data[i].re * (1.0 / 362), data[i].im * (-1.0 / 362)};
        }
    }
    uint64_t checksum = 0, bits;
    for (int i = 0; i < N; ++i) {
        memcpy(&bits, &data[i].re, sizeof bits);
        checksum = checksum * 31 + bits;
    }
    printf("fft %.12e, %016llx\n", data[1].re, (unsigned long long)checksum);
    return 0;
}
