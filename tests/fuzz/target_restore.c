/* target_restore.c - fuzz target `restore`: any bytes as a pool that is resumed, up to where a restore has checked everything that needs no persistent process:
 * META and its tables, what stage 0 does with arguments and paths, the image of the stack, the layout; then every byte that the restore would fill in is read.
 * The files and descriptors that META names are not opened: their names are the fuzzer's.
 */
#include "layout.h"
#include "media.h"
#include "meta_load.h"
#include "prim.h"
#include "resumable.h"
#include "stack_image.h"
#include "target.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define CHUNKS_MAX 256u /* of one region: a reservation of terabytes is as good as its first ones */

static struct prs_mirror mirror;

static uint64_t read_region(const struct prs_region *region)
{
    uint64_t sum = 0, at = region->start;
    for (unsigned i = 0; i < CHUNKS_MAX && at < region->end; i++, at = prs_round_down(at, PRS_CHUNK) + PRS_CHUNK) {
        const uint8_t *chunk = prs_mirror_chunk(&mirror, at, false);
        sum += chunk != NULL ? chunk[at % PRS_CHUNK] + chunk[PRS_CHUNK - 1] : 0;
    }
    return sum;
}

static int read_page(void *context, uint64_t page)
{
    static uint8_t content[PRS_PAGE];
    target_must(prs_store_page_read(context, page, content), "a page that has content cannot be read");
    return 0;
}

/* What become() in restore.c counts on, beyond what each reader checks. */
static void check_promises(const struct prs_meta *meta)
{
    for (uint32_t i = 0; i < meta->region_count; i++) {
        const struct prs_region *region = &meta->regions[i];
        target_must(region->file == 0 || strlen(meta->text + meta->files[region->file - 1].path) < PATH_MAX, "a name that is longer than a path");
        target_must((region->protection & ~7u) == 0, "a protection that does not exist");
    }
    for (uint32_t i = 0; i < meta->descriptor_count; i++) {
        target_must(i == 0 || meta->descriptors[i].number > meta->descriptors[i - 1].number, "descriptors in no order");
    }
    ucontext_t frame;
    target_must(meta->ucontext_size <= PRS_PAGE && sizeof frame <= PRS_PAGE && meta->xsave_size <= PRS_XSAVE_MAX, "the frame has no room");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char program[PATH_MAX];
    static char *arguments[] = {"./program", "200", NULL};
    struct image_bytes image;
    struct prs_store store;
    struct prs_meta *meta;
    struct prs_options options;
    struct prs_arena *arena = target_arena();
    if (!sparse_decode(data, size, &image) || prs_store_attach(&store, image.bytes, image.length, &prs_media_none, arena) != 0) {
        return 0;
    }
    target_must(prs_mirror_init(&mirror, arena) == 0, "no memory");
    uint64_t wrong;
    if (prs_meta_load(&store, arena, &mirror, &meta) != 0 || prs_store_pages_check(&store, &wrong) != 0) {
        return 0;
    }
    prs_options_defaults(&options);
    (void)prs_resumable_check(meta, &options, 2, arguments);
    char **list, **environment;
    if (prs_resumable_command(meta, program, &list, &environment) == 0) {
        for (uint32_t i = 0; i < meta->argc; i++) {
            target_must(strlen(list[i]) < PRS_TEXT_MAX, "an argument");
        }
        free(list);
        free(environment);
    }
    struct prs_stack_area area;
    (void)prs_stack_area_read(&area, &store, (enum prs_stack)meta->stack_way);
    check_promises(meta);
    volatile uint64_t sum = 0;
    for (uint32_t i = 0; i < meta->region_count; i++) {
        sum += read_region(&meta->regions[i]);
    }
    target_must(prs_store_page_each(&store, read_page, &store) == 0, "the pages cannot be read");
    return 0;
}
