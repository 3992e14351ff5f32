/* store.h - what a checkpoint writes and a restore reads: the pool's contents behind one interface.
 *
 * Two kinds of content, committed together by one record:
 *   log    byte ranges of small memory {address, data}. Two log areas; an area opens with a *full* epoch (every byte of
 *          small memory) and goes on with deltas; when an area has no room, the next epoch is a full one into the other
 *          area, and the old area is free once that epoch has committed. No fold, no second copy of each delta.
 *   pages  large memory, SSP: an entry per 4-KB page {page address, slot 0, slot 1, two words {epoch|state, line bitmap}}.
 *          A changed line goes to the slot that the committed bitmap does not name, then the older word gets the new bitmap.
 *
 * Context: attach/recover at start; begin/append/page/commit/abort in the checkpoint handler, so: no allocation, no lock, no libc state,
 * raw system calls only. Reading functions are usable by tools in ordinary processes too (the pool mapped anywhere).
 * One thread at a time.
 *
 * DURABILITY: nothing of epoch n+1 counts before prs_store_commit has returned 0; from then on all of it does.
 */
#ifndef PRS_STORE_H
#define PRS_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct prs_media; /* media.h: store, flush, fence */

/* ---- the pool as a file: normal context, through libpmemobj; used in a forked child of the start code and by tools ---- */

#define PRS_POOL_BYTES_MAX (1ull << 42) /* of all its files; the tables have room for so many slots */
/* stack_bytes: of the extent for an image of the stack, a multiple of the page; 0: none. sums: pages have checksums of their contents.
 * Creates a pool of about `bytes` bytes at `path` (under a temporary name, renamed when whole; mode 0600). 0, PROSPER_E_NO_SPACE,
 * PROSPER_E_READ_ONLY, PROSPER_E_IN_USE (appeared meanwhile), or -errno. */
int prs_pool_create(const char *path, uint64_t bytes, uint64_t stack_bytes, bool sums);
/* Lets libpmemobj check its own structures (nothing ever changes them after creation, so nothing needs recovery). Does not write. 0,
 * PROSPER_E_NOT_A_POOL, TRUNCATED, DAMAGED, VERSION, ... */
int prs_pool_check(const char *path);
/* The same in a forked child: some damage makes libpmemobj die, or not come to an end. */
int prs_pool_check_apart(const char *path);
/* Runs the above in a forked child, so that no volatile state of PMDK's is ever in this process: opens, or creates when the
 * file does not exist. *created says which. */
int prs_pool_prepare(const char *path, uint64_t bytes, uint64_t stack_bytes, bool sums, bool *created);

/* The pool's own name, as far as it can be known (its extensions are beside it), and an extension's. */
#define PRS_POOL_NAME_MAX 4224
void prs_pool_real_name(int fd, const char *path, char out[PRS_POOL_NAME_MAX]);
void prs_pool_extension_name(const char *path, unsigned number, char out[PRS_POOL_NAME_MAX]);
/* PROSPER_E_OTHER_OWNER when the file is not this user's alone and not said to be trusted. */
int prs_pool_check_owner(const char *path, int fd, bool foreign);

/* PROSPER_E_NETWORK when the file that is open at fd, or the directory that path is in, is on a network file system, unless network says that no other machine has it. */
int prs_pool_check_place(int fd, const char *path, bool network);
int prs_pool_check_directory(const char *path, bool network);
/* NULL for what is none; type: as statfs gives it. */
const char *prs_pool_network_name(uint64_t type);

#define PRS_POOL_FILES_MAX 129
struct prs_pool_map {
    uint8_t *base;
    uint64_t length;      /* of all files */
    uint64_t main_length; /* of the pool file */
    unsigned extensions;
    struct {
        uint64_t at, bytes; /* in [0, length) */
    } file[PRS_POOL_FILES_MAX]; /* the pool file, then the extensions */
};
/* Maps the pool file that is open at fd, and behind it the extensions that its commit record counts; at: NULL: anywhere. Nothing of the pool is believed, and
 * it may be unsound after this: prs_store_attach says so. own_only: extensions have to be this user's alone. 0, PROSPER_E_EXTENSION, _TRUNCATED,
 * _OTHER_OWNER ... (then nothing is mapped). */
