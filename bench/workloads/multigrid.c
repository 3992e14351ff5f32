/* multigrid.c - Poisson's equation on a square by recursive V-cycles: multigrid LEVELS CYCLES
 *
 * Residual, right side and correction of each level are arrays in the frame of its recursion: few frames, tens of megabytes of stack.
 * The checksum is of the solution's bits; each point's arithmetic has one order, so all builds without -ffast-math agree.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void smooth(int n, double (*u)[n], double (*f)[n], int sweeps)
{
    double h2 = 1.0 / ((double)(n - 1) * (n - 1));
    for (int sweep = 0; sweep < sweeps; ++sweep) {
        for (int colour = 0; colour < 2; ++colour) {
            for (int i = 1; i < n - 1; ++i) {
                for (int j = 1 + (i + colour) % 2; j < n - 1; j += 2) {
                    u[i][j] = 0.25 * (u[i - 1][j] + u[i + 1][j] + u[i][j - 1] + u[i][j + 1] + h2 * f[i][j]);
                }
            }
        }
    }
}

static void residual_of(int n, double (*u)[n], double (*f)[n], double (*r)[n])
{
    double over_h2 = (double)(n - 1) * (n - 1);
    memset(r, 0, sizeof(double) * (size_t)n * (size_t)n);
    for (int i = 1; i < n - 1; ++i) {
        for (int j = 1; j < n - 1; ++j) {
            r[i][j] = f[i][j] - over_h2 * (4 * u[i][j] - u[i - 1][j] - u[i + 1][j] - u[i][j - 1] - u[i][j + 1]);
        }
    }
}

static void cycle(int n, double (*u)[n], double (*f)[n])
{
    if (n <= 3) {
        smooth(n, u, f, 4);
        return;
    }
    int m = n / 2 + 1;
    double residual[n][n], right[m][m], correction[m][m];
    smooth(n, u, f, 2);
    residual_of(n, u, f, residual);
    memset(right, 0, sizeof right);
    memset(correction, 0, sizeof correction);
    for (int i = 1; i < m - 1; ++i) { /* full weighting */
        for (int j = 1; j < m - 1; ++j) {
            double(*r)[n] = &residual[2 * i];
            int k = 2 * j;
            right[i][j] = 0.25 * r[0][k] + 0.125 * (r[-1][k] + r[1][k] + r[0][k - 1] + r[0][k + 1]) +
                          0.0625 * (r[-1][k - 1] + r[-1][k + 1] + r[1][k - 1] + r[1][k + 1]);
        }
    }
    cycle(m, correction, right);
    for (int i = 1; i < n - 1; ++i) { /* bilinear */
        for (int j = 1; j < n - 1; ++j) {
            int a = i / 2, b = j / 2, c = (i + 1) / 2, d = (j + 1) / 2;
            u[i][j] += 0.25 * (correction[a][b] + correction[a][d] + correction[c][b] + correction[c][d]);
        }
    }
    smooth(n, u, f, 2);
}

int main(int argc, char **argv)
{
    int levels = argc > 2 ? atoi(argv[1]) : 0;
    if (levels < 2 || levels > 12) {
        return 2;
    }
    int n = (1 << levels) + 1;
    double(*u)[n] = calloc((size_t)n, sizeof *u), (*f)[n] = calloc((size_t)n, sizeof *f);
    if (u == NULL || f == NULL) {
        return 1;
    }
    for (int i = 1; i < n - 1; ++i) {
        for (int j = 1; j < n - 1; ++j) {
            f[i][j] = (double)((i * 37 + j * 101) % 199) / 199 - 0.5;
        }
    }
    for (int k = atoi(argv[2]); k > 0; --k) {
        cycle(n, u, f);
    }
    uint64_t checksum = 0, bits;
    for (int i = 0; i < n; ++i) {
        for (int j = 0; j < n; ++j) {
            memcpy(&bits, &u[i][j], sizeof bits);
            checksum = checksum * 31 + bits;
        }
    }
    printf("multigrid %d: %.12e in the middle, %016llx\n", n, u[n / 2][n / 2], (unsigned long long)checksum);
    return 0;
}
