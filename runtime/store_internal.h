/* store_internal.h - what the files of the store share. Nobody outside includes it (unit tests do).
 *
 *   store.c         the interface: attach, recover, the pool's state, reading
 *   store_epoch.c   begin, pages and log entries, commit, abort
 *   pool_root.c     root structure: writing it, checking it;  extension.c  headers of extension files
 *   commit.c        commit records and marks
 *   deltalog.c      log areas
 *   ssp.c           pages: writing;  ssp_space.c  their entries and slots;  ssp_scarce.c  giving slots back;  page_index.c  address -> entry
 *   lines.c         comparing and copying lines;  page_sum.c  checksums of contents
 *   store_verify.c  reports every finding;  store_repair.c  puts a copy right
 *
 * Pool bytes are untrusted: everything read from the pool is copied to a local variable, checked against struct prs_geometry and only then
 * used as a number or place. The geometry is a copy in volatile memory, made from a root that was checked.
 */
#ifndef PRS_STORE_INTERNAL_H
#define PRS_STORE_INTERNAL_H

#include "arena.h"
#include "checksum.h"
#include "error.h"
#include "format.h"
#include "log.h"
#include "media.h"
#include "prim.h"
#include "store.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* A pool word that another process may be writing (tools look into living pools): read once, whole. */
#define PRS_READ(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
typedef uint64_t prs_slot_word __attribute__((may_alias)); /* struct prf_slot_name, at once */
#define PRS_WRITE(x, value) __atomic_store_n(&(x), (value), __ATOMIC_RELAXED)
/* Stores before stay before stores after (also in what reaches the medium, within one line). */
#define PRS_ORDER() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* ---- geometry ---- */

#define PRS_PAGE_EXTENTS_MAX ((PRF_EXTENTS_MAX - 2) / 2 + PRF_EXTENSIONS_MAX)

struct prs_page_extent {
    uint64_t entries_at, sums_at, slots_at; /* offsets in the pool; sums_at: only where the geometry says `sums` */
    uint32_t first, count;         /* numbers [first, first + count) of entries and of slots */
};

struct prs_geometry {
    uint64_t pool_bytes, root_at;
    uint64_t log_at[2], log_length;
    uint64_t stack_at, stack_length; /* 0: there is none */
    unsigned extents;
    uint32_t slots; /* and entries: as many */
    bool grows;     /* it may have extensions */
    bool sums;      /* pages have checksums */
    uint8_t pool_id[16];
    uint32_t extensions;    /* of those above; page[] has theirs last */
    uint32_t extension_crc; /* of the last one's header; without any, of the root */
    uint64_t end;           /* where the next extension begins: they lie behind the pool file, and one behind the other */
    struct prs_page_extent page[PRS_PAGE_EXTENTS_MAX];
};

/* Finds and checks the root of a mapped or partly read pool. `have` bytes at `bytes` begin the file, whose size is file_bytes; the root is
 * looked for at root_bytes if that is not NULL (PRF_PAGE bytes read from the offset that prs_root_place gave). */
int prs_root_place(const uint8_t *bytes, uint64_t have, uint64_t file_bytes, uint64_t *root_at);
int prs_root_check(const struct prf_root *root, uint64_t root_at, uint64_t file_bytes, struct prs_geometry *geometry);
/* Writes root, blank records and marks at bytes + root_at (zeroed memory). Log areas first, then ENTRIES, SLOTS pairs, then STACK. sums: the extents of entries have room for checksums. */
void prs_root_write(uint8_t *bytes, uint64_t root_at, uint64_t file_bytes, const struct prf_extent *extents, unsigned count,
                    const uint8_t pool_id[16], uint64_t realtime_ns, bool sums);
/* What an extent of ENTRIES has for each slot. */
static inline uint64_t prs_entry_bytes(bool sums) { return sizeof(struct prf_entry) + (sums ? sizeof(struct prf_page_sums) : 0); }
/* How `bytes` bytes are shared between the log areas and the rest. */
uint64_t prs_log_area_bytes(uint64_t pool_bytes);

/* ---- extensions ---- */

