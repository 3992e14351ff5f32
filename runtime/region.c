/* region.c - from the kernel's list of mappings to the region table of the image.
 *
 * INVARIANTS
 *  R1  Every mapping of the process is in exactly one of: a region, an excluded range (the runtime's own), vdso/vvar.
 *  R2  A region's kind says who keeps its content: STACK and SMALL the log, LARGE the page entries, FILE the file, EMPTY nobody (it has none).
 *  R3  FILE only where no page was ever copied on write: start-up mappings that were read-only from the first instruction (relocated by
 *      ld.so in the same way at each start), and later ones whose pages are all the file's.
 *  R4  A region may change its kind from one checkpoint to the next (a mapping grew, merged, became writable). The log and the mirror go by address,
 *      and what was LARGE and is no more is dropped from the page entries in the same epoch, so no rule between kinds is needed.
 * Context: handler (refresh), start (startup). No libc, no allocation.
 */
#include "region.h"
#include "hold.h"
#include "identity.h"
#include "log.h"
#include "mappings.h"
#include "maps.h"
#include "prim.h"
#include "resident.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define EXCLUDES_MAX 64u

static struct prs_range excludes[EXCLUDES_MAX]; /* in the image */
static uint32_t exclude_count;

int prs_region_exclude(uint64_t start, uint64_t end)
{
    start = prs_round_up(start, PRS_PAGE), end = prs_round_down(end, PRS_PAGE);
    if (start >= end) {
        return 0; /* less than a page: nothing to leave out */
    }
    uint32_t at = 0;
    while (at < exclude_count && excludes[at].start < start) {
        ++at;
    }
    if (exclude_count == EXCLUDES_MAX || (at < exclude_count && excludes[at].start < end) || (at > 0 && excludes[at - 1].end > start)) {
        return -ENOSPC;
    }
    for (uint32_t i = exclude_count; i > at; --i) {
        excludes[i] = excludes[i - 1];
    }
    excludes[at] = (struct prs_range){start, end};
    ++exclude_count;
    return 0;
}

uint32_t prs_text_add(struct prs_meta *meta, uint32_t *used, const char *text, uint64_t length)
{
    if (*used + length + 1 > PRS_TEXT_MAX) {
        return 0;
    }
    uint32_t offset = *used;
    prs_copy(meta->text + offset, text, length);
    meta->text[offset + length] = '\0';
    *used += (uint32_t)length + 1;
    return offset;
}

static bool starts_with(const struct prs_map *map, const char *prefix)
{
    for (uint32_t i = 0; prefix[i] != '\0'; ++i) {
        if (i >= map->name_length || map->name[i] != prefix[i]) {
            return false;
        }
    }
    return true;
}

static bool ends_with(const struct prs_map *map, const char *suffix)
{
    uint32_t length = (uint32_t)__builtin_strlen(suffix);
    for (uint32_t i = 0; i < length; ++i) {
        if (map->name_length < length || map->name[map->name_length - length + i] != suffix[i]) {
            return false;
        }
    }
    return true;
}

static bool kernels_own(const struct prs_map *map)
{
    return prs_map_is(map, "[vdso]") || starts_with(map, "[vvar") || prs_map_is(map, "[vsyscall]") || prs_map_is(map, "[uprobes]");
}

/* ---- building the table ---- */

struct builder {
    struct prs_meta *meta;
    uint32_t used; /* of text */
    uint64_t small_bytes;
    const char *why;
};

static bool same_path(const struct prs_meta *meta, uint32_t path, const struct prs_map *map)
{
    const char *text = meta->text + path;
    for (uint32_t i = 0; i < map->name_length; ++i) {
        if (text[i] != map->name[i]) {
            return false;
        }
    }
    return text[map->name_length] == '\0';
}

static uint32_t file_of(struct builder *builder, const struct prs_map *map)
{
    struct prs_meta *meta = builder->meta;
    uint64_t device = (uint64_t)map->device_major << 32 | map->device_minor;
    for (uint32_t i = 0; i < meta->file_count; ++i) {
        if (meta->files[i].inode == map->inode && meta->files[i].device == device && same_path(meta, meta->files[i].path, map)) {
            return i + 1;
        }
    }
    if (meta->file_count == PRS_FILES_MAX) {
        builder->why = "more mapped files than the image has room for";
        return 0;
    }
    struct prs_mapped_file *file = &meta->files[meta->file_count];
    prs_fill(file, 0, sizeof *file);
    file->device = device;
    file->inode = map->inode;
    file->path = prs_text_add(meta, &builder->used, map->name, map->name_length);
    if (file->path == 0) {
        builder->why = "longer paths of mapped files than the image has room for";
        return 0;
    }
    prs_identity_of_file(file, meta->text + file->path, map->offset == 0 && (map->protection & PROT_READ) != 0 ? map->start : 0,
                         map->end - map->start);
    return ++meta->file_count;
}

