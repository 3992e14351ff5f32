/* foreign.c ROUNDS - libraries that the pass has never seen (Debian's zlib, SQLite, OpenSSL) write into the program's stack and into memory of the program's allocator:
 * results of many sizes, and the libraries' own state too, since each of them is told to allocate by functions of the program. So in mode all that state lies where marks
 * could be relied on, and is written by code without marks. A line with a checksum after each round; everything that was written is read again, some of it rounds later. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define TEXT_MAX 50000u
#define KEPT 24u

#define MUST(condition) must(condition, #condition, __LINE__)

static void must(int holds, const char *what, int line)
{
    if (!holds) {
        printf("FAIL line %d: %s\n", line, what);
        exit(1);
    }
}

static uint64_t sum = 1469598103934665603u;

static void add(const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < count; ++i) {
        sum = (sum ^ at[i]) * 1099511628211u;
    }
}

static uint64_t state = 88172645463325252u;

static uint64_t next(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static void make_text(unsigned char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; ++i) {
        uint64_t value = next();
        text[i] = (unsigned char)("etaoin shrdlu\n"[value % 14] + (value >> 60 == 0 ? value % 7 : 0));
    }
}

static size_t size_of_round(unsigned round, unsigned i)
{
    static const size_t edges[] = {1, 63, 64, 65, 255, 4095, 4096, 4097, 8192, 16385};
    return (round + i) % 3 == 0 ? edges[(round + i) % 10] : 1 + next() % TEXT_MAX;
}

/* ---- what the libraries allocate with ---- */

static void *zlib_allocate(void *opaque, unsigned count, unsigned size) { return (void)opaque, malloc((size_t)count * size); }
static void zlib_free(void *opaque, void *block) { (void)opaque, free(block); }
static void *crypto_allocate(size_t size, const char *file, int line) { return (void)file, (void)line, malloc(size); }
static void *crypto_reallocate(void *block, size_t size, const char *file, int line) { return (void)file, (void)line, realloc(block, size); }
static void crypto_free(void *block, const char *file, int line) { (void)file, (void)line, free(block); }

/* A block's size stands before it. */
static void *sqlite_allocate(int bytes)
{
    uint64_t *block = malloc((size_t)bytes + 16);
    return block != NULL ? (block[0] = (uint64_t)bytes, block + 2) : NULL;
}
static void sqlite_free(void *block) { free(block != NULL ? (uint64_t *)block - 2 : NULL); }
static void *sqlite_reallocate(void *block, int bytes)
{
    uint64_t *new = realloc((uint64_t *)block - 2, (size_t)bytes + 16);
    return new != NULL ? (new[0] = (uint64_t)bytes, new + 2) : NULL;
}
static int sqlite_size(void *block) { return block != NULL ? (int)((uint64_t *)block)[-2] : 0; }
static int sqlite_round(int bytes) { return (bytes + 7) & ~7; }
static int sqlite_begin(void *data) { return (void)data, SQLITE_OK; }
static void sqlite_end(void *data) { (void)data; }

/* ---- zlib ---- */

struct streams { /* in the heap, with everything behind it */
    z_stream deflating, inflating;
};

static struct streams *open_streams(void)
{
    struct streams *streams = calloc(1, sizeof *streams);
    MUST(streams != NULL);
    streams->deflating.zalloc = streams->inflating.zalloc = zlib_allocate;
    streams->deflating.zfree = streams->inflating.zfree = zlib_free;
    MUST(deflateInit(&streams->deflating, 6) == Z_OK);
    MUST(inflateInit(&streams->inflating) == Z_OK);
    return streams;
}

static size_t through(struct streams *streams, const unsigned char *text, size_t bytes, unsigned char *packed, size_t room, unsigned char *unpacked)
{
    z_stream *out = &streams->deflating, *in = &streams->inflating;
    out->next_in = (unsigned char *)text, out->avail_in = (uInt)bytes, out->next_out = packed, out->avail_out = (uInt)room;
    MUST(deflate(out, Z_SYNC_FLUSH) == Z_OK && out->avail_in == 0 && out->avail_out != 0);
    size_t length = room - out->avail_out;
    in->next_in = packed, in->avail_in = (uInt)length, in->next_out = unpacked, in->avail_out = (uInt)bytes;
    MUST(inflate(in, Z_SYNC_FLUSH) == Z_OK && in->avail_out == 0);
    MUST(memcmp(text, unpacked, bytes) == 0);
    add(packed, length);
    return length;
}

struct kept {
    unsigned char *packed;
    uLong bytes, length, check;
};
static struct kept *kept; /* KEPT texts that zlib packed into the heap, each unpacked again when its place is needed */

