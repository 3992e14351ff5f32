/* store_fixture.h - a pool in ordinary memory, with areas small enough that they fill up within a test. The bytes are what a pool file
 * would hold; libpmemobj's part is just enough for the root to be found. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include "store_internal.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIXTURE_ROOT_OBJECT 8720u /* as libpmemobj would: not page-aligned */
#define FIXTURE_ROOT 12288u

struct fixture {
    uint8_t *bytes;
    uint64_t length;
    struct prs_store store;
};

/* Shared, so that a parent can look at a child's; between two pages that nobody may touch. */
static inline uint8_t *fixture_map(uint64_t length)
{
    uint64_t whole = prs_round_up(length, 4096) + 8192;
    uint8_t *at = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED
        || mmap(at + 4096, whole - 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at + 4096) {
        abort();
    }
    return at + 4096;
}

/* Pools that are made from here on have page checksums. */
static bool fixture_sums;

/* room: for extensions, behind the pool. */
static inline void fixture_format_room(struct fixture *f, uint64_t log_bytes, uint32_t slots_first, uint32_t slots_second, uint64_t room)
{
    struct prf_extent extents[6];
    memset(extents, 0, sizeof extents);
    uint64_t at = prs_round_up(FIXTURE_ROOT + PRF_ROOT_BYTES, 4096);
    unsigned count = 0;
    for (unsigned i = 0; i < 2; ++i, at += log_bytes + 4096) {
        extents[count++] = (struct prf_extent){.offset = at, .length = log_bytes, .kind = PRF_EXTENT_LOG};
    }
    uint32_t slots[2] = {slots_first, slots_second};
    for (unsigned i = 0; i < 2 && slots[i] > 0; ++i) {
        uint64_t entry_bytes = prs_round_up(slots[i] * prs_entry_bytes(fixture_sums), 4096);
        extents[count++] = (struct prf_extent){.offset = at, .length = entry_bytes, .kind = PRF_EXTENT_ENTRIES};
        at += entry_bytes;
        extents[count++] = (struct prf_extent){.offset = at, .length = slots[i] * 4096ull, .kind = PRF_EXTENT_SLOTS};
        at += slots[i] * 4096ull + 4096;
    }
    memset(f, 0, sizeof *f);
    f->length = at + room;
    f->bytes = fixture_map(f->length);
    memcpy(f->bytes, PRF_PMEMOBJ_SIGNATURE, 8);
    memcpy(f->bytes + PRF_PMEMOBJ_LAYOUT_AT, PRF_LAYOUT, sizeof PRF_LAYOUT);
    uint64_t root = FIXTURE_ROOT_OBJECT;
    memcpy(f->bytes + PRF_PMEMOBJ_ROOT_AT, &root, 8);
    static const uint8_t pool_id[16] = {1, 2, 3};
    prs_root_write(f->bytes, FIXTURE_ROOT, at, extents, count, pool_id, 12345, fixture_sums);
}

static inline void fixture_format(struct fixture *f, uint64_t log_bytes, uint32_t slots_first, uint32_t slots_second)
{
    fixture_format_room(f, log_bytes, slots_first, slots_second, 0);
}

/* Bytes of an extension with so many slots. */
static inline uint64_t fixture_extension_bytes(uint32_t slots) { return 4096 * (1 + (slots * prs_entry_bytes(fixture_sums) + 4095) / 4096 + slots); }

/* The next extension as a new file would be: its header, and zeros. durable: the same for what a power cut leaves; may be NULL. */
static inline uint64_t fixture_make_extension(const struct prs_store *store, uint8_t *durable, uint32_t slots)
{
    const struct prs_geometry *geometry = &store->v->geometry;
    static struct prf_extension header;
    uint64_t bytes = fixture_extension_bytes(slots);
    prs_extension_describe(&header, geometry, bytes, 777);
    for (uint8_t *place = store->base; place != NULL; place = place == store->base ? durable : NULL) {
        memset(place + geometry->end, 0, bytes);
        memcpy(place + geometry->end, &header, sizeof header);
    }
    return geometry->end + bytes;
}

static inline int fixture_extend(struct prs_store *store, uint32_t slots) { return prs_store_extend(store, fixture_make_extension(store, NULL, slots)); }

/* Frees what an attach took: the volatile part is all in one arena of kernel-chosen mappings, so tests use a fixed range and unmap it. */
#define FIXTURE_ARENA 0x300000000000ul
#define FIXTURE_ARENA_SIZE (1ul << 36)

static inline int fixture_attach_bytes(struct prs_store *store, void *bytes, uint64_t length, const struct prs_media *media)
{
    munmap((void *)FIXTURE_ARENA, FIXTURE_ARENA_SIZE);
    static struct prs_arena arena;
    arena = (struct prs_arena){FIXTURE_ARENA, FIXTURE_ARENA + FIXTURE_ARENA_SIZE};
    return prs_store_attach_growing(store, bytes, length, length, media, &arena);
}

/* The process died and a new one begins: volatile state is gone, the bytes stay. */
static inline int fixture_restart(struct fixture *f)
{
    int result = fixture_attach_bytes(&f->store, f->bytes, f->length, &prs_media_none);
    return result != 0 ? result : prs_store_recover(&f->store);
}

static inline void fixture_open(struct fixture *f, uint64_t log_bytes, uint32_t slots_first, uint32_t slots_second)
{
    fixture_format(f, log_bytes, slots_first, slots_second);
    if (fixture_restart(f) != 0) {
        abort();
    }
}

static inline void fixture_close(struct fixture *f) { munmap(f->bytes - 4096, prs_round_up(f->length, 4096) + 8192); }

#endif
