/* stack_image.c - the extent that an image of the stack lies in: finding it, its head, which way it belongs to.
 *
 * Library part: tools read images with it. Pool bytes are untrusted: the head is copied out, checked, and only then used.
 */
#include "stack_image.h"
#include "checksum.h"
#include "error.h"
#include "format.h"
#include "prim.h"
#include <stddef.h>

#define STACK_BYTES_MIN (8ul << 20)
#define STACK_BYTES_MAX (256ul << 20)

const struct prs_stack_image *prs_stack_image_of(enum prs_stack way)
{
    switch (way) {
    case PRS_STACK_FLUSH: return &prs_stack_flush_image;
    case PRS_STACK_UNDO: return &prs_stack_undo_image;
    case PRS_STACK_REDO: return &prs_stack_redo_image;
    case PRS_STACK_ROMULUS: return &prs_stack_romulus_image;
    default: return NULL;
    }
}

uint64_t prs_stack_bytes(uint64_t limit)
{
    limit = limit > STACK_BYTES_MAX ? STACK_BYTES_MAX : limit < STACK_BYTES_MIN ? STACK_BYTES_MIN : limit;
    return prs_round_up(limit, PRF_PAGE);
}

uint64_t prs_stack_extent_bytes(enum prs_stack way, uint64_t stack_limit)
{
    const struct prs_stack_image *image = prs_stack_image_of(way);
    return image == NULL ? 0 : PRF_PAGE + prs_round_up(image->area_bytes(prs_stack_bytes(stack_limit)), PRF_PAGE);
}

static bool find(struct prs_stack_area *area, const struct prs_store *store)
{
    uint64_t length;
    uint8_t *extent = prs_store_stack_area(store, &length);
    prs_fill(area, 0, sizeof *area);
    if (extent == NULL || length < 2 * PRF_PAGE) {
        return false;
    }
    area->media = store->media;
    area->head = (struct prf_stack_head *)extent;
    area->base = extent + PRF_PAGE;
    area->length = length - PRF_PAGE;
    area->committed = prs_store_stack_committed(store);
    return true;
}

int prs_stack_area_read(struct prs_stack_area *area, const struct prs_store *store, enum prs_stack way)
{
    struct prf_stack_head head;
    const struct prs_stack_image *image = prs_stack_image_of(way);
    if (image == NULL || !find(area, store)) {
        return prs_fail(PROSPER_E_DAMAGED, "the image of the stack is missing");
    }
    prs_copy(&head, area->head, sizeof head);
    if (head.magic != PRF_STACK_MAGIC || prs_crc32c(0, &head, offsetof(struct prf_stack_head, crc)) != head.crc || head.way != (uint32_t)way ||
        head.low >= head.high || head.low % PRF_PAGE != 0 || head.high % PRF_PAGE != 0 || head.sequence > area->committed ||
        image->area_bytes(head.high - head.low) > area->length) {
        return prs_fail(PROSPER_E_DAMAGED, "the head of the stack's image");
    }
    area->image = image;
    area->low = head.low;
    area->high = head.high;
    return image->attach(area);
}

int prs_stack_area_new(struct prs_stack_area *area, const struct prs_store *store, enum prs_stack way, uint64_t top, uint64_t limit)
{
    const struct prs_stack_image *image = prs_stack_image_of(way);
    uint64_t bytes = prs_stack_bytes(limit);
    if (!find(area, store) || image->area_bytes(bytes) > area->length) {
        return prs_fail(PROSPER_E_OPTION, "this pool was made without room for an image of such a stack: stack=, or the stack limit, were others when it was created");
    }
    area->image = image;
    area->high = top;
    area->low = top - bytes;
    return 0;
}

void prs_stack_head_write(struct prs_stack_area *area, enum prs_stack way)
{
    struct prf_stack_head head = {.magic = PRF_STACK_MAGIC, .way = (uint32_t)way, .low = area->low, .high = area->high, .sequence = area->committed};
    head.crc = prs_crc32c(0, &head, offsetof(struct prf_stack_head, crc));
    prs_copy(area->head, &head, sizeof head);
    prs_stack_flush(area, area->head, sizeof head);
    prs_media_fence(area->media);
}
