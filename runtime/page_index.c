/* page_index.c - from a page's address to its entry: volatile, rebuilt at attach.
 *
 *   keys[hash(address >> 22)] -> leaf -> 1024 entry numbers, one for each page of 4 MB of address space
 *
 * Neighbouring pages share a leaf, so a scan stays in one 4-KB table; leaves are given back when their last page goes.
 *
 * The hash has a random part, for each index another: a pool cannot hold pages that all hash to one place.
 *
 * INVARIANT I1: a leaf is in the hash table if and only if it has live pages (live[leaf] > 0).
 * INVARIANT I2: linear probing without tombstones: no free place between a key's hash place and where it stands.
 * Context: handler, start, tools. No libc, no allocation after prs_index_init: there are never more leaves than entries.
 */
#include "store_internal.h"

#define PAGE_SHIFT 12
#define LEAF_SHIFT 22

static uint32_t place_of(const struct prs_index *index, uint64_t key)
{
    /* Neighbours stay neighbours, 64 by 64: few table pages are touched. */
    uint64_t mixed = ((key >> 6) ^ index->secret) * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ mixed >> 32 ^ index->secret) * 0xd6e8feb86659fd93ull;
    return (uint32_t)((mixed >> 32 << 6) | (key & 63)) & index->mask;
}

int prs_index_init(struct prs_index *index, struct prs_arena *arena, uint32_t entries)
{
    uint64_t places = 1024;
    while (places < 2ull * entries) {
        places *= 2;
    }
    if (places > 1ull << 31) {
        return -ENOMEM;
    }
    index->mask = (uint32_t)(places - 1);
    if (prs_sys(SYS_getrandom, &index->secret, sizeof index->secret, 1 /* GRND_NONBLOCK */) != (long)sizeof index->secret) {
        index->secret = prs_now_ns();
    }
    index->leaf_max = entries;
    index->leaf_count = index->free_count = 0;
    index->last_key = 0;
    index->keys = prs_arena_take(arena, places * sizeof *index->keys);
    index->leaf_at = prs_arena_take(arena, places * sizeof *index->leaf_at);
    index->leaves = prs_arena_take(arena, entries * sizeof *index->leaves);
    index->key_of = prs_arena_take(arena, entries * sizeof *index->key_of);
    index->live = prs_arena_take(arena, entries * sizeof *index->live);
    index->free_leaf = prs_arena_take(arena, entries * sizeof *index->free_leaf);
    return index->keys && index->leaf_at && index->leaves && index->key_of && index->live && index->free_leaf ? 0 : -ENOMEM;
}

/* The place of the key, or the free place where it would go. */
static uint32_t probe(const struct prs_index *index, uint64_t key)
{
    uint32_t place = place_of(index, key);
    while (index->keys[place] != 0 && index->keys[place] != key) {
        place = (place + 1) & index->mask;
    }
    return place;
}

static uint32_t *leaf_of(struct prs_index *index, uint64_t key)
{
    if (key != index->last_key) {
        uint32_t place = probe(index, key);
        if (index->keys[place] == 0) {
            return 0;
        }
        index->last_key = key;
        index->last_leaf = index->leaf_at[place];
    }
    return index->leaves[index->last_leaf];
}

uint32_t prs_index_find(struct prs_index *index, uint64_t address)
{
    const uint32_t *leaf = leaf_of(index, (address >> LEAF_SHIFT) + 1);
    return leaf == 0 ? 0 : leaf[(address >> PAGE_SHIFT) % PRS_LEAF_PAGES];
}

void prs_index_put(struct prs_index *index, uint64_t address, uint32_t entry)
{
    uint64_t key = (address >> LEAF_SHIFT) + 1;
    uint32_t *leaf = leaf_of(index, key);
    if (leaf == 0) {
        PRS_ASSERT(index->free_count > 0 || index->leaf_count < index->leaf_max);
        uint32_t number = index->free_count > 0 ? index->free_leaf[--index->free_count] : index->leaf_count++;
        uint32_t place = probe(index, key);
        index->keys[place] = key;
        index->leaf_at[place] = number;
        index->key_of[number] = key;
        index->last_key = key;
        index->last_leaf = number;
        leaf = index->leaves[number];
    }
    uint32_t *at = &leaf[(address >> PAGE_SHIFT) % PRS_LEAF_PAGES];
    PRS_ASSERT(*at == 0);
    *at = entry + 1;
    ++index->live[index->last_leaf];
}

static void remove_key(struct prs_index *index, uint64_t key)
{
    uint32_t hole = probe(index, key);
    index->free_leaf[index->free_count++] = index->leaf_at[hole];
    for (uint32_t place = (hole + 1) & index->mask; index->keys[place] != 0; place = (place + 1) & index->mask) {
        uint32_t home = place_of(index, index->keys[place]);
        if (((place - home) & index->mask) >= ((place - hole) & index->mask)) { /* I2: its way from home leads over the hole */
            index->keys[hole] = index->keys[place];
            index->leaf_at[hole] = index->leaf_at[place];
            hole = place;
        }
    }
    index->keys[hole] = 0;
    index->last_key = 0;
}

void prs_index_remove(struct prs_index *index, uint64_t address)
{
    uint64_t key = (address >> LEAF_SHIFT) + 1;
    uint32_t *leaf = leaf_of(index, key);
    PRS_ASSERT(leaf != 0 && leaf[(address >> PAGE_SHIFT) % PRS_LEAF_PAGES] != 0);
    leaf[(address >> PAGE_SHIFT) % PRS_LEAF_PAGES] = 0;
    if (--index->live[index->last_leaf] == 0) {
        remove_key(index, key);
    }
}

static int range_of_leaf(const struct prs_index *index, uint64_t key, uint32_t leaf, uint64_t start, uint64_t end,
                         int (*visit)(void *context, uint64_t address, uint32_t entry), void *context)
{
    uint64_t base = (key - 1) << LEAF_SHIFT;
    uint64_t first = start > base ? (start - base) >> PAGE_SHIFT : 0;
    for (uint64_t i = first; i < PRS_LEAF_PAGES && base + (i << PAGE_SHIFT) < end; ++i) {
        uint32_t entry = index->leaves[leaf][i];
        int result = entry == 0 ? 0 : visit(context, base + (i << PAGE_SHIFT), entry - 1);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}

int prs_index_range(struct prs_index *index, uint64_t start, uint64_t end, int (*visit)(void *context, uint64_t address, uint32_t entry),
                    void *context)
{
    if (start >= end) {
        return 0;
    }
    uint64_t first = (start >> LEAF_SHIFT) + 1, last = ((end - 1) >> LEAF_SHIFT) + 1;
    uint32_t leaves = index->leaf_count - index->free_count;
    int result = 0;
    if (last - first < 4ull * leaves) {
        for (uint64_t key = first; key <= last && result == 0; ++key) {
            uint32_t place = probe(index, key);
            if (index->keys[place] != 0) {
                result = range_of_leaf(index, key, index->leaf_at[place], start, end, visit, context);
            }
        }
        return result;
    }
    for (uint32_t leaf = 0; leaf < index->leaf_count && result == 0; ++leaf) { /* a huge range over few pages: go through the leaves */
        uint64_t key = index->key_of[leaf];
        if (index->live[leaf] != 0 && key >= first && key <= last) {
            result = range_of_leaf(index, key, leaf, start, end, visit, context);
        }
    }
    return result;
}