/* The header of the extension that comes next in this geometry; bytes: a multiple of the page, first .. count follow from it. */
void prs_extension_describe(struct prf_extension *header, const struct prs_geometry *geometry, uint64_t bytes, uint64_t realtime_ns);
/* Checks the next extension's header (a copy) and adds what it has. available: bytes that are there of it. PROSPER_E_DAMAGED, TRUNCATED, EXTENSION. */
int prs_extension_add(struct prs_geometry *geometry, const struct prf_extension *header, uint64_t available);
/* Adds all that the record names; they lie in [base, base + length) behind the pool file. */
int prs_extensions_add(struct prs_geometry *geometry, const struct prf_record *record, const uint8_t *base, uint64_t length);
/* How large the next one is to be: as all so far, at least 64 MB, at most 4 GB or an eighth, and what the limit leaves. 0: nothing worth a file. */
#define PRS_EXTENSION_MIN (1ull << 20)
uint64_t prs_extension_bytes(const struct prs_geometry *geometry, uint64_t bytes_limit);

/* ---- commit records ---- */

struct prs_commit_health { /* what attach tolerated, [parity][copy] */
    bool valid[2][2];
    uint64_t epoch[2][2];
    bool mark_valid[2];
    uint64_t mark[2];
};
/* The newest valid record. PROSPER_E_DAMAGED when there is none, or when what is there cannot be the trace of a kill. */
int prs_commit_read(const uint8_t *root, struct prf_record *newest, struct prs_commit_health *health);
/* What each copy is, whether or not they can be the trace of a kill. */
void prs_commit_health(const uint8_t *root, struct prs_commit_health *health);
void prs_commit_seal(struct prf_record *record); /* fills magic and crc */
/* Both copies, one after the other; durable on return. */
void prs_commit_write(uint8_t *root, const struct prf_record *record, const struct prs_media *media);
void prs_commit_write_copy(uint8_t *root, const struct prf_record *record, unsigned copy, const struct prs_media *media); /* the same in two steps: 0, then 1 */
void prs_commit_make_durable(uint8_t *root, const struct prs_media *media); /* C5, for records, marks and reasons as they are */
/* Puts the copies that a kill left behind in order. */
void prs_commit_repair(uint8_t *root, const struct prf_record *newest, const struct prs_media *media);
/* The mark that counts: its copy, its value. */
unsigned prs_mark_copy(const struct prs_commit_health *health);
uint64_t prs_mark_value(const struct prs_commit_health *health);
void prs_mark_write(uint8_t *root, uint64_t value, const struct prs_media *media);
void prs_mark_write_because(uint8_t *root, uint64_t value, const char *text, const struct prs_media *media); /* with its reason */
/* The reason of the mark that was read from that copy; its length, 0: none. */
uint64_t prs_reason_read(const uint8_t *root, unsigned mark_copy, uint64_t value, char *out, uint64_t size);
/* False when this copy names the value and is not whole. */
bool prs_reason_fits(const uint8_t *root, unsigned copy, uint64_t value);

/* ---- populated territory: the first touch of a file page costs 15 to 25 us in a fault, 1 MB at once 190 us ---- */

struct prs_territory {
    uint64_t done, end; /* offsets in the pool: [start, done) is populated */
};
#define PRS_POPULATE_STEP (1ull << 20)
void prs_populate(uint8_t *base, struct prs_territory *territory, uint64_t need_end);
#define PRS_ZEROS (64ul << 10)

/* ---- delta log ---- */

struct prs_deltalog {
    unsigned area;
    uint64_t segment; /* where the open segment begins in the area */
    uint64_t cursor;  /* end of what was appended */
    uint64_t full;    /* first epoch of the area */
    uint32_t entries, previous;
    uint64_t last_bytes; /* what the next delta may need: the last one's length, less after full epochs */
    struct prs_territory territory[2];
};
/* Opens a segment: at the end of the record's area, or at the start of the other area when full. */
int prs_deltalog_begin(struct prs_store *store, uint64_t small_bytes, bool want_full, bool *full);
int prs_deltalog_append(struct prs_store *store, uint64_t address, const void *data, uint32_t length);
/* True when a segment without entries fits behind the committed ones. */
bool prs_deltalog_has_room(const struct prs_store *store);
/* Closes and flushes the segment; fills the log fields of the record that is going to be written. */
void prs_deltalog_finish(struct prs_store *store, struct prf_record *record);
/* Walks segments from `from` (0, or record->log_last) to record->log_end, checks each; visit may be NULL. PROSPER_E_DAMAGED, or what
 * visit returned. */
