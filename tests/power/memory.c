/* memory.c - the two pools in memory, and what the store's code finds here instead of the system: arenas without system calls, a clock that gives the same
 * times for the same seed, and ears for its stores.
 *
 * The store's sources are compiled for this executable with sanitizer coverage of stores, so each store calls __sanitizer_cov_store* first; string
 * instructions call prs_recorded (prim.h). So the order of the stores within a line is known; the recorder's comparison with a shadow of the live pool finds
 * what was not announced, and that there was none is checked (drive.c).
 */
#define PROSPER_RECORDED
#include "power.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EVENTS_MAX (1u << 18)
#define UNDO_MAX (1u << 19)
#define ARENA_BYTES (1u << 20)
#define TABLES_BYTES (64u << 10)
#define LOG_BYTES 8192u
#define ROOT_OBJECT 8720u /* as libpmemobj would: not page-aligned */

struct side live, image;
uint64_t pool_length, main_length, root_at;

static uint8_t *arenas[2], *shadow;
static struct {
    uint64_t at, old;
} *undo;
static uint64_t undo_count;
static struct prf_extent extents[7];
static unsigned extent_count;
static uint8_t *tables[2]; /* of the images of the stack */
enum prs_stack stack_way;
static bool sums; /* this round's pool has page checksums */
static struct prs_calm_limits calm; /* of this round; cold: 0 for those of every program, which so small a pool never reaches */
static uint64_t now_ns;

/* ---- instead of arena.c and prim_linux.c ---- */

void *prs_arena_take(struct prs_arena *arena, uint64_t bytes)
{
    uint64_t at = prs_round_up(arena->next, 64);
    if (bytes == 0 || at + bytes > arena->end) {
        return NULL;
    }
    arena->next = at + bytes;
    return memset((void *)at, 0, bytes);
}

uint64_t prs_now_ns(void) { return 1; }
uint64_t prs_realtime_ns(void) { return now_ns += 1000; }

static void announce(const void *at, uint64_t length)
{
    if ((uint64_t)at - (uint64_t)live.bytes < pool_length) {
        prs_recorder_announce(&live.recorder, at, length);
    } else if ((uint64_t)at - (uint64_t)image.bytes < pool_length) {
        prs_recorder_announce(&image.recorder, at, length);
    }
}

void prs_recorded(const void *at, size_t length) { announce(at, length); }

#define STORED(name, bytes) \
    void name(const void *at); \
    void name(const void *at) { announce(at, bytes); }
STORED(__sanitizer_cov_store1, 1)
STORED(__sanitizer_cov_store2, 2)
STORED(__sanitizer_cov_store4, 4)
STORED(__sanitizer_cov_store8, 8)
STORED(__sanitizer_cov_store16, 16)

/* ---- the pools ---- */

static void *map(uint64_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    return at;
}

void memory_open(void)
{
    live.bytes = map(POOL_MAX);
    image.bytes = map(POOL_MAX);
    shadow = map(POOL_MAX);
    undo = map(UNDO_MAX * sizeof *undo);
    live.recorder.events = map(EVENTS_MAX * sizeof *live.recorder.events);
    image.recorder.events = map(EVENTS_MAX * sizeof *image.recorder.events);
    for (unsigned i = 0; i < 2; ++i) {
        arenas[i] = map(ARENA_BYTES);
        tables[i] = map(TABLES_BYTES);
    }
}

