/* kv_pmemobj.c - the same hash table as a structure of libpmemobj's, in its transactions: each change is durable when it returns. Option: the pool's file.
 *
 * After PMDK's own hash maps, and as fast as its documentation lets one make it:
 *   - one object an entry, with key and value in it, from an allocation class of its own: no header, so that objects begin at cache lines and the value
 *     takes two of them;
 *   - an update snapshots the value and nothing else; pmemobj_memcpy stores it past the cache and leaves the fence to the commit (POBJ_XADD_NO_FLUSH).
 *     With ordinary stores that are flushed it is 2 to 3 % slower, here;
 *   - transactions without setjmp: an error ends the program;
 *   - searching needs no transaction, and the table is found once.
 */
#include "driver.h"
#include <libpmemobj.h>

#define POOL_BYTES ((size_t)512 << 20)

POBJ_LAYOUT_BEGIN(kv);
POBJ_LAYOUT_ROOT(kv, struct root);
POBJ_LAYOUT_TOID(kv, struct table);
POBJ_LAYOUT_TOID(kv, struct entry);
POBJ_LAYOUT_END(kv);

struct entry {
    TOID(struct entry) next;
    uint64_t hash;
    char key[40];
    char value[VALUE_BYTES]; /* at a cache line */
};
_Static_assert(offsetof(struct entry, value) == 64, "the value begins at a cache line");

struct table {
    uint64_t count;
    TOID(struct entry) buckets[];
};

struct root {
    TOID(struct table) table;
};

static PMEMobjpool *pool;
static struct table *table;
static uint64_t entry_class;

static void need(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "kv_pmemobj: %s: %s\n", what, pmemobj_errormsg());
        exit(1);
    }
}

static struct entry *find(const char *key, uint64_t hash)
{
    struct entry *entry = D_RW(table->buckets[hash % table->count]);
    while (entry != NULL && (entry->hash != hash || strcmp(entry->key, key) != 0)) {
        entry = D_RW(entry->next);
    }
    return entry;
}

static const char *store_get(const char *key) { return find(key, hash_bytes(key, strlen(key)))->value; }

static void add_entry(const char *key, uint64_t hash, const char *value)
{
    TOID(struct entry) *bucket = &table->buckets[hash % table->count];
    TOID(struct entry) added = TX_XALLOC(struct entry, sizeof(struct entry), POBJ_CLASS_ID(entry_class));
    need(!TOID_IS_NULL(added), "an entry");
    struct entry *entry = D_RW(added);
    entry->next = *bucket;
    entry->hash = hash;
    memcpy(entry->key, key, strlen(key) + 1);
    memcpy(entry->value, value, VALUE_BYTES);
    need(pmemobj_tx_add_range_direct(bucket, sizeof *bucket) == 0, "a snapshot");
    *bucket = added;
}

static void store_set(const char *key, const char *value)
{
    uint64_t hash = hash_bytes(key, strlen(key));
    struct entry *entry = find(key, hash);
    need(pmemobj_tx_begin(pool, NULL, TX_PARAM_NONE) == 0, "a transaction");
    if (entry == NULL) {
        add_entry(key, hash, value);
    } else {
        need(pmemobj_tx_xadd_range_direct(entry->value, VALUE_BYTES, POBJ_XADD_NO_FLUSH) == 0, "a snapshot");
        pmemobj_memcpy(pool, entry->value, value, VALUE_BYTES, PMEMOBJ_F_MEM_NODRAIN | PMEMOBJ_F_MEM_NONTEMPORAL);
    }
    pmemobj_tx_commit();
    need(pmemobj_tx_end() == 0, "the end of a transaction");
}

static void make_table(TOID(struct root) root, uint64_t records)
{
    uint64_t count = records | 1;
    need(pmemobj_tx_begin(pool, NULL, TX_PARAM_NONE) == 0, "a transaction");
    TX_ADD(root);
    D_RW(root)->table = TX_ZALLOC(struct table, sizeof(struct table) + count * sizeof(TOID(struct entry)));
    need(!TOID_IS_NULL(D_RO(root)->table), "the table");
    D_RW(D_RW(root)->table)->count = count;
    pmemobj_tx_commit();
    need(pmemobj_tx_end() == 0, "the end of a transaction");
}

static void store_open(uint64_t records, char **options)
{
    struct pobj_alloc_class_desc class = {.unit_size = 192, .alignment = 64, .units_per_block = 4096, .header_type = POBJ_HEADER_NONE};
    pool = access(options[0], F_OK) == 0 ? pmemobj_open(options[0], POBJ_LAYOUT_NAME(kv)) : pmemobj_create(options[0], POBJ_LAYOUT_NAME(kv), POOL_BYTES, 0600);
    need(pool != NULL, options[0]);
    need(pmemobj_ctl_set(pool, "heap.alloc_class.new.desc", &class) == 0, "the allocation class");
    entry_class = class.class_id;
    TOID(struct root) root = POBJ_ROOT(pool, struct root);
    if (TOID_IS_NULL(D_RO(root)->table)) {
        make_table(root, records);
    }
    table = D_RW(D_RW(root)->table);
}

static void store_close(void) { pmemobj_close(pool); }