int prs_deltalog_walk(const struct prs_store *store, const struct prf_record *record, bool last_only, prs_log_visitor visit, void *context);

/* ---- pages ---- */

struct prs_bits { /* which numbers are taken; the lowest free one is given out first */
    uint64_t *words;
    uint32_t count, used, hint, high; /* high: highest number ever taken + 1 */
};

#define PRS_LEAF_PAGES 1024u /* 4 MB of address space */
struct prs_index {
    uint64_t *keys;      /* leaf number + 1 by hash place; 0: free */
    uint32_t *leaf_at;   /* leaf by hash place */
    uint64_t secret;     /* in the hash */
    uint32_t mask;       /* places - 1 */
    uint32_t (*leaves)[PRS_LEAF_PAGES]; /* entry number + 1, 0: none */
    uint64_t *key_of;    /* of each leaf */
    uint32_t *live;      /* pages in each leaf */
    uint32_t *free_leaf; /* stack of leaves given back */
    uint32_t leaf_count, leaf_max, free_count;
    uint64_t last_key;   /* cache of one */
    uint32_t last_leaf;
};
int prs_index_init(struct prs_index *index, struct prs_arena *arena, uint32_t entries);
uint32_t prs_index_find(struct prs_index *index, uint64_t address); /* entry number + 1, or 0 */
void prs_index_put(struct prs_index *index, uint64_t address, uint32_t entry);
void prs_index_remove(struct prs_index *index, uint64_t address);
/* Every page in [start, end); visit must not put or remove. */
int prs_index_range(struct prs_index *index, uint64_t start, uint64_t end, int (*visit)(void *context, uint64_t address, uint32_t entry),
                    void *context);

struct prs_sum { /* page_sum.c */
    uint32_t factor[PRF_PAGE / PRF_LINE]; /* what so many lines of zeros behind multiply a remainder by; the first is not used */
    bool fast;
};

#define PRS_CALM_PAGES 32u
#define PRS_CALM_COLD 512u  /* commits without a change */
#define PRS_CALM_SHARE 32u  /* lines written for each line moved */
#define PRS_CALM_SPARE 256u /* slots that nobody minds */
struct prs_calm_limits { /* these, from attach on: the explorer of power cuts, whose pools are small and live for some epochs, sets less */
    uint32_t cold, share, spare;
};

struct prs_ssp {
    struct prs_bits entries, slots;
    struct prs_index index;
    uint32_t *touched; /* entries that have a word of the open epoch, each once */
    uint32_t touched_count;
    uint32_t release_hand, gather_hand, calm_hand; /* they go round the entries */
    struct prs_calm_limits calm_limits;
    uint32_t calm[PRS_CALM_PAGES], calm_count; /* before an epoch: to be gathered; then: gathered in it (ssp_scarce.c) */
    uint64_t lines_gathered, pages_gathered, slots_released; /* since attach */
    uint64_t written;      /* lines of the page that was written last */
    bool short_of_slots;   /* the last epoch ended for want of slots */
    uint32_t taken;        /* slots taken: growth.c looks at it, and sets it back */
    uint64_t pages;        /* with committed content */
    uint64_t (*differ)(const uint8_t *live, const uint8_t *side0, const uint8_t *side1, uint64_t bitmap);
    struct prs_sum sum;
    struct prs_territory entry_territory[PRS_PAGE_EXTENTS_MAX], sum_territory[PRS_PAGE_EXTENTS_MAX], slot_territory[PRS_PAGE_EXTENTS_MAX];
};

