/* trace.h - a trace of stores: the format (docs/trace-format.md has it byte by byte) and its writer. Readers: tools/trace.
 *
 *   header (32 bytes) | block | block | ... | block whose last record is END
 *   block:  head (16 bytes) | records, each a byte {code << 3 | kind} and some varints
 *
 * VALID IF AND ONLY IF header and every block have the right checksum, blocks count from 0 without a gap, and END is the last record of
 * the last block, with nothing behind it. A program that was killed leaves a file without END: what stands before is whole blocks and
 * perhaps a torn one.
 */
#ifndef PRS_TRACE_H
#define PRS_TRACE_H

#include <stdint.h>

#define PRS_TRACE_MAGIC "PRSTRACE"
#define PRS_TRACE_VERSION 1u
#define PRS_TRACE_ORDER 0x01020304u /* as its reader sees it when the byte order is right: little-endian */
#define PRS_TRACE_BLOCK 65536u      /* bytes of records in a block, at most */
#define PRS_TRACE_RECORD_MAX 32u    /* bytes of a record, at most: 1 + 3 varints of 10 */

struct prs_trace_header {
    char magic[8];
    uint32_t version;
    uint32_t order;
    uint64_t features; /* bits that a reader must know; none yet */
    uint32_t reserved; /* zero */
    uint32_t crc;      /* CRC-32C of the 28 bytes before */
};
struct prs_trace_head {
    uint32_t length;   /* bytes of records, 1 to PRS_TRACE_BLOCK */
    uint32_t sequence; /* blocks before this one */
    uint32_t records;
    uint32_t crc;      /* CRC-32C of the 12 bytes before, then of the records */
};

enum prs_trace_kind {
    PRS_TRACE_STORE = 1, /* code: size code; [varint size]; zigzag varint: address - that of the store before */
    PRS_TRACE_TIME = 2,  /* code 0; varint: ns since the TIME before; zigzag varint: stack pointer - the one before */
    PRS_TRACE_STACK = 3, /* code 0; varint id; varint low; varint high - low: the following records are of this thread or coroutine */
    PRS_TRACE_END = 4    /* code 0; varint: stores in the file; varint: records that were lost */
};
#define PRS_TRACE_SIZE_FOLLOWS 0u /* size codes: 1 to 16 are the size */
#define PRS_TRACE_SIZE_32 17u
#define PRS_TRACE_SIZE_64 18u

/* How far a trace has come: what is in the buffer, and what its next record refers to. */
struct prs_trace_point {
    uint32_t used, records;        /* of the block in the buffer */
    uint64_t address, time_ns, sp; /* of the records before */
    uint64_t stores;
};

/* The writer: one program, one file. Nothing but write(2), by raw system calls: it may be used inside hooks and handlers, and takes no
 * memory but this struct. Not from two threads at once. A handler that interrupts a call gets -EBUSY from its own, and END counts its
 * record as lost. One that leaves by longjmp takes the interrupted call's record with it, and the calls behind it write on, from the first that is not
 * made deeper in the stack. The first failing write ends it: that error is what every later call returns. */
struct prs_trace {
    int fd;
    int error;
    uint32_t now;      /* which point counts: a call fills in the other one, and changes this last */
    uint32_t sequence;
    uint64_t busy;     /* frame of the call that is at work; 0: none */
    uint64_t lost;
    struct prs_trace_point points[2];
    unsigned char bytes[sizeof(struct prs_trace_head) + PRS_TRACE_BLOCK];
};

/* All: 0 or -errno (-EBUSY: see above). fd: at the place where the trace begins; it stays open, and the caller's. */
int prs_trace_begin(struct prs_trace *trace, int fd);
/* low, high: the stack's bounds, high exclusive; the same for an id each time. */
int prs_trace_stack(struct prs_trace *trace, uint64_t id, uint64_t low, uint64_t high);
int prs_trace_store(struct prs_trace *trace, uint64_t address, uint64_t size); /* size 0 is no store and writes nothing */
/* ns since some beginning, not decreasing (smaller counts as the same); sp: the stack pointer at that time, 0 if unknown. */
int prs_trace_time(struct prs_trace *trace, uint64_t ns, uint64_t sp);
/* What is in the buffer goes to the file, as a block. */
int prs_trace_flush(struct prs_trace *trace);
int prs_trace_end(struct prs_trace *trace);

#endif
