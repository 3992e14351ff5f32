/* fields.c - finding structures in an image that may be anything (fields.h). */
#include "fields.h"
#include "checksum.h"
#include "layout.h"
#include <string.h>

static void *at(const struct fields *fields, uint64_t offset, uint64_t bytes)
{
    return offset % 8 == 0 && sparse_touch(&fields->image, offset, bytes) ? fields->image.bytes + offset : NULL;
}

bool fields_find(struct fields *fields, const struct image_bytes *image)
{
    uint64_t object;
    fields->image = *image;
    if (image->length < PRF_PMEMOBJ_MIN) {
        return false;
    }
    memcpy(&object, image->bytes + PRF_PMEMOBJ_ROOT_AT, sizeof object);
    fields->root_at = (object + PRF_PAGE - 1) / PRF_PAGE * PRF_PAGE;
    fields->root = at(fields, fields->root_at, PRF_ROOT_BYTES);
    return fields->root != NULL;
}

struct prf_record *fields_record(const struct fields *fields, unsigned parity, unsigned copy)
{
    return (void *)((uint8_t *)fields->root + PRF_RECORD_AT(parity, copy));
}

static unsigned newest_parity(const struct fields *fields)
{
    const struct prf_record *odd = fields_record(fields, 1, 0);
    return (odd->flags & PRF_RECORD_BLANK) == 0 && odd->epoch > fields_record(fields, 0, 0)->epoch;
}

struct prf_record *fields_newest(const struct fields *fields) { return fields_record(fields, newest_parity(fields), 0); }

struct prf_mark *fields_mark(const struct fields *fields, unsigned copy) { return (void *)((uint8_t *)fields->root + PRF_MARK_AT(copy)); }

struct prf_reason *fields_reason(const struct fields *fields, unsigned copy) { return (void *)((uint8_t *)fields->root + PRF_REASON_AT(copy)); }

struct prf_extension *fields_extension(const struct fields *fields, unsigned number)
{
    uint64_t place = (fields->root->pool_bytes + PRF_PAGE - 1) / PRF_PAGE * PRF_PAGE;
    struct prf_extension *extension = NULL;
    for (unsigned i = 0; i < number && i < PRF_EXTENSIONS_MAX && place < IMAGE_MAX; i++) {
        extension = at(fields, place, sizeof *extension);
        if (extension == NULL || extension->magic != PRF_EXTENSION_MAGIC || extension->bytes > IMAGE_MAX || extension->bytes % PRF_PAGE != 0) {
            return i + 1 == number ? extension : NULL;
        }
        place += extension->bytes;
    }
    return extension;
}

bool fields_has_sums(const struct fields *fields) { return (fields->root->features_incompatible & PRF_FEATURE_SUMS) != 0; }

static uint64_t entry_bytes(const struct fields *fields) { return sizeof(struct prf_entry) + (fields_has_sums(fields) ? sizeof(struct prf_page_sums) : 0); }

struct prf_page_sums *fields_sums(const struct fields *fields, uint32_t number)
{
    for (unsigned i = 2; fields_has_sums(fields) && i + 1 < PRF_EXTENTS_MAX && i + 1 < fields->root->extent_count; i += 2) {
        uint64_t count = fields->root->extents[i + 1].length / PRF_PAGE;
        if (number < count) {
            return at(fields, fields->root->extents[i].offset + count * sizeof(struct prf_entry) + number * sizeof(struct prf_page_sums), sizeof(struct prf_page_sums));
        }
        number -= (uint32_t)count;
    }
    return NULL;
}

struct prf_entry *fields_entry(const struct fields *fields, uint32_t number)
{
    for (unsigned i = 2; i < PRF_EXTENTS_MAX && i < fields->root->extent_count; i += 2) {
        const struct prf_extent *extent = &fields->root->extents[i];
        uint64_t count = extent->length / entry_bytes(fields);
        if (number < count) {
            return at(fields, extent->offset + number * sizeof(struct prf_entry), sizeof(struct prf_entry));
        }
        number -= (uint32_t)count;
    }
    struct prf_extension *extension;
    for (unsigned i = 1; i <= PRF_EXTENSIONS_MAX && (extension = fields_extension(fields, i)) != NULL; i++) {
        if (number < extension->count) {
            uint64_t place = (uint64_t)((uint8_t *)extension - fields->image.bytes);
            return extension->entries_at > IMAGE_MAX ? NULL : at(fields, place + extension->entries_at + number * sizeof(struct prf_entry), sizeof(struct prf_entry));
        }
        number -= extension->count;
    }
    return NULL;
}

static uint64_t area_at(const struct fields *fields) { return fields->root->extents[fields_newest(fields)->log_area & 1].offset; }

struct prf_segment *fields_segment(const struct fields *fields, uint64_t *place)
{
    uint64_t end = fields_newest(fields)->log_end, area = area_at(fields);
    if (end > IMAGE_MAX || *place >= end || end - *place < sizeof(struct prf_segment) || area > IMAGE_MAX) {
        return NULL;
    }
    struct prf_segment *segment = at(fields, area + *place, sizeof *segment);
    if (segment == NULL || segment->length > end - *place - sizeof *segment || segment->length % 8 != 0 || at(fields, area + *place, sizeof *segment + segment->length) == NULL) {
        return NULL;
    }
    *place += sizeof *segment + segment->length;
    return segment;
}

