/* trace_nemos.c - reads the traces that NemOS, the predecessor of the Prosper artifact, replays. No header, no end mark; records of 20 bytes:
 *
 *   0 u32 time, ms | 4 u32 offset in its area | 8 'R', 'W' or 'X' | 9 three zeros | 12 i32 size | 16 i32 type: 0 stack, 1 and 2 heaps, -1 with 'X'
 *
 * 'X' stands for a millisecond in which nothing happened. The known files are disk images of 1 GB: behind the records comes what the image
 * held before, and then zeros. So the first thing that is no record, or that goes back in time, is the end; the reader says if that was not
 * the end of the file.
 */
#include "error.h"
#include "trace_reader.h"
#include <string.h>

#define RECORD 20
#define SIZE_MAX_BYTES 4096

struct record {
    uint32_t time_ms, offset;
    char op;
    unsigned char zeros[3];
    int32_t size, type;
};
_Static_assert(sizeof(struct record) == RECORD, "as in the files");

static bool is_record(const struct record *record)
{
    static const unsigned char zeros[3];
    if (memcmp(record->zeros, zeros, 3) != 0) {
        return false;
    }
    if (record->op == 'X') {
        return record->type == -1 && record->size == 0;
    }
    return (record->op == 'R' || record->op == 'W') && record->type >= 0 && record->type <= 2 && record->size > 0 && record->size <= SIZE_MAX_BYTES;
}

int trace_nemos_begin(struct trace_reader *reader, const unsigned char *first, long length)
{
    struct record record;
    if (length < RECORD) {
        return prs_fail(PROSPER_E_NOT_A_TRACE, "%s: neither our magic nor a record", reader->path);
    }
    memcpy(&record, first, sizeof record);
    if (!is_record(&record)) {
        return prs_fail(PROSPER_E_NOT_A_TRACE, "%s: neither our magic nor a record of NemOS", reader->path);
    }
    memcpy(reader->block, first, (size_t)length);
    reader->block_length = (uint32_t)length;
    return 0;
}

static long read_record(struct trace_reader *reader, struct record *record)
{
    uint32_t have = reader->block_length - reader->block_at; /* what trace_open read to tell the format */
    uint32_t take = have < RECORD ? have : RECORD;
    memcpy(record, reader->block + reader->block_at, take);
    reader->block_at += take;
    if (take == RECORD) {
        return RECORD;
    }
    long got = trace_input_read(reader->input, (char *)record + take, RECORD - take);
    return got < 0 ? got : got + (long)take;
}

int trace_nemos_next(struct trace_reader *reader, struct trace_event *event)
{
    struct record record;
    *event = (struct trace_event){0};
    if (!reader->stack_told) {
        reader->stack_told = true;
        event->kind = TRACE_STACK;
        event->low = TRACE_NEMOS_STACK;
        event->high = TRACE_NEMOS_STACK + UINT32_MAX + SIZE_MAX_BYTES;
        return 1;
    }
    long got = read_record(reader, &record);
    if (got < 0) {
        return (int)got;
    }
    if (got == 0) {
        return 0;
    }
    if (got < RECORD) {
        return prs_fail(PROSPER_E_TRACE_TRUNCATED, "%s: the file ends within record %lu", reader->path, reader->records);
    }
    uint64_t time_ns = record.time_ms * 1000000ul;
    if (!is_record(&record) || time_ns < reader->time_ns) {
        reader->foreign = true;
        return 0;
    }
    event->kind = record.op == 'W' ? TRACE_STORE : record.op == 'R' ? TRACE_LOAD : TRACE_TIME;
    event->time_ns = reader->time_ns = time_ns;
    event->address = (record.type <= 0 ? TRACE_NEMOS_STACK : TRACE_NEMOS_HEAP * (uint64_t)record.type) + record.offset;
    event->size = (uint64_t)record.size;
    reader->records++;
    return 1;
}
