/* trace_own.c - reads our own format (docs/trace-format.md). The bytes are anybody's: each block is believed when its checksum fits, and
 * even then every record is checked. */
#include "checksum.h"
#include "error.h"
#include "trace.h"
#include "trace_reader.h"
#include <stddef.h>
#include <string.h>

static int damaged(const struct trace_reader *reader, const char *what)
{
    return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s: block %u: %s", reader->path, reader->sequence, what);
}

int trace_own_begin(struct trace_reader *reader, const unsigned char *first, long length)
{
    struct prs_trace_header header;
    if (length < (long)sizeof header) {
        return prs_fail(PROSPER_E_TRACE_TRUNCATED, "%s: the file ends within its header", reader->path);
    }
    memcpy(&header, first, sizeof header);
    if (header.order == __builtin_bswap32(PRS_TRACE_ORDER)) {
        return prs_fail(PROSPER_E_NOT_A_TRACE, "%s: written in the other byte order", reader->path);
    }
    if (header.crc != prs_crc32c(0, &header, offsetof(struct prs_trace_header, crc))) {
        return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s: the header's checksum is wrong", reader->path);
    }
    if (header.version != PRS_TRACE_VERSION || header.features != 0) {
        return prs_fail(PROSPER_E_TRACE_VERSION, "%s: version %u, features %lx; known is version %u without any", reader->path, header.version,
            header.features, PRS_TRACE_VERSION);
    }
    if (header.order != PRS_TRACE_ORDER || header.reserved != 0) {
        return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s: the header has a field that cannot be", reader->path);
    }
    return 0;
}

/* The next block. 0, or a code. */
static int read_block(struct trace_reader *reader)
{
    struct prs_trace_head head;
    long got = trace_input_read(reader->input, &head, sizeof head);
    if (got < 0) {
        return (int)got;
    }
    if (got < (long)sizeof head) {
        return prs_fail(PROSPER_E_TRACE_TRUNCATED, "%s: the file ends %s block %u, without an END record", reader->path, got == 0 ? "before" : "within",
            reader->sequence);
    }
    if (head.length == 0 || head.length > PRS_TRACE_BLOCK) {
        return damaged(reader, "its length cannot be");
    }
    got = trace_input_read(reader->input, reader->block, head.length);
    if (got < 0) {
        return (int)got;
    }
    if (got < (long)head.length) {
        return prs_fail(PROSPER_E_TRACE_TRUNCATED, "%s: the file ends within block %u", reader->path, reader->sequence);
    }
    uint32_t crc = prs_crc32c(0, &head, offsetof(struct prs_trace_head, crc));
    if (prs_crc32c(crc, reader->block, head.length) != head.crc) {
        return damaged(reader, "its checksum is wrong");
    }
    if (head.sequence != reader->sequence) {
        return damaged(reader, "it is another one's place");
    }
    reader->block_at = 0;
    reader->block_length = head.length;
    reader->block_records = head.records;
    return 0;
}

static bool get_varint(struct trace_reader *reader, uint64_t *value)
{
    *value = 0;
    for (uint32_t shift = 0; shift < 64 && reader->block_at < reader->block_length; shift += 7) {
        uint64_t byte = reader->block[reader->block_at++];
        if (shift == 63 && byte > 1) {
            return false;
        }
        *value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return true;
        }
    }
    return false;
}

static bool get_difference(struct trace_reader *reader, uint64_t *value)
{
    uint64_t code;
    if (!get_varint(reader, &code)) {
        return false;
    }
    *value += code >> 1 ^ (0 - (code & 1));
    return true;
}

static bool get_size(struct trace_reader *reader, uint32_t code, uint64_t *size)
{
    if (code == PRS_TRACE_SIZE_FOLLOWS) {
        return get_varint(reader, size) && *size > 0;
    }
    *size = code <= 16 ? code : code == PRS_TRACE_SIZE_32 ? 32 : 64;
    return code <= PRS_TRACE_SIZE_64;
}

/* Behind END there is nothing: not in its block, not in the file. */
static int check_end(struct trace_reader *reader)
{
    uint64_t stores;
    unsigned char byte;
    if (!get_varint(reader, &stores) || !get_varint(reader, &reader->lost)) {
        return damaged(reader, "its END record cannot be");
    }
    if (stores != reader->stores) {
        return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s: %lu stores, and END speaks of %lu", reader->path, reader->stores, stores);
    }
    long more = trace_input_read(reader->input, &byte, 1);
    if (more < 0) {
        return (int)more;
    }
    if (reader->block_at != reader->block_length || reader->block_records != 0 || more != 0) {
        return damaged(reader, "there is something behind the END record");
    }
    return 0;
}

int trace_own_next(struct trace_reader *reader, struct trace_event *event)
{
    while (reader->block_at == reader->block_length) {
        if (reader->block_records != 0) {
            return damaged(reader, "it has fewer records than it says");
        }
        if (reader->block_length != 0) {
            reader->sequence++;
        }
        int error = read_block(reader);
        if (error != 0) {
            return error;
        }
    }
    if (reader->block_records == 0) {
        return damaged(reader, "it has more records than it says");
    }
    reader->block_records--;
    uint32_t head = reader->block[reader->block_at++], code = head >> 3, kind = head & 7;
    bool good = kind == PRS_TRACE_STORE || code == 0;
    *event = (struct trace_event){.time_ns = reader->time_ns};
    switch (kind) {
    case PRS_TRACE_STORE:
        event->kind = TRACE_STORE;
        good = get_size(reader, code, &event->size) && get_difference(reader, &reader->address);
        event->address = reader->address;
        good = good && event->size - 1 <= UINT64_MAX - event->address;
        reader->stores++;
        break;
    case PRS_TRACE_TIME: {
        uint64_t ns = 0;
        event->kind = TRACE_TIME;
        good = good && get_varint(reader, &ns) && get_difference(reader, &reader->sp) && ns <= UINT64_MAX - reader->time_ns;
        event->sp = reader->sp;
        event->time_ns = reader->time_ns += good ? ns : 0;
        break;
    }
    case PRS_TRACE_STACK: {
        uint64_t length = 0;
        event->kind = TRACE_STACK;
        good = good && get_varint(reader, &event->id) && get_varint(reader, &event->low) && get_varint(reader, &length) && length > 0 &&
               length <= UINT64_MAX - event->low;
        event->high = event->low + length;
        break;
    }
    case PRS_TRACE_END:
        return good ? check_end(reader) : damaged(reader, "its END record cannot be");
    default:
        good = false;
    }
    if (!good) {
        return damaged(reader, "it has a record that cannot be");
    }
    reader->records++;
    return 1;
}
