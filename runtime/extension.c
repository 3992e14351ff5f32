/* extension.c - extension files: how a pool becomes larger than its file.
 *
 *   the pool's offsets    0 ............ pool_bytes | header, entries, slots of "<pool>.1" | header, entries, slots of "<pool>.2" | ...
 *
 * An extension is a file of its own, made whole (its space reserved, its header written, synced) before it has its name. It belongs to the pool from the first
 * commit record on that counts it: `extensions` of the record, and the checksum of the last one's header, which holds that of the one before, and the
 * first one that of the root.
 *
 *   made      "<pool>.k" is there; no record counts it; what it holds means nothing, and the next start removes it
 *   added     prs_store_extend: the process that made it uses its entries and slots in the epoch that begins next
 *   counted   the commit record of that epoch, or of a later one, names k extensions: in the same instant in which the epoch counts
 *
 * INVARIANT E1: a committed bitmap names only slots of extensions that its commit record counts; entries up to entries_high are theirs, too.
 * INVARIANT E2: an extension that was added stays so for as long as the process lives, also when the epoch is given up; the next record counts it.
 * INVARIANT E3: an entry may name a slot of an extension that is not counted (the epoch that took it was given up, or the process killed), never by its
 *               committed bitmap: such a slot has no content. Readers take it for none; recovery clears it, before the number can be given to another slot.
 * INVARIANT E4: a geometry that prs_extensions_add accepted lies inside [0, length).
 * Context: adding in the handler, at start and in tools (untrusted bytes); describing anywhere. No libc.
 */
#include "store_internal.h"

#define EXTENSION_USUAL_MIN (64ull << 20)
#define EXTENSION_USUAL_MAX (4ull << 30)

static bool same_pool(const uint8_t *a, const uint8_t *b)
{
    unsigned differ = 0;
    for (unsigned i = 0; i < 16; ++i) {
        differ |= (unsigned)(a[i] ^ b[i]);
    }
    return differ == 0;
}

static uint32_t header_crc(const struct prf_extension *header) { return prs_crc32c(0, header, offsetof(struct prf_extension, crc)); }

uint64_t prs_extension_bytes(const struct prs_geometry *geometry, uint64_t bytes_limit)
{
    uint64_t most = geometry->end / 8 > EXTENSION_USUAL_MAX ? geometry->end / 8 : EXTENSION_USUAL_MAX;
    uint64_t bytes = geometry->end < most ? geometry->end : most;
    uint64_t left = bytes_limit > geometry->end ? bytes_limit - geometry->end : 0;
    bytes = bytes > EXTENSION_USUAL_MIN ? bytes : EXTENSION_USUAL_MIN;
    bytes = prs_round_down(bytes < left ? bytes : left, PRF_PAGE);
    return geometry->grows && geometry->extensions < PRF_EXTENSIONS_MAX && bytes >= PRS_EXTENSION_MIN ? bytes : 0;
}

void prs_extension_describe(struct prf_extension *header, const struct prs_geometry *geometry, uint64_t bytes, uint64_t realtime_ns)
{
    uint64_t each = prs_entry_bytes(geometry->sums), count = (bytes - PRF_PAGE) / (PRF_PAGE + each);
    while (PRF_PAGE + prs_round_up(count * each, PRF_PAGE) + count * PRF_PAGE > bytes) {
        --count;
    }
    PRS_ASSERT(bytes % PRF_PAGE == 0 && count > 0 && count < UINT32_MAX - geometry->slots);
    prs_fill(header, 0, sizeof *header);
    header->magic = PRF_EXTENSION_MAGIC;
    header->number = geometry->extensions + 1;
    prs_copy(header->pool_id, geometry->pool_id, sizeof header->pool_id);
    header->created_realtime_ns = realtime_ns;
    header->bytes = bytes;
    header->entries_at = PRF_PAGE;
    header->slots_at = PRF_PAGE + prs_round_up(count * each, PRF_PAGE);
    header->first = geometry->slots;
    header->count = (uint32_t)count;
    header->previous = geometry->extension_crc;
    header->crc = header_crc(header);
}

int prs_extension_add(struct prs_geometry *geometry, const struct prf_extension *header, uint64_t available)
{
    unsigned number = geometry->extensions + 1;
    if (!geometry->grows || number > PRF_EXTENSIONS_MAX || geometry->extents == PRS_PAGE_EXTENTS_MAX) {
        return prs_fail(PROSPER_E_DAMAGED, "extension %u: this pool cannot have it", number);
    }
    if (header->magic != PRF_EXTENSION_MAGIC) {
        return prs_fail(PROSPER_E_EXTENSION, "extension %u: it does not begin as an extension does", number);
    }
    if (header->crc != header_crc(header)) {
        return prs_fail(PROSPER_E_DAMAGED, "extension %u: checksum of its header", number);
    }
    if (!same_pool(header->pool_id, geometry->pool_id)) {
        return prs_fail(PROSPER_E_EXTENSION, "extension %u: it is another pool's", number);
    }
    if (header->number != number || header->previous != geometry->extension_crc || header->first != geometry->slots) {
        return prs_fail(PROSPER_E_EXTENSION, "extension %u: it was made as number %u, or for another state of the pool", number, header->number);
    }
    uint64_t count = header->count;
    if (header->bytes % PRF_PAGE != 0 || header->entries_at % PRF_PAGE != 0 || header->slots_at % PRF_PAGE != 0 || header->entries_at < PRF_PAGE ||
        header->bytes > 1ull << 47 || header->slots_at > header->bytes || header->entries_at > header->slots_at || count == 0 ||
        count * prs_entry_bytes(geometry->sums) > header->slots_at - header->entries_at || count * PRF_PAGE > header->bytes - header->slots_at ||
        count >= UINT32_MAX - geometry->slots) {
        return prs_fail(PROSPER_E_DAMAGED, "extension %u: sizes in its header", number);
    }
    if (header->bytes > available) {
        return prs_fail(PROSPER_E_TRUNCATED, "extension %u: %lu bytes, and it was made with %lu", number, available, header->bytes);
    }
    geometry->page[geometry->extents++] = (struct prs_page_extent){
        .entries_at = geometry->end + header->entries_at, .sums_at = geometry->end + header->entries_at + count * sizeof(struct prf_entry), .slots_at = geometry->end + header->slots_at, .first = header->first, .count = header->count};
    geometry->slots += header->count;
    geometry->extensions = number;
    geometry->extension_crc = header->crc;
    geometry->end += header->bytes;
    return 0;
}

int prs_extensions_add(struct prs_geometry *geometry, const struct prf_record *record, const uint8_t *base, uint64_t length)
{
    struct prf_extension header; /* a copy: nobody can change it between check and use */
    if (record->extensions > PRF_EXTENSIONS_MAX || (record->extensions != 0 && !geometry->grows)) {
        return prs_fail(PROSPER_E_DAMAGED, "the commit record counts %u extensions", record->extensions);
    }
    while (geometry->extensions < record->extensions) {
        if (geometry->end > length || length - geometry->end < sizeof header) {
            return prs_fail(PROSPER_E_EXTENSION, "extension %u of %u is missing", geometry->extensions + 1, record->extensions);
        }
        prs_copy(&header, base + geometry->end, sizeof header);
        int result = prs_extension_add(geometry, &header, length - geometry->end);
        if (result != 0) {
            return result;
        }
    }
    if (record->extensions != 0 && record->extension_crc != geometry->extension_crc) {
        return prs_fail(PROSPER_E_EXTENSION, "extension %u: it is not the one that the commit record names", record->extensions);
    }
    return 0;
}
