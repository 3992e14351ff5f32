/* verify.c - the oracle (verify=1): after a commit, the whole live image against what the pool says, read back from the pool.
 *
 * Small memory: a second mirror, built only from the log's entries as they stand in the pool. Large memory: every page that the pool has, and every
 * resident page, compared both ways. What is said to have no content of its own (FILE, EMPTY) must have none. A byte that differs is named with its owner, and the process dies: an image that is wrong must
 * never be resumed in a test. Context: handler, restore.
 */
#include "checkpoint.h"
#include "collect.h"
#include "hold.h"
#include "log.h"
#include "meta_load.h"
#include "prim.h"
#include "region.h"
#include "resident.h"
#include "stack_way.h"
#include "state.h"
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

#define REPORTS_MAX 16u

#define reports prs_p.verify_reports /* of the checkpoint being verified; not in the image, or it would differ from it */

static void report(uint64_t address, unsigned live, unsigned committed, const char *owner)
{
    if (reports++ < REPORTS_MAX) {
        prs_say("verify: epoch %lu, byte %lx (%s) is %02x, the checkpoint has %02x", prs_p.store.epoch, address, owner, live, committed);
    }
}

static int apply(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    (void)epoch;
    return prs_mirror_apply(context, address, data, length);
}

/* The kernel writes the processor's number into the thread's rseq area whenever the thread moves, also in the middle of a checkpoint. */
static bool kernel_writes(uint64_t address)
{
    return address >= prs_p.rseq.start && address < prs_p.rseq.end;
}

static void check_small(uint64_t start, uint64_t end, const char *owner)
{
    while ((start = prs_mirror_first_difference(&prs_p.verify_mirror, start, end)) < end) {
        const uint8_t *chunk = prs_mirror_chunk(&prs_p.verify_mirror, start, false);
        if (kernel_writes(start)) {
            ++start;
            continue;
        }
        report(start, *(const uint8_t *)start, chunk != NULL ? chunk[start % PRS_CHUNK] : 0, owner);
        if (reports >= REPORTS_MAX) {
            return;
        }
        ++start;
    }
}

static void check_page(uint64_t page, uint64_t from, bool kept, const uint8_t *committed, const char *owner)
{
    const uint8_t *live = (const uint8_t *)page;
    for (uint64_t i = from; i < PRS_PAGE && reports < REPORTS_MAX; ++i) {
        uint8_t want = kept ? committed[i] : 0;
        if (live[i] != want) {
            report(page + i, live[i], want, owner);
        }
    }
}

static int check_resident(void *context, uint64_t start, uint64_t end)
{
    const struct prs_region *region = context;
    uint8_t committed[PRS_PAGE];
    for (uint64_t page = start; page < end && reports < REPORTS_MAX; page += PRS_PAGE) {
        bool kept = prs_store_page_read(&prs_p.store, page, committed);
        check_page(page, 0, kept, committed, prs_region_name(PRS_META, region));
    }
    return 0;
}

static int check_kept(void *context, uint64_t page)
{
    (void)context;
    const struct prs_region *region = prs_region_at(PRS_META, page);
    if (prs_meta_stack_page(PRS_META, page)) {
        return 0; /* what of it is in use is compared with the stack */
    }
    if (region == NULL || region->kind != PRS_REGION_LARGE) {
        prs_say("verify: epoch %lu keeps page %lx, which is in no region of large memory", prs_p.store.epoch, page);
        ++reports;
        return 0;
    }
    return check_resident((void *)(uint64_t)(const void *)region, page, page + PRS_PAGE);
}

static void check_large(const struct prs_region *region)
{
    if (region->file != 0) {
        check_resident((void *)(uint64_t)(const void *)region, region->start, region->end);
    } else {
        prs_resident_each(prs_p.fd_pagemap, region->start, region->end, false, check_resident, (void *)(uint64_t)(const void *)region);
    }
}

/* Not collect_small.c's word on it: that is part of what is checked here. */
static uint64_t in_use_from(const struct prs_region *region, uint64_t sp)
{
    bool here = sp >= region->start + PRS_REDZONE && sp < region->end;
    return here ? sp - PRS_REDZONE : region->start;
}

