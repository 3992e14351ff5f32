/* kvstore.c - a key-value store in memory under the loads of YCSB: kvstore A|B|F RECORDS OPERATIONS
 *
 * A hash table of chained entries, string keys, values of 100 bytes; requests as in ycsb.h.
 *   A   half reads, half updates      B   95 % reads, 5 % updates      F   half reads, half read-modify-writes
 */
#include "ycsb.h"
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    uint64_t hash;
    char *value;
    char key[];
};

static struct entry **buckets;
static size_t bucket_count;

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

int main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    unsigned reads = argv[1][0] == 'B' ? 95 : 50;
    uint64_t records = (uint64_t)atoll(argv[2]), operations = (uint64_t)atoll(argv[3]), checksum = 0, changed = 0;
    char key[KEY_BYTES], value[VALUE_BYTES];
    bucket_count = records | 1;
    buckets = calloc(bucket_count, sizeof *buckets);
    if (buckets == NULL) {
        return 1;
    }
    for (uint64_t i = 0; i < records; ++i) {
        make_key(key, i);
        make_value(value);
        store_set(key, value);
    }
    struct zipfian zipfian = zipfian_of(records);
    for (uint64_t i = 0; i < operations; ++i) {
        make_key(key, zipfian_next(&zipfian));
        if (next_random() % 100 < reads) {
            memcpy(value, store_find(key)->value, VALUE_BYTES);
            checksum = checksum * 31 + (unsigned char)value[i % VALUE_BYTES];
            continue;
        }
        ++changed;
        if (argv[1][0] == 'F') {
            memcpy(value, store_find(key)->value, VALUE_BYTES);
            modify_value(value);
        } else {
            make_value(value);
        }
        store_set(key, value);
    }
    for (uint64_t i = 0; i < records; ++i) {
        make_key(key, i);
        checksum = checksum * 31 + hash_bytes(store_find(key)->value, VALUE_BYTES);
    }
    printf("%s: %llu changed, %016llx\n", argv[1], (unsigned long long)changed, (unsigned long long)checksum);
    return 0;
}
