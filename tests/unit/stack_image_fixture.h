/* stack_image_fixture.h - an image of a small stack in plain memory, of each way in turn; stores into it, and commits, as the store's record would make them. */
#ifndef STACK_IMAGE_FIXTURE_H
#define STACK_IMAGE_FIXTURE_H

#include "stack_image.h"
#include "store_fixture.h"
#include <criterion/criterion.h>
#include "cut_medium.h"
#include <errno.h>
#include <stdio.h>

#define STACK 8192u
#define LOW 0x7fff00000000ul
#define AHEAD 4096u /* line 0: the number of the committed state, which stands for the commit record; the head's page goes unused */

typedef const struct prs_stack_image *image_pointer;
__attribute__((unused)) static const enum prs_stack ways[] = {PRS_STACK_FLUSH, PRS_STACK_UNDO, PRS_STACK_REDO, PRS_STACK_ROMULUS};
__attribute__((unused)) static const char *const names[] = {"flush", "undo", "redo", "romulus"};
#define WAYS (sizeof ways / sizeof ways[0])

static inline uint64_t length_of(image_pointer image) { return AHEAD + prs_round_up(image->area_bytes(STACK), 4096); }

/* What a process that maps these bytes has at its start; its tables are zero. */
static inline struct prs_stack_area area_over(image_pointer image, uint8_t *bytes, const struct prs_media *media, void *tables)
{
    struct prs_stack_area area = {.image = image, .media = media, .base = bytes + AHEAD, .length = length_of(image) - AHEAD, .low = LOW, .high = LOW + STACK};
    memcpy(&area.committed, bytes, sizeof area.committed);
    memset(tables, 0, image->tables_bytes(STACK));
    area.tables = tables;
    return area;
}

static inline int apply(void *context, uint64_t address, const void *data, uint32_t length)
{
    cr_assert(address >= LOW && address + length <= LOW + STACK);
    memcpy((uint8_t *)context + (address - LOW), data, length);
    return 0;
}

static inline void expect(const struct prs_stack_area *area, const uint8_t *content, const char *when)
{
    static uint8_t found[STACK];
    memset(found, 0, sizeof found);
    cr_assert_eq(area->image->each(area, apply, found), 0, "%s: %s", when, prs_detail());
    for (unsigned i = 0; i < STACK; ++i) {
        cr_assert_eq(found[i], content[i], "%s: state %lu, byte %u is %02x instead of %02x", when, area->committed, i, found[i], content[i]);
    }
}

/* One store, of the sizes that programs have; mostly near the last ones. */
static inline int store(struct prs_stack_area *area, uint8_t *content)
{
    static const uint32_t sizes[] = {1, 2, 4, 8, 8, 8, 16, 32, 3, 64, 100, 700};
    static uint32_t near;
    uint32_t length = sizes[below(12)], at;
    near = below(5) == 0 ? below(STACK) : near;
    at = (near + below(150)) % (STACK - length);
    uint8_t data[700];
    memset(data, below(4) == 0 ? 0 : (int)below(256), length);
    data[0] = (uint8_t)below(256);
    int result = area->image->write(area, LOW + at, data, length);
    memcpy(content + at, data, result == 0 ? length : 0);
    return result;
}

/* As the store commits: everything before is fenced, then the record. */
static inline void commit(struct prs_stack_area *area, uint8_t *bytes)
{
    prs_media_fence(area->media);
    ++area->committed;
    memcpy(bytes, &area->committed, sizeof area->committed);
    prs_media_flush(area->media, bytes, 64);
    prs_media_fence(area->media);
    area->image->committed(area);
}

static inline void begin(struct prs_stack_area *area)
{
    cr_assert_eq(area->image->reset(area), 0);
    cr_assert_eq(area->image->attach(area), 0, "%s", prs_detail());
}

#endif