static const char *unrestorable(const struct prs_map *map)
{
    if (starts_with(map, "anon_inode:[io_uring")) {
        return "io_uring";
    }
    if (starts_with(map, "/[aio]")) {
        return "asynchronous I/O (io_setup)";
    }
    if (map->shared && (map->protection & PROT_WRITE) != 0) {
        return "memory shared with others or with a file (MAP_SHARED)";
    }
    if (map->shared && map->inode == 0) {
        return "memory shared with others (MAP_SHARED)";
    }
    if (starts_with(map, "/dev/") && !prs_map_is(map, "/dev/zero")) {
        return "memory of a device";
    }
    if (starts_with(map, "/memfd:") || starts_with(map, "/SYSV") || starts_with(map, "anon_inode:")) {
        return "memory of a memfd or of System V shared memory";
    }
    if (map->inode != 0 && ends_with(map, " (deleted)")) {
        return "a mapped file that was deleted or replaced";
    }
    return NULL;
}

static uint32_t kind_of(struct builder *builder, const struct prs_map *map, bool small_full)
{
    uint64_t size = map->end - map->start;
    bool file = map->inode != 0;
    if (prs_map_is(map, "[stack]")) {
        return PRS_REGION_STACK;
    }
    if (map->protection == PROT_NONE || (file && (map->protection & PROT_WRITE) == 0)) {
        if (file && prs_region_startup_of(map) != NULL) {
            return PRS_REGION_FILE;
        }
        int any = prs_resident_any(prs_p.fd_pagemap, map->start, map->end, file);
        if (any < 0) {
            builder->why = "a kernel that hides /proc/self/pagemap";
        }
        if (any == 0) {
            return file ? PRS_REGION_FILE : PRS_REGION_EMPTY;
        }
        return map->protection == PROT_NONE || size >= PRS_LARGE_DATA_MIN ? PRS_REGION_LARGE : PRS_REGION_SMALL;
    }
    if (file) {
        return size >= PRS_LARGE_DATA_MIN ? PRS_REGION_LARGE : PRS_REGION_SMALL;
    }
    return size >= PRS_LARGE_MIN || small_full ? PRS_REGION_LARGE : PRS_REGION_SMALL;
}

static void add_region(struct builder *builder, const struct prs_map *map, uint64_t start, uint64_t end, uint32_t kind, uint32_t file, uint32_t flags)
{
    struct prs_meta *meta = builder->meta;
    if (start >= end) {
        return;
    }
    if (meta->region_count == PRS_REGIONS_MAX) {
        builder->why = "more mappings than the image has room for";
        return;
    }
    struct prs_region *region = &meta->regions[meta->region_count++];
    prs_fill(region, 0, sizeof *region);
    region->start = start;
    region->end = end;
    region->kind = kind;
    region->protection = (uint32_t)map->protection;
    region->file = file;
    region->file_offset = file != 0 ? map->offset + (start - map->start) : 0;
    const struct prs_region *startup = prs_region_startup_of(map);
    region->flags = flags | (prs_map_is(map, "[heap]") ? PRS_REGION_BRK : 0) | (kind == PRS_REGION_STACK ? PRS_REGION_GROWSDOWN : 0) |
                    (startup != NULL ? PRS_REGION_STARTUP | (startup->flags & PRS_REGION_RELOCATED) : 0);
    if (kind == PRS_REGION_SMALL) {
        builder->small_bytes += end - start;
    }
}

/* A mapping, cut at the borders of what is excluded: the runtime's own ranges vanish, the program's become EMPTY. */
static void add_pieces(struct builder *builder, const struct prs_map *map, uint32_t kind, uint32_t file)
{
    struct prs_range own[8];
    unsigned own_count = prs_excluded(own, 8);
    uint64_t at = map->start;
    while (at < map->end) {
        uint64_t stop = map->end;
        const struct prs_range *inside = NULL;
        bool ours = false;
        for (unsigned i = 0; i < own_count + exclude_count; ++i) {
            const struct prs_range *range = i < own_count ? &own[i] : &excludes[i - own_count];
            if (range->start <= at && at < range->end) {
                inside = range;
                ours = i < own_count;
                break;
            }
            if (range->start > at && range->start < stop) {
                stop = range->start;
            }
        }
        if (inside != NULL) {
            stop = inside->end < map->end ? inside->end : map->end;
            if (!ours) {
                bool leave_out = map->inode == 0;
                add_region(builder, map, at, stop, leave_out ? PRS_REGION_EMPTY : kind, file, leave_out ? PRS_REGION_EXCLUDED : 0);
            }
        } else {
            add_region(builder, map, at, stop, kind, file, 0);
        }
        at = stop;
    }
}

static void add_map(struct builder *builder, const struct prs_map *map)
{
    struct prs_range own[8];
    unsigned own_count = prs_excluded(own, 8);
    for (unsigned i = 0; i < own_count; ++i) {
        if (own[i].start <= map->start && map->end <= own[i].end) {
            return;
        }
    }
    if (kernels_own(map)) {
        return;
    }
    const char *why = unrestorable(map);
    if (why != NULL) {
        builder->why = why;
    }
    uint32_t kind = kind_of(builder, map, builder->small_bytes > PRS_SMALL_BUDGET);
    uint32_t file = map->inode != 0 ? file_of(builder, map) : 0;
    add_pieces(builder, map, kind, file);
}

