/* meta_load.c - the pool's bytes are data from outside: META is applied from the log to memory of its own, and used only after meta_check.c has looked at it. */
#include "meta_load.h"
#include "error.h"
#include "layout.h"
#include "options.h"
#include "prim.h"
#include <errno.h>
#include <stddef.h>

static int apply(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    (void)epoch;
    return prs_mirror_apply(context, address, data, length);
}

static void copy_out(struct prs_mirror *mirror, struct prs_meta *meta, const void *part, uint64_t bytes)
{
    uint64_t at = PRS_META_BASE + ((uint64_t)part - (uint64_t)meta), end = at + bytes;
    uint8_t *to = (uint8_t *)(uint64_t)part;
    while (at < end) {
        uint64_t stop = prs_round_down(at, PRS_CHUNK) + PRS_CHUNK;
        stop = stop < end ? stop : end;
        const uint8_t *chunk = prs_mirror_chunk(mirror, at, false);
        if (chunk != NULL) {
            prs_copy(to, chunk + at % PRS_CHUNK, stop - at);
        } else {
            prs_fill(to, 0, stop - at);
        }
        to += stop - at;
        at = stop;
    }
}

static int damaged(const char *what) { return prs_fail(PROSPER_E_DAMAGED, "%s of the checkpoint is out of bounds", what); }

int prs_meta_load(const struct prs_store *store, struct prs_arena *arena, struct prs_mirror *mirror, struct prs_meta **out)
{
    struct prs_mirror own;
    *out = NULL;
    if (mirror == NULL) {
        mirror = &own;
        int error = prs_mirror_init(mirror, arena);
        if (error != 0) {
            return error;
        }
    }
    int error = prs_store_log_each(store, apply, mirror);
    if (error != 0) {
        return error;
    }
    struct prs_meta *meta = prs_arena_take(arena, sizeof *meta);
    if (meta == NULL) {
        return -ENOMEM;
    }
    copy_out(mirror, meta, meta, offsetof(struct prs_meta, regions));
    error = prs_meta_check_version(meta); /* first: of another version the counts lie elsewhere */
    if (error != 0) {
        return error;
    }
    if (meta->region_count > PRS_REGIONS_MAX || meta->file_count > PRS_FILES_MAX || meta->descriptor_count > PRS_DESCRIPTORS_MAX ||
        meta->lock_count > PRS_LOCKS_MAX || meta->text_used > PRS_TEXT_MAX) {
        return damaged("a count");
    }
    copy_out(mirror, meta, meta->regions, meta->region_count * sizeof meta->regions[0]);
    copy_out(mirror, meta, meta->files, meta->file_count * sizeof meta->files[0]);
    copy_out(mirror, meta, meta->descriptors, meta->descriptor_count * sizeof meta->descriptors[0]);
    copy_out(mirror, meta, meta->locks, meta->lock_count * sizeof meta->locks[0]);
    copy_out(mirror, meta, meta->text, meta->text_used);
    error = prs_meta_check(meta);
    if (error == 0) {
        *out = meta;
    }
    return error;
}

bool prs_meta_stack_page(const struct prs_meta *meta, uint64_t page)
{
    uint64_t below = meta->stack_top - page;
    if (meta->stack_way != PRS_STACK_SSP || page >= meta->stack_top || below > prs_round_up(meta->stack_limit_soft, PRS_PAGE)) {
        return false;
    }
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        if (meta->regions[i].start <= page && page < meta->regions[i].end) {
            return meta->regions[i].kind == PRS_REGION_STACK;
        }
    }
    return true;
}
