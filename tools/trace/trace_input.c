/* trace_input.c - the bytes of a file, unpacked if it begins like an xz file. Ordinary process. */
#include "trace_input.h"
#include "error.h"
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (64u << 10)
#define MEMORY_MAX (1ul << 30) /* what unpacking may take: a dictionary of xz -9 is 64 MB */

struct trace_input {
    char *path;
    int fd;
    bool compressed;
    bool file_ended; /* no more bytes in the file */
    bool ended;      /* nor of the stream */
    int error;       /* of the stream: it stays */
    size_t at, have; /* bytes[at .. have) were read and not taken */
    lzma_stream stream;
    unsigned char bytes[CHUNK];
};

static int fill(struct trace_input *input)
{
    ssize_t length;
    do {
        length = read(input->fd, input->bytes, sizeof input->bytes);
    } while (length < 0 && errno == EINTR);
    if (length < 0) {
        return prs_fail(-errno, "%s", input->path);
    }
    input->at = 0;
    input->have = (size_t)length;
    input->file_ended = length == 0;
    return 0;
}

static int fail_stream(const struct trace_input *input, lzma_ret ret)
{
    switch (ret) {
    case LZMA_BUF_ERROR:
        return prs_fail(PROSPER_E_TRACE_TRUNCATED, "%s: the file ends within its xz stream", input->path);
    case LZMA_MEM_ERROR:
        return prs_fail(-ENOMEM, "%s", input->path);
    case LZMA_MEMLIMIT_ERROR:
        return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s: unpacking would take more than %lu MB of memory", input->path, MEMORY_MAX >> 20);
    case LZMA_OPTIONS_ERROR:
        return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s: the xz stream uses options that this liblzma does not know", input->path);
    default:
        return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s: the xz stream is damaged", input->path);
    }
}

int trace_input_open(struct trace_input **out, const char *path)
{
    static const unsigned char magic[] = {0xfd, '7', 'z', 'X', 'Z', 0};
    struct stat status;
    struct trace_input *input = calloc(1, sizeof *input);
    *out = NULL;
    if (input == NULL || (input->path = strdup(path)) == NULL) {
        free(input);
        return prs_fail(-ENOMEM, "%s", path);
    }
    input->stream = (lzma_stream)LZMA_STREAM_INIT;
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang */
    int error = 0;
    if (input->fd < 0 || fstat(input->fd, &status) != 0) {
        error = prs_fail(-errno, "%s", path);
    } else if (!S_ISREG(status.st_mode)) {
        error = prs_fail(PROSPER_E_NOT_A_TRACE, "%s is no regular file", path);
    } else {
        error = fill(input);
    }
    if (error == 0 && input->have >= sizeof magic && memcmp(input->bytes, magic, sizeof magic) == 0) {
        input->compressed = true;
        lzma_ret ret = lzma_stream_decoder(&input->stream, MEMORY_MAX, LZMA_CONCATENATED);
        error = ret == LZMA_OK ? 0 : fail_stream(input, ret);
    }
    if (error != 0) {
        trace_input_close(input);
        return error;
    }
    *out = input;
    return 0;
}

void trace_input_close(struct trace_input *input)
{
    if (input == NULL) {
        return;
    }
    lzma_end(&input->stream);
    if (input->fd >= 0) {
        close(input->fd);
    }
    free(input->path);
    free(input);
}

bool trace_input_compressed(const struct trace_input *input) { return input->compressed; }

/* Some bytes, at least one; 0: the end. */
static long unpack(struct trace_input *input, unsigned char *to, size_t length)
{
    input->stream.next_out = to;
    input->stream.avail_out = length;
    while (!input->ended && input->error == 0 && input->stream.avail_out == length) {
        if (input->at == input->have && !input->file_ended && (input->error = fill(input)) != 0) {
            break;
        }
        input->stream.next_in = input->bytes + input->at;
        input->stream.avail_in = input->have - input->at;
        lzma_ret ret = lzma_code(&input->stream, input->file_ended ? LZMA_FINISH : LZMA_RUN);
        input->at = input->have - input->stream.avail_in;
        if (ret == LZMA_STREAM_END) {
            input->ended = true;
        } else if (ret != LZMA_OK && !(ret == LZMA_BUF_ERROR && !input->file_ended)) {
            input->error = fail_stream(input, ret);
        }
    }
    long got = (long)(length - input->stream.avail_out);
    return got > 0 ? got : input->error;
}

static long copy(struct trace_input *input, unsigned char *to, size_t length)
{
    if (input->at == input->have && !input->file_ended) {
        int error = fill(input);
        if (error != 0) {
            return error;
        }
    }
    size_t take = input->have - input->at < length ? input->have - input->at : length;
    memcpy(to, input->bytes + input->at, take);
    input->at += take;
    return (long)take;
}

long trace_input_read(struct trace_input *input, void *bytes, size_t length)
{
    size_t done = 0;
    while (done < length) {
        unsigned char *to = (unsigned char *)bytes + done;
        long got = input->compressed ? unpack(input, to, length - done) : copy(input, to, length - done);
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    return (long)done;
}
