/* trusted.c PLACE ROUNDS - a program with marks whose libraries (zlib, SQLite, OpenSSL, keeper.c) have none and, with PLACE stack, keep what trust= says of them: they write into
 * the stack and into what they allocated themselves. With PLACE heap zlib writes once into a block of the program's, which trust= denies. */
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { WORDS = 1 << 18 };

uint64_t keeper_next(uint64_t value);

static void must(int holds)
{
    if (!holds) {
        puts("FAIL");
        exit(1);
    }
}

static uint64_t scatter(uint64_t *table, uint64_t state)
{
    for (int i = 0; i < 2000; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        table[state >> 46] += i % 8 == 0 ? keeper_next(state >> 20) : state;
    }
    return state;
}

static __attribute__((noinline)) uint64_t packed_on_stack(const uint64_t *table, unsigned round)
{
    unsigned char packed[20000], hash[EVP_MAX_MD_SIZE];
    uLongf bytes = sizeof packed;
    unsigned length = 0;
    uint64_t start;
    must(compress2(packed, &bytes, (const unsigned char *)(table + round % 64 * 1000), 8000, 6) == Z_OK);
    must(EVP_Digest(packed, bytes, hash, &length, EVP_sha256(), NULL) == 1 && length == 32);
    memcpy(&start, hash, sizeof start);
    return start;
}

int main(int argc, char **argv)
{
    int heap = argc > 1 && strcmp(argv[1], "heap") == 0;
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 2000;
    uint64_t *table = calloc(WORDS, sizeof *table), state = 1;
    unsigned char *block = calloc(1, 20000);
    sqlite3 *database = NULL;
    sqlite3_stmt *put = NULL;
    must(table != NULL && block != NULL && sqlite3_open(":memory:", &database) == SQLITE_OK);
    must(sqlite3_exec(database, "CREATE TABLE sums (id INTEGER PRIMARY KEY, sum INTEGER)", NULL, NULL, NULL) == SQLITE_OK);
    must(sqlite3_prepare_v2(database, "INSERT OR REPLACE INTO sums VALUES (?1, ?2)", -1, &put, NULL) == SQLITE_OK);
    for (unsigned round = 0; round < rounds; ++round) {
        state = scatter(table, state);
        uint64_t sum = packed_on_stack(table, round);
        if (heap && round == rounds / 2) {
            uLongf bytes = 20000;
            must(compress2(block, &bytes, (const unsigned char *)table, 8000, 6) == Z_OK);
        }
        sqlite3_bind_int64(put, 1, round % 50);
        sqlite3_bind_int64(put, 2, (sqlite3_int64)(sum >> 2));
        must(sqlite3_step(put) == SQLITE_DONE && sqlite3_reset(put) == SQLITE_OK);
        if (round % 20 == 0) {
            printf("%u %016llx\n", round, (unsigned long long)sum);
            fflush(stdout);
        }
    }
    sqlite3_finalize(put);
    printf("%d\n", block[0]);
    return sqlite3_close(database) != SQLITE_OK;
}
