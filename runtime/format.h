/* format.h - every structure of the pool, as it lies in the file. docs/format.md says what each of them means.
 *
 *   file offset 0        libpmemobj: pool header, lanes, heap. Never touched by us after creation; the offset of its root object stands at
 *                        PRF_PMEMOBJ_ROOT_AT
 *   root object, at the first page boundary in it ("root_at"):
 *      page 0            struct prf_root: identity, size, extent table; constant after creation
 *      page 1, 3         commit record of even epochs, twice
 *      page 2, 4         commit record of odd epochs, twice
 *      page 5            marks (how the program ended or went on), with reasons, twice; between them the statistics block, which does not count
 *   other objects of libpmemobj, each holding one or two page-aligned extents:
 *      LOG (two)         delta log areas
 *      ENTRIES, SLOTS    in pairs: n entries of 64 bytes, n slots of 4096 bytes. In pools with page checksums, n of them stand behind the entries
 *      STACK             at most one, the last: the image of the stack in pools made for stack=flush, undo, redo or romulus (stack_image.h)
 *
 *   extension files "<pool>.1", "<pool>.2" ..., as many as the commit record names: struct prf_extension, then entries (and checksums), then slots. Where offsets go on
 *   behind the pool file, extensions count as lying there one behind the other, each from a page boundary on.
 *
 * Fixed-width little-endian fields, offsets in bytes from the start of the file, no pointers. A change of meaning raises PRF_VERSION_MAJOR.
 */
#ifndef PRS_FORMAT_H
#define PRS_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define PRF_ROOT_MAGIC "PROSPER\n"
#define PRF_LAYOUT "prosper" /* libpmemobj's layout name */
#define PRF_VERSION_MAJOR 1u
#define PRF_VERSION_MINOR 2u
#define PRF_FEATURE_STACK 1ull   /* there is a STACK extent */
#define PRF_FEATURE_GROWS 2ull   /* commit records name extension files; pools of format 1.0 have none */
#define PRF_FEATURE_SUMS 4ull    /* each page's content has a checksum, behind the entries */
#define PRF_FEATURES_KNOWN (PRF_FEATURE_STACK | PRF_FEATURE_GROWS | PRF_FEATURE_SUMS) /* incompatible features that this version understands */

#define PRF_PAGE 4096u
#define PRF_LINE 64u

/* libpmemobj's own header, as of its major format version 6 (library 1.5 to 1.13). */
#define PRF_PMEMOBJ_SIGNATURE "PMEMOBJ" /* 8 bytes with the zero, at 0 */
#define PRF_PMEMOBJ_LAYOUT_AT 4096u     /* 1024 bytes, zero-filled */
#define PRF_PMEMOBJ_LAYOUT_SIZE 1024u
#define PRF_PMEMOBJ_ROOT_AT 6144u       /* u64: offset of the root object */
#define PRF_PMEMOBJ_MIN 8192u

enum prf_extent_kind { PRF_EXTENT_NONE = 0, PRF_EXTENT_LOG = 1, PRF_EXTENT_ENTRIES = 2, PRF_EXTENT_SLOTS = 3, PRF_EXTENT_STACK = 4 };

struct prf_extent { /* 32 bytes; offset and length are multiples of 4096 */
    uint64_t offset;
    uint64_t length;
    uint32_t kind; /* enum prf_extent_kind */
    uint32_t reserved0;
    uint64_t reserved1;
};

#define PRF_EXTENTS_MAX 96u

struct prf_root { /* 4096 bytes. In every version, the CRC-32C at the end covers the 4092 bytes before it */
    char magic[8];
    uint32_t version_major, version_minor;
    uint64_t features_incompatible; /* an unknown bit: refuse */
    uint64_t features_compatible;   /* an unknown bit: ignore */
    uint8_t pool_id[16];
    uint64_t created_realtime_ns;
    uint64_t pool_bytes; /* size of the file */
    uint64_t root_at;    /* own offset */
    uint32_t extent_count;
    uint32_t reserved0;
    uint8_t reserved1[432];
    struct prf_extent extents[PRF_EXTENTS_MAX]; /* LOG, LOG, then ENTRIES, SLOTS in turn, then STACK if there is one */
    uint8_t reserved2[508];
    uint32_t crc;
};

