/* kvstore.c - a key-value store in memory, driven by commands.
 *
 * Usage: kvstore FILE      one command a line: set KEY VALUE | add KEY NUMBER | get KEY | del KEY | count | digest
 *        kvstore -g N      N commands of a fixed pseudo-random sequence, and a line of figures now and then
 *
 * Everything that it knows is in the heap: a chained hash table that doubles as it fills, and a string for every key and value. It never
 * writes any of it to a file. Rebuilt with prosper-clang it can be killed at any moment and still knows everything afterwards.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    uint64_t hash;
    char *value;
    char key[];
};

struct store {
    struct entry **buckets;
    size_t bucket_count; /* power of two */
    size_t entry_count;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fputs("kvstore: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static struct entry **find(struct store *store, const char *key, uint64_t hash)
{
    struct entry **place = &store->buckets[hash & (store->bucket_count - 1)];
    while (*place != NULL && ((*place)->hash != hash || strcmp((*place)->key, key) != 0))
        place = &(*place)->next;
    return place;
}

static void grow(struct store *store)
{
    size_t count = store->bucket_count * 2;
    struct entry **buckets = must(calloc(count, sizeof(struct entry *)));

    for (size_t i = 0; i < store->bucket_count; i++) {
        for (struct entry *entry = store->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            entry->next = buckets[entry->hash & (count - 1)];
            buckets[entry->hash & (count - 1)] = entry;
        }
    }
    free(store->buckets);
    store->buckets = buckets;
    store->bucket_count = count;
}

static void set(struct store *store, const char *key, const char *value)
{
    uint64_t hash = hash_text(key);
    struct entry **place = find(store, key, hash);

    if (*place == NULL) {
        size_t length = strlen(key) + 1;
        struct entry *entry = must(malloc(sizeof *entry + length));
        entry->next = NULL;
        entry->hash = hash;
        entry->value = NULL;
        memcpy(entry->key, key, length);
        *place = entry;
        store->entry_count++;
    }
    struct entry *entry = *place;
    free(entry->value);
    entry->value = must(strdup(value));
    if (store->entry_count > store->bucket_count)
        grow(store);
}

static const char *get(struct store *store, const char *key)
{
    struct entry *entry = *find(store, key, hash_text(key));
    return entry == NULL ? NULL : entry->value;
}

static bool del(struct store *store, const char *key)
{
    struct entry **place = find(store, key, hash_text(key));
    struct entry *entry = *place;

    if (entry == NULL)
        return false;
    *place = entry->next;
    free(entry->value);
    free(entry);
    store->entry_count--;
    return true;
}

/* Does not depend on the order of the entries in the table. */
static uint64_t digest(const struct store *store)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < store->bucket_count; i++)
        for (const struct entry *entry = store->buckets[i]; entry != NULL; entry = entry->next)
            sum += entry->hash * (hash_text(entry->value) | 1);
    return sum;
}

static int run_line(struct store *store, char *line)
{
    char *rest = NULL;
    const char *command = strtok_r(line, " \t\n", &rest);
    if (command == NULL || command[0] == '#')
        return 0;
    const char *key = strtok_r(NULL, " \t\n", &rest);
    const char *value = strtok_r(NULL, "\n", &rest);

    if (strcmp(command, "set") == 0 && value != NULL) {
        set(store, key, value);
    } else if (strcmp(command, "add") == 0 && value != NULL) {
        const char *old = get(store, key);
        char number[32];
        snprintf(number, sizeof number, "%lld", (old == NULL ? 0 : strtoll(old, NULL, 10)) + strtoll(value, NULL, 10));
        set(store, key, number);
    } else if (strcmp(command, "get") == 0 && key != NULL) {
        const char *found = get(store, key);
        printf("%s = %s\n", key, found == NULL ? "(none)" : found);
    } else if (strcmp(command, "del") == 0 && key != NULL) {
        if (!del(store, key))
            printf("%s was not there\n", key);
    } else if (strcmp(command, "count") == 0) {
        printf("%zu keys\n", store->entry_count);
    } else if (strcmp(command, "digest") == 0) {
        printf("digest %016" PRIx64 "\n", digest(store));
    } else {
        fprintf(stderr, "kvstore: bad command: %s\n", command);
        return 1;
    }
    return 0;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void run_generated(struct store *store, uint64_t commands)
{
    uint64_t state = UINT64_C(88172645463325252);

    for (uint64_t i = 1; i <= commands; i++) {
        uint64_t r = next_random(&state);
        char key[32];
        char value[128];
        snprintf(key, sizeof key, "key%" PRIu64, r >> 8 & 0x1ffff);
        switch (r & 7) {
        case 0:
            del(store, key);
            break;
        case 1:
        case 2: {
            const char *old = get(store, key);
            snprintf(value, sizeof value, "%lld", (old == NULL ? 0 : strtoll(old, NULL, 10)) + 1);
            set(store, key, value);
            break;
        }
        default: {
            int length = (int)(r >> 40 & 63);
            snprintf(value, sizeof value, "%d %.*s", length, length, "the quick brown fox jumps over the lazy dog, again and again ....");
            set(store, key, value);
            break;
        }
        }
        if (i % 100000 == 0)
            printf("%" PRIu64 " commands: %zu keys, digest %016" PRIx64 "\n", i, store->entry_count, digest(store));
    }
}

static int run_file(struct store *store, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    int status = 0;

    if (file == NULL) {
        fprintf(stderr, "kvstore: %s: %s\n", path, strerror(errno));
        return 1;
    }
    while (status == 0 && getline(&line, &capacity, file) >= 0)
        status = run_line(store, line);
    free(line);
    fclose(file);
    return status;
}

int main(int argc, char **argv)
{
    struct store store = {.bucket_count = 64};
    int status = 0;

    store.buckets = must(calloc(store.bucket_count, sizeof(struct entry *)));
    if (argc == 3 && strcmp(argv[1], "-g") == 0) {
        run_generated(&store, strtoull(argv[2], NULL, 10));
    } else if (argc == 2) {
        status = run_file(&store, argv[1]);
    } else {
        fprintf(stderr, "usage: %s FILE | -g N\n", argv[0]);
        return 2;
    }
    printf("end: %zu keys, digest %016" PRIx64 "\n", store.entry_count, digest(&store));
    return status;
}
