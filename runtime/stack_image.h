/* stack_image.h - an image of the stack in the pool that is kept up to date while the program runs: what stack=flush, undo, redo and romulus have in common.
 *
 * The image has states, numbered from 1. The commit record names the state that belongs to its epoch (stack_sequence); the one after it is *open*: writes
 * go there, at each store of the program's and at the checkpoint. So the commit of an epoch commits the open state with it, and the next one is opened.
 *
 *     open n+1: write, write, ... | checkpoint: write what differs, prepare | commit record says n+1 | committed: n+2 is open
 *
 * INVARIANTS
 *   I1  Whatever was written into the open state, and however far, state n can be read (each) and made again (recover).
 *   I2  write may be left at any instant, for ever (a handler of the program's jumps out of it). The next write is then one of the same bytes or of more, and
 *       after it everything is as if the first had not begun. Writing what is there already is harmless.
 *   I3  Nothing but `write` and `committed` needs to be fast; the image's owner compares what it believes the open state has (a mirror in DRAM) with the live stack.
 *
 * The area is an extent of the pool (format.h, STACK). Its first page is struct prf_stack_head; the rest is the way's own.
 * Context: attach and each also in tools, without writing; the rest at start, in hooks and in the handler: no libc, no allocation, no lock.
 */
#ifndef PRS_STACK_IMAGE_H
#define PRS_STACK_IMAGE_H

#include "fault.h"
#include "media.h"
#include "options.h"
#include "planted.h"
#include "store.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRF_STACK_MAGIC 0x31415453505350ull /* "PSPSTA1" */

struct prf_stack_head { /* 64 bytes, in a page of its own; constant after a reset */
    uint64_t magic;
    uint32_t way;          /* enum prs_stack */
    uint32_t reserved0;
    uint64_t low, high;    /* the addresses that the image has */
    uint64_t sequence;     /* states up to this one are of an earlier run */
    uint64_t reserved1[2];
    uint32_t reserved2;
    uint32_t crc;          /* CRC-32C of the 60 bytes before */
};
_Static_assert(sizeof(struct prf_stack_head) == 64, "stack head");

struct prs_stack_area {
    const struct prs_stack_image *image;
    const struct prs_media *media;
    uint8_t *base;        /* behind the head's page */
    uint64_t length;      /* of that */
    struct prf_stack_head *head;
    uint64_t low, high;
    uint64_t committed;   /* number of the committed state */
    uint64_t reached;     /* offset from which on the copies of the stack have pages (stack_area.h) */
    uint64_t lines_flushed, bytes_written;
    void (*pass)(enum prs_fault_point point); /* crash points; NULL in tools and unit tests */
    uint64_t own[16];     /* the way's */
    void *tables;         /* the way's, in `tables_bytes` of zeroed memory; NULL in tools */
};

typedef int (*prs_stack_visitor)(void *context, uint64_t address, const void *data, uint32_t length);

struct prs_stack_image {
    /* Bytes of the area for a stack of so many bytes (whole pages), without the head; and of volatile tables. */
    uint64_t (*area_bytes)(uint64_t stack_bytes);
    uint64_t (*tables_bytes)(uint64_t stack_bytes);
    /* Checks what is there for state area->committed and does not write. PROSPER_E_DAMAGED. */
    int (*attach)(struct prs_stack_area *area);
    /* Every byte of the committed state that is not zero, in pieces that may overlap, later ones counting. Needs attach only. */
    int (*each)(const struct prs_stack_area *area, prs_stack_visitor visit, void *context);
    /* Opens state committed + 1. Idempotent; durable on return. */
    int (*recover)(struct prs_stack_area *area);
    /* Everything reads as zero; the head has been written. */
    int (*reset)(struct prs_stack_area *area);
    /* These bytes of the open state are now these; [address, address + length) lies in [low, high). -ENOSPC. */
    int (*write)(struct prs_stack_area *area, uint64_t address, const void *data, uint32_t length);
    /* The open state is flushed; the commit's fence makes it durable. -ENOSPC. */
    int (*prepare)(struct prs_stack_area *area);
    /* area->committed has been raised by the commit. */
    void (*committed)(struct prs_stack_area *area);
};

/* NULL for ways that keep the stack elsewhere. */
const struct prs_stack_image *prs_stack_image_of(enum prs_stack way);
/* How much of a stack with this limit is looked after: whole pages; an unlimited one gets the most, 256 MB. */
uint64_t prs_stack_bytes(uint64_t limit);
/* Of the whole extent, for a stack limit as getrlimit tells it; 0 when the way needs none. */
uint64_t prs_stack_extent_bytes(enum prs_stack way, uint64_t stack_limit);
/* For reading: the extent of an attached pool that has a checkpoint. PROSPER_E_DAMAGED. */
int prs_stack_area_read(struct prs_stack_area *area, const struct prs_store *store, enum prs_stack way);
/* For writing, where nothing is to be kept: bounds for a stack that ends at top. PROSPER_E_OPTION when the pool has no extent that is large enough. */
int prs_stack_area_new(struct prs_stack_area *area, const struct prs_store *store, enum prs_stack way, uint64_t top, uint64_t limit);
/* Heads are checked and written by these only. */
void prs_stack_head_write(struct prs_stack_area *area, enum prs_stack way);

extern const struct prs_stack_image prs_stack_flush_image, prs_stack_undo_image, prs_stack_redo_image, prs_stack_romulus_image;

static inline void prs_stack_pass(const struct prs_stack_area *area, enum prs_fault_point point)
{
    if (__builtin_expect(area->pass != NULL, 0)) {
        area->pass(point);
    }
}

static inline void prs_stack_flush(struct prs_stack_area *area, const void *at, uint64_t length)
{
    area->lines_flushed += (((uint64_t)at & 63) + length + 63) / 64;
    if (!PRS_PLANTED(stack_unflushed)) {
        prs_media_flush(area->media, at, length);
    }
}

#endif
