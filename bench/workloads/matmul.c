/* matmul.c - products of matrices on the stack: matmul ROUNDS
 *
 * Three matrices of 400 x 400 doubles, 1.3 MB each, as locals; rows are added up in the order that vectors like.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 400

int main(int argc, char **argv)
{
    double a[N][N], b[N][N], c[N][N];
    int rounds = argc > 1 ? atoi(argv[1]) : 1;
    for (int i = 0; i < N; ++i) {
        for (int j = 0; j < N; ++j) {
            a[i][j] = (i * 37 + j * 11) % 101 / 101.0;
            b[i][j] = (i * 13 + j * 29) % 103 / 103.0;
        }
    }
    for (int round = 0; round < rounds; ++round) {
        memset(c, 0, sizeof c);
        for (int i = 0; i < N; ++i) {
            for (int k = 0; k < N; ++k) {
                for (int j = 0; j < N; ++j) {
                    c[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        for (int i = 0; i < N; ++i) { /* scaled, so that it stays in range */
            for (int j = 0; j < N; ++j) {
                a[i][j] = c[i][j] * (1.0 / 110);
            }
        }
    }
    uint64_t checksum = 0, bits;
    for (int i = 0; i < N; ++i) {
        for (int j = 0; j < N; ++j) {
            memcpy(&bits, &a[i][j], sizeof bits);
            checksum = checksum * 31 + bits;
        }
    }
    printf("matmul %.12e, %016llx\n", a[1][2], (unsigned long long)checksum);
    return 0;
}
