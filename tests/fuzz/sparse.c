/* sparse.c - pool images as runs of what is not zero (sparse.h).
 *
 * INVARIANT S1: a page of the image that is not marked as touched is zero. So encoding, and writing a file, look at a few pages and not at 32 MB.
 */
#include "sparse.h"
#include "format.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES_MAX (IMAGE_MAX / PRF_PAGE)
#define HEAD 16u
#define RUN_HEAD 12u
#define GAP 16u /* so many zeros end a run */

static uint8_t *room; /* IMAGE_MAX bytes between two pages that nobody may touch */
static uint64_t touched[PAGES_MAX / 64];

static void make_room(void)
{
    uint8_t *at = mmap(NULL, IMAGE_MAX + 2 * PRF_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED || mprotect(at + PRF_PAGE, IMAGE_MAX, PROT_READ | PROT_WRITE) != 0) {
        abort();
    }
    room = at + PRF_PAGE;
}

/* The image ends where the room ends, so that its end is a border; before it, the room is closed. */
static void place(struct image_bytes *image, uint64_t length)
{
    if (room == NULL) {
        make_room();
    }
    uint64_t whole = (length + PRF_PAGE - 1) / PRF_PAGE * PRF_PAGE;
    madvise(room, IMAGE_MAX, MADV_DONTNEED);
    mprotect(room, IMAGE_MAX - whole, PROT_NONE);
    mprotect(room + IMAGE_MAX - whole, whole, PROT_READ | PROT_WRITE);
    memset(touched, 0, sizeof touched);
    image->bytes = room + IMAGE_MAX - whole;
    image->length = length;
}

bool sparse_touch(const struct image_bytes *image, uint64_t offset, uint64_t bytes)
{
    if (bytes > image->length || offset > image->length - bytes) {
        return false;
    }
    for (uint64_t page = offset / PRF_PAGE; bytes > 0 && page <= (offset + bytes - 1) / PRF_PAGE; page++) {
        touched[page / 64] |= 1ul << (page % 64);
    }
    return true;
}

bool sparse_decode(const uint8_t *data, size_t size, struct image_bytes *image)
{
    uint64_t length;
    if (size < HEAD || memcmp(data, SPARSE_MAGIC, 8) != 0) {
        return false;
    }
    memcpy(&length, data + 8, sizeof length);
    length = length < IMAGE_MAX ? length : IMAGE_MAX;
    place(image, length > 0 ? length : 1);
    for (size_t at = HEAD; size - at > RUN_HEAD;) {
        uint64_t offset;
        uint32_t bytes;
        memcpy(&offset, data + at, sizeof offset);
        memcpy(&bytes, data + at + 8, sizeof bytes);
        at += RUN_HEAD;
        bytes = bytes < size - at ? bytes : (uint32_t)(size - at);
        uint64_t inside = offset < image->length ? image->length - offset : 0;
        uint64_t part = bytes < inside ? bytes : inside;
        if (part > 0 && sparse_touch(image, offset, part)) {
            memcpy(image->bytes + offset, data + at, part);
        }
        at += bytes;
    }
    return true;
}

struct writer {
    uint8_t *out;
    size_t used, room;
    bool full;
};

static void put_run(struct writer *writer, const struct image_bytes *image, uint64_t from, uint64_t to)
{
    uint32_t bytes = (uint32_t)(to - from);
    if (writer->room - writer->used < RUN_HEAD + (uint64_t)bytes) {
        writer->full = true;
        return;
    }
    uint8_t *at = writer->out + writer->used;
    memcpy(at, &from, sizeof from);
    memcpy(at + 8, &bytes, sizeof bytes);
    memcpy(at + RUN_HEAD, image->bytes + from, bytes);
    writer->used += RUN_HEAD + bytes;
}

/* Runs of one page; runs never cross pages. */
static void put_page(struct writer *writer, const struct image_bytes *image, uint64_t page)
{
    uint64_t at = page * PRF_PAGE, end = at + PRF_PAGE < image->length ? at + PRF_PAGE : image->length;
    while (at < end) {
        while (at < end && image->bytes[at] == 0) {
            at++;
        }
        uint64_t from = at, last = at; /* last: one behind the last byte that is not zero */
        while (at < end && at - last < GAP) {
            last = image->bytes[at] != 0 ? at + 1 : last;
            at++;
        }
        if (last > from) {
            put_run(writer, image, from, last);
        }
    }
}

size_t sparse_encode(const struct image_bytes *image, uint8_t *out, size_t size)
{
    struct writer writer = {out, HEAD, size, size < HEAD};
    if (!writer.full) {
        memcpy(out, SPARSE_MAGIC, 8);
        memcpy(out + 8, &image->length, 8);
    }
    for (uint64_t page = 0; page < PAGES_MAX && !writer.full; page++) {
        if ((touched[page / 64] >> (page % 64) & 1) != 0) {
            put_page(&writer, image, page);
        }
    }
    return writer.full ? 0 : writer.used;
}

const char *sparse_file(const struct image_bytes *image)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("pool", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || ftruncate(fd, (off_t)image->length) != 0) {
        abort();
    }
    for (uint64_t page = 0; page < PAGES_MAX; page++) {
        uint64_t at = page * PRF_PAGE;
        if ((touched[page / 64] >> (page % 64) & 1) != 0 && at < image->length) {
            uint64_t bytes = image->length - at < PRF_PAGE ? image->length - at : PRF_PAGE;
            if (pwrite(fd, image->bytes + at, bytes, (off_t)at) != (ssize_t)bytes) {
                abort();
            }
        }
    }
    return path;
}
