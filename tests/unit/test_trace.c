/* test_trace.c - traces of stores: written and read again, compressed or not, in both formats; and nothing believed that is damaged. */
#include "checksum.h"
#include "error.h"
#include "trace_fixture.h"
#include "trace_reader.h"
#include "trace_replay.h"
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(trace, .init = setup, .timeout = 120);

static size_t read_file(unsigned char **bytes)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(fstat(fd, &status), 0);
    *bytes = malloc((size_t)status.st_size + 1);
    cr_assert_eq(read(fd, *bytes, (size_t)status.st_size), status.st_size);
    close(fd);
    return (size_t)status.st_size;
}
static void write_file(const void *bytes, size_t length)
{
    int fd = create();
    cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

/* Reads all: 0 or the code; *events, if not NULL, counts them. */
static int read_trace(bool partial, uint64_t *events)
{
    struct trace_reader reader;
    struct trace_event event;
    int got = trace_open(&reader, path, partial);
    uint64_t count = 0;
    if (got == 0) {
        while ((got = trace_next(&reader, &event)) == 1) {
            count++;
        }
        cr_assert_eq(trace_next(&reader, &event), 0, "after its end nothing comes");
        trace_close(&reader);
    }
    if (events != NULL) {
        *events = count;
    }
    return got;
}

/* ---- our own format ---- */

Test(trace, the_bytes_are_as_documented)
{
    static const unsigned char expected[] = {
        'P', 'R', 'S', 'T', 'R', 'A', 'C', 'E', 1, 0, 0, 0, 4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* crc */ 0, 0, 0, 0,
        /* block */ 29, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, /* crc */ 0, 0, 0, 0,
        /* STACK 1, 0x1000, 0x2000 */ 0x03, 1, 0x80, 0x20, 0x80, 0x20,
        /* STORE 8 bytes at 0x1ff0: 0x3fe0 */ 0x41, 0xe0, 0x7f,
        /* STORE 4 bytes at 0x1fec: -4 */ 0x21, 7,
        /* TIME 300, 0x1fe8 */ 0x02, 0xac, 0x02, 0xd0, 0x7f,
        /* STORE 64 bytes at 0x1fec */ 0x91, 0,
        /* STORE 300 bytes at 0x1800: -0x7ec */ 0x01, 0xac, 0x02, 0xd7, 0x1f,
        /* END 4 stores, 0 lost */ 0x04, 4, 0};
    unsigned char *bytes, wanted[sizeof expected];
    begin();
    cr_assert_eq(prs_trace_stack(&trace, 1, 0x1000, 0x2000), 0);
    cr_assert_eq(prs_trace_store(&trace, 0x1ff0, 8), 0);
    cr_assert_eq(prs_trace_store(&trace, 0x1fec, 4), 0);
    cr_assert_eq(prs_trace_time(&trace, 300, 0x1fe8), 0);
    cr_assert_eq(prs_trace_store(&trace, 0x1fec, 64), 0);
    cr_assert_eq(prs_trace_store(&trace, 0x1800, 300), 0);
    cr_assert_eq(prs_trace_store(&trace, 0x1800, 0), 0);
    end();
    memcpy(wanted, expected, sizeof wanted);
    uint32_t crc = prs_crc32c(0, wanted, 28);
    memcpy(wanted + 28, &crc, 4);
    wanted[32] = (unsigned char)(sizeof wanted - 48);
    crc = prs_crc32c(prs_crc32c(0, wanted + 32, 12), wanted + 48, sizeof wanted - 48);
    memcpy(wanted + 44, &crc, 4);
    size_t length = read_file(&bytes);
    cr_assert_eq(length, sizeof wanted);
    for (size_t i = 0; i < length; ++i) {
        cr_assert_eq(bytes[i], wanted[i], "byte %zu is %02x, not %02x", i, bytes[i], wanted[i]);
    }
    free(bytes);
}

static uint64_t state = 88172645463325252ul;
static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

#define EVENTS 300000u
static struct trace_event events[EVENTS];

static void write_events(void)
{
    uint64_t time_ns = 0, sp = STACK;
    begin();
    for (unsigned i = 0; i < EVENTS; ++i) {
        struct trace_event *event = &events[i];
        uint64_t kind = draw(100);
        *event = (struct trace_event){0};
        if (kind < 1 || i == 0) {
            *event = (struct trace_event){.kind = TRACE_STACK, .id = draw(2) ? draw(5) : UINT64_MAX, .low = STACK + draw(3) * SIZE};
            event->high = event->low + SIZE;
            cr_assert_eq(prs_trace_stack(&trace, event->id, event->low, event->high), 0);
        } else if (kind < 5) {
            time_ns += draw(2) ? draw(1000) : draw(1ul << 40);
            sp = draw(10) ? sp + 16 * draw(40) - 320 : draw(UINT64_MAX);
            *event = (struct trace_event){.kind = TRACE_TIME, .sp = sp};
            cr_assert_eq(prs_trace_time(&trace, time_ns, sp), 0);
        } else {
            event->kind = TRACE_STORE;
            event->address = draw(5) ? STACK + draw(SIZE) : draw(UINT64_MAX - SIZE);
            event->size = 1 + draw(draw(20) ? 70 : SIZE);
            cr_assert_eq(prs_trace_store(&trace, event->address, event->size), 0);
        }
        event->time_ns = time_ns;
    }
    end();
}

static void read_events(void)
{
    struct trace_reader reader;
    struct trace_event event;
    cr_assert_eq(trace_open(&reader, path, false), 0);
    for (unsigned i = 0; i < EVENTS; ++i) {
        const struct trace_event *wanted = &events[i];
        cr_assert_eq(trace_next(&reader, &event), 1);
        cr_assert(event.kind == wanted->kind && event.time_ns == wanted->time_ns && event.address == wanted->address && event.size == wanted->size &&
                  event.sp == wanted->sp && event.id == wanted->id && event.low == wanted->low && event.high == wanted->high, "event %u", i);
    }
    cr_assert_eq(trace_next(&reader, &event), 0);
    cr_assert(reader.records == EVENTS && reader.lost == 0 && reader.format == TRACE_PROSPER);
    trace_close(&reader);
}

static void compress_file(void)
{
    unsigned char *bytes;
    size_t length = read_file(&bytes), packed_length = 0, room = lzma_stream_buffer_bound(length);
    unsigned char *packed = malloc(room);
    cr_assert_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, bytes, length, packed, &packed_length, room), LZMA_OK);
    write_file(packed, packed_length);
    free(bytes);
    free(packed);
}