/* Kept by page entries (stack=ssp). */
static void check_stack_pages(uint64_t start, uint64_t end)
{
    uint8_t committed[PRS_PAGE];
    for (uint64_t page = prs_round_down(start, PRS_PAGE); page < end && reports < REPORTS_MAX; page += PRS_PAGE) {
        bool kept = prs_store_page_read(&prs_p.store, page, committed);
        check_page(page, page > start ? 0 : start - page, kept, committed, "stack");
    }
}

/* region.c, R3. What ld.so relocated is the same at each start; the rest must be the file's pages, or none. */
static void check_untouched(const struct prs_region *region)
{
    if ((region->flags & (PRS_REGION_RELOCATED | PRS_REGION_EXCLUDED)) == 0 &&
        prs_resident_any(prs_p.fd_pagemap, region->start, region->end, region->file != 0) > 0) {
        prs_say("verify: epoch %lu, %lx-%lx (%s) counts as never written and has pages of its own", prs_p.store.epoch, region->start, region->end,
                prs_region_name(PRS_META, region));
        ++reports;
    }
}

static void show_hidden(bool on)
{
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        const struct prs_region *region = &PRS_META->regions[i];
        if ((region->protection & PROT_READ) == 0 && (region->kind == PRS_REGION_LARGE || region->kind == PRS_REGION_SMALL)) {
            prs_collect_readable(region->start, region->end, region, on);
        }
    }
}

void prs_verify_rebuild(void)
{
    prs_mirror_clear(&prs_p.verify_mirror);
    PRS_ASSERT(prs_store_log_each(&prs_p.store, apply, &prs_p.verify_mirror) == 0);
    PRS_ASSERT(prs_stack_read_back(&prs_p.verify_mirror) == 0);
}

void prs_verify_image(const void *ucontext)
{
    const struct prs_meta *meta = PRS_META;
    uint64_t sp = (uint64_t)((const ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RSP];
    if (prs_p.last_full) {
        prs_mirror_clear(&prs_p.verify_mirror);
    }
    PRS_ASSERT(prs_store_log_last(&prs_p.store, apply, &prs_p.verify_mirror) == 0);
    PRS_ASSERT(prs_stack_read_back(&prs_p.verify_mirror) == 0);
    check_small(PRS_META_BASE, PRS_META_BASE + offsetof(struct prs_meta, regions), "registers and tables");
    check_small((uint64_t)meta->regions, (uint64_t)&meta->regions[meta->region_count], "region table");
    check_small((uint64_t)meta->files, (uint64_t)&meta->files[meta->file_count], "table of mapped files");
    check_small((uint64_t)meta->descriptors, (uint64_t)&meta->descriptors[meta->descriptor_count], "descriptor table");
    check_small((uint64_t)meta->locks, (uint64_t)&meta->locks[meta->lock_count], "table of file locks");
    check_small((uint64_t)meta->text, (uint64_t)meta->text + meta->text_used, "strings");
    show_hidden(true);
    for (uint32_t i = 0; i < meta->region_count && reports < REPORTS_MAX; ++i) {
        const struct prs_region *region = &meta->regions[i];
        if (region->kind == PRS_REGION_LARGE && prs_p.options.heap == PRS_HEAP_NONE) {
            continue;
        } else if (region->kind == PRS_REGION_LARGE) {
            check_large(region);
        } else if (region->kind == PRS_REGION_SMALL) {
            check_small(region->start, region->end, prs_region_name(meta, region));
        } else if (region->kind == PRS_REGION_STACK && meta->stack_way == PRS_STACK_SSP) {
            check_stack_pages(in_use_from(region, sp), region->end);
        } else if (region->kind == PRS_REGION_STACK) {
            check_small(in_use_from(region, sp), region->end, "stack");
        } else {
            check_untouched(region);
        }
    }
    prs_store_page_each(&prs_p.store, check_kept, NULL);
    uint64_t wrong;
    if (prs_store_pages_check(&prs_p.store, &wrong) != 0) {
        prs_say("verify: epoch %lu, page %lx does not fit its checksum", prs_p.store.epoch, wrong);
        ++reports;
    }
    show_hidden(false);
    if (reports != 0) {
        prs_bug(__FILE__, __LINE__, "live image equals committed image");
    }
}