void memory_fresh(void)
{
    now_ns = 1;
    stack_way = one_in(4) && !by_pages ? (enum prs_stack)(PRS_STACK_FLUSH + below(4)) : 0;
    sums = stack_way == 0 && one_in(2);
    calm = (struct prs_calm_limits){one_in(4) ? 0 : 1 + below(4), below(3), 0}; /* a process lives for a few epochs: no credit may be needed */
    root_at = prs_round_up(ROOT_OBJECT, PRF_PAGE);
    uint64_t at = root_at + PRF_ROOT_BYTES;
    memset(extents, 0, sizeof extents);
    extent_count = 0;
    for (unsigned i = 0; i < 2; ++i, at += LOG_BYTES + PRF_PAGE) {
        extents[extent_count++] = (struct prf_extent){.offset = at, .length = LOG_BYTES, .kind = PRF_EXTENT_LOG};
    }
    uint32_t slots[2] = {6 + below(9), one_in(2) ? 0 : 2 + below(8)};
    for (unsigned i = 0; i < 2 && slots[i] > 0; ++i) {
        extents[extent_count++] = (struct prf_extent){.offset = at, .length = PRF_PAGE, .kind = PRF_EXTENT_ENTRIES};
        at += PRF_PAGE;
        extents[extent_count++] = (struct prf_extent){.offset = at, .length = slots[i] * PRF_PAGE, .kind = PRF_EXTENT_SLOTS};
        at += (slots[i] + 1) * PRF_PAGE;
    }
    if (stack_way != 0) {
        uint64_t bytes = PRF_PAGE + prs_round_up(prs_stack_image_of(stack_way)->area_bytes(STACK), PRF_PAGE);
        extents[extent_count++] = (struct prf_extent){.offset = at, .length = bytes, .kind = PRF_EXTENT_STACK};
        at += bytes;
    }
    main_length = at;
    pool_length = at + EXTENSIONS * EXTENSION_BYTES;
    memset(image.bytes, 0, POOL_MAX);
    memcpy(image.bytes, PRF_PMEMOBJ_SIGNATURE, 8);
    memcpy(image.bytes + PRF_PMEMOBJ_LAYOUT_AT, PRF_LAYOUT, sizeof PRF_LAYOUT);
    uint64_t object = ROOT_OBJECT;
    memcpy(image.bytes + PRF_PMEMOBJ_ROOT_AT, &object, sizeof object);
    if (one_in(2)) { /* nothing relies on zeros where nothing was committed */
        for (uint64_t i = root_at + PRF_ROOT_BYTES; i < pool_length; i += 8) {
            uint64_t word = (uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX);
            memcpy(image.bytes + i, &word, sizeof word);
        }
    }
    memcpy(live.bytes, image.bytes, POOL_MAX);
    prs_recorder_init(&live.recorder, live.bytes, pool_length, shadow, live.recorder.events, EVENTS_MAX);
    prs_recorder_init(&image.recorder, image.bytes, pool_length, NULL, image.recorder.events, EVENTS_MAX);
    live.recorder.media.by_pages = image.recorder.media.by_pages = by_pages;
    undo_count = 0;
}

void memory_write_root(void)
{
    static const uint8_t pool_id[16] = {1, 2, 3};
    prs_root_write(live.bytes, root_at, main_length, extents, extent_count, pool_id, prs_realtime_ns(), sums);
}

void memory_write_extension(void)
{
    static struct prf_extension header;
    const struct prs_geometry *geometry = &live.store.v->geometry;
    prs_extension_describe(&header, geometry, EXTENSION_BYTES, prs_realtime_ns());
    prs_copy(live.bytes + geometry->end, &header, sizeof header);
    prs_media_flush(&live.recorder.media, live.bytes + geometry->end, sizeof header);
    prs_media_fence(&live.recorder.media);
}

struct side *side_of(const struct prs_store *store) { return store == &live.store ? &live : &image; }

static void take_tables(struct side *side)
{
    uint64_t bytes = prs_stack_image_of(stack_way)->tables_bytes(STACK);
    if (bytes > TABLES_BYTES) {
        fail("the tables of the image of the stack have %lu bytes", bytes);
    }
    side->stack.tables = memset(tables[side == &image], 0, bytes);
}

int side_attach(struct side *side)
{
    uint64_t arena = (uint64_t)arenas[side == &image];
    side->arena = (struct prs_arena){arena, arena + ARENA_BYTES};
    int result = prs_store_attach_growing(&side->store, side->bytes, pool_length, pool_length, &side->recorder.media, &side->arena);
    memset(&side->stack, 0, sizeof side->stack);
    if (result == 0 && calm.cold != 0) {
        side->store.v->ssp.calm_limits = calm;
    }
    if (result == 0 && stack_way != 0 && prs_store_state(&side->store) != PRS_POOL_EMPTY) {
        result = prs_stack_area_read(&side->stack, &side->store, stack_way);
        take_tables(side);
    }
    return result;
}

int side_recover(struct side *side)
{
    int result = prs_store_recover(&side->store);
    return result == 0 && side->stack.image != NULL ? side->stack.image->recover(&side->stack) : result;
}

/* As prs_stack_area_new, whose stacks are of 8 MB at least. */
void side_begin_stack(struct side *side)
{
    struct prs_stack_area *area = &side->stack;
    uint64_t length;
    if (stack_way == 0) {
        return;
    }
    memset(area, 0, sizeof *area);
    uint8_t *extent = prs_store_stack_area(&side->store, &length);
    area->image = prs_stack_image_of(stack_way);
    area->media = side->store.media;
    area->head = (struct prf_stack_head *)extent;
    area->base = extent + PRF_PAGE;
    area->length = length - PRF_PAGE;
    area->committed = prs_store_stack_committed(&side->store);
    area->low = STACK_LOW;
    area->high = STACK_LOW + STACK;
    take_tables(side);
    prs_stack_head_write(area, stack_way);
    if (area->image->reset(area) != 0) {
        fail("reset of the image of the stack: %s", prs_detail());
    }
    content_stack(side, NULL);
}

