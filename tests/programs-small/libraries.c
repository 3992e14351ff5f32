/* Libraries as Debian ships them, which the pass has never seen, write into the program's heap, stack and data: zlib in the middle of a stream, an SQLite database in
 * memory and one on disk, OpenSSL's digests and ciphers half-way through. */
#include "check.h"
#include <openssl/evp.h>
#include <sqlite3.h>
#include <zlib.h>

#define ROUNDS 80

static uint64_t sum;
static void add(uint64_t value) { sum = sum * 6364136223846793005u + value + 1442695040888963407u; }
static unsigned char text[1 << 16]; /* what goes through all of them */

static void make_text(int round)
{
    uint64_t state = (uint64_t)round * 2654435761u + 88172645463325252u;
    for (size_t i = 0; i < sizeof text; ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        text[i] = (unsigned char)("etaoin shrdlu\n"[state % 14] + (state >> 60 == 0 ? state % 7 : 0));
    }
}

/* ---- zlib: one stream over the whole life ---- */

static z_stream deflating, inflating;
static unsigned char packed[1 << 17], unpacked[1 << 16];

static void pack(int round)
{
    deflating.next_in = text;
    deflating.avail_in = sizeof text;
    deflating.next_out = packed;
    deflating.avail_out = sizeof packed;
    CHECK_EQUAL(deflate(&deflating, Z_SYNC_FLUSH), Z_OK);
    size_t bytes = sizeof packed - deflating.avail_out;
    inflating.next_in = packed;
    inflating.avail_in = (uInt)bytes;
    inflating.next_out = unpacked;
    inflating.avail_out = sizeof unpacked;
    CHECK_EQUAL(inflate(&inflating, Z_SYNC_FLUSH), Z_OK);
    CHECK(inflating.avail_out == 0 && memcmp(text, unpacked, sizeof text) == 0);
    add(bytes + (uint64_t)round);
}

/* ---- SQLite ---- */

static void run(sqlite3 *database, const char *statement)
{
    char *error = NULL;
    if (sqlite3_exec(database, statement, NULL, NULL, &error) != SQLITE_OK) {
        printf("FAIL %s: %s\n", statement, error);
        ++check_failures;
        sqlite3_free(error);
    }
}

static void use(sqlite3 *database, int round)
{
    run(database, "BEGIN");
    sqlite3_stmt *statement = NULL;
    CHECK_EQUAL(sqlite3_prepare_v2(database, "INSERT INTO words VALUES (?1, ?2) ON CONFLICT (word) DO UPDATE SET count = count + ?2", -1, &statement, NULL), SQLITE_OK);
    for (int i = 0; i < 100; ++i) {
        char word[16];
        snprintf(word, sizeof word, "w%d", (i * 31 + round * 7) % 500);
        sqlite3_bind_text(statement, 1, word, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(statement, 2, i + 1);
        CHECK_EQUAL(sqlite3_step(statement), SQLITE_DONE);
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    run(database, round % 9 == 8 ? "ROLLBACK" : "COMMIT");
    CHECK_EQUAL(sqlite3_prepare_v2(database, "SELECT count(*), sum(count), max(word) FROM words", -1, &statement, NULL), SQLITE_OK);
    CHECK_EQUAL(sqlite3_step(statement), SQLITE_ROW);
    add((uint64_t)sqlite3_column_int64(statement, 0) << 32 | (uint64_t)sqlite3_column_int64(statement, 1));
    sqlite3_finalize(statement);
}

int main(void)
{
    CHECK_EQUAL(deflateInit(&deflating, 6), Z_OK);
    CHECK_EQUAL(inflateInit(&inflating), Z_OK);
    sqlite3 *memory = NULL, *file = NULL;
    CHECK_EQUAL(sqlite3_open(":memory:", &memory), SQLITE_OK);
    CHECK_EQUAL(sqlite3_open("words.db", &file), SQLITE_OK);
    const char *table = "CREATE TABLE IF NOT EXISTS words (word TEXT PRIMARY KEY, count INTEGER)";
    run(memory, table);
    run(file, "PRAGMA synchronous = OFF");
    run(file, table);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    static const unsigned char key[32] = "a key of thirty-two bytes, fixed", start[16] = "and its start.";
    CHECK(EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 && EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key, start) == 1);
    static unsigned char encrypted[sizeof text + 32];
    for (int round = 0; round < ROUNDS; ++round) {
        make_text(round);
        pack(round);
        use(memory, round);
        if (round % 4 == 0) {
            use(file, round);
        }
        int bytes = 0;
        CHECK_EQUAL(EVP_EncryptUpdate(cipher, encrypted, &bytes, text, sizeof text - 7), 1);
        CHECK_EQUAL(EVP_DigestUpdate(digest, encrypted, (size_t)bytes), 1);
    }
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    CHECK_EQUAL(EVP_DigestFinal_ex(digest, hash, &length), 1);
    for (unsigned i = 0; i < length; ++i) {
        add(hash[i]);
    }
    EVP_MD_CTX_free(digest);
    EVP_CIPHER_CTX_free(cipher);
    CHECK_EQUAL(sqlite3_close(memory), SQLITE_OK);
    CHECK_EQUAL(sqlite3_close(file), SQLITE_OK);
    deflateEnd(&deflating);
    inflateEnd(&inflating);
    printf("sum %016llx\n", (unsigned long long)sum);
    return check_end("libraries");
}