static void keep(unsigned round, const unsigned char *text)
{
    struct kept *one = &kept[next() % KEPT];
    if (one->packed != NULL) {
        unsigned char *again = malloc(one->bytes);
        uLongf bytes = one->bytes;
        MUST(again != NULL && uncompress(again, &bytes, one->packed, one->length) == Z_OK && bytes == one->bytes);
        MUST(crc32(0, again, (uInt)bytes) == one->check);
        free(again);
        free(one->packed);
    }
    one->bytes = size_of_round(round, 1);
    one->length = compressBound(one->bytes);
    one->check = crc32(0, text, (uInt)one->bytes);
    one->packed = malloc(one->length);
    MUST(one->packed != NULL && compress2(one->packed, &one->length, text, one->bytes, (int)(round % 10)) == Z_OK);
    add(&one->check, sizeof one->check);
}

static __attribute__((noinline)) void pack(struct streams *streams, unsigned round, const unsigned char *text)
{
    unsigned char packed[TEXT_MAX + 1000], unpacked[TEXT_MAX]; /* on the stack */
    size_t bytes = size_of_round(round, 0);
    through(streams, text, bytes, packed, sizeof packed, unpacked);
    unsigned char *heap = malloc(2 * bytes + 2000); /* and in the heap, both ways round */
    MUST(heap != NULL);
    through(streams, text, bytes, heap, bytes + 1000, unpacked);
    through(streams, text, bytes, packed, sizeof packed, heap + bytes + 1000);
    free(heap);
    keep(round, text);
}

/* ---- SQLite ---- */

static void run(sqlite3 *database, const char *statement) { MUST(sqlite3_exec(database, statement, NULL, NULL, NULL) == SQLITE_OK); }

