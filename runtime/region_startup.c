/* region_startup.c - the mappings that every start of this program has: by ld.so and the kernel, before the first checkpoint.
 *
 * A file that was mapped read-only from the first instruction on has the same content at each start, relocations included; so nothing of it is in the image, unless the
 * program has made it writable since.
 * Context: start (prs_regions_startup), any (prs_region_opened), handler.
 */
#include "log.h"
#include "mappings.h"
#include "maps.h"
#include "prim.h"
#include "region.h"
#include "resident.h"
#include <errno.h>
#include <sys/mman.h>

#define MAPS_TEXT (4ul << 20)

struct startup {
    uint32_t count;
    struct prs_region regions[PRS_REGIONS_MAX];
};

/* What the program made writable of them: then their content is no longer that of every start. When the list is full its last range grows. */
#define OPENED_MAX 64u
static struct prs_range opened[OPENED_MAX]; /* in the image */
static volatile uint32_t opened_count;

static bool overlaps_opened(uint64_t start, uint64_t end)
{
    for (uint32_t i = 0; i < opened_count; ++i) {
        if (opened[i].start < end && start < opened[i].end) {
            return true;
        }
    }
    return false;
}

/* A fork child does not inherit the table (arena.h), and has no image; a child of vfork is its parent. */
static bool is_there(const struct startup *startup)
{
    unsigned char resident;
    return startup != NULL && (prs_sys(SYS_getpid) == prs_p.pid || prs_sys(SYS_mincore, startup, PRS_PAGE, &resident) == 0);
}

void prs_region_opened(uint64_t start, uint64_t end)
{
    const struct startup *startup = prs_p.startup;
    if (!is_there(startup)) {
        return;
    }
    for (uint32_t i = 0; startup != NULL && i < startup->count; ++i) {
        const struct prs_region *region = &startup->regions[i];
        if (region->file == 0 || end <= region->start || region->end <= start) {
            continue;
        }
        /* All of the mapping: the kernel may cut and join it in any way. */
        bool known = false;
        for (uint32_t j = 0; j < opened_count && !known; ++j) {
            known = opened[j].start <= region->start && region->end <= opened[j].end;
        }
        if (known) {
            continue;
        }
        if (opened_count < OPENED_MAX) {
            opened[opened_count] = (struct prs_range){region->start, region->end};
            ++opened_count;
        } else {
            struct prs_range *last = &opened[OPENED_MAX - 1];
            last->start = region->start < last->start ? region->start : last->start;
            last->end = region->end > last->end ? region->end : last->end;
        }
    }
}

const struct prs_region *prs_region_startup_of(const struct prs_map *map)
{
    const struct startup *startup = prs_p.startup;
    if (overlaps_opened(map->start, map->end)) {
        return NULL;
    }
    for (uint32_t i = 0; i < startup->count; ++i) {
        const struct prs_region *region = &startup->regions[i];
        if (region->start <= map->start && map->end <= region->end) {
            bool same = region->protection == (uint32_t)map->protection && region->file != 0 &&
                        region->file_offset + (map->start - region->start) == map->offset;
            return same ? region : NULL;
        }
    }
    return NULL;
}

int prs_regions_startup(void)
{
    prs_p.maps_size = MAPS_TEXT;
    prs_p.maps_text = prs_arena_take(&prs_p.scratch, MAPS_TEXT);
    prs_p.maps_before = prs_arena_take(&prs_p.scratch, MAPS_TEXT);
    prs_p.mappings = prs_arena_take(&prs_p.scratch, sizeof *prs_p.mappings);
    struct startup *table = prs_arena_take(&prs_p.scratch, sizeof *table);
    if (prs_p.maps_text == NULL || prs_p.maps_before == NULL || prs_p.mappings == NULL || table == NULL) {
        return -ENOMEM;
    }
    long length = prs_maps_read(prs_p.fd_maps, prs_p.maps_text, prs_p.maps_size);
    if (length < 0) {
        return (int)length;
    }
    prs_p.startup = table;
    prs_p.maps_startup_length = (uint64_t)length;
    const char *cursor = prs_p.maps_text;
    struct prs_map map;
    while (prs_maps_next(&cursor, prs_p.maps_text + length, &map) && table->count < PRS_REGIONS_MAX) {
        struct prs_region *region = &table->regions[table->count++];
        region->start = map.start;
        region->end = map.end;
        region->protection = (uint32_t)map.protection;
        region->file = map.inode != 0 && (map.protection & PROT_WRITE) == 0 && !map.shared ? 1 : 0;
        region->file_offset = map.offset;
        region->flags = region->file != 0 && prs_resident_any(prs_p.fd_pagemap, map.start, map.end, true) != 0 ? PRS_REGION_RELOCATED : 0;
        if (prs_map_is(&map, "[vdso]")) {
            prs_p.vdso = (struct prs_range){map.start, map.end};
        }
        if (prs_map_is(&map, "[stack]")) {
            prs_p.stack_top = map.end;
        }
    }
    return 0;
}
