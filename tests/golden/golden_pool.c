/* golden_pool.c - what a pool holds, as a restore reads it, in a few lines to compare; then the pool is gone on with, in memory alone: recovered, an epoch committed, read again.
 *
 * Usage: golden_pool POOL. The file is not changed. Exit status 1: it cannot be read, or what was read is another after going on.
 */
#include "layout.h"
#include "meta_load.h"
#include "stack_image.h"
#include "store_internal.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NEW_PAGE 0x700000001000ull

static struct prs_arena arena;

static void must(int result, const char *what)
{
    if (result != 0) {
        printf("%s: %d %s\n", what, result, prs_detail());
        exit(1);
    }
}

struct sums {
    uint64_t pages, small_bytes, stack_bytes;
    uint32_t page_sum, small_sum, stack_sum;
};

struct reading {
    struct prs_store *store;
    struct sums *sums;
    struct prs_mirror stack;
};

static int add_page(void *context, uint64_t address)
{
    struct reading *reading = context;
    static uint8_t page[PRF_PAGE] __attribute__((aligned(64)));
    if (address == NEW_PAGE) {
        return 0;
    }
    if (!prs_store_page_read(reading->store, address, page)) {
        return 1;
    }
    ++reading->sums->pages;
    reading->sums->page_sum += prs_crc32c(prs_crc32c(0, &address, sizeof address), page, sizeof page); /* in no order */
    return 0;
}

static uint32_t add_memory(struct prs_mirror *mirror, uint64_t start, uint64_t end, uint32_t sum)
{
    static const uint8_t zeros[PRS_CHUNK];
    for (uint64_t at = start; at < end;) {
        uint64_t stop = prs_round_down(at, PRS_CHUNK) + PRS_CHUNK;
        stop = stop < end ? stop : end;
        const uint8_t *chunk = prs_mirror_chunk(mirror, at, false);
        sum = prs_crc32c(sum, chunk != NULL ? chunk + at % PRS_CHUNK : zeros, stop - at);
        at = stop;
    }
    return sum;
}

static int into_mirror(void *context, uint64_t address, const void *data, uint32_t length) { return prs_mirror_apply(context, address, data, length); }

/* META with everything that it says of registers, descriptors and files: all of its bytes. */
static struct sums read_all(struct prs_store *store, const struct prs_meta **out)
{
    struct sums sums = {0};
    struct reading reading = {.store = store, .sums = &sums};
    struct prs_mirror mirror;
    struct prs_meta *meta;
    struct prs_stack_area area;
    uint64_t wrong;
    must(prs_mirror_init(&mirror, &arena), "memory");
    must(prs_meta_load(store, &arena, &mirror, &meta), "META");
    must(prs_store_pages_check(store, &wrong), "checksums of pages");
    bool apart = prs_stack_image_of((enum prs_stack)meta->stack_way) != NULL;
    if (apart) {
        must(prs_mirror_init(&reading.stack, &arena), "memory");
        must(prs_stack_area_read(&area, store, (enum prs_stack)meta->stack_way), "the image of the stack");
        must(area.image->each(&area, into_mirror, &reading.stack), "the image of the stack");
    }
    for (uint32_t i = 0; i < meta->region_count; i++) {
        const struct prs_region *region = &meta->regions[i];
        if (region->kind == PRS_REGION_SMALL) {
            sums.small_bytes += region->end - region->start;
            sums.small_sum = add_memory(&mirror, region->start, region->end, sums.small_sum);
        } else if (region->kind == PRS_REGION_STACK) {
            sums.stack_bytes += region->end - region->start;
            sums.stack_sum = add_memory(apart ? &reading.stack : &mirror, region->start, region->end, sums.stack_sum);
        }
    }
    sums.small_sum = prs_crc32c(sums.small_sum, meta, sizeof *meta);
    must(prs_store_page_each(store, add_page, &reading), "pages");
    *out = meta;
    return sums;
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    struct prs_pool_map map;
    struct prs_store store;
    struct prs_store_use use;
    const struct prs_meta *meta;
    if (fd < 0) {
        printf("usage: golden_pool POOL\n");
        return 2;
    }
    must(prs_pool_map(&map, fd, argv[1], NULL, PROT_READ | PROT_WRITE, false, false), "the files");
    must(prs_store_attach(&store, map.base, map.length, &prs_media_none, &arena), "attach");
    const struct prf_root *root = (const struct prf_root *)prs_root_bytes(&store);
    uint64_t epoch = store.epoch;
    prs_store_usage(&store, &use);
    printf("format %u.%u, features %lx, %u extensions\n", root->version_major, root->version_minor, root->features_incompatible, use.extensions);
    printf("epoch %lu, state %d\n", epoch, (int)prs_store_state(&store));
    struct sums sums = read_all(&store, &meta);
    printf("program %s, %u arguments, %u regions, %u descriptors, stack by way %u\n", meta->text + meta->exec_path, meta->argc, meta->region_count, meta->descriptor_count,
           (unsigned)meta->stack_way);
    printf("small memory and META: %lu bytes, %08x\n", sums.small_bytes, sums.small_sum);
    printf("stack: %lu bytes, %08x\n", sums.stack_bytes, sums.stack_sum);
    printf("large memory: %lu pages, %08x\n", sums.pages, sums.page_sum);

    static uint8_t page[PRF_PAGE] __attribute__((aligned(64)));
    bool full;
    page[77] = 1;
    must(prs_store_recover(&store), "recovery");
    must(prs_store_begin(&store, 4096, false, &full), "begin");
    if (full) { /* there is no room for a delta; none of these pools is so full */
        must(-ENOSPC, "a delta");
    }
    int lines = prs_store_page(&store, NEW_PAGE, page, false);
    must(lines < 0 ? lines : 0, "a page");
    must(prs_store_commit(&store), "commit");
    must(prs_store_attach(&store, map.base, map.length, &prs_media_none, &arena), "attach after an epoch more");
    struct sums after = read_all(&store, &meta);
    bool same = store.epoch == epoch + 1 && memcmp(&sums, &after, sizeof sums) == 0 && prs_store_page_read(&store, NEW_PAGE, page) && page[77] == 1;
    printf("%s\n", same ? "an epoch more is read back" : "AFTER AN EPOCH MORE IT IS ANOTHER");
    return same ? 0 : 1;
}
