/* mappings.c - the list of mappings by PROCMAP_QUERY: a third of a microsecond for each, a third of what their text costs, which is mostly
 * the paths of files. Handler; raw system calls.
 */
#include "mappings.h"
#include "kernel_uapi.h"
#include "prim.h"
#include <errno.h>

/* The first mapping that ends above `at`, outside of what is left out. -ENOENT: there is none; other errors: the kernel does not say. */
static long next(int fd, uint64_t at, const struct prs_range *without, unsigned count, struct prs_mapping *mapping)
{
    for (;;) {
        struct prs_procmap_query query = {.size = sizeof query, .query_flags = PRS_PROCMAP_COVERING_OR_NEXT, .query_addr = at};
        long error = prs_sys(SYS_ioctl, fd, PRS_PROCMAP_QUERY, &query);
        if (error != 0) {
            return error;
        }
        const struct prs_range *inside = NULL;
        for (unsigned i = 0; i < count; ++i) {
            if (without[i].start <= query.vma_start && query.vma_end <= without[i].end) {
                inside = &without[i];
            }
        }
        if (inside == NULL) {
            *mapping = (struct prs_mapping){query.vma_start, query.vma_end, query.vma_flags, query.vma_offset, query.inode, query.dev_major, query.dev_minor};
            return 0;
        }
        at = inside->end;
    }
}

static bool same(const struct prs_mapping *a, const struct prs_mapping *b)
{
    return a->start == b->start && a->end == b->end && a->flags == b->flags && a->offset == b->offset && a->inode == b->inode &&
           a->device_major == b->device_major && a->device_minor == b->device_minor;
}

void prs_mappings_note(struct prs_mappings *mappings, int fd, const struct prs_range *without, unsigned count)
{
    uint32_t found = 0;
    uint64_t at = 0;
    struct prs_mapping mapping;
    long error = 0;
    while ((error = next(fd, at, without, count, &mapping)) == 0 && found < PRS_MAPPINGS_MAX) {
        mappings->entries[found++] = mapping;
        at = mapping.end;
    }
    mappings->count = error == -ENOENT ? found : 0;
}

bool prs_mappings_same(const struct prs_mappings *mappings, int fd, const struct prs_range *without, unsigned count)
{
    uint64_t at = 0;
    struct prs_mapping mapping;
    for (uint32_t i = 0; i < mappings->count; ++i) {
        if (next(fd, at, without, count, &mapping) != 0 || !same(&mapping, &mappings->entries[i])) {
            return false;
        }
        at = mapping.end;
    }
    return mappings->count != 0 && next(fd, at, without, count, &mapping) == -ENOENT;
}