struct prf_log_entry *fields_log_entry(const struct fields *fields, struct prf_segment *segment, uint64_t *place)
{
    (void)fields;
    if (*place >= segment->length || segment->length - *place < sizeof(struct prf_log_entry)) {
        return NULL;
    }
    struct prf_log_entry *entry = (void *)((uint8_t *)(segment + 1) + *place);
    uint64_t padded = (entry->length + 7ul) / 8 * 8;
    if (padded > segment->length - *place - sizeof *entry) {
        return NULL;
    }
    *place += sizeof *entry + padded;
    return entry;
}

/* The last entry that covers the bytes, and the last segment. */
static uint8_t *logged(const struct fields *fields, uint64_t address, uint32_t bytes, struct prf_segment **last)
{
    uint8_t *found = NULL;
    struct prf_segment *segment;
    *last = NULL;
    for (uint64_t place = 0; (segment = fields_segment(fields, &place)) != NULL;) {
        struct prf_log_entry *entry;
        *last = segment;
        for (uint64_t inside = 0; (entry = fields_log_entry(fields, segment, &inside)) != NULL;) {
            if (entry->address <= address && address - entry->address < entry->length && entry->length - (address - entry->address) >= bytes) {
                found = (uint8_t *)(entry + 1) + (address - entry->address);
            }
        }
    }
    return found;
}

uint8_t *fields_meta(const struct fields *fields, uint64_t offset, uint32_t bytes)
{
    uint64_t address = PRS_META_BASE + offset;
    struct prf_segment *last;
    uint8_t *found = logged(fields, address, bytes, &last);
    struct prf_record *record = fields_newest(fields);
    uint64_t need = sizeof(struct prf_log_entry) + (bytes + 7ul) / 8 * 8;
    if (found != NULL || last == NULL) {
        return found;
    }
    struct prf_log_entry *entry = at(fields, area_at(fields) + record->log_end, need);
    if (entry == NULL || (uint8_t *)(last + 1) + last->length != (uint8_t *)entry) {
        return NULL;
    }
    memset(entry, 0, need);
    entry->address = address;
    entry->length = bytes;
    last->length += need;
    last->entries++;
    fields_record(fields, newest_parity(fields), 0)->log_end += need;
    fields_record(fields, newest_parity(fields), 1)->log_end = record->log_end;
    return (uint8_t *)(entry + 1);
}

uint64_t fields_meta_number(const struct fields *fields, uint64_t offset, uint32_t bytes)
{
    struct prf_segment *last;
    const uint8_t *found = logged(fields, PRS_META_BASE + offset, bytes, &last);
    uint64_t value = 0;
    if (found != NULL) {
        memcpy(&value, found, bytes < 8 ? bytes : 8);
    }
    return value;
}

void fields_mend_root(const struct fields *fields)
{
    fields->root->crc = prs_crc32c(0, fields->root, offsetof(struct prf_root, crc));
}

void fields_mend_record(const struct fields *fields, unsigned parity, unsigned copy)
{
    struct prf_record *record = fields_record(fields, parity, copy);
    record->crc = prs_crc32c(0, record, offsetof(struct prf_record, crc));
}

void fields_mend_reason(const struct fields *fields, unsigned copy)
{
    struct prf_reason *reason = fields_reason(fields, copy);
    uint32_t crc = prs_crc32c(0, &reason->value, sizeof reason->value);
    crc = prs_crc32c(crc, &reason->length, sizeof reason->length);
    reason->crc = prs_crc32c(crc, reason->text, reason->length < PRF_REASON_MAX ? reason->length : PRF_REASON_MAX);
}

void fields_mend_entry(struct prf_entry *entry)
{
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t slot[2] = {entry->address, (uint64_t)i << 32 | entry->slot[i].slot};
        uint64_t word[3] = {entry->address, entry->word[i].epoch_state, entry->word[i].bitmap};
        entry->slot[i].check = entry->slot[i].slot == 0 ? 0 : prs_crc32c(0, slot, sizeof slot);
        entry->check[i] = prs_crc32c(0, word, sizeof word);
    }
}

void fields_mend_extensions(const struct fields *fields)
{
    unsigned parity = newest_parity(fields), count = fields_newest(fields)->extensions;
    uint32_t previous = fields->root->crc;
    struct prf_extension *extension;
    for (unsigned i = 1; i <= PRF_EXTENSIONS_MAX && i <= count && (extension = fields_extension(fields, i)) != NULL; i++) {
        extension->previous = previous;
        extension->crc = previous = prs_crc32c(0, extension, offsetof(struct prf_extension, crc));
    }
    for (unsigned copy = 0; copy < 2; copy++) {
        fields_record(fields, parity, copy)->extension_crc = count == 0 ? 0 : previous;
        fields_mend_record(fields, parity, copy);
    }
}

void fields_mend_log(const struct fields *fields)
{
    uint32_t previous = 0;
    struct prf_segment *segment;
    for (uint64_t place = 0; (segment = fields_segment(fields, &place)) != NULL;) {
        segment->previous = previous;
        segment->crc = prs_crc32c(prs_crc32c(0, segment + 1, segment->length), &segment->epoch, 24);
        previous = segment->crc;
    }
    unsigned parity = newest_parity(fields);
    for (unsigned copy = 0; copy < 2; copy++) {
        fields_record(fields, parity, copy)->log_last_crc = previous;
        fields_mend_record(fields, parity, copy);
    }
}