int side_prepare(struct side *side)
{
    if (stack_way == 0) {
        return 0;
    }
    int result = side->stack.image->prepare(&side->stack);
    if (result == 0) {
        prs_store_stack_next(&side->store, side->stack.committed + 1);
    }
    return result;
}

void side_committed(struct side *side)
{
    if (stack_way != 0) {
        side->stack.committed = prs_store_stack_committed(&side->store);
        side->stack.image->committed(&side->stack);
    }
}

bool is_slot(uint64_t at)
{
    if (at >= main_length) {
        return (at - main_length) % EXTENSION_BYTES >= 2 * PRF_PAGE;
    }
    for (unsigned i = 3; i < extent_count; i += 2) {
        if (at - extents[i].offset < extents[i].length) {
            return true;
        }
    }
    return false;
}

const char *name_of(uint64_t at)
{
    static char name[64];
    if (at >= root_at && at < root_at + PRF_ROOT_BYTES) {
        uint64_t page = (at - root_at) / PRF_PAGE, in = (at - root_at) % PRF_PAGE;
        static const char *const what[] = {"root", "record even copy 0", "record odd copy 0", "record even copy 1", "record odd copy 1", "mark"};
        if (page == 5) {
            snprintf(name, sizeof name, "%s copy %lu +%lu", in % 2048 < 64 ? "mark" : "reason", in / 2048, in % 2048);
        } else {
            snprintf(name, sizeof name, "%s +%lu", what[page], in);
        }
        return name;
    }
    if (at >= main_length) {
        uint64_t in = (at - main_length) % EXTENSION_BYTES;
        snprintf(name, sizeof name, "extension %lu, %s +%lu", 1 + (at - main_length) / EXTENSION_BYTES, in < PRF_PAGE ? "header" : in < 2 * PRF_PAGE ? "entries, checksums" : "slots",
                 in % PRF_PAGE);
        return name;
    }
    uint64_t entries = 0, slots = 0;
    for (unsigned i = 0; i < extent_count; ++i) {
        const struct prf_extent *extent = &extents[i];
        uint64_t in = at - extent->offset;
        if (in < extent->length) {
            switch (extent->kind) {
            case PRF_EXTENT_LOG: snprintf(name, sizeof name, "log area %u +%lu", i, in); break;
            case PRF_EXTENT_ENTRIES:
                if (sums && in >= extents[i + 1].length / PRF_PAGE * sizeof(struct prf_entry)) {
                    snprintf(name, sizeof name, "checksums, +%lu", in - extents[i + 1].length / PRF_PAGE * sizeof(struct prf_entry));
                } else {
                    snprintf(name, sizeof name, "entry %lu", entries + in / 64);
                }
                break;
            case PRF_EXTENT_STACK: snprintf(name, sizeof name, "stack, way %u, +%lu", (unsigned)stack_way, in); break;
            default: snprintf(name, sizeof name, "slot %lu line %lu", slots + in / PRF_PAGE, in % PRF_PAGE / 64); break;
            }
            return name;
        }
        slots += extent->kind == PRF_EXTENT_SLOTS ? extent->length / PRF_PAGE : 0;
        entries = extent->kind == PRF_EXTENT_SLOTS ? slots : entries;
    }
    snprintf(name, sizeof name, "offset %lu", at);
    return name;
}

/* ---- the image's undo stack ---- */

static void undo_push(uint64_t at, uint64_t old)
{
    if (undo_count == UNDO_MAX) {
        fail("the explorer's undo stack is full");
    }
    undo[undo_count].at = at;
    undo[undo_count++].old = old;
}

void image_put(uint64_t at, uint64_t value)
{
    uint64_t *word = (uint64_t *)(image.bytes + at);
    undo_push(at, *word);
    *word = value;
}

uint64_t image_mark(void) { return undo_count; }

void image_undo(uint64_t mark)
{
    while (undo_count > mark) {
        --undo_count;
        *(uint64_t *)(image.bytes + undo[undo_count].at) = undo[undo_count].old;
    }
}

void image_forget(void) { undo_count = 0; }

void image_undoes(uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; ++i) {
        const struct prs_event *event = &image.recorder.events[i];
        if (event->kind == PRS_EVENT_STORE) {
            undo_push(event->at, event->old);
        }
    }
}