static void build(struct builder *builder, const char *text, uint64_t length)
{
    struct prs_meta *meta = builder->meta;
    meta->region_count = 0;
    meta->file_count = 0;
    const char *cursor = text;
    struct prs_map map;
    while (prs_maps_next(&cursor, text + length, &map)) {
        add_map(builder, &map);
    }
}

static bool same_text(const char *a, const char *b, uint64_t length)
{
    for (; length >= 8; length -= 8, a += 8, b += 8) {
        uint64_t x, y;
        __builtin_memcpy(&x, a, 8);
        __builtin_memcpy(&y, b, 8);
        if (x != y) {
            return false;
        }
    }
    for (; length > 0; --length) {
        if (*a++ != *b++) {
            return false;
        }
    }
    return true;
}

/* The text is made anew once a second all the same: files may be renamed or deleted by others, which only their names tell. */
#define NAMES_NS 1000000000ul

/* Nothing was mapped, unmapped or changed since the text was read, as far as can be told without reading it. */
static bool as_before(uint64_t now_ns)
{
    struct prs_range own[8];
    return (prs_w.changed & (PRS_CHANGED_MAPPINGS | PRS_CHANGED_DESCRIPTORS)) == 0 && prs_p.maps_before_length != 0 &&
           now_ns - prs_p.maps_read_ns < NAMES_NS && prs_mappings_same(prs_p.mappings, prs_p.fd_maps, own, prs_excluded(own, 8));
}

int prs_regions_refresh(const char **why)
{
    *why = prs_p.regions_why;
    uint64_t now_ns = prs_now_ns();
    prs_p.regions_fresh = false;
    if (as_before(now_ns)) {
        return 0;
    }
    long length = prs_maps_read(prs_p.fd_maps, prs_p.maps_text, prs_p.maps_size);
    if (length < 0) {
        return (int)length;
    }
    struct prs_range own[8];
    prs_mappings_note(prs_p.mappings, prs_p.fd_maps, own, prs_excluded(own, 8));
    prs_p.maps_read_ns = now_ns;
    bool replaced = (prs_w.changed & PRS_CHANGED_MAPPINGS) != 0;
    if (!replaced && (uint64_t)length == prs_p.maps_before_length && same_text(prs_p.maps_text, prs_p.maps_before, (uint64_t)length)) {
        return 0;
    }
    struct builder builder = {PRS_META, prs_p.text_fixed, 0, NULL};
    build(&builder, prs_p.maps_text, (uint64_t)length);
    prs_p.text_files = builder.used;
    const struct prs_region *code = prs_region_at(PRS_META, prs_p.entry);
    PRS_META->executable = code != NULL ? code->file : 0;
    prs_p.small_bytes = builder.small_bytes;
    prs_p.regions_why = builder.why;
    *why = builder.why;
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if (region->kind == PRS_REGION_LARGE && prs_p.options.heap != PRS_HEAP_NONE) {
            /* Idempotent; where the kernel refuses, the scan reports the whole range as written, which is right if slow. */
            (void)prs_pages_track(prs_p.pages, region->start, region->end);
        }
    }
    char *swap = prs_p.maps_before;
    prs_p.maps_before = prs_p.maps_text;
    prs_p.maps_text = swap;
    prs_p.maps_before_length = (uint64_t)length;
    prs_w.changed &= ~(unsigned)PRS_CHANGED_MAPPINGS;
    prs_p.regions_fresh = true;
    return 0;
}

uint32_t prs_regions_large(struct prs_range *out, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if (region->kind != PRS_REGION_LARGE) {
            continue;
        }
        if (count > 0 && out[count - 1].end == region->start) {
            out[count - 1].end = region->end;
        } else if (count < max) {
            out[count++] = (struct prs_range){region->start, region->end};
        }
    }
    return count;
}

const struct prs_region *prs_region_at(const struct prs_meta *meta, uint64_t address)
{
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        if (meta->regions[i].start <= address && address < meta->regions[i].end) {
            return &meta->regions[i];
        }
    }
    return NULL;
}

bool prs_region_marked(const struct prs_region *region)
{
    return region->kind == PRS_REGION_LARGE && region->file == 0 && region->start >= PRS_MARKED_BASE && region->end <= PRS_MARKED_END;
}

const char *prs_region_name(const struct prs_meta *meta, const struct prs_region *region)
{
    if (region == NULL) {
        return "no region";
    }
    if (region->kind == PRS_REGION_STACK) {
        return "stack";
    }
    if (region->file != 0) {
        return meta->text + meta->files[region->file - 1].path;
    }
    return (region->flags & PRS_REGION_BRK) != 0 ? "brk heap" : "anonymous memory";
}
