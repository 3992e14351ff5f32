/* media.h - how bytes get into the pool so that they count.
 *
 *   none   a file system with a page cache: what was stored survives the death of the process, whatever kills it
 *   pmem   persistent memory (DAX): lines are written back to it, survives a power cut
 *   msync  the page cache is written to the disk at each fence: survives a power cut on any file system, and waits for the disk
 *   record keeps what is stored, flushed and fenced, for tests
 *
 * A range counts as durable when it was stored and flushed, and a fence came after. prs_media_lines needs no flush.
 * Within one 64-byte line, stores become durable in program order (x86-64: the line is written back as it is at some instant); the parts of one string
 * instruction (prs_copy, prs_fill) and of one line of prs_media_lines in any order.
 *
 * Media that work by pages (msync) promise less and more. Until a fence has returned, the disk may have each 8-byte word in any version that it had since the fence
 * before: the kernel writes pages back when it likes, in any order, again and again, and reads them while they change, also backwards and more than once
 * (encryption, checksums, copies on the way). But after a fence everything that was stored is durable, whether it was flushed or not.
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
    bool by_pages;
    int error;       /* msync: of the first fence that failed; it stays. 0: none has */
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

/* media_record.c: what happened to the memory, in order. */
enum prs_event_kind { PRS_EVENT_STORE, PRS_EVENT_FLUSH, PRS_EVENT_FENCE };
struct prs_event {
    uint64_t at;         /* offset of the 8-byte word, or of the line */
    uint64_t old, value; /* a store's */
    uint32_t kind, group; /* stores of one instruction have one group */
};
#define PRS_RECORDED_STORE_MAX 32768u
struct prs_recorder {
    struct prs_media media; /* first: a pointer to it is one to the recorder */
    uint8_t *base, *shadow;
    uint64_t length;
    struct prs_event *events;
    uint64_t count, max;
    uint64_t unseen; /* words whose store was not announced */
    uint64_t open_at, open_end; /* the store that was announced last: its words, and what they had */
    uint64_t before[PRS_RECORDED_STORE_MAX / 8 + 1];
    uint32_t group;
};
/* shadow: `length` bytes, to find stores that nobody announced; NULL: all are. max events are kept, more are an assertion. */
void prs_recorder_init(struct prs_recorder *recorder, void *base, uint64_t length, void *shadow, struct prs_event *events, uint64_t max);
/* These bytes are going to be stored by the next instruction; bytes elsewhere may be announced too. */
void prs_recorder_announce(struct prs_recorder *recorder, const void *at, uint64_t length);
/* All that was stored so far is in the list. */
void prs_recorder_settle(struct prs_recorder *recorder);

/* Non-temporal copy of lines, shared by none and pmem: the pool's lines are not read again soon, so they stay out of the program's
 * cache. */
void prs_media_copy_lines(const struct prs_media *self, void *to, const void *from, unsigned lines);

static inline void prs_media_lines(const struct prs_media *media, void *to, const void *from, unsigned lines)
{
    media->lines(media, to, from, lines);
}
static inline void prs_media_flush(const struct prs_media *media, const void *at, uint64_t length) { media->flush(media, at, length); }
static inline void prs_media_fence(const struct prs_media *media) { media->fence(media); }
/* 0, or why what was stored before a fence is perhaps not on the medium. Nothing on this medium can be called durable any more then: the kernel takes pages that it could
 * not write for clean, and a later fence that succeeds says nothing about them. */
static inline int prs_media_error(const struct prs_media *media) { return __atomic_load_n(&media->error, __ATOMIC_ACQUIRE); }

#endif
