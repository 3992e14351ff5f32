/* driver.h - the load that every store of this directory is put under, and main: kv_STORE A|B|F RECORDS OPERATIONS [run|acks|check=N [STORE'S OPTIONS...]]
 *
 * Keys, values, requests and what is printed are those of ../workloads/kvstore.c, draw for draw, so that a store that is right prints the same line. A
 * store is a file that includes this one and defines the functions below; what differs between two of these files is what a programmer had to change.
 *
 *   run      standard error gets one line: seconds and processor seconds of the operations alone, bytes that they had written
 *   acks     standard error gets a line for each operation when it has returned, with the processor time by then: `ack OPERATIONS NANOSECONDS`. For
 *            killing: who reads them knows what the program was told was done
 *   check=N  nothing is run: the store, as somebody left it who had N operations acknowledged, is compared with what it was after each operation.
 *            Standard output: `found I`, where I is the last operation that leads to it, and how many changes of the first N are missing
 */
#ifndef PEERS_DRIVER_H
#define PEERS_DRIVER_H
#include "../workloads/ycsb.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef STORE_BATCH
#define STORE_BATCH 1 /* operations that the store takes at once */
#endif

enum kind { READ, UPDATE, MODIFY };

struct operation {
    enum kind kind;
    uint64_t record;
    char value[VALUE_BYTES]; /* what was read, or what is written */
};

/* What a store defines. options: the words after the mode, ended by NULL. A store that is there is opened, otherwise made. */
static void store_open(uint64_t records, char **options);
static void store_close(void);
#if STORE_BATCH == 1
static const char *store_get(const char *key); /* the value of a key that is there; valid until the next call */
static void store_set(const char *key, const char *value);
#endif

uint64_t flushed_bytes(void) __attribute__((weak)); /* count_flushes.c, preloaded */

static const char *io_path = "/proc/self/io";
static void next_operation(struct operation *operation, char load, const struct zipfian *zipfian)
{
    operation->record = zipfian_next(zipfian);
    operation->kind = next_random() % 100 < (load == 'B' ? 95 : 50) ? READ : load == 'F' ? MODIFY : UPDATE;
    if (operation->kind == UPDATE) {
        make_value(operation->value);
    }
}

#if STORE_BATCH == 1
static void store_batch(struct operation *operation, size_t count)
{
    (void)count;
    char key[KEY_BYTES];
    make_key(key, operation->record);
    if (operation->kind != UPDATE) {
        memcpy(operation->value, store_get(key), VALUE_BYTES);
    }
    if (operation->kind == MODIFY) {
        modify_value(operation->value);
    }
    if (operation->kind != READ) {
        store_set(key, operation->value);
    }
}
#else
static void store_batch(struct operation *operations, size_t count); /* the same, of several at once */
#endif

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Bytes that were handed to the kernel so far, or to the medium by instructions where these are counted. A program with a pool of Prosper's does not ask: its runtime counts. */
static uint64_t written_bytes(bool ask)
{
    unsigned long long bytes = 0;
    if (flushed_bytes) {
        return flushed_bytes();
    }
    FILE *file = ask ? fopen(io_path, "r") : NULL;
    if (file != NULL) {
        if (fscanf(file, "rchar: %*u wchar: %llu", &bytes) != 1) {
            bytes = 0;
        }
        fclose(file);
    }
    return bytes;
}

static void acknowledge(uint64_t operations)
{
    char line[64];
    int length = snprintf(line, sizeof line, "ack %llu %.0f\n", (unsigned long long)operations, 1e9 * seconds_of(CLOCK_PROCESS_CPUTIME_ID));
    if (write(2, line, (size_t)length) < 0) {
        exit(1);
    }
}

static void fill(uint64_t records)
{
    struct operation batch[STORE_BATCH];
    for (uint64_t i = 0; i < records;) {
        size_t count = 0;
        for (; count < STORE_BATCH && i < records; ++count, ++i) {
            batch[count].kind = UPDATE;
            batch[count].record = i;
            make_value(batch[count].value);
        }
        store_batch(batch, count);
    }
}

/* FNV hashes of all values, in the order of the records. */
static void read_all(uint64_t records, void (*take)(uint64_t record, uint64_t hash, void *context), void *context)
{
    struct operation batch[STORE_BATCH];
    for (uint64_t i = 0; i < records;) {
        size_t count = 0;
        for (; count < STORE_BATCH && i < records; ++count, ++i) {
            batch[count].kind = READ;
            batch[count].record = i;
        }
        store_batch(batch, count);
        for (size_t j = 0; j < count; ++j) {
            take(batch[j].record, hash_bytes(batch[j].value, VALUE_BYTES), context);
        }
    }
}

