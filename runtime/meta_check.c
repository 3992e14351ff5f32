/* meta_check.c - META from a pool, before anything of it is used: every count, index, string and range in it.
 *
 * INVARIANTS, of what passes
 *   1  Regions are whole pages of the program's address space, ascending, not overlapping, with protections that exist; one at least is the stack.
 *   2  Descriptors ascend by number; one that shares, shares with one before it.
 *   3  Strings end in text[], and those that are paths are shorter than PATH_MAX.
 * Context: start and tools. What depends on the process (layout, descriptors in use) is identity.c's and fdtable_restore.c's.
 */
#include "error.h"
#include "layout.h"
#include "options.h"
#include "meta_load.h"
#include <limits.h>
#include <stdbool.h>

static int damaged(const char *what) { return prs_fail(PROSPER_E_DAMAGED, "%s of the checkpoint is out of bounds", what); }

static int check_strings(const struct prs_meta *meta, uint32_t offset, uint32_t count)
{
    for (; count > 0; --count) {
        while (offset < meta->text_used && meta->text[offset] != '\0') {
            ++offset;
        }
        if (offset >= meta->text_used) {
            return damaged("a list of strings");
        }
        ++offset;
    }
    return 0;
}

static bool is_path(const struct prs_meta *meta, uint32_t offset)
{
    uint32_t length = 0;
    while (offset < meta->text_used && meta->text[offset + length] != '\0') { /* the last byte of the text is a zero */
        if (++length >= PATH_MAX) {
            return false;
        }
    }
    return offset < meta->text_used;
}

static int check_regions(const struct prs_meta *meta)
{
    if (meta->stack_way >= PRS_STACK_WAYS) {
        return damaged("the way of the stack");
    }
    uint64_t end = 0;
    bool stack = false;
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        const struct prs_region *region = &meta->regions[i];
        if (region->start < end || region->end <= region->start || region->end > 0x7ffffffff000ul || region->start % PRS_PAGE != 0 ||
            region->end % PRS_PAGE != 0 || region->kind == 0 || region->kind > PRS_REGION_EMPTY || region->file > meta->file_count ||
            (region->kind == PRS_REGION_FILE && region->file == 0) || (region->start < PRS_RUNTIME_END && region->end > PRS_RUNTIME_BASE) ||
            (region->protection & ~7u) != 0) {
            return damaged("a region");
        }
        end = region->end;
        stack |= region->kind == PRS_REGION_STACK;
    }
    return stack ? 0 : damaged("the stack's region");
}

static bool is_before(const struct prs_meta *meta, uint32_t index, int32_t number)
{
    for (uint32_t i = 0; i < index; ++i) {
        if (meta->descriptors[i].number == number) {
            return meta->descriptors[i].shares < 0;
        }
    }
    return false;
}

static int check_descriptors(const struct prs_meta *meta)
{
    int32_t last = -1;
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        if (!is_path(meta, descriptor->path) || descriptor->number <= last || descriptor->kind == 0 ||
            descriptor->kind > PRS_DESCRIPTOR_INHERITED || !is_path(meta, descriptor->path_next) ||
            (descriptor->kind == PRS_DESCRIPTOR_INHERITED) != (descriptor->origin >= 0) ||
            (descriptor->shares >= 0 && !is_before(meta, i, descriptor->shares))) {
            return damaged("a descriptor");
        }
        last = descriptor->number;
    }
    for (uint32_t i = 0; i < meta->lock_count; ++i) {
        if (meta->locks[i].descriptor >= meta->descriptor_count || meta->locks[i].kind == 0 || meta->locks[i].kind > PRS_LOCK_FLOCK) {
            return damaged("a file lock");
        }
    }
    return 0;
}

int prs_meta_check_version(const struct prs_meta *meta)
{
    if (meta->version > PRS_META_VERSION) {
        return prs_fail(PROSPER_E_VERSION, "image version %u, this is %u", meta->version, PRS_META_VERSION);
    }
    if (meta->version != 0 && meta->version < PRS_META_VERSION) {
        return prs_fail(PROSPER_E_OTHER_LIBRARY, "an older libprosper's, which can go on with it (image version %u, this is %u; --fresh starts over)", meta->version,
                        PRS_META_VERSION);
    }
    return meta->version != PRS_META_VERSION || meta->size != sizeof *meta ? damaged("version or size") : 0;
}

int prs_meta_check(const struct prs_meta *meta)
{
    int version = prs_meta_check_version(meta);
    if (version != 0) {
        return version;
    }
    if (meta->region_count > PRS_REGIONS_MAX || meta->file_count > PRS_FILES_MAX || meta->descriptor_count > PRS_DESCRIPTORS_MAX ||
        meta->lock_count > PRS_LOCKS_MAX || meta->text_used > PRS_TEXT_MAX || meta->text_used == 0 || meta->text[meta->text_used - 1] != '\0') {
        return damaged("a count");
    }
    if (meta->ucontext_size > sizeof meta->ucontext || meta->ucontext_size < 304 || meta->xsave_size > PRS_XSAVE_MAX || meta->xsave_size < 512) {
        return damaged("the register state");
    }
    if (!is_path(meta, meta->exec_path) || !is_path(meta, meta->cwd) || meta->argv >= meta->text_used || meta->envp >= meta->text_used ||
        meta->text_fixed > meta->text_used || meta->executable > meta->file_count) {
        return damaged("a string");
    }
    for (uint32_t i = 0; i < meta->file_count; ++i) {
        if (!is_path(meta, meta->files[i].path) || meta->files[i].build_id_length > PRS_BUILD_ID_MAX) {
            return damaged("a mapped file");
        }
    }
    int error = check_regions(meta);
    error = error != 0 ? error : check_descriptors(meta);
    error = error != 0 ? error : check_strings(meta, meta->argv, meta->argc);
    return error != 0 ? error : check_strings(meta, meta->envp, meta->envc);
}