int prs_pool_map(struct prs_pool_map *map, int fd, const char *path, void *at, int protection, bool shared, bool own_only);
void prs_pool_unmap(struct prs_pool_map *map);

/* ---- the pool in memory ---- */

enum prs_pool_state { PRS_POOL_EMPTY = 0, PRS_POOL_RUNNING = 1, PRS_POOL_FINISHED = 2,
                      PRS_POOL_OVERTAKEN = 3, /* files have changed since the last checkpoint in a way that cannot be done again */
                      PRS_POOL_LEFT = 4       /* the program went on without persistence, with something that cannot be restored */ };

struct prs_store {
    uint8_t *base;          /* where the pool file is mapped, its extensions behind it */
    uint64_t length;        /* of all */
    const struct prs_media *media;
    uint64_t epoch;         /* last committed; 0: none */
    struct prs_store_volatile *v; /* free lists, page index, ...: in an arena given by the caller */
};

struct prs_arena; /* arena.h: bump memory at fixed addresses, grown by mmap; safe in handlers */

/* Validates header, commit records and log of a mapped pool, without writing. 0 or PROSPER_E_*; fills store->epoch. */
int prs_store_attach(struct prs_store *store, void *base, uint64_t length, const struct prs_media *media, struct prs_arena *arena);
/* The same for a pool that is going to grow up to that size (prs_store_extend): address space for its tables is reserved. */
int prs_store_attach_growing(struct prs_store *store, void *base, uint64_t length, uint64_t bytes_max, const struct prs_media *media, struct prs_arena *arena);
/* The next extension lies at its place behind what is mapped already, which is `length` bytes now: epochs that begin from now on use it, and the record of
 * the first one that commits names it (extension.c). No epoch is open. 0, or what is wrong with its header; -ENOSPC: the tables have no room for it. */
int prs_store_extend(struct prs_store *store, uint64_t length);
/* Makes the pool ready for writing after attach: clears words and log space above the committed epoch, rebuilds free lists. Idempotent;
 * a kill or a power cut in the middle does no harm. What attach has read is durable on return, also what a process that was killed had not flushed. */
int prs_store_recover(struct prs_store *store);
/* Throws the contents away (state EMPTY, epoch keeps counting upward). Durable on return. */
int prs_store_reset(struct prs_store *store);
/* State word of the pool, durable on return; the next commit takes FINISHED, OVERTAKEN and LEFT back. FINISHED: the program ended; the last checkpoint stays readable until the next run starts
 * afresh. */
enum prs_pool_state prs_store_state(const struct prs_store *store);
int prs_store_set_state(struct prs_store *store, enum prs_pool_state state);
/* The same for OVERTAKEN and LEFT, with the reason (cut at 240 bytes). */
int prs_store_set_state_because(struct prs_store *store, enum prs_pool_state state, const char *reason);
/* The reason that goes with the state into out[size]; "" when there is none. */
void prs_store_reason(const struct prs_store *store, char *out, uint64_t size);

/* The extent that a pool has for an image of the stack (stack_image.h); NULL when there is none. */
uint8_t *prs_store_stack_area(const struct prs_store *store, uint64_t *length);
/* The number that the committed record has of that image's state, and the one that the next commit record will have. */
uint64_t prs_store_stack_committed(const struct prs_store *store);
void prs_store_stack_next(struct prs_store *store, uint64_t sequence);

/* ---- writing epoch n+1 ---- */

/* small_bytes: bytes that a full epoch would append now (payload and headers, an upper bound). *full says that everything must be
 * appended. -ENOSPC when it fits nowhere. */
int prs_store_begin(struct prs_store *store, uint64_t small_bytes, bool want_full, bool *full);
/* One byte range. -ENOSPC: the area is full (the caller aborts and begins again with want_full). length > 0. */
int prs_store_append(struct prs_store *store, uint64_t address, const void *data, uint32_t length);
/* A page of large memory that may have changed: compares the live page with the committed copy, writes the lines that differ.
 * copy_all: write every line without comparing (tracker=copy). Returns lines written (0..64; 1 for a page that became zero), -ENOSPC or
 * PROSPER_E_DAMAGED. All-zero pages cost no slot. */