/* The first page of an extension file. Written once, before the file has its name. */
#define PRF_EXTENSIONS_MAX 128u
#define PRF_EXTENSION_MAGIC 0x31545845505350ull /* "PSPEXT1" */
struct prf_extension { /* 4096 bytes */
    uint64_t magic;
    uint32_t number; /* 1 for "<pool>.1" */
    uint32_t reserved0;
    uint8_t pool_id[16];
    uint64_t created_realtime_ns;
    uint64_t bytes;      /* of the file, a multiple of 4096 */
    uint64_t entries_at; /* from the start of the file, multiples of 4096 */
    uint64_t slots_at;
    uint32_t first;      /* number of its first entry, and of its first slot */
    uint32_t count;      /* of its entries, and of its slots */
    uint32_t previous;   /* crc of the extension before; of the root in the first */
    uint8_t reserved1[4016];
    uint32_t crc;        /* CRC-32C of the 4092 bytes before */
};

/* Places from root_at. */
#define PRF_RECORD_AT(parity, copy) (PRF_PAGE * (1u + (parity) + 2u * (copy)))
#define PRF_MARK_AT(copy) (5u * PRF_PAGE + 2048u * (copy))
#define PRF_REASON_AT(copy) (PRF_MARK_AT(copy) + 64u)
#define PRF_LIVE_AT (5u * PRF_PAGE + 512u)
#define PRF_ROOT_BYTES (6u * PRF_PAGE)

#define PRF_EPOCH_MAX (1ull << 55) /* page words have 56 bits for it; at a millisecond each, a million years */
#define PRF_RECORD_MAGIC 0x31434552505350ull /* "PSPREC1" */
enum prf_record_flags {
    PRF_RECORD_BLANK = 1,   /* written at creation, never an epoch */
    PRF_RECORD_CONTENT = 2, /* there is a checkpoint; without it the pool is empty */
};

struct prf_record { /* 128 bytes */
    uint64_t magic;
    uint64_t epoch;
    uint32_t flags;
    uint32_t log_area;      /* 0 or 1 */
    uint64_t log_end;       /* bytes of the area that count */
    uint64_t log_full;      /* the epoch that the area opens with */
    uint64_t log_last;      /* where this epoch's segment begins in the area */
    uint32_t log_last_crc;  /* its checksum, once more */
    uint32_t entries_high;  /* page entries from this number on were never used */
    uint64_t pages_since;   /* words of earlier epochs do not count */
    uint64_t pages;         /* pages with content */
    uint64_t realtime_ns;   /* of the commit */
    uint64_t stack_sequence; /* which state of the STACK extent belongs to it: stack_image.h */
    uint32_t extensions;    /* how many extension files belong to the pool */
    uint32_t extension_crc; /* crc of the last one's header; 0: there is none */
    uint64_t reserved[3];
    uint32_t reserved1;
    uint32_t crc;           /* CRC-32C of the 124 bytes before */
};

/* "The program ended normally when this epoch was the last": counts only while its epoch is the committed one. */
struct prf_mark { /* 16 bytes, in a line of its own */
    uint64_t value;   /* epoch << 8 | enum prs_pool_state, or 0 */
    uint64_t inverse; /* ~value */
};

/* Why, beside each copy of a mark. Counts only with the mark whose value it names. */
#define PRF_REASON_MAX 240u
struct prf_reason { /* 256 bytes */
    uint64_t value;
    uint32_t length;
    uint32_t crc; /* CRC-32C of value, length and the text */
    char text[PRF_REASON_MAX];
};

