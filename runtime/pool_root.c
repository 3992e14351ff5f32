/* pool_root.c - the root structure: where everything else lies in the pool file.
 *
 * INVARIANT R1: a geometry that prs_root_check accepted lies inside the file: every extent is page-aligned, within file_bytes, and overlaps
 *               neither another extent nor the root.
 * INVARIANT R2: the root is written once, at creation, before the pool has its name; nobody changes it later.
 * Context: writing in the creating child; checking at start, in tools, on untrusted bytes. No libc.
 *
 * FINDING IT: libpmemobj keeps the offset of its root object in its pool descriptor (PRF_PMEMOBJ_ROOT_AT); ours begins at the first page
 * boundary at or above it. That place is not part of libpmemobj's promise, so the root proves itself (magic, its own offset, CRC) and the
 * creating code compares the place with what libpmemobj says.
 */
#include "store_internal.h"

static bool bytes_equal(const void *a, const void *b, unsigned length)
{
    const volatile uint8_t *left = a, *right = b;
    for (unsigned i = 0; i < length; ++i) {
        if (left[i] != right[i]) {
            return false;
        }
    }
    return true;
}

uint64_t prs_log_area_bytes(uint64_t pool_bytes)
{
    uint64_t bytes = pool_bytes / 8 > (8u << 20) ? pool_bytes / 8 : 8u << 20;
    bytes = bytes < pool_bytes / 4 ? bytes : pool_bytes / 4;
    return prs_round_down(bytes, PRF_PAGE);
}

int prs_root_place(const uint8_t *bytes, uint64_t have, uint64_t file_bytes, uint64_t *root_at)
{
    *root_at = 0;
    if (have < 8 || !bytes_equal(bytes, PRF_PMEMOBJ_SIGNATURE, 8)) {
        return prs_fail(PROSPER_E_NOT_A_POOL, "it does not begin as a pool of libpmemobj does");
    }
    if (have < PRF_PMEMOBJ_MIN) {
        return prs_fail(PROSPER_E_TRUNCATED, "only %lu bytes", file_bytes);
    }
    if (!bytes_equal(bytes + PRF_PMEMOBJ_LAYOUT_AT, PRF_LAYOUT, sizeof PRF_LAYOUT)) {
        return prs_fail(PROSPER_E_NOT_A_POOL, "a pool of libpmemobj, with another layout than '%s'", PRF_LAYOUT);
    }
    uint64_t object = 0;
    prs_copy(&object, bytes + PRF_PMEMOBJ_ROOT_AT, sizeof object);
    if (object < PRF_PMEMOBJ_MIN || object > 1ull << 47) {
        return prs_fail(PROSPER_E_DAMAGED, "no root object: its offset reads %lu", object);
    }
    uint64_t at = prs_round_up(object, PRF_PAGE);
    if (at + PRF_ROOT_BYTES > file_bytes) {
        return prs_fail(PROSPER_E_TRUNCATED, "%lu bytes, and the root object is at %lu", file_bytes, at);
    }
    *root_at = at;
    return 0;
}

static bool overlaps(uint64_t a, uint64_t a_length, uint64_t b, uint64_t b_length) { return a < b + b_length && b < a + a_length; }

static const char *check_extents(const struct prf_root *root, struct prs_geometry *geometry)
{
    unsigned count = root->extent_count;
    bool stack = (root->features_incompatible & PRF_FEATURE_STACK) != 0;
    if (count < 4u + stack || count > PRF_EXTENTS_MAX || count % 2 != stack) {
        return "number of extents";
    }
    for (unsigned i = 0; i < count; ++i) {
        const struct prf_extent *extent = &root->extents[i];
        uint32_t kind = i < 2 ? PRF_EXTENT_LOG : stack && i == count - 1 ? PRF_EXTENT_STACK : i % 2 == 0 ? PRF_EXTENT_ENTRIES : PRF_EXTENT_SLOTS;
        if (extent->kind != kind || extent->length == 0 || extent->offset % PRF_PAGE != 0 || extent->length % PRF_PAGE != 0
            || extent->offset < PRF_PMEMOBJ_MIN || extent->offset > root->pool_bytes
            || extent->length > root->pool_bytes - extent->offset) {
            return "an extent";
        }
        if (overlaps(extent->offset, extent->length, geometry->root_at, PRF_ROOT_BYTES)) {
            return "an extent over the root";
        }
        for (unsigned j = 0; j < i; ++j) {
            if (overlaps(extent->offset, extent->length, root->extents[j].offset, root->extents[j].length)) {
                return "two extents that overlap";
            }
        }
    }
    if (root->extents[0].length != root->extents[1].length || root->extents[0].length < 2 * PRF_PAGE) {
        return "sizes of the log areas";
    }
    geometry->log_at[0] = root->extents[0].offset;
    geometry->log_at[1] = root->extents[1].offset;
    geometry->log_length = root->extents[0].length;
    geometry->extents = 0;
    uint64_t total = 0;
    geometry->stack_at = stack ? root->extents[count - 1].offset : 0;
    geometry->stack_length = stack ? root->extents[count - 1].length : 0;
    for (unsigned i = 2; i + 1 < count; i += 2) {
        uint64_t slots = root->extents[i + 1].length / PRF_PAGE;
        if (root->extents[i].length / prs_entry_bytes(geometry->sums) < slots || total + slots >= UINT32_MAX) {
            return "an extent of entries";
        }
        struct prs_page_extent *extent = &geometry->page[geometry->extents++];
        extent->entries_at = root->extents[i].offset;
        extent->sums_at = extent->entries_at + slots * sizeof(struct prf_entry);
        extent->slots_at = root->extents[i + 1].offset;
        extent->first = (uint32_t)total;
        extent->count = (uint32_t)slots;
        total += slots;
    }
    geometry->slots = (uint32_t)total;
    return 0;
}