/* What an entry says, copied out and checked. */
struct prs_entry_view {
    uint64_t address;       /* 0: not used */
    uint32_t slot[2];       /* number + 1 */
    unsigned beyond;        /* bit i: slot i is named and belongs to no registered extension (E3 of extension.c) */
    int committed, pending; /* which word; -1: none. A torn one (P5) is none */
    unsigned state, pending_state;
    uint64_t epoch, bitmap; /* of the committed word */
};

/* lines.c: bit i is set when line i of the live page differs from line i of the side that bit i of bitmap names. A side that no bit
 * names may be NULL. */
uint64_t prs_lines_differ_sse2(const uint8_t *live, const uint8_t *side0, const uint8_t *side1, uint64_t bitmap);
uint64_t prs_lines_differ_avx2(const uint8_t *live, const uint8_t *side0, const uint8_t *side1, uint64_t bitmap);
bool prs_line_differs(const uint8_t *live, const uint8_t *committed); /* 64 bytes, aligned */
bool prs_line_zero(const uint8_t *line);
bool prs_lines_zero(const void *page);
void prs_lines_copy(void *to, const void *from, uint64_t lines_bitmap); /* the named lines of a page */

/* page_sum.c */
void prs_sum_init(struct prs_sum *sum);
uint32_t prs_sum_page(const struct prs_sum *sum, const void *page); /* aligned as lines are */
/* Of a page whose sum was `former`, and of which the lines of mask have changed: from the sides that bitmap names to what is live. */
uint32_t prs_sum_changed(const struct prs_sum *sum, uint32_t former, const uint8_t *live, const uint8_t *const side[2], uint64_t bitmap, uint64_t mask);
/* That of word 0 or 1 of an entry; only where the geometry has sums. write: flushes, too. */
uint32_t *prs_sum_at(const struct prs_store *store, uint32_t number, int word);
uint32_t prs_sum_read(const struct prs_store *store, uint32_t number, int word);
void prs_sum_write(struct prs_store *store, uint32_t number, int word, uint32_t value);
/* True also where there is no sum. */
bool prs_sum_fits(const struct prs_store *store, uint32_t number, const struct prs_entry_view *view);
void prs_page_copy(const struct prs_store *store, const struct prs_entry_view *view, void *out); /* of a committed page with content */

/* ssp_space.c */
int prs_bits_init(struct prs_bits *bits, struct prs_arena *arena, uint32_t count, uint32_t count_max); /* count may be raised to count_max */
bool prs_bits_test(const struct prs_bits *bits, uint32_t number);
void prs_bits_set(struct prs_bits *bits, uint32_t number);
void prs_bits_clear(struct prs_bits *bits, uint32_t number);
int64_t prs_bits_take(struct prs_bits *bits); /* -1: none */
const struct prs_page_extent *prs_extent_of(const struct prs_store *store, uint32_t number);
struct prf_entry *prs_entry_at(const struct prs_store *store, uint32_t number);
uint8_t *prs_slot_at(const struct prs_store *store, uint32_t number);
/* NULL, or what is wrong with the entry. committed_epoch: the epoch whose words count (open epoch: + 1). */
const char *prs_entry_read(const struct prs_store *store, uint32_t number, uint64_t committed_epoch, struct prs_entry_view *view);
/* Zeros where words of the next epoch go (P5): in the words that do not count; and, with zeros, after a fence, in the one that counts and says that the page is zero. True: there is
 * such a one. */
bool prs_entry_sweep(const struct prs_store *store, uint32_t number, bool zeros);
struct prf_slot_name prs_slot_name(uint64_t address, unsigned side, uint32_t slot);
uint32_t prs_word_check(uint64_t address, uint64_t epoch_state, uint64_t bitmap);
/* Takes a slot for one side of an entry; -ENOSPC. Nothing in the pool changes. Populates. */
int64_t prs_slot_take(struct prs_store *store);
int64_t prs_entry_take(struct prs_store *store);
/* Volatile tables from the entries: attach. Claims named slots, fills the index. */
int prs_ssp_attach(struct prs_store *store);
/* Recovery: clears words above the committed epoch, settles who owns slots that no committed bitmap names. */
int prs_ssp_recover(struct prs_store *store);
void prs_ssp_forget_all(struct prs_store *store); /* after a reset */

