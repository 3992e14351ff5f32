/* pool_patch.c - changes one thing in a pool and mends every checksum over it, as another machine or a newer version would have written it; or damages one
 * structure, with no checksum mended.
 *
 * Usage: pool_patch POOL WHAT
 *   version    the format version is one higher              root       a byte of the root structure is wrong (checksum not mended)
 *   meta       the image version is one higher               records    all commit records are wrong (checksums not mended)
 *   vdso       the hash of the vdso is another               log        a byte in the last segment of the log is wrong (not mended)
 *   stack-head a byte of the head of the stack's image is wrong  stack-word the state that the image names is another (redo, romulus)
 *   cpu        a processor feature more than this one has    xfeatures  a register state component more than this processor has
 *   ahead, behind   all times in it are ten years from now, or 1970
 *   escape     the program's path would steer a terminal     long-path  the program's path is longer than any path
 *   newest     both copies of the newest commit record are wrong                 marks    both copies of the end mark are wrong
 *   copy-even-1 ... copy-odd-2, mark-1, mark-2    one copy is wrong              header   libpmemobj's own header is wrong
 *   word       a word that does not count, in a page entry, is wrong             counts   a word that counts is wrong
 *   content    a bit of a page that counts is wrong (no structure)               sum      a bit of its checksum is, in a pool with page checksums
 *   slot       the name of a slot without content, in a page entry, is wrong
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
#include <time.h>
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

/* The page entry that changed last, of those with data; its word `which` counts. (In the very newest epoch none need have changed.) */
static struct prf_entry *newest_entry(unsigned *which)
{
    struct prf_entry *entries = (void *)(pool + root()->extents[2].offset), *found = NULL;
    uint64_t latest = 0;
    for (uint32_t i = 0; i < record(newest(), 0)->entries_high; i++) {
        unsigned counts = entries[i].word[1].epoch_state > entries[i].word[0].epoch_state;
        uint64_t epoch_state = entries[i].word[counts].epoch_state;
        if (entries[i].address != 0 && (epoch_state & 255) == PRF_PAGE_DATA && epoch_state >> 8 > latest && epoch_state >> 8 <= record(newest(), 0)->epoch &&
            epoch_state >> 8 >= record(newest(), 0)->pages_since) {
            found = &entries[i];
            *which = counts;
            latest = epoch_state >> 8;
        }
    }
    if (found == NULL)
        die("no page has content");
    return found;
}

/* The pools of the tests have one extent of slots. */
static unsigned char *slot_of(const struct prf_entry *entry, unsigned side)
{
    if (entry->slot[side].slot == 0)
        die("a line in a slot that is not there");
    return (unsigned char *)pool + root()->extents[3].offset + (entry->slot[side].slot - 1ul) * PRF_PAGE;
}

/* True when it was one of these. */
static int damage(const char *what)
{
    static const char *const copies[2][2] = {{"copy-even-1", "copy-even-2"}, {"copy-odd-1", "copy-odd-2"}};
    unsigned which;
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(what, copies[i / 2][i % 2]) == 0) {
            record(i / 2, i % 2)->pages ^= 1;
            return 1;
        }
    }
    struct prf_mark *marks[2] = {(void *)(pool + root_at + PRF_MARK_AT(0)), (void *)(pool + root_at + PRF_MARK_AT(1))};
    if (strcmp(what, "newest") == 0) {
        record(newest(), 0)->pages ^= 1;
        record(newest(), 1)->pages ^= 1;
    } else if (strncmp(what, "mark", 4) == 0) {
        marks[0]->inverse ^= what[4] == 's' || what[5] == '1';
        marks[1]->inverse ^= what[4] == 's' || what[5] == '2';
    } else if (strcmp(what, "header") == 0) {
        memset(pool + 16, 0x5a, 64);
    } else if (strcmp(what, "word") == 0) {
        struct prf_entry *entry = newest_entry(&which);
        entry->word[1 - which].epoch_state = 1 << 8 | PRF_PAGE_DATA;
        entry->check[1 - which] = 0x5a5a5a5a;
    } else if (strcmp(what, "counts") == 0) {
        struct prf_entry *entry = newest_entry(&which);
        entry->check[which] ^= 1;
    } else if (strcmp(what, "content") == 0) {
        struct prf_entry *entry = newest_entry(&which);
        slot_of(entry, entry->word[which].bitmap >> 63)[4095] ^= 0x10;
    } else if (strcmp(what, "sum") == 0) {
        struct prf_entry *entry = newest_entry(&which), *entries = (void *)(pool + root()->extents[2].offset);
        struct prf_page_sums *sums = (void *)(entries + root()->extents[3].length / PRF_PAGE);
        if ((root()->features_incompatible & PRF_FEATURE_SUMS) == 0)
            die("there are no page checksums");
        sums[entry - entries].of[which] ^= 0x10;
    } else if (strcmp(what, "slot") == 0) {
        struct prf_entry *entry = newest_entry(&which);
        uint64_t *bitmap = &entry->word[which].bitmap;
        unsigned kept = entry->slot[0].slot != 0 ? 0 : 1; /* all lines on one side, so that the other one is without content */
        for (unsigned line = 0; line < 64; line++) {
            if ((*bitmap >> line & 1) != kept)
                memcpy(slot_of(entry, kept) + line * 64, slot_of(entry, 1 - kept) + line * 64, 64);
        }
        uint64_t covered[3] = {entry->address, entry->word[which].epoch_state, *bitmap = kept == 0 ? 0 : ~0ull};
        entry->check[which] = prs_crc32c(0, covered, sizeof covered);
        entry->slot[*bitmap == 0].slot = 3;
        entry->slot[*bitmap == 0].check = 0x5a5a5a5a;
    } else {
        return 0;
    }
    return 1;
}

static void set_times(uint64_t ns)
{
    root()->created_realtime_ns = ns;
    root()->crc = prs_crc32c(0, root(), offsetof(struct prf_root, crc));
    *(uint64_t *)META_FIELD(checkpoint_realtime_ns) = ns;
    for (unsigned i = 0; i < 4; i++) {
        struct prf_record *each = record(i & 1, i >> 1);
        each->realtime_ns = ns;
        each->crc = prs_crc32c(0, each, offsetof(struct prf_record, crc));
    }
}

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
    } else if (!damage(what)) {
        const uint32_t *path = META_FIELD(exec_path);
        if (strcmp(what, "meta") == 0)
            *(uint32_t *)META_FIELD(version) += 1;
        else if (strcmp(what, "vdso") == 0)
            *(uint64_t *)META_FIELD(vdso_hash) ^= 1;
        else if (strcmp(what, "cpu") == 0)
            *(uint64_t *)META_FIELD(cpu_features[2]) = 0xffffffff;
        else if (strcmp(what, "xfeatures") == 0)
            *(uint64_t *)META_FIELD(xfeatures) |= 1ull << 40;
        else if (strcmp(what, "ahead") == 0)
            set_times(((uint64_t)time(NULL) + 10ull * 366 * 86400) * 1000000000);
        else if (strcmp(what, "behind") == 0)
            set_times(1);
        else if (strcmp(what, "escape") == 0)
            memcpy(logged(PRS_META_BASE + offsetof(struct prs_meta, text) + *path, 5), "/\033[2J", 5);
        else if (strcmp(what, "long-path") == 0)
            *(uint32_t *)META_FIELD(exec_path) = *(uint32_t *)META_FIELD(envp); /* which has a long string first */
        else
            die("unknown change");
        mend_log();
    }
    return munmap(pool, (size_t)status.st_size) == 0 && close(fd) == 0 ? 0 : 1;
}
