/* seed_from_pool.c - a real pool, made small enough to be a seed: what a reader looks at stays, what a program's memory holds goes.
 *
 * Usage: seed_from_pool POOL SEED [DIRECTORY ...]
 * DIRECTORY: names of the machine that made the pool; each becomes a name of the same length.
 * Kept: libpmemobj's first pages, root, records, marks, every segment of the log with its entries for META and for the stack near the stack pointer, page
 * entries, the first line of each slot that they name. The chain of the log is written anew, with its checksums; places of all else are those of the pool.
 */
#include "fields.h"
#include "layout.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#define STACK_KEPT 1024u
#define SEED_MAX (256u << 10)

static void die(const char *what)
{
    fprintf(stderr, "seed_from_pool: %s\n", what);
    exit(1);
}

static const uint8_t *pool;
static uint64_t length;
static struct image_bytes image;

static void keep(uint64_t offset, uint64_t bytes)
{
    if (!sparse_touch(&image, offset, bytes)) {
        die("the pool names a place outside of itself");
    }
    memcpy(image.bytes + offset, pool + offset, bytes);
}

/* The part of an entry that a seed needs: all of META, a little of the stack, nothing else. */
static bool wanted(const struct prf_log_entry *entry, uint64_t sp, uint64_t *from, uint64_t *to)
{
    uint64_t end = entry->address + entry->length;
    *from = entry->address;
    *to = end;
    if (entry->address >= PRS_META_BASE && end <= PRS_META_BASE + sizeof(struct prs_meta)) {
        return true;
    }
    *from = *from > sp - PRS_REDZONE ? *from : sp - PRS_REDZONE;
    *to = *to < sp + STACK_KEPT ? *to : sp + STACK_KEPT;
    return sp != 0 && *from < *to;
}

static uint64_t stack_pointer(const struct fields *whole)
{
    uint64_t at = offsetof(struct prs_meta, ucontext) + offsetof(ucontext_t, uc_mcontext.gregs) + REG_RSP * 8;
    return fields_meta_number(whole, at, 8);
}

static char **directories; /* until NULL */

static void rename_directories(uint8_t *bytes, uint64_t count)
{
    for (char **directory = directories; *directory != NULL; directory++) {
        size_t name = strlen(*directory);
        for (uint64_t at = 0; name > 1 && at + name <= count; at++) {
            if (memcmp(bytes + at, *directory, name) == 0) {
                memset(bytes + at + 1, 'x', name - 1);
            }
        }
    }
}

static void copy_log(const struct fields *whole, const struct fields *small)
{
    struct prf_record *record = fields_newest(small);
    uint64_t place = 0, out = 0, area = whole->root->extents[record->log_area].offset, sp = stack_pointer(whole), last = 0;
    struct prf_segment *segment;
    while ((segment = fields_segment(whole, &place)) != NULL) {
        struct prf_segment *to = (void *)(image.bytes + area + out);
        struct prf_log_entry *entry;
        if (!sparse_touch(&image, area + out, sizeof *to + segment->length)) {
            die("the log does not fit");
        }
        *to = *segment;
        to->length = to->entries = 0;
        for (uint64_t inside = 0; (entry = fields_log_entry(whole, segment, &inside)) != NULL;) {
            uint64_t from, end;
            if (!wanted(entry, sp, &from, &end)) {
                continue;
            }
            struct prf_log_entry *copy = (void *)((uint8_t *)(to + 1) + to->length);
            *copy = (struct prf_log_entry){.address = from, .length = (uint32_t)(end - from)};
            memset(copy + 1, 0, (copy->length + 7ul) / 8 * 8);
            memcpy(copy + 1, (uint8_t *)(entry + 1) + (from - entry->address), copy->length);
            rename_directories((uint8_t *)(copy + 1), copy->length);
            to->length += sizeof *copy + (copy->length + 7ul) / 8 * 8;
            to->entries++;
        }
        last = out;
        out += sizeof *to + to->length;
    }
    unsigned parity = (unsigned)(record->epoch & 1);
    for (unsigned copy = 0; copy < 2; copy++) {
        fields_record(small, parity, copy)->log_end = out;
        fields_record(small, parity, copy)->log_last = last;
    }
    fields_mend_log(small);
}

static void copy_pages(const struct fields *whole)
{
    const struct prf_root *root = whole->root;
    uint32_t high = fields_newest(whole)->entries_high;
    for (uint32_t number = 0; number < high; number++) {
        const struct prf_entry *entry = fields_entry(whole, number);
        if (entry == NULL) {
            die("fewer page entries than the record says");
        }
        keep((uint64_t)((const uint8_t *)entry - whole->image.bytes), sizeof *entry);
        for (unsigned side = 0; side < 2; side++) {
            uint64_t slot = entry->slot[side].slot - 1ul;
            if (entry->slot[side].slot != 0 && slot < root->extents[3].length / PRF_PAGE) {
                keep(root->extents[3].offset + slot * PRF_PAGE, PRF_LINE);
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct stat status;
    int fd = argc >= 3 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &status) != 0) {
        die("usage: seed_from_pool POOL SEED [DIRECTORY ...]");
    }
    directories = argv + 3;
    length = (uint64_t)status.st_size;
    pool = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    uint8_t head[16] = SPARSE_MAGIC;
    memcpy(head + 8, &length, 8);
    if (pool == MAP_FAILED || length > IMAGE_MAX || !sparse_decode(head, sizeof head, &image)) {
        die("the pool cannot be read, or is too large for a seed");
    }
    struct fields whole, small;
    uint64_t object;
    memcpy(&object, pool + PRF_PMEMOBJ_ROOT_AT, 8);
    keep(0, 8);
    keep(PRF_PMEMOBJ_LAYOUT_AT, 8);
    keep(PRF_PMEMOBJ_ROOT_AT, 8);
    keep((object + PRF_PAGE - 1) / PRF_PAGE * PRF_PAGE, PRF_ROOT_BYTES);
    const struct image_bytes all = {(uint8_t *)(uintptr_t)pool, length};
    if (!fields_find(&whole, &all) || !fields_find(&small, &image)) {
        die("there is no root");
    }
    copy_log(&whole, &small);
    copy_pages(&whole);
    static uint8_t encoded[SEED_MAX];
    size_t bytes = sparse_encode(&image, encoded, sizeof encoded);
    FILE *out = fopen(argv[2], "wb");
    if (bytes == 0 || out == NULL || fwrite(encoded, 1, bytes, out) != bytes || fclose(out) != 0) {
        die("the seed cannot be written");
    }
    return 0;
}