/* ssp.c */
enum prs_ssp_write { PRS_SSP_CHANGED, PRS_SSP_ALL, PRS_SSP_ALL_IF_CHANGED }; /* which lines of a page are written */
int prs_ssp_page(struct prs_store *store, uint64_t address, const void *live, enum prs_ssp_write which, uint64_t lines);
int prs_ssp_drop(struct prs_store *store, uint64_t address);
int prs_ssp_range_drop(struct prs_store *store, uint64_t start, uint64_t end);
uint64_t prs_ssp_pages_after(const struct prs_store *store); /* pages with content, once the open epoch has committed */
void prs_ssp_committed(struct prs_store *store, uint64_t pages); /* frees what the epoch dropped; v->record is the new one */
/* P5, of what the sealed epoch has touched: after the first copy of v->next is durable. True: after the next fence it is to be called again, with zeros, and a fence to follow. */
bool prs_ssp_sweep(struct prs_store *store, bool zeros);
void prs_ssp_abort(struct prs_store *store);
void prs_ssp_gather_one(struct prs_store *store, uint32_t number, const struct prs_entry_view *view);
/* The side that has more lines; copying those of the other over is for the caller of prs_ssp_gathered, which then says so in the open epoch's word. */
unsigned prs_ssp_gather_side(uint64_t bitmap);
void prs_ssp_gathered(struct prs_store *store, uint32_t number, const struct prs_entry_view *view, unsigned to);

/* ssp_scarce.c */
/* Before an epoch begins: gives back slots that no bitmap names. Returns how many. */
uint32_t prs_ssp_release(struct prs_store *store, uint32_t want, uint32_t scan_max);
bool prs_ssp_release_one(struct prs_store *store, uint32_t number); /* G1 */
/* In an open epoch: gathers the lines of mixed pages in one slot. Returns pages gathered. */
uint32_t prs_ssp_gather(struct prs_store *store, uint32_t pages_max, bool hot_too, uint32_t scan_max);
void prs_ssp_make_room(struct prs_store *store);   /* before an epoch begins; may commit an epoch of its own */
void prs_ssp_gather_some(struct prs_store *store); /* when it has begun */

/* ---- the whole ---- */

struct prs_store_volatile {
    struct prs_arena *arena;
    struct prs_geometry geometry;
    struct prf_record record; /* the committed one */
    struct prf_record next;   /* sealed: the one that is going to be */
    struct prs_commit_health health;
    struct prs_deltalog log;
    struct prs_ssp ssp;
    bool recovered, writing, sealed;
    bool counted;            /* sealed, and publish has begun to write the record */
    uint32_t slots_max;      /* the tables have room for so many */
    int file;                /* holds the first file_bytes of the pool; -1: not known */
    uint64_t file_bytes, file_device, file_inode;
    const uint8_t *zeros;    /* PRS_ZEROS of them */
    uint32_t extensions_late, extension_crc_late; /* planted.def */
    uint64_t stack_sequence; /* goes into the next commit record */
    uint64_t bytes_log, bytes_lines, bytes_meta, lines_flushed, zero_lines;
    struct prs_commit_cost cost; /* of the last commit */
};

/* store.c, store_epoch.c */
static inline uint32_t prs_swept_flag(const struct prs_store *store) { return store->media->by_pages ? PRF_RECORD_SWEPT : 0; }
/* 0 or PROSPER_E_DISK; and no text for people: publish may be in a task. */
static inline int prs_disk_error(const struct prs_store *store) { return prs_media_error(store->media) == 0 ? 0 : PROSPER_E_DISK; }
/* Which extensions the record counts. */
void prs_name_extensions(struct prf_record *record, struct prs_store_volatile *v);

static inline uint8_t *prs_root_bytes(const struct prs_store *store) { return store->base + store->v->geometry.root_at; }
static inline void prs_store_flush(const struct prs_store *store, const void *at, uint64_t length)
{
    store->v->lines_flushed += (((uint64_t)at & 63) + length + 63) / 64;
    prs_media_flush(store->media, at, length);
}

#endif
