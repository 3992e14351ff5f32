/* trace.c - writes a trace of stores.
 *
 * INVARIANTS
 *   1. A block is written when the longest record might not fit any more, so records are never torn between blocks.
 *   2. What counts for later records (address, time, sp) changes together with the buffer, under `busy`.
 * Context: any, hooks and handlers too: no libc, no allocation. Not durable: the file is as safe as write(2) makes it.
 */
#include "trace.h"
#include "checksum.h"
#include "prim.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

_Static_assert(sizeof(struct prs_trace_header) == 32 && sizeof(struct prs_trace_head) == 16, "docs/trace-format.md");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are written as they are");

static int write_all(struct prs_trace *trace, const void *bytes, uint64_t length)
{
    const unsigned char *from = bytes;
    while (length > 0 && trace->error == 0) {
        long wrote = prs_sys(SYS_write, trace->fd, from, length);
        if (wrote > 0) {
            from += wrote;
            length -= (uint64_t)wrote;
        } else if (wrote != -EINTR) {
            trace->error = wrote < 0 ? (int)wrote : -EIO;
        }
    }
    return trace->error;
}

/* `busy` is the one thing that a handler and the code below it both look at. They are on the same thread, so a compiler barrier is
 * enough between it and the rest. */
static bool enter(struct prs_trace *trace)
{
    if (trace->busy) {
        trace->lost++; /* the code below reads it again only when it is not busy */
        return false;
    }
    trace->busy = 1;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return true;
}

static int leave(struct prs_trace *trace)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    trace->busy = 0;
    return trace->error;
}

static void write_block(struct prs_trace *trace)
{
    if (trace->used == 0) {
        return;
    }
    struct prs_trace_head head = {.length = trace->used, .sequence = trace->sequence, .records = trace->records};
    uint32_t crc = prs_crc32c(0, &head, offsetof(struct prs_trace_head, crc));
    head.crc = prs_crc32c(crc, trace->bytes + sizeof head, trace->used);
    prs_copy(trace->bytes, &head, sizeof head);
    (void)write_all(trace, trace->bytes, sizeof head + trace->used); /* one call, so that a kill tears at most one block */
    trace->sequence++;
    trace->used = trace->records = 0;
}

static void put_byte(struct prs_trace *trace, uint32_t byte)
{
    trace->bytes[sizeof(struct prs_trace_head) + trace->used++] = (unsigned char)byte;
}

static void put_varint(struct prs_trace *trace, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        put_byte(trace, (uint32_t)(value & 0x7f) | 0x80);
    }
    put_byte(trace, (uint32_t)value);
}

/* Small differences, up or down, in few bytes: 0, -1, 1, -2 ... as 0, 1, 2, 3 ... All modulo 2^64. */
static void put_difference(struct prs_trace *trace, uint64_t from, uint64_t to)
{
    uint64_t difference = to - from;
    put_varint(trace, difference << 1 ^ (0 - (difference >> 63)));
}

static void begin_record(struct prs_trace *trace, uint32_t kind, uint32_t code)
{
    if (trace->used + PRS_TRACE_RECORD_MAX > PRS_TRACE_BLOCK) {
        write_block(trace);
    }
    trace->records++;
    put_byte(trace, code << 3 | kind);
}

int prs_trace_begin(struct prs_trace *trace, int fd)
{
    struct prs_trace_header header = {.version = PRS_TRACE_VERSION, .order = PRS_TRACE_ORDER};
    prs_copy(header.magic, PRS_TRACE_MAGIC, sizeof header.magic);
    header.crc = prs_crc32c(0, &header, offsetof(struct prs_trace_header, crc));
    prs_fill(trace, 0, offsetof(struct prs_trace, bytes));
    trace->fd = fd;
    return write_all(trace, &header, sizeof header);
}

int prs_trace_stack(struct prs_trace *trace, uint64_t id, uint64_t low, uint64_t high)
{
    if (!enter(trace)) {
        return -EBUSY;
    }
    begin_record(trace, PRS_TRACE_STACK, 0);
    put_varint(trace, id);
    put_varint(trace, low);
    put_varint(trace, high - low);
    return leave(trace);
}

int prs_trace_store(struct prs_trace *trace, uint64_t address, uint64_t size)
{
    if (size == 0) {
        return trace->error;
    }
    if (!enter(trace)) {
        return -EBUSY;
    }
    uint32_t code = size <= 16 ? (uint32_t)size : size == 32 ? PRS_TRACE_SIZE_32 : size == 64 ? PRS_TRACE_SIZE_64 : PRS_TRACE_SIZE_FOLLOWS;
    begin_record(trace, PRS_TRACE_STORE, code);
    if (code == PRS_TRACE_SIZE_FOLLOWS) {
        put_varint(trace, size);
    }
    put_difference(trace, trace->address, address);
    trace->address = address;
    trace->stores++;
    return leave(trace);
}

int prs_trace_time(struct prs_trace *trace, uint64_t ns, uint64_t sp)
{
    if (!enter(trace)) {
        return -EBUSY;
    }
    ns = ns < trace->time_ns ? trace->time_ns : ns;
    begin_record(trace, PRS_TRACE_TIME, 0);
    put_varint(trace, ns - trace->time_ns);
    put_difference(trace, trace->sp, sp);
    trace->time_ns = ns;
    trace->sp = sp;
    return leave(trace);
}

int prs_trace_flush(struct prs_trace *trace)
{
    if (trace->busy) {
        return -EBUSY; /* no record is lost by that */
    }
    (void)enter(trace);
    write_block(trace);
    return leave(trace);
}

int prs_trace_end(struct prs_trace *trace)
{
    if (trace->busy) {
        return -EBUSY;
    }
    (void)enter(trace);
    begin_record(trace, PRS_TRACE_END, 0);
    put_varint(trace, trace->stores);
    put_varint(trace, trace->lost);
    write_block(trace);
    return leave(trace);
}
