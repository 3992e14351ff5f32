/* pool_patch.c - changes one thing in a pool and mends every checksum over it, as another machine or a newer version would have written it.
 *
 * Usage: pool_patch POOL WHAT
 *   version    the format version is one higher              root       a byte of the root structure is wrong (checksum not mended)
 *   meta       the image version is one higher               records    all commit records are wrong (checksums not mended)
 *   vdso       the hash of the vdso is another               log        a byte in the last segment of the log is wrong (not mended)
 *   stack-head a byte of the head of the stack's image is wrong  stack-word the state that the image names is another (redo, romulus)
 *   cpu        a processor feature more than this one has    xfeatures  a register state component more than this processor has
 */
#include "checksum.h"
#include "format.h"
#include "image.h"
#include "layout.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static uint8_t *pool;
static uint64_t root_at;

static void die(const char *what)
{
    fprintf(stderr, "pool_patch: %s\n", what);
    exit(1);
}

static struct prf_root *root(void)
{
    return (void *)(pool + root_at);
}

static struct prf_record *record(unsigned parity, unsigned copy)
{
    return (void *)(pool + root_at + PRF_RECORD_AT(parity, copy));
}

static unsigned newest(void)
{
    return record(1, 0)->epoch > record(0, 0)->epoch ? 1 : 0;
}

/* The byte of the newest logged value at an address of META: the last entry of the chain that covers it. */
static uint8_t *logged(uint64_t address, uint64_t length)
{
    const struct prf_record *last = record(newest(), 0);
    uint8_t *area = pool + root()->extents[last->log_area].offset;
    uint8_t *found = NULL;

    for (uint64_t at = 0; at < last->log_end;) {
        struct prf_segment *segment = (void *)(area + at);
        if (segment->magic != PRF_SEGMENT_MAGIC)
            die("the log is not a chain of segments");
        uint8_t *entry = (uint8_t *)(segment + 1);
        uint8_t *end = entry + segment->length;
        while (entry < end) {
            struct prf_log_entry *head = (void *)entry;
            if (head->address <= address && address + length <= head->address + head->length)
                found = entry + sizeof *head + (address - head->address);
            entry += sizeof *head + (head->length + 7u) / 8 * 8;
        }
        at += sizeof *segment + segment->length;
    }
    if (found == NULL)
        die("no entry of the log covers that field whole");
    return found;
}

static void mend_log(void)
{
    struct prf_record *last = record(newest(), 0);
    uint8_t *area = pool + root()->extents[last->log_area].offset;
    uint32_t previous = 0;

    for (uint64_t at = 0; at < last->log_end;) {
        struct prf_segment *segment = (void *)(area + at);
        segment->previous = previous;
        segment->crc = prs_crc32c(prs_crc32c(0, segment + 1, segment->length), &segment->epoch, 24);
        previous = segment->crc;
        at += sizeof *segment + segment->length;
    }
    for (unsigned copy = 0; copy < 2; copy++) {
        struct prf_record *each = record(newest(), copy);
        each->log_last_crc = previous;
        each->crc = prs_crc32c(0, each, offsetof(struct prf_record, crc));
    }
}

#define META_FIELD(field) ((void *)logged(PRS_META_BASE + offsetof(struct prs_meta, field), sizeof((struct prs_meta *)0)->field))

int main(int argc, char **argv)
{
    struct stat status;
    int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;

    if (fd < 0 || fstat(fd, &status) != 0)
        die("usage: pool_patch POOL WHAT");
    pool = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (pool == MAP_FAILED)
        die("mmap");
    memcpy(&root_at, pool + PRF_PMEMOBJ_ROOT_AT, sizeof root_at);
    root_at = (root_at + PRF_PAGE - 1) / PRF_PAGE * PRF_PAGE;
    if (memcmp(root()->magic, PRF_ROOT_MAGIC, sizeof root()->magic) != 0)
        die("no root structure");

    const char *what = argv[2];
    if (strcmp(what, "version") == 0) {
        root()->version_major++;
        root()->crc = prs_crc32c(0, root(), offsetof(struct prf_root, crc));
    } else if (strcmp(what, "root") == 0) {
        root()->created_realtime_ns ^= 1;
    } else if (strcmp(what, "records") == 0) {
        for (unsigned i = 0; i < 4; i++)
            record(i & 1, i >> 1)->log_end ^= 64;
    } else if (strcmp(what, "stack-head") == 0 || strcmp(what, "stack-word") == 0) {
        const struct prf_extent *stack = &root()->extents[root()->extent_count - 1];
        if (stack->kind != PRF_EXTENT_STACK)
            die("there is no image of the stack");
        pool[stack->offset + (strcmp(what, "stack-head") == 0 ? 20 : PRF_PAGE + 2)] ^= 2;
    } else if (strcmp(what, "log") == 0) {
        const struct prf_record *last = record(newest(), 0);
        pool[root()->extents[last->log_area].offset + last->log_last + sizeof(struct prf_segment) + sizeof(struct prf_log_entry)] ^= 1;
    } else {
        if (strcmp(what, "meta") == 0)
            *(uint32_t *)META_FIELD(version) += 1;
        else if (strcmp(what, "vdso") == 0)
            *(uint64_t *)META_FIELD(vdso_hash) ^= 1;
        else if (strcmp(what, "cpu") == 0)
            *(uint64_t *)META_FIELD(cpu_features[2]) = 0xffffffff;
        else if (strcmp(what, "xfeatures") == 0)
            *(uint64_t *)META_FIELD(xfeatures) |= 1ull << 40;
        else
            die("unknown change");
        mend_log();
    }
    return munmap(pool, (size_t)status.st_size) == 0 && close(fd) == 0 ? 0 : 1;
}
