/* kv_plain.c - the store of ../workloads/kvstore.c: a hash table of chained entries in memory. Nothing in it knows of persistence. */
#include "driver.h"

struct entry {
    struct entry *next;
    uint64_t hash;
    char *value;
    char key[];
};

static struct entry **buckets;
static size_t bucket_count;

static struct entry *find(const char *key)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    struct entry *entry = buckets[hash % bucket_count];
    while (entry != NULL && (entry->hash != hash || strcmp(entry->key, key) != 0)) {
        entry = entry->next;
    }
    return entry;
}

static const char *store_get(const char *key) { return find(key)->value; }

static void store_set(const char *key, const char *value)
{
    struct entry *entry = find(key);
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

static void store_open(uint64_t records, char **options)
{
    (void)options;
    bucket_count = records | 1;
    buckets = calloc(bucket_count, sizeof *buckets);
    if (buckets == NULL) {
        exit(1);
    }
}

static void store_close(void) {}