/* What checkpoints cost and move, for whoever watches. Not part of what a pool holds: no checksum, no flush, any content. Counters are of the process. */
#define PRF_LIVE_MAGIC 0x3156494c505350ull /* "PSPLIV1" */
#define PRF_LIVE_STOPS 256u
struct prf_live { /* 1152 bytes */
    uint64_t magic;
    uint64_t sequence;      /* odd while it is being written */
    uint64_t process, epoch;
    uint64_t checkpoints, full_epochs, given_up;
    uint64_t lines;         /* 64-byte lines of large memory */
    uint64_t bytes;         /* written into the pool: log, lines, what says where they are */
    uint64_t stop_ns, cost_ns;
    uint64_t running_ns;    /* processor time of the thread at the end of the last checkpoint */
    uint64_t interval_ns;   /* in force */
    uint64_t budget;        /* millionths of the running time; 0: the interval is fixed */
    uint64_t realtime_ns;   /* of the last commit */
    uint64_t reserved;
    uint32_t stops[PRF_LIVE_STOPS]; /* checkpoints by stop time, eight buckets to a doubling from 256 ns */
};

/* A log area is a chain of segments without a gap, one for each epoch, from log_full to the committed one. */
#define PRF_SEGMENT_MAGIC 0x47455350u /* "PSEG" */
struct prf_segment { /* 32 bytes, then `length` bytes of entries */
    uint32_t magic;
    uint32_t crc;      /* CRC-32C of the entries, then of the 24 bytes below */
    uint64_t epoch;
    uint64_t length;   /* a multiple of 8 */
    uint32_t entries;
    uint32_t previous; /* crc of the segment before; 0 in the first */
};
struct prf_log_entry { /* 16 bytes, then `length` bytes, then zeros to a multiple of 8 */
    uint64_t address;
    uint32_t length;
    uint32_t reserved;
};

enum prf_page_state { PRF_PAGE_DATA = 1, PRF_PAGE_ZERO = 2 };

struct prf_slot_name { /* 8 bytes, written at once */
    uint32_t slot;     /* slot number + 1; 0: none (then check is 0 too) */
    uint32_t check;
};
struct prf_page_word { /* 16 bytes */
    uint64_t epoch_state; /* epoch << 8 | enum prf_page_state; 0: no word. Written last, cleared first */
    uint64_t bitmap;      /* bit i: line i is in slot[1], else in slot[0] */
};
struct prf_entry { /* 64 bytes, one line */
    uint64_t address; /* page address | 1; 0: not used */
    struct prf_slot_name slot[2];
    struct prf_page_word word[2];
    uint32_t check[2]; /* of word[i] */
};

/* With PRF_FEATURE_SUMS, behind the last entry of an extent: one for each of its entries, in the same order. */
struct prf_page_sums { /* 8 bytes */
    uint32_t of[2]; /* CRC-32C of the page's 4096 bytes as word[i] has them; means nothing where that does not count, or is not DATA */
};

_Static_assert(sizeof(struct prf_extent) == 32, "extent");
_Static_assert(sizeof(struct prf_root) == 4096, "root");
_Static_assert(offsetof(struct prf_root, extents) == 512, "root extents");
_Static_assert(offsetof(struct prf_root, crc) == 4092, "root checksum last");
_Static_assert(sizeof(struct prf_record) == 128, "record");
_Static_assert(offsetof(struct prf_record, crc) == 124, "record checksum last");
_Static_assert(offsetof(struct prf_record, extensions) == 88, "record extensions");
_Static_assert(sizeof(struct prf_extension) == 4096, "extension");
_Static_assert(offsetof(struct prf_extension, first) == 64, "extension numbers");
_Static_assert(offsetof(struct prf_extension, crc) == 4092, "extension checksum last");
_Static_assert(sizeof(struct prf_segment) == 32, "segment");
_Static_assert(sizeof(struct prf_log_entry) == 16, "log entry");
_Static_assert(sizeof(struct prf_entry) == 64, "page entry");
_Static_assert(sizeof(struct prf_page_sums) == 8, "page checksums");
_Static_assert(sizeof(struct prf_mark) == 16, "mark");
_Static_assert(sizeof(struct prf_reason) == 256, "reason");
_Static_assert(sizeof(struct prf_live) == 1152, "statistics");
_Static_assert(offsetof(struct prf_live, stops) == 128, "stop times");
_Static_assert(PRF_LIVE_AT >= PRF_REASON_AT(0) + sizeof(struct prf_reason) && PRF_LIVE_AT + sizeof(struct prf_live) <= PRF_MARK_AT(1), "statistics between the marks");

#endif