Test(trace, what_was_written_is_read_again)
{
    write_events();
    read_events();
    compress_file();
    read_events();
}

Test(trace, a_store_takes_few_bytes)
{
    unsigned char *bytes;
    begin();
    for (unsigned i = 0; i < 100000; ++i) {
        prs_trace_store(&trace, STACK + i % 8 * 8, 8);
    }
    end();
    cr_assert_leq(read_file(&bytes), 32 + 200000 + 4 * 16 + 20);
    free(bytes);
}

static int refused(const char *what)
{
    uint64_t count;
    int code = read_trace(false, &count);
    cr_assert_neq(code, 0, "%s was read", what);
    cr_assert(strstr(prs_detail(), path) != NULL, "%s: the detail names no file: %s", what, prs_detail());
    return code;
}

static void two_blocks(void)
{
    begin();
    prs_trace_stack(&trace, 0, STACK, STACK + SIZE);
    for (unsigned i = 0; i < 200; ++i) {
        prs_trace_store(&trace, STACK + i * 8, 8);
        if (i == 99) {
            cr_assert_eq(prs_trace_flush(&trace), 0);
        }
    }
    end();
}

Test(trace, every_truncation_is_noticed_and_counts_as_far_as_it_goes_if_asked)
{
    unsigned char *bytes;
    uint64_t count, before = 0;
    two_blocks();
    size_t length = read_file(&bytes);
    for (size_t cut = 0; cut < length; ++cut) {
        write_file(bytes, cut);
        int code = refused("a truncated trace");
        cr_assert_eq(code, cut < 8 ? PROSPER_E_NOT_A_TRACE : PROSPER_E_TRACE_TRUNCATED, "cut to %zu: %s", cut, prs_error_name(code));
        if (cut >= 32) {
            cr_assert_eq(read_trace(true, &count), 0);
            cr_assert(count == 0 || count == 101, "whole blocks, not %lu events", count);
            cr_assert_geq(count, before);
            before = count;
        }
    }
    cr_assert_eq(before, 101);
    free(bytes);
}

Test(trace, every_flipped_bit_is_noticed)
{
    unsigned char *bytes;
    two_blocks();
    size_t length = read_file(&bytes);
    for (size_t bit = 0; bit < length * 8; ++bit) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_file(bytes, length);
        refused("a flipped bit");
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    free(bytes);
}

