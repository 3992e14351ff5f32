/* mutate.c - the mutator that libFuzzer asks first: one to four fields of a pool are changed, by name, and the checksums over them mended, so that what is tested is
 * what the reader does with values and not only that it notices a flipped bit. One time in eight the checksums are left wrong, one time in eight the encoded bytes
 * are changed as they stand.
 */
#include "fields.h"
#include "layout.h"
#include "target.h"
#include <stddef.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

struct field {
    uint32_t offset, size;
};
#define FIELD(type, name) {offsetof(struct type, name), sizeof(((struct type *)0)->name)}

static const struct field of_root[] = {
    FIELD(prf_root, magic), FIELD(prf_root, version_major), FIELD(prf_root, version_minor), FIELD(prf_root, features_incompatible),
    FIELD(prf_root, features_compatible), FIELD(prf_root, pool_bytes), FIELD(prf_root, root_at), FIELD(prf_root, extent_count), FIELD(prf_root, crc),
};
static const struct field of_extent[] = {FIELD(prf_extent, offset), FIELD(prf_extent, length), FIELD(prf_extent, kind)};
static const struct field of_record[] = {
    FIELD(prf_record, magic), FIELD(prf_record, epoch), FIELD(prf_record, flags), FIELD(prf_record, log_area), FIELD(prf_record, log_end),
    FIELD(prf_record, log_full), FIELD(prf_record, log_last), FIELD(prf_record, log_last_crc), FIELD(prf_record, entries_high),
    FIELD(prf_record, pages_since), FIELD(prf_record, pages), FIELD(prf_record, realtime_ns), FIELD(prf_record, stack_sequence),
    FIELD(prf_record, extensions), FIELD(prf_record, extension_crc),
};
static const struct field of_extension[] = {
    FIELD(prf_extension, magic), FIELD(prf_extension, number), FIELD(prf_extension, pool_id), FIELD(prf_extension, bytes), FIELD(prf_extension, entries_at),
    FIELD(prf_extension, slots_at), FIELD(prf_extension, first), FIELD(prf_extension, count), FIELD(prf_extension, previous), FIELD(prf_extension, crc),
};
static const struct field of_segment[] = {FIELD(prf_segment, magic), FIELD(prf_segment, epoch), FIELD(prf_segment, length), FIELD(prf_segment, entries)};
static const struct field of_log_entry[] = {FIELD(prf_log_entry, address), FIELD(prf_log_entry, length)};
static const struct field of_entry[] = {
    FIELD(prf_entry, address), FIELD(prf_entry, slot[0].slot), FIELD(prf_entry, slot[1].slot), FIELD(prf_entry, word[0].epoch_state),
    FIELD(prf_entry, word[0].bitmap), FIELD(prf_entry, word[1].epoch_state), FIELD(prf_entry, word[1].bitmap),
};
static const struct field of_sums[] = {FIELD(prf_page_sums, of[0]), FIELD(prf_page_sums, of[1])};
static const struct field of_reason[] = {FIELD(prf_reason, value), FIELD(prf_reason, length), FIELD(prf_reason, text[0]), FIELD(prf_reason, text[7])};
static const struct field of_meta[] = {
    FIELD(prs_meta, version), FIELD(prs_meta, size), FIELD(prs_meta, generation), FIELD(prs_meta, checkpoint_realtime_ns), FIELD(prs_meta, stack_top),
    FIELD(prs_meta, brk_start), FIELD(prs_meta, brk_now), FIELD(prs_meta, stack_limit_soft), FIELD(prs_meta, stack_limit_hard), FIELD(prs_meta, exec_path),
    FIELD(prs_meta, cwd), FIELD(prs_meta, argc), FIELD(prs_meta, argv), FIELD(prs_meta, envc), FIELD(prs_meta, envp), FIELD(prs_meta, executable),
    FIELD(prs_meta, fs_base), FIELD(prs_meta, ucontext_size), FIELD(prs_meta, xsave_size), FIELD(prs_meta, umask), FIELD(prs_meta, stdin_consumed),
    FIELD(prs_meta, stack_way), FIELD(prs_meta, left_out), FIELD(prs_meta, text_fixed), FIELD(prs_meta, lock_count), FIELD(prs_meta, region_count),
    FIELD(prs_meta, file_count), FIELD(prs_meta, descriptor_count), FIELD(prs_meta, text_used),
};
static const struct field of_region[] = {
    FIELD(prs_region, start), FIELD(prs_region, end), FIELD(prs_region, kind), FIELD(prs_region, protection), FIELD(prs_region, flags),
    FIELD(prs_region, file), FIELD(prs_region, file_offset),
};
static const struct field of_file[] = {
    FIELD(prs_mapped_file, device), FIELD(prs_mapped_file, inode), FIELD(prs_mapped_file, size), FIELD(prs_mapped_file, mtime_ns),
    FIELD(prs_mapped_file, path), FIELD(prs_mapped_file, build_id_length),
};
static const struct field of_descriptor[] = {
    FIELD(prs_descriptor, number), FIELD(prs_descriptor, kind), FIELD(prs_descriptor, flags), FIELD(prs_descriptor, fd_flags), FIELD(prs_descriptor, inode),
    FIELD(prs_descriptor, offset), FIELD(prs_descriptor, size), FIELD(prs_descriptor, size_next), FIELD(prs_descriptor, path),
    FIELD(prs_descriptor, shares), FIELD(prs_descriptor, path_next), FIELD(prs_descriptor, origin), FIELD(prs_descriptor, mode),
};
static const struct field of_lock[] = {FIELD(prs_file_lock, descriptor), FIELD(prs_file_lock, kind), FIELD(prs_file_lock, type), FIELD(prs_file_lock, length)};