static sqlite3 *open_database(void)
{
    static sqlite3_mem_methods methods = {sqlite_allocate, sqlite_free, sqlite_reallocate, sqlite_size, sqlite_round, sqlite_begin, sqlite_end, NULL};
    enum { PAGES = 600, PAGE = 4096 + 256 };
    void *cache = malloc((size_t)PAGES * PAGE);
    MUST(cache != NULL && sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
    MUST(sqlite3_config(SQLITE_CONFIG_PAGECACHE, cache, PAGE, PAGES) == SQLITE_OK);
    sqlite3 *database = NULL;
    MUST(sqlite3_open(":memory:", &database) == SQLITE_OK);
    run(database, "CREATE TABLE things (id INTEGER PRIMARY KEY, word TEXT, count INTEGER, data BLOB); CREATE INDEX by_word ON things (word)");
    return database;
}

static void put_row(sqlite3_stmt *put, unsigned round, unsigned i, const unsigned char *text)
{
    char word[24];
    snprintf(word, sizeof word, "w%u", (i * 31 + round * 7) % 97);
    sqlite3_bind_int(put, 1, (int)((round * 20 + i * 13) % 700));
    sqlite3_bind_text(put, 2, word, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(put, 3, (int)i);
    sqlite3_bind_blob(put, 4, text, (int)(1 + next() % (i % 5 == 0 ? 9000 : 300)), SQLITE_STATIC);
    MUST(sqlite3_step(put) == SQLITE_DONE);
    sqlite3_reset(put);
}

static void read_blob(sqlite3 *database, sqlite3_int64 row, void *place, int room)
{
    sqlite3_blob *blob = NULL;
    MUST(sqlite3_blob_open(database, "main", "things", "data", row, 1, &blob) == SQLITE_OK);
    int bytes = sqlite3_blob_bytes(blob) < room ? sqlite3_blob_bytes(blob) : room;
    MUST(sqlite3_blob_read(blob, place, bytes, 0) == SQLITE_OK);
    add(place, (size_t)bytes);
    MUST(sqlite3_blob_write(blob, "changed", bytes < 7 ? bytes : 7, 0) == SQLITE_OK);
    sqlite3_blob_close(blob);
}

static void use_database(sqlite3 *database, unsigned round, const unsigned char *text)
{
    unsigned char stack[2000], *heap = malloc(10000);
    sqlite3_stmt *put = NULL, *all = NULL;
    MUST(heap != NULL && sqlite3_prepare_v2(database, "INSERT OR REPLACE INTO things VALUES (?1, ?2, ?3, ?4)", -1, &put, NULL) == SQLITE_OK);
    run(database, "BEGIN");
    for (unsigned i = 0; i < 20; ++i) {
        put_row(put, round, i, text);
    }
    sqlite3_finalize(put);
    run(database, "UPDATE things SET count = count + 3 WHERE word < 'w3'; DELETE FROM things WHERE id % 37 = count % 37");
    run(database, round % 9 == 8 ? "ROLLBACK" : "COMMIT");
    MUST(sqlite3_prepare_v2(database, "SELECT count(*), sum(count), max(word), sum(length(data)), min(id), max(id) FROM things", -1, &all, NULL) == SQLITE_OK);
    MUST(sqlite3_step(all) == SQLITE_ROW);
    for (int i = 0; i < 6; ++i) {
        sqlite3_int64 value = sqlite3_column_int64(all, i);
        add(&value, sizeof value);
    }
    sqlite3_int64 first = sqlite3_column_int64(all, 4), last = sqlite3_column_int64(all, 5);
    sqlite3_finalize(all);
    read_blob(database, first, stack, sizeof stack);
    read_blob(database, last, heap, 10000);
    free(heap);
}

/* ---- OpenSSL ---- */

static void encrypt(const EVP_CIPHER *cipher, const unsigned char *in, size_t bytes, unsigned char *out, unsigned char *back)
{
    static const unsigned char key[32] = "a key of thirty-two bytes, fixed", start[16] = "and its start.";
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int length = 0, more = 0;
    MUST(context != NULL && EVP_EncryptInit_ex(context, cipher, NULL, key, start) == 1 && EVP_EncryptUpdate(context, out, &length, in, (int)bytes) == 1 &&
         EVP_EncryptFinal_ex(context, out + length, &more) == 1);
    int all = length + more;
    add(out, (size_t)all);
    MUST(EVP_DecryptInit_ex(context, cipher, NULL, key, start) == 1 && EVP_DecryptUpdate(context, back, &length, out, all) == 1 &&
         EVP_DecryptFinal_ex(context, back + length, &more) == 1);
    MUST((size_t)(length + more) == bytes && memcmp(in, back, bytes) == 0);
    EVP_CIPHER_CTX_free(context);
}

static __attribute__((noinline)) void use_ciphers(unsigned round, const unsigned char *text)
{
    unsigned char stack[TEXT_MAX + 64], stack_hash[EVP_MAX_MD_SIZE];
    size_t bytes = size_of_round(round, 2);
    unsigned char *heap = malloc(bytes + 64), *heap_hash = malloc(EVP_MAX_MD_SIZE);
    unsigned length = 0, other = 0;
    MUST(heap != NULL && heap_hash != NULL);
    encrypt(EVP_aes_256_cbc(), text, bytes, heap, stack);
    encrypt(EVP_aes_128_ctr(), text, bytes, stack, heap);
    MUST(EVP_Digest(heap, bytes, stack_hash, &length, EVP_sha256(), NULL) == 1 && EVP_Digest(stack, bytes, heap_hash, &other, EVP_sha3_512(), NULL) == 1);
    add(stack_hash, length);
    add(heap_hash, other);
    MUST(HMAC(EVP_sha1(), heap_hash, (int)other, stack, bytes, heap_hash, &other) != NULL);
    add(heap_hash, other);
    free(heap_hash);
    free(heap);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 20;
    MUST(CRYPTO_set_mem_functions(crypto_allocate, crypto_reallocate, crypto_free) == 1);
    unsigned char *text = malloc(TEXT_MAX);
    kept = calloc(KEPT, sizeof *kept);
    MUST(text != NULL && kept != NULL);
    struct streams *streams = open_streams();
    sqlite3 *database = open_database();
    EVP_MD_CTX *life = EVP_MD_CTX_new(); /* a digest over the whole life */
    MUST(life != NULL && EVP_DigestInit_ex(life, EVP_sha512(), NULL) == 1);
    for (unsigned round = 0; round < rounds; ++round) {
        make_text(text, TEXT_MAX);
        pack(streams, round, text);
        use_database(database, round, text);
        use_ciphers(round, text);
        MUST(EVP_DigestUpdate(life, &sum, sizeof sum) == 1);
        printf("%u %016llx\n", round, (unsigned long long)sum);
        fflush(stdout);
    }
    unsigned char *hash = malloc(EVP_MAX_MD_SIZE);
    unsigned length = 0;
    MUST(hash != NULL && EVP_DigestFinal_ex(life, hash, &length) == 1);
    add(hash, length);
    printf("%016llx\n", (unsigned long long)sum);
    EVP_MD_CTX_free(life);
    deflateEnd(&streams->deflating);
    inflateEnd(&streams->inflating);
    return sqlite3_close(database) != SQLITE_OK;
}