/* Mends the checksum of the header, or of the first block. */
static void mend(unsigned char *bytes)
{
    uint32_t length, crc = prs_crc32c(0, bytes, 28);
    memcpy(bytes + 28, &crc, 4);
    memcpy(&length, bytes + 32, 4);
    crc = prs_crc32c(prs_crc32c(0, bytes + 32, 12), bytes + 48, length);
    memcpy(bytes + 44, &crc, 4);
}

Test(trace, other_versions_and_byte_orders_are_told_apart)
{
    unsigned char *bytes;
    two_blocks();
    size_t length = read_file(&bytes);
    bytes[8] = 2;
    mend(bytes);
    write_file(bytes, length);
    cr_assert_eq(refused("version 2"), PROSPER_E_TRACE_VERSION);
    bytes[8] = 1;
    bytes[20] = 1;
    mend(bytes);
    write_file(bytes, length);
    cr_assert_eq(refused("an unknown feature"), PROSPER_E_TRACE_VERSION);
    bytes[20] = 0;
    memcpy(bytes + 12, "\1\2\3\4", 4);
    write_file(bytes, length);
    cr_assert_eq(refused("the other byte order"), PROSPER_E_NOT_A_TRACE);
    free(bytes);
}

Test(trace, bytes_with_right_checksums_are_not_believed_either)
{
    unsigned char *bytes;
    two_blocks();
    size_t length = read_file(&bytes);
    uint32_t block;
    memcpy(&block, bytes + 32, 4);
    for (unsigned i = 0; i < 20000; ++i) {
        unsigned char *copy = malloc(length);
        memcpy(copy, bytes, length);
        for (uint64_t j = draw(8) + 1; j-- > 0;) {
            copy[(draw(8) ? 48 + draw(block) : 36 + draw(8))] = (unsigned char)draw(256);
        }
        mend(copy);
        write_file(copy, length);
        struct replay_options options = {.path = path, .granularity = 8, .interval_ns = 1000000, .table = prs_unit_original};
        struct replay_result result;
        int code = replay(&options, &result); /* must come back, whatever it says */
        cr_assert(code == 0 || code == PROSPER_E_TRACE_DAMAGED || code == PROSPER_E_TRACE_TRUNCATED || code == PROSPER_E_UNSUPPORTED || code == -ENOMEM,
            "%s", prs_error_name(code));
        if (code == 0) {
            replay_free(&result);
        }
        free(copy);
    }
    free(bytes);
}

Test(trace, something_behind_the_end_is_noticed)
{
    unsigned char *bytes;
    two_blocks();
    size_t length = read_file(&bytes);
    bytes[length] = 0;
    write_file(bytes, length + 1);
    cr_assert_eq(refused("a byte more"), PROSPER_E_TRACE_DAMAGED);
    free(bytes);
}

Test(trace, other_files_are_refused)
{
    write_file("hello, this is no trace at all, it is a text\n", 45);
    cr_assert_eq(refused("a text"), PROSPER_E_NOT_A_TRACE);
    write_file("", 0);
    cr_assert_eq(refused("an empty file"), PROSPER_E_NOT_A_TRACE);
    char directory[] = "/tmp/prosper-trace-XXXXXX";
    cr_assert_not_null(mkdtemp(directory));
    strcpy(path, directory);
    cr_assert_eq(refused("a directory"), PROSPER_E_NOT_A_TRACE);
    strcat(path, "/fifo");
    cr_assert_eq(refused("nothing"), -ENOENT);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(refused("a fifo"), PROSPER_E_NOT_A_TRACE);
    unlink(path);
    rmdir(directory);
}

Test(trace, compressed_files_may_be_broken_too)
{
    unsigned char *bytes;
    two_blocks();
    compress_file();
    cr_assert_eq(read_trace(false, NULL), 0);
    size_t length = read_file(&bytes);
    for (size_t cut = 12; cut < length; ++cut) {
        write_file(bytes, cut);
        int code = refused("a truncated xz file");
        cr_assert_eq(code, PROSPER_E_TRACE_TRUNCATED, "cut to %zu: %s: %s", cut, prs_error_name(code), prs_detail());
    }
    for (size_t bit = 6 * 8; bit < length * 8; ++bit) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        write_file(bytes, length);
        refused("a flipped bit in an xz file");
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    bytes[length] = 0;
    write_file(bytes, length + 1);
    cr_assert_eq(refused("a byte behind an xz file"), PROSPER_E_TRACE_DAMAGED);
    free(bytes);
}