/* ---- chance ---- */

static uint64_t state;

static uint64_t chance(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % (below > 0 ? below : 1);
}

#define ANY(table) ((table)[chance(sizeof(table) / sizeof *(table))])

/* Another value for a field: near the old one, at a border, or one of the numbers that other fields are compared with. */
static uint64_t another(const struct fields *fields, uint64_t old)
{
    const struct prf_record *newest = fields_newest(fields);
    const struct prf_root *root = fields->root;
    const uint64_t numbers[] = {
        fields->image.length, fields->root_at, root->extents[0].length, root->extents[1].offset, root->extents[3].length / PRF_PAGE, newest->epoch,
        newest->epoch + 1, newest->epoch << 8 | 1, (newest->epoch + 1) << 8 | 2, newest->log_end, newest->log_last, newest->entries_high, PRF_PAGE,
        PRS_TEXT_MAX, PRS_REGIONS_MAX, PRS_FILES_MAX, PRS_DESCRIPTORS_MAX, PRS_RUNTIME_BASE, PRS_RUNTIME_END, 0x7ffffffff000ul, 1ul << 56, 1ul << 31,
    };
    switch (chance(12)) {
    case 0: return old + 1;
    case 1: return old - 1;
    case 2: return 0;
    case 3: return ~0ul;
    case 4: return chance(UINT64_MAX);
    case 5: return old * 2;
    case 6: return chance(300);
    case 7: return 1ul << chance(64);
    case 8: return old + PRF_PAGE;
    case 9: return old - PRF_PAGE;
    case 10: return ANY(numbers) + chance(3) - 1;
    default: return old ^ 1ul << chance(64);
    }
}

static void change(const struct fields *fields, uint8_t *place, uint32_t size)
{
    uint64_t value = 0;
    uint32_t bytes = size < 8 ? size : 8;
    memcpy(&value, place, bytes);
    value = another(fields, value);
    memcpy(place, &value, bytes);
}

static void change_in(const struct fields *fields, void *structure, struct field field)
{
    if (structure != NULL) {
        change(fields, (uint8_t *)structure + field.offset, field.size);
    }
}

/* ---- one structure each; mend: with its checksums ---- */

static void change_root(const struct fields *fields, bool mend)
{
    if (chance(2) == 0) {
        change_in(fields, fields->root, ANY(of_root));
    } else {
        uint64_t count = fields->root->extent_count + 1ul;
        change_in(fields, &fields->root->extents[chance(count < PRF_EXTENTS_MAX ? count : PRF_EXTENTS_MAX)], ANY(of_extent));
    }
    if (mend) {
        fields_mend_root(fields);
        fields_mend_extensions(fields); /* the first one names it */
    }
}

static void change_record(const struct fields *fields, bool mend)
{
    unsigned parity = (unsigned)chance(2);
    struct field field = ANY(of_record);
    uint8_t *first = (uint8_t *)fields_record(fields, parity, 0), *second = (uint8_t *)fields_record(fields, parity, 1);
    unsigned which = (unsigned)chance(4); /* mostly both copies alike */
    change(fields, (which == 1 ? second : first) + field.offset, field.size);
    if (which > 1) {
        memcpy(second, first, sizeof(struct prf_record));
    }
    for (unsigned copy = 0; copy < 2 && mend; copy++) {
        fields_mend_record(fields, parity, copy);
    }
}

static void change_extension(const struct fields *fields, bool mend)
{
    change_in(fields, fields_extension(fields, 1 + (unsigned)chance(fields_newest(fields)->extensions)), ANY(of_extension));
    if (mend) {
        fields_mend_extensions(fields);
    }
}

static void change_mark(const struct fields *fields, bool mend)
{
    struct prf_mark *mark = fields_mark(fields, 0);
    mark->value = chance(2) == 0 ? fields_newest(fields)->epoch << 8 | chance(6) : another(fields, mark->value);
    mark->inverse = mend ? ~mark->value : mark->inverse;
    memcpy(fields_mark(fields, 1), mark, chance(2) == 0 ? sizeof *mark : 0);
    struct prf_reason *reason = fields_reason(fields, 0);
    change_in(fields, reason, ANY(of_reason));
    reason->value = chance(2) == 0 ? mark->value : reason->value;
    if (mend) {
        fields_mend_reason(fields, 0);
    }
}

