/* trace_areas.c - where the stacks of a trace lie, and which part of them is stored to, so that bitmaps need no more memory than that.
 *
 * A range begins at a multiple of AREA_ALIGN, whatever is stored to: a bitmap word then covers the same addresses at every start, and
 * what the table does, does not depend on where the first store was.
 */
#include "trace_areas.h"
#include "error.h"
#include "prim.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE 4096ul
#define AREA_ALIGN (4096ul * PRS_UNIT_WORD_BITS) /* a bitmap word at the largest granularity */
#define BITMAPS_MAX (4ul << 30)

static int compare(const void *left, const void *right)
{
    const struct area *a = left, *b = right;
    return a->low < b->low ? -1 : a->low > b->low;
}

/* Sorted and disjoint from now on. */
static void merge(struct areas *areas)
{
    uint32_t count = 0;
    if (areas->count > 1) {
        qsort(areas->list, areas->count, sizeof *areas->list, compare);
    }
    for (uint32_t i = 0; i < areas->count; i++) {
        struct area *last = count > 0 ? &areas->list[count - 1] : NULL;
        if (last != NULL && areas->list[i].low < last->high) {
            last->high = areas->list[i].high > last->high ? areas->list[i].high : last->high;
        } else {
            areas->list[count++] = areas->list[i];
        }
    }
    areas->count = count;
}

static int add_area(struct areas *areas, uint64_t low, uint64_t high)
{
    if (areas->count < areas->room) {
        areas->list[areas->count++] = (struct area){.low = low, .high = high, .used_low = UINT64_MAX};
        return 0;
    }
    merge(areas); /* coroutines take turns: most are known */
    if (areas->count >= areas->room / 2) {
        uint32_t room = areas->room == 0 ? 16 : areas->room * 2;
        struct area *list = room > areas->room ? realloc(areas->list, room * sizeof *list) : NULL;
        if (list == NULL) {
            return prs_fail(-ENOMEM, "for the stacks of the trace");
        }
        areas->list = list;
        areas->room = room;
    }
    return add_area(areas, low, high);
}

uint32_t areas_from(const struct areas *areas, uint64_t address)
{
    uint32_t from = 0, to = areas->count; /* the answer is in [from, to] */
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (areas->list[middle].high <= address) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

struct area *areas_of_stack(const struct areas *areas, const struct trace_event *event)
{
    uint32_t i = areas_from(areas, event->low);
    return i < areas->count && areas->list[i].low <= event->low && event->high <= areas->list[i].high ? &areas->list[i] : NULL;
}

static int read_stacks(struct areas *areas, struct trace_reader *reader)
{
    struct trace_event event;
    int got;
    while ((got = trace_next(reader, &event)) == 1) {
        int error = event.kind == TRACE_STACK ? add_area(areas, event.low, event.high) : 0;
        if (error != 0) {
            return error;
        }
    }
    return got;
}

static void note_use(struct area *area, uint64_t from, uint64_t to)
{
    area->used_low = from < area->used_low ? from : area->used_low;
    area->used_high = to > area->used_high ? to : area->used_high;
}

/* A store may touch several areas: it counts in each. */
static void note_store(struct areas *areas, uint64_t address, uint64_t size)
{
    uint64_t last = address + (size - 1);
    for (uint32_t i = areas_from(areas, address); i < areas->count && areas->list[i].low <= last; i++) {
        struct area *area = &areas->list[i];
        note_use(area, address > area->low ? address : area->low, last < area->high ? last + 1 : area->high);
    }
}

static int read_stores(struct areas *areas, struct trace_reader *reader)
{
    struct trace_event event;
    struct area *now = NULL;
    int got;
    while ((got = trace_next(reader, &event)) == 1) {
        if (event.kind == TRACE_STORE) {
            note_store(areas, event.address, event.size);
        } else if (event.kind == TRACE_STACK) {
            now = areas_of_stack(areas, &event);
        } else if (event.kind == TRACE_TIME && now != NULL && event.sp >= now->low && event.sp <= now->high) {
            /* A range that ended below it would take it for one of another stack's. */
            note_use(now, UINT64_MAX, event.sp);
        }
    }
    return got;
}

static int read_all(struct areas *areas, const char *path, bool partial, int (*read)(struct areas *areas, struct trace_reader *reader))
{
    struct trace_reader reader;
    int error = trace_open(&reader, path, partial);
    if (error == 0) {
        error = read(areas, &reader);
        areas->records = reader.records;
        trace_close(&reader);
    }
    return error;
}

int areas_find(struct areas *areas, const char *path, bool partial)
{
    *areas = (struct areas){0};
    int error = read_all(areas, path, partial, read_stacks);
    if (error == 0) {
        merge(areas);
        error = read_all(areas, path, partial, read_stores);
    }
    if (error != 0) {
        areas_free(areas);
    }
    return error;
}

int areas_prepare(struct areas *areas, uint32_t granularity)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < areas->count; i++) {
        struct area *area = &areas->list[i];
        if (area->used_low == UINT64_MAX) {
            continue; /* no store: its registers stay unconfigured */
        }
        uint64_t start = prs_round_down(area->used_low, AREA_ALIGN);
        uint64_t end = area->used_high > UINT64_MAX - PAGE ? area->high : prs_round_up(area->used_high, PAGE); /* whole granules, unless the stack ends first */
        end = end < area->high ? end : area->high;
        uint64_t bytes = prs_unit_bitmap_bytes(start, end, granularity);
        if (bytes > BITMAPS_MAX || (total += bytes) > BITMAPS_MAX) {
            return prs_fail(PROSPER_E_UNSUPPORTED, "the stacks reach too far apart: their bitmaps would take more than %lu MB", BITMAPS_MAX >> 20);
        }
        void *bitmap = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (bitmap == MAP_FAILED) {
            return prs_fail(-errno, "for a bitmap of %lu MB", bytes >> 20);
        }
        area->bitmap_bytes = bytes;
        if (prs_unit_stack_init(&area->stack, start, end, granularity, bitmap) != 0) {
            munmap(bitmap, bytes);
            area->bitmap_bytes = 0;
            return prs_fail(PROSPER_E_INTERNAL, "a granularity of %u", granularity);
        }
    }
    return 0;
}

void areas_free(struct areas *areas)
{
    for (uint32_t i = 0; i < areas->count; i++) {
        if (areas->list[i].bitmap_bytes > 0) {
            munmap(areas->list[i].stack.bitmap, areas->list[i].bitmap_bytes);
        }
    }
    free(areas->list);
    *areas = (struct areas){0};
}
