/* media.h - how bytes get into the pool so that they count.
 *
 *   none   a file system with a page cache: what was stored survives the death of the process, whatever kills it
 *   pmem   persistent memory (DAX): lines are written back to it, survives a power cut
 *   msync  the page cache is written to the disk at each fence: survives a power cut on any file system, slowly
 *
 * A range counts as durable when it was stored and flushed, and a fence came after. prs_media_lines needs no flush.
 * Within one 64-byte line, stores become durable in program order (x86-64: the line is written back as it is at some instant).
 *
 * Context: any; no libc, no state outside `struct prs_media`.
 */
#ifndef PRS_MEDIA_H
#define PRS_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

struct prs_media {
    const char *name;
    /* Copies whole 64-byte lines, both sides 64-byte aligned; durable after the next fence. */
    void (*lines)(const struct prs_media *self, void *to, const void *from, unsigned lines);
    void (*flush)(const struct prs_media *self, const void *at, uint64_t length);
    void (*fence)(const struct prs_media *self);
    uint8_t *base;   /* msync: the mapping; slow: the medium that it slows down */
    uint64_t length; /* slow: nanoseconds of a line */
};

extern const struct prs_media prs_media_none;
/* The best of clwb, clflushopt and clflush that this processor has. */
const struct prs_media *prs_media_pmem(void);
/* Fills *media with prs_media_pmem whose flushed lines take so much longer (media_latency.c). */
void prs_media_slow(struct prs_media *media, uint64_t ns);
/* Fills *media for a pool mapped shared at base. */
void prs_media_msync(struct prs_media *media, void *base, uint64_t length);
/* True when the file is on a DAX file system (the kernel grants MAP_SYNC): then pmem is what keeps data over a power cut.
 * Tries a mapping of the first page of its own. */
bool prs_media_is_dax(int fd);

/* Non-temporal copy of lines, shared by none and pmem: the pool's lines are not read again soon, so they stay out of the program's
 * cache. */
void prs_media_copy_lines(const struct prs_media *self, void *to, const void *from, unsigned lines);

static inline void prs_media_lines(const struct prs_media *media, void *to, const void *from, unsigned lines)
{
    media->lines(media, to, from, lines);
}
static inline void prs_media_flush(const struct prs_media *media, const void *at, uint64_t length) { media->flush(media, at, length); }
static inline void prs_media_fence(const struct prs_media *media) { media->fence(media); }

#endif