static struct prf_segment *some_segment(const struct fields *fields)
{
    struct prf_segment *segment, *some = NULL;
    uint64_t place = 0;
    for (uint64_t seen = 0; seen < 4096 && (segment = fields_segment(fields, &place)) != NULL; seen++) {
        some = chance(seen + 1) == 0 ? segment : some;
    }
    return some;
}

static void change_log(const struct fields *fields, bool mend)
{
    struct prf_segment *segment = some_segment(fields);
    struct prf_log_entry *entry, *some = NULL;
    if (segment == NULL || chance(4) == 0) {
        change_in(fields, segment, ANY(of_segment));
    } else {
        uint64_t place = 0;
        for (uint64_t seen = 0; seen < 4096 && (entry = fields_log_entry(fields, segment, &place)) != NULL; seen++) {
            some = chance(seen + 1) == 0 ? entry : some;
        }
        if (some != NULL && some->length > 0 && chance(2) == 0) {
            change(fields, (uint8_t *)(some + 1) + chance(some->length), 1);
        } else {
            change_in(fields, some, ANY(of_log_entry));
        }
    }
    if (mend) {
        fields_mend_log(fields);
    }
}

static void change_page(const struct fields *fields, bool mend)
{
    struct prf_record *record = fields_newest(fields);
    uint32_t number = (uint32_t)chance(record->entries_high + 2ul);
    struct prf_entry *entry = fields_entry(fields, number);
    if (entry == NULL) {
        return;
    }
    if (chance(8) == 0) { /* two of a kind */
        const struct prf_entry *other = fields_entry(fields, (uint32_t)chance(record->entries_high));
        struct prf_entry copy = other != NULL ? *other : *entry;
        *entry = copy;
    } else if (fields_has_sums(fields) && chance(4) == 0) {
        change_in(fields, fields_sums(fields, number), ANY(of_sums));
    } else {
        change_in(fields, entry, ANY(of_entry));
    }
    if (mend) {
        fields_mend_entry(entry);
    }
    if (chance(4) == 0) { /* the count that goes with it */
        unsigned parity = (unsigned)(record->epoch & 1);
        for (unsigned copy = 0; copy < 2; copy++) {
            fields_record(fields, parity, copy)->pages += chance(3) - 1;
            fields_mend_record(fields, parity, copy);
        }
    }
}

static void change_meta(const struct fields *fields, bool mend)
{
#define TABLE(name, fields_of, count_field) \
    { offsetof(struct prs_meta, name), sizeof(((struct prs_meta *)0)->name[0]), fields_of, sizeof(fields_of) / sizeof *(fields_of), offsetof(struct prs_meta, count_field) }
    static const struct {
        uint64_t at, item;
        const struct field *fields;
        uint64_t field_count, count_at;
    } tables[] = {
        TABLE(regions, of_region, region_count), TABLE(files, of_file, file_count),
        TABLE(descriptors, of_descriptor, descriptor_count), TABLE(locks, of_lock, lock_count),
    };
    uint64_t which = chance(7), offset;
    uint32_t size;
    if (which < 4) {
        struct field field = tables[which].fields[chance(tables[which].field_count)];
        uint64_t count = fields_meta_number(fields, tables[which].count_at, 4);
        offset = tables[which].at + tables[which].item * chance(count < PRS_REGIONS_MAX ? count : PRS_REGIONS_MAX) + field.offset;
        size = field.size;
    } else if (which < 6) {
        struct field field = ANY(of_meta);
        offset = field.offset;
        size = field.size;
    } else if (chance(2) == 0) { /* registers */
        offset = offsetof(struct prs_meta, ucontext) + 8 * chance(38);
        size = 8;
    } else { /* strings */
        offset = offsetof(struct prs_meta, text) + chance(fields_meta_number(fields, offsetof(struct prs_meta, text_used), 4));
        size = 1;
    }
    uint8_t *place = fields_meta(fields, offset, size);
    if (place != NULL) {
        change(fields, place, size);
    }
    if (mend) {
        fields_mend_log(fields);
    }
}

static void change_length(struct fields *fields)
{
    if (chance(4) == 0) {
        uint64_t length = another(fields, fields->image.length);
        fields->image.length = length < fields->image.length ? length : fields->image.length;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    struct fields fields;
    struct image_bytes image;
    state = seed * 0x9e3779b97f4a7c15ul + 1;
    if (chance(8) == 0 || !sparse_decode(data, size, &image) || !fields_find(&fields, &image)) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    bool mend = chance(8) != 0;
    for (uint64_t left = 1 + chance(4); left > 0; left--) {
        switch (chance(11)) {
        case 0: change_root(&fields, mend); break;
        case 1: case 2: change_record(&fields, mend); break;
        case 3: change_mark(&fields, mend); break;
        case 4: change_log(&fields, mend); break;
        case 5: case 6: change_page(&fields, mend); break;
        case 7: case 8: change_meta(&fields, mend); break;
        case 9: change_extension(&fields, mend); break;
        default: change_length(&fields); break;
        }
        if (!fields_find(&fields, &fields.image)) {
            break;
        }
    }
    size_t encoded = sparse_encode(&fields.image, data, max_size);
    return encoded > 0 ? encoded : LLVMFuzzerMutate(data, size, max_size);
}