int prs_root_check(const struct prf_root *root, uint64_t root_at, uint64_t file_bytes, struct prs_geometry *geometry)
{
    geometry->root_at = root_at;
    if (!bytes_equal(root->magic, PRF_ROOT_MAGIC, sizeof root->magic)) {
        return prs_fail(PROSPER_E_DAMAGED, "no root structure at %lu", root_at);
    }
    if (prs_crc32c(0, root, offsetof(struct prf_root, crc)) != root->crc) {
        return prs_fail(PROSPER_E_DAMAGED, "checksum of the root structure");
    }
    if (root->version_major > PRF_VERSION_MAJOR || (root->features_incompatible & ~PRF_FEATURES_KNOWN) != 0) {
        return prs_fail(PROSPER_E_VERSION, "format %u.%u with features %lx, this is %u.%u", root->version_major, root->version_minor,
                        root->features_incompatible, PRF_VERSION_MAJOR, PRF_VERSION_MINOR);
    }
    if (root->version_major != PRF_VERSION_MAJOR || root->root_at != root_at) {
        return prs_fail(PROSPER_E_DAMAGED, "the root structure is not where it was written");
    }
    if (root->pool_bytes > file_bytes) {
        return prs_fail(PROSPER_E_TRUNCATED, "%lu bytes, and it was made with %lu", file_bytes, root->pool_bytes);
    }
    if (root_at + PRF_ROOT_BYTES > root->pool_bytes) {
        return prs_fail(PROSPER_E_DAMAGED, "the root structure is outside of the pool");
    }
    geometry->pool_bytes = root->pool_bytes;
    geometry->grows = (root->features_incompatible & PRF_FEATURE_GROWS) != 0;
    geometry->sums = (root->features_incompatible & PRF_FEATURE_SUMS) != 0;
    prs_copy(geometry->pool_id, root->pool_id, sizeof geometry->pool_id);
    geometry->extensions = 0;
    geometry->extension_crc = root->crc;
    geometry->end = prs_round_up(root->pool_bytes, PRF_PAGE);
    const char *wrong = check_extents(root, geometry);
    return wrong == 0 ? 0 : prs_fail(PROSPER_E_DAMAGED, "root structure: %s", wrong);
}

void prs_root_write(uint8_t *bytes, uint64_t root_at, uint64_t file_bytes, const struct prf_extent *extents, unsigned count,
                    const uint8_t pool_id[16], uint64_t realtime_ns, bool sums)
{
    PRS_ASSERT(count >= 4 && count <= PRF_EXTENTS_MAX);
    struct prf_root *root = (struct prf_root *)(bytes + root_at);
    prs_fill(root, 0, PRF_ROOT_BYTES);
    prs_copy(root->magic, PRF_ROOT_MAGIC, sizeof root->magic);
    root->version_major = PRF_VERSION_MAJOR;
    root->version_minor = PRF_VERSION_MINOR;
    prs_copy(root->pool_id, pool_id, sizeof root->pool_id);
    root->created_realtime_ns = realtime_ns;
    root->pool_bytes = file_bytes;
    root->root_at = root_at;
    root->features_incompatible = PRF_FEATURE_GROWS | (extents[count - 1].kind == PRF_EXTENT_STACK ? PRF_FEATURE_STACK : 0) | (sums ? PRF_FEATURE_SUMS : 0);
    root->extent_count = count;
    prs_copy(root->extents, extents, count * sizeof *extents);
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));

    struct prf_record record;
    prs_fill(&record, 0, sizeof record);
    record.pages_since = 1;
    record.realtime_ns = realtime_ns;
    for (unsigned parity = 0; parity < 2; ++parity) {
        record.flags = parity == 0 ? 0 : PRF_RECORD_BLANK;
        record.epoch = 0;
        prs_commit_seal(&record);
        for (unsigned copy = 0; copy < 2; ++copy) {
            prs_copy(bytes + root_at + PRF_RECORD_AT(parity, copy), &record, sizeof record);
        }
    }
    for (unsigned copy = 0; copy < 2; ++copy) {
        struct prf_mark *mark = (struct prf_mark *)(bytes + root_at + PRF_MARK_AT(copy));
        mark->value = 0;
        mark->inverse = ~0ull;
    }
}