int prs_store_page(struct prs_store *store, uint64_t page_address, const void *live, bool copy_all);
/* The same for a page of which only the lines of the bit mask may differ from the committed copy: no other line is compared, unless the page has no committed
 * copy, which then gets all of it. A page may come several times in an epoch, by either function. */
int prs_store_lines(struct prs_store *store, uint64_t page_address, const void *live, uint64_t lines);
/* For speed alone, before prs_store_lines of the same page: first the one, some pages later the other (ssp_ahead.c). */
void prs_store_ahead_entry(struct prs_store *store, uint64_t page_address);
void prs_store_ahead_lines(struct prs_store *store, uint64_t page_address, const void *live, uint64_t lines);
/* Which lines they were, of the last page for which one of the two did not return 0. */
uint64_t prs_store_written(const struct prs_store *store);
/* The page reads as zero now, or is no longer in the image. Returns 1 if that is a change, 0 if it was so before. */
int prs_store_page_drop(struct prs_store *store, uint64_t page_address);
/* Drops every page in [start, end). Cost proportional to the entries there. */
int prs_store_range_drop(struct prs_store *store, uint64_t start, uint64_t end);
/* The last epoch was given up because there were no slots left (and not because of the log). */
bool prs_store_short_of_slots(const struct prs_store *store);
/* Flush, fence, commit record, flush, fence. */
int prs_store_commit(struct prs_store *store);
/* Gives the epoch up: nothing of it will ever be valid, the number is used again. The committed epoch stays as it was. */
void prs_store_abort(struct prs_store *store);

/* ---- reading the committed epoch ---- */

typedef int (*prs_log_visitor)(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length);
/* Every entry from the full epoch to the committed one, in order; applying them in order gives small memory. Stops on a non-zero return. */
int prs_store_log_each(const struct prs_store *store, prs_log_visitor visit, void *context);
/* Only the entries of the committed epoch. */
int prs_store_log_last(const struct prs_store *store, prs_log_visitor visit, void *context);

/* The committed content of a page into out[4096]; returns false (and leaves out alone) when it reads as zero. */
bool prs_store_page_read(const struct prs_store *store, uint64_t page_address, void *out);
/* In a pool with page checksums: every page's content against its own. 0, or PROSPER_E_DAMAGED with a detail that names the first page that does not fit, whose address is in *wrong. */
int prs_store_pages_check(const struct prs_store *store, uint64_t *wrong);
typedef int (*prs_page_visitor)(void *context, uint64_t page_address);
/* Every page that has committed, non-zero content, in no order. */
int prs_store_page_each(const struct prs_store *store, prs_page_visitor visit, void *context);

struct prs_store_use {
    uint64_t epoch;
    uint64_t commit_realtime_ns;
    uint64_t log_bytes, log_used;       /* the current area */
    uint64_t slots, slots_used;         /* 4-KB slots */
    uint64_t entries, entries_used;
    uint64_t pages;                     /* with committed content */
    uint64_t bytes;                     /* of all files of the pool */
    uint32_t extensions;
    bool page_sums;                     /* contents have checksums */
    uint64_t bytes_log_total;           /* appended since attach, headers included */
    uint64_t bytes_lines_total;         /* line bytes written since attach */
    uint64_t bytes_meta_total;          /* words, entries, records */
    uint64_t lines_flushed_total;
};
void prs_store_usage(const struct prs_store *store, struct prs_store_use *use);

/* Checks every structure and checksum of a pool without changing it, also of one that attach has refused. Calls report once for each finding (a sentence).
 * Returns the number of findings. */
int prs_store_verify(const struct prs_store *store, void (*report)(void *context, const char *sentence), void *context);
/* Puts right what can be put right in a copy of a damaged pool, mapped for writing, and leaves it as the next start would. report: a sentence for each repair.
 * 0: it is whole; else what is still wrong (PROSPER_E_DAMAGED ...), and the copy is of no use. */
int prs_store_repair(void *base, uint64_t length, struct prs_arena *arena, void (*report)(void *context, const char *sentence), void *context);

#endif
