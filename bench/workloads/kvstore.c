/* kvstore.c - a key-value store in memory under the loads of YCSB: kvstore A|B|F RECORDS OPERATIONS
 *
 * A hash table of chained entries, string keys, values of 100 bytes. Requests follow YCSB's scrambled zipfian distribution (theta 0.99; Gray et al.,
 * "Quickly generating billion-record synthetic databases").
 *   A   half reads, half updates      B   95 % reads, 5 % updates      F   half reads, half read-modify-writes
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_BYTES 100
#define THETA 0.99

struct entry {
    struct entry *next;
    uint64_t hash;
    char *value;
    char key[];
};

static struct entry **buckets;
static size_t bucket_count;

static uint64_t random_state = 42;

static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1dU;
}

static uint64_t hash_bytes(const void *bytes, size_t count) /* FNV-1a, then mixed */
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < count; ++i) {
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3U;
    }
    return hash ^ hash >> 32;
}

static struct entry *store_find(const char *key)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    struct entry *entry = buckets[hash % bucket_count];
    while (entry != NULL && (entry->hash != hash || strcmp(entry->key, key) != 0)) {
        entry = entry->next;
    }
    return entry;
}

static void store_set(const char *key, const char *value)
{
    struct entry *entry = store_find(key);
    if (entry == NULL) {
        size_t length = strlen(key);
        entry = malloc(sizeof *entry + length + 1);
        if (entry == NULL || (entry->value = malloc(VALUE_BYTES)) == NULL) {
            exit(1);
        }
        memcpy(entry->key, key, length + 1);
        entry->hash = hash_bytes(key, length);
        entry->next = buckets[entry->hash % bucket_count];
        buckets[entry->hash % bucket_count] = entry;
    }
    memcpy(entry->value, value, VALUE_BYTES);
}

static void make_value(char *value)
{
    uint64_t bits = 0;
    for (int i = 0; i < VALUE_BYTES; ++i, bits >>= 6) {
        bits = i % 10 == 0 ? next_random() : bits;
        value[i] = (char)(' ' + (bits & 63));
    }
}

static void make_key(char *key, size_t size, uint64_t record) { snprintf(key, size, "user%llu", (unsigned long long)(record * 0x9e3779b97f4a7c15U)); }

struct zipfian {
    double items, zeta, eta, alpha;
};

static struct zipfian zipfian_of(uint64_t items)
{
    struct zipfian z = {.items = (double)items, .alpha = 1 / (1 - THETA)};
    for (uint64_t i = 1; i <= items; ++i) {
        z.zeta += pow(1.0 / (double)i, THETA);
    }
    z.eta = (1 - pow(2 / z.items, 1 - THETA)) / (1 - (1 + pow(0.5, THETA)) / z.zeta);
    return z;
}

static uint64_t zipfian_next(const struct zipfian *z)
{
    double u = (double)(next_random() >> 11) * 0x1p-53, uz = u * z->zeta;
    uint64_t rank = uz < 1 ? 0 : uz < 1 + pow(0.5, THETA) ? 1 : (uint64_t)(z->items * pow(z->eta * u - z->eta + 1, z->alpha));
    return hash_bytes(&rank, sizeof rank) % (uint64_t)z->items;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    unsigned reads = argv[1][0] == 'B' ? 95 : 50;
    uint64_t records = (uint64_t)atoll(argv[2]), operations = (uint64_t)atoll(argv[3]), checksum = 0, changed = 0;
    char key[32], value[VALUE_BYTES];
    bucket_count = records | 1;
    buckets = calloc(bucket_count, sizeof *buckets);
    if (buckets == NULL) {
        return 1;
    }
    for (uint64_t i = 0; i < records; ++i) {
        make_key(key, sizeof key, i);
        make_value(value);
        store_set(key, value);
    }
    struct zipfian zipfian = zipfian_of(records);
    for (uint64_t i = 0; i < operations; ++i) {
        make_key(key, sizeof key, zipfian_next(&zipfian));
        if (next_random() % 100 < reads) {
            memcpy(value, store_find(key)->value, VALUE_BYTES);
            checksum = checksum * 31 + (unsigned char)value[i % VALUE_BYTES];
            continue;
        }
        ++changed;
        if (argv[1][0] == 'F') {
            memcpy(value, store_find(key)->value, VALUE_BYTES);
            for (int j = 0; j < VALUE_BYTES; j += 7) {
                value[j] = (char)(' ' + (value[j] + j) % 64);
            }
        } else {
            make_value(value);
        }
        store_set(key, value);
    }
    for (uint64_t i = 0; i < records; ++i) {
        make_key(key, sizeof key, i);
        checksum = checksum * 31 + hash_bytes(store_find(key)->value, VALUE_BYTES);
    }
    printf("%s: %llu changed, %016llx\n", argv[1], (unsigned long long)changed, (unsigned long long)checksum);
    return 0;
}