static void add_to_checksum(uint64_t record, uint64_t hash, void *context)
{
    (void)record;
    uint64_t *checksum = context;
    *checksum = *checksum * 31 + hash;
}

static void keep_hash(uint64_t record, uint64_t hash, void *context) { ((uint64_t *)context)[record] = hash; }

/* Replays the load in an array and counts the records that differ from the store's; where none does, the store is as it was after that operation. */
static int check(char load, uint64_t records, uint64_t acknowledged)
{
    uint64_t *stored = calloc(records, sizeof *stored), differing = 0, changed = 0, changed_by_then = 0, found = 0;
    char(*values)[VALUE_BYTES] = calloc(records, sizeof *values);
    bool *differs = calloc(records, sizeof *differs), is_found = false;
    if (stored == NULL || values == NULL || differs == NULL) {
        return 1;
    }
    read_all(records, keep_hash, stored);
    for (uint64_t i = 0; i < records; ++i) {
        make_value(values[i]);
        differs[i] = hash_bytes(values[i], VALUE_BYTES) != stored[i];
        differing += differs[i];
    }
    struct zipfian zipfian = zipfian_of(records);
    struct operation operation;
    uint64_t changed_acknowledged = 0;
    for (uint64_t i = 0;; ++i) { /* after i operations; what was begun and not acknowledged may be there */
        if (differing == 0) {
            is_found = true;
            found = i;
            changed_by_then = changed;
        }
        changed_acknowledged = i <= acknowledged ? changed : changed_acknowledged;
        if (i >= acknowledged + STORE_BATCH) {
            break;
        }
        next_operation(&operation, load, &zipfian);
        if (operation.kind == READ) {
            continue;
        }
        ++changed;
        char *value = values[operation.record];
        if (operation.kind == MODIFY) {
            modify_value(value);
        } else {
            memcpy(value, operation.value, VALUE_BYTES);
        }
        bool *differed = &differs[operation.record], now = hash_bytes(value, VALUE_BYTES) != stored[operation.record];
        differing = differing - *differed + now;
        *differed = now;
    }
    if (!is_found) {
        puts("no operation leads to this state");
        return 1;
    }
    printf("found %llu, missing %llu\n", (unsigned long long)found,
           (unsigned long long)(changed_by_then < changed_acknowledged ? changed_acknowledged - changed_by_then : 0));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    char load = argv[1][0];
    uint64_t records = (uint64_t)atoll(argv[2]), operations = (uint64_t)atoll(argv[3]), checksum = 0, changed = 0;
    const char *mode = argc > 4 ? argv[4] : "run";
    bool acks = strcmp(mode, "acks") == 0, ask = argc > 5;
    store_open(records, argc > 5 ? argv + 5 : argv + argc);
    if (strncmp(mode, "check=", 6) == 0) {
        int status = check(load, records, (uint64_t)atoll(mode + 6));
        store_close();
        return status;
    }
    fill(records);
    struct zipfian zipfian = zipfian_of(records);
    struct operation batch[STORE_BATCH];
    uint64_t written = written_bytes(ask);
    double start = seconds_of(CLOCK_MONOTONIC), start_processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t i = 0; i < operations;) {
        size_t count = 0;
        for (; count < STORE_BATCH && i + count < operations; ++count) {
            next_operation(&batch[count], load, &zipfian);
        }
        store_batch(batch, count);
        for (size_t j = 0; j < count; ++j, ++i) {
            if (batch[j].kind == READ) {
                checksum = checksum * 31 + (unsigned char)batch[j].value[i % VALUE_BYTES];
            } else {
                ++changed;
            }
        }
        if (acks) {
            acknowledge(i);
        }
    }
    double end = seconds_of(CLOCK_MONOTONIC), end_processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    written = written_bytes(ask) - written;
    read_all(records, add_to_checksum, &checksum);
    store_close();
    printf("%s: %llu changed, %016llx\n", argv[1], (unsigned long long)changed, (unsigned long long)checksum);
    fprintf(stderr, "seconds %.6f processor %.6f written %llu\n", end - start, end_processor - start_processor, (unsigned long long)written);
    return 0;
}
#endif
