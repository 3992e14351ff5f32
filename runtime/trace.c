/* trace.c - writes a trace of stores.
 *
 * INVARIANTS
 *   1. A block is written when the longest record might not fit any more, so records are never torn between blocks.
 *   2. A record is behind the bytes that count, and all that it changes is in the point that does not count, until `now` changes: so a call that never
 *      comes to its end has changed nothing.
 *   3. A block is written with all signals blocked: no handler comes in between, and a checkpoint catches no call half-way through it.
 * Context: any, hooks and handlers too: no libc, no allocation. Not durable: the file is as safe as write(2) makes it.
 */
#include "trace.h"
#include "checksum.h"
#include "prim.h"
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

_Static_assert(sizeof(struct prs_trace_header) == 32 && sizeof(struct prs_trace_head) == 16, "docs/trace-format.md");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are written as they are");

/* Beyond its limit of file sizes a program would be sent a signal for what is not its own write. */
static bool is_beyond_limit(int fd, uint64_t length)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    long at = prs_sys(SYS_lseek, fd, 0, SEEK_CUR);
    return prs_sys(SYS_prlimit64, 0, RLIMIT_FSIZE, NULL, &limit) == 0 && at >= 0 && limit.rlim_cur != RLIM_INFINITY && (uint64_t)at + length > limit.rlim_cur;
}

static int write_all(struct prs_trace *trace, const void *bytes, uint64_t length)
{
    const unsigned char *from = bytes;
    if (trace->error == 0 && is_beyond_limit(trace->fd, length)) {
        trace->error = -EFBIG;
    }
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
 * enough between it and the rest. Whether the one at work was left by a handler's longjmp, the frames tell (prim.h); there are no two at one place. */
static bool is_at_work(const struct prs_trace *trace, uint64_t frame) { return trace->busy != 0 && !prs_frame_is_outlived(trace->busy, frame + 1); }

static bool enter(struct prs_trace *trace, uint64_t frame)
{
    if (is_at_work(trace, frame)) {
        trace->lost++; /* the code below reads it again only when it is not busy */
        return false;
    }
    trace->busy = frame;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return true;
}

static int leave(struct prs_trace *trace, uint64_t frame, bool counts)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (trace->busy != frame) {
        trace->lost += counts; /* a handler that switched to a higher stack took it over (prim.h): its records are there, this one is not */
        return trace->error;
    }
    trace->now ^= counts;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    trace->busy = 0;
    return trace->error;
}

/* What counts goes to the file. */
static void write_block(struct prs_trace *trace)
{
    const uint64_t most = ~(1ul << (SIGTRAP - 1)); /* tests single-step: a process dies of a trap that it has blocked */
    uint64_t before = 0;
    prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &most, &before, sizeof most);
    struct prs_trace_point *point = &trace->points[trace->now & 1];
    if (point->used != 0) {
        struct prs_trace_head head = {.length = point->used, .sequence = trace->sequence, .records = point->records};
        uint32_t crc = prs_crc32c(0, &head, offsetof(struct prs_trace_head, crc));
        head.crc = prs_crc32c(crc, trace->bytes + sizeof head, point->used);
        prs_copy(trace->bytes, &head, sizeof head);
        (void)write_all(trace, trace->bytes, sizeof head + point->used); /* one call, so that a kill tears at most one block */
        trace->sequence++;
        point->used = point->records = 0;
    }
    prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
}

/* A record on its way: in the buffer behind what counts. */
struct record {
    struct prs_trace *trace;
    struct prs_trace_point *point;
};

static inline void put_byte(struct record *record, uint32_t byte)
{
    record->trace->bytes[sizeof(struct prs_trace_head) + record->point->used++] = (unsigned char)byte;
}

static void put_varint(struct record *record, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        put_byte(record, (uint32_t)(value & 0x7f) | 0x80);
    }
    put_byte(record, (uint32_t)value);
}

/* Small differences, up or down, in few bytes: 0, -1, 1, -2 ... as 0, 1, 2, 3 ... All modulo 2^64. */
static void put_difference(struct record *record, uint64_t from, uint64_t to)
{
    uint64_t difference = to - from;
    put_varint(record, difference << 1 ^ (0 - (difference >> 63)));
}

static struct record begin_record(struct prs_trace *trace, uint32_t kind, uint32_t code)
{
    if (trace->points[trace->now & 1].used + PRS_TRACE_RECORD_MAX > PRS_TRACE_BLOCK) {
        write_block(trace);
    }
    struct record record = {trace, &trace->points[~trace->now & 1]};
    *record.point = trace->points[trace->now & 1];
    record.point->records++;
    put_byte(&record, code << 3 | kind);
    return record;
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

#define FRAME ((uint64_t)__builtin_frame_address(0))

int prs_trace_stack(struct prs_trace *trace, uint64_t id, uint64_t low, uint64_t high)
{
    if (!enter(trace, FRAME)) {
        return -EBUSY;
    }
    struct record record = begin_record(trace, PRS_TRACE_STACK, 0);
    put_varint(&record, id);
    put_varint(&record, low);
    put_varint(&record, high - low);
    return leave(trace, FRAME, true);
}

int prs_trace_store(struct prs_trace *trace, uint64_t address, uint64_t size)
{
    if (size == 0) {
        return trace->error;
    }
    if (!enter(trace, FRAME)) {
        return -EBUSY;
    }
    uint32_t code = size <= 16 ? (uint32_t)size : size == 32 ? PRS_TRACE_SIZE_32 : size == 64 ? PRS_TRACE_SIZE_64 : PRS_TRACE_SIZE_FOLLOWS;
    struct record record = begin_record(trace, PRS_TRACE_STORE, code);
    if (code == PRS_TRACE_SIZE_FOLLOWS) {
        put_varint(&record, size);
    }
    put_difference(&record, record.point->address, address);
    record.point->address = address;
    record.point->stores++;
    return leave(trace, FRAME, true);
}

int prs_trace_time(struct prs_trace *trace, uint64_t ns, uint64_t sp)
{
    if (!enter(trace, FRAME)) {
        return -EBUSY;
    }
    struct record record = begin_record(trace, PRS_TRACE_TIME, 0);
    ns = ns < record.point->time_ns ? record.point->time_ns : ns;
    put_varint(&record, ns - record.point->time_ns);
    put_difference(&record, record.point->sp, sp);
    record.point->time_ns = ns;
    record.point->sp = sp;
    return leave(trace, FRAME, true);
}

int prs_trace_flush(struct prs_trace *trace)
{
    if (is_at_work(trace, FRAME)) {
        return -EBUSY; /* no record is lost by that */
    }
    (void)enter(trace, FRAME);
    write_block(trace);
    return leave(trace, FRAME, false);
}

int prs_trace_end(struct prs_trace *trace)
{
    if (is_at_work(trace, FRAME)) {
        return -EBUSY;
    }
    (void)enter(trace, FRAME);
    struct record record = begin_record(trace, PRS_TRACE_END, 0);
    put_varint(&record, record.point->stores);
    put_varint(&record, trace->lost);
    trace->now ^= 1;
    write_block(trace);
    return leave(trace, FRAME, false);
}
