/* commit.c - commit records: the one place that says which epoch counts.
 *
 * Two records, of even and of odd epochs, each in two copies on pages of their own. A commit writes copy 0 of the record that its epoch's
 * parity names, fences, writes copy 1, fences. So at any instant:
 *
 *   other parity      this parity           after a kill
 *   n, n              n-1, n-1              n
 *   n, n              torn, n-1             n      (n+1 was being committed)
 *   n, n              n+1, n-1 or torn      n+1
 *   n, n              n+1, n+1              n+1
 *
 * VALID IF AND ONLY IF: magic, checksum, and the parity of the epoch is that of the place.
 * INVARIANT C1: a kill damages at most one copy of one record; more than that is damage, and is refused: what an older record names
 *               may be overwritten already, so falling back would be silently wrong.
 * INVARIANT C2: the two records are of neighbouring epochs (the odd one is blank before epoch 1).
 * INVARIANT C3: a record that counts can be followed by another one: its epoch is at most PRF_EPOCH_MAX, and pages of the next epoch count
 *               (pages_since).
 *
 * Context: read at start and in tools, on untrusted bytes; written in the handler. No libc.
 * Durable when: after the first fence of prs_commit_write.
 */
#include "store_internal.h"

static uint32_t record_crc(const struct prf_record *record) { return prs_crc32c(0, record, offsetof(struct prf_record, crc)); }

void prs_commit_seal(struct prf_record *record)
{
    record->magic = PRF_RECORD_MAGIC;
    record->crc = record_crc(record);
}

static bool record_valid(const struct prf_record *record, unsigned parity)
{
    if (record->magic != PRF_RECORD_MAGIC || record->crc != record_crc(record)) {
        return false;
    }
    if (record->flags & PRF_RECORD_BLANK) {
        return parity == 1 && record->epoch == 0;
    }
    return (record->epoch & 1) == parity && record->epoch <= PRF_EPOCH_MAX;
}

void prs_commit_health(const uint8_t *root, struct prs_commit_health *health)
{
    for (unsigned copy = 0; copy < 2; ++copy) {
        for (unsigned parity = 0; parity < 2; ++parity) {
            struct prf_record record;
            prs_copy(&record, root + PRF_RECORD_AT(parity, copy), sizeof record);
            health->valid[parity][copy] = record_valid(&record, parity);
            health->epoch[parity][copy] = health->valid[parity][copy] ? record.epoch : 0;
        }
        struct prf_mark mark;
        prs_copy(&mark, root + PRF_MARK_AT(copy), sizeof mark);
        health->mark_valid[copy] = mark.value == ~mark.inverse;
        health->mark[copy] = mark.value;
    }
}

int prs_commit_read(const uint8_t *root, struct prf_record *newest, struct prs_commit_health *health)
{
    struct prf_record best[2]; /* by parity */
    prs_commit_health(root, health);
    for (unsigned parity = 0; parity < 2; ++parity) {
        const bool *valid = health->valid[parity];
        if (!valid[0] && !valid[1]) {
            return prs_fail(PROSPER_E_DAMAGED, "both copies of the commit record of %s epochs", parity == 0 ? "even" : "odd");
        }
        unsigned copy = valid[1] && (!valid[0] || health->epoch[parity][1] > health->epoch[parity][0]);
        prs_copy(&best[parity], root + PRF_RECORD_AT(parity, copy), sizeof best[parity]);
        if (!record_valid(&best[parity], parity)) { /* a living pool: written just now */
            return prs_fail(PROSPER_E_DAMAGED, "the commit record of %s epochs, which changes", parity == 0 ? "even" : "odd");
        }
    }
    if (!health->mark_valid[0] && !health->mark_valid[1]) {
        return prs_fail(PROSPER_E_DAMAGED, "both copies of the end mark");
    }
    unsigned newer = !(best[1].flags & PRF_RECORD_BLANK) && best[1].epoch > best[0].epoch;
    prs_copy(newest, &best[newer], sizeof *newest);
    const struct prf_record *other = &best[1 - newer];
    bool neighbours = other->flags & PRF_RECORD_BLANK ? newest->epoch == 0 : other->epoch + 1 == newest->epoch;
    if (!neighbours) {
        return prs_fail(PROSPER_E_DAMAGED, "commit records of epochs %lu and %lu, which are no neighbours", newest->epoch, other->epoch);
    }
    if (newest->pages_since == 0 || newest->pages_since > newest->epoch + 1) {
        return prs_fail(PROSPER_E_DAMAGED, "the commit record of epoch %lu says that pages count from epoch %lu on", newest->epoch, newest->pages_since);
    }
    return 0;
}

static void write_copy(uint8_t *root, const struct prf_record *record, unsigned parity, unsigned copy, const struct prs_media *media)
{
    uint8_t *at = root + PRF_RECORD_AT(parity, copy);
    prs_copy(at, record, sizeof *record);
    prs_media_flush(media, at, sizeof *record);
    prs_media_fence(media);
}

void prs_commit_write(uint8_t *root, const struct prf_record *record, const struct prs_media *media)
{
    unsigned parity = record->epoch & 1;
    write_copy(root, record, parity, 0, media);
    write_copy(root, record, parity, 1, media);
}

static uint32_t reason_crc(const struct prf_reason *reason)
{
    uint32_t crc = prs_crc32c(0, &reason->value, sizeof reason->value);
    crc = prs_crc32c(crc, &reason->length, sizeof reason->length);
    return prs_crc32c(crc, reason->text, reason->length);
}

static bool reason_whole(const uint8_t *root, unsigned copy, uint64_t value)
{
    struct prf_reason reason;
    prs_copy(&reason, root + PRF_REASON_AT(copy), sizeof reason);
    return reason.value == value && reason.length <= PRF_REASON_MAX && reason.crc == reason_crc(&reason);
}

void prs_commit_repair(uint8_t *root, const struct prf_record *newest, const struct prs_media *media)
{
    struct prf_record record;
    struct prs_commit_health health;
    if (prs_commit_read(root, &record, &health) != 0 || record.epoch != newest->epoch) {
        return; /* attach would have refused; nothing to put in order */
    }
    unsigned parity = newest->epoch & 1;
    for (unsigned copy = 0; copy < 2; ++copy) {
        if (!health.valid[parity][copy] || health.epoch[parity][copy] != newest->epoch) {
            write_copy(root, newest, parity, copy, media);
        }
    }
    /* The other record's torn copy, from its sound one. */
    for (unsigned copy = 0; copy < 2; ++copy) {
        if (!health.valid[1 - parity][copy] && health.valid[1 - parity][1 - copy]) {
            prs_copy(&record, root + PRF_RECORD_AT(1 - parity, 1 - copy), sizeof record);
            write_copy(root, &record, 1 - parity, copy, media);
        }
    }
    uint64_t mark = prs_mark_value(&health);
    if (!health.mark_valid[0] || !health.mark_valid[1] || health.mark[0] != health.mark[1]) {
        prs_mark_write(root, mark, media);
    }
    for (unsigned copy = 0; copy < 2; ++copy) {
        if (!reason_whole(root, copy, mark) && reason_whole(root, 1 - copy, mark)) {
            prs_copy(root + PRF_REASON_AT(copy), root + PRF_REASON_AT(1 - copy), sizeof(struct prf_reason));
            prs_media_flush(media, root + PRF_REASON_AT(copy), sizeof(struct prf_reason));
            prs_media_fence(media);
        }
    }
}

uint64_t prs_mark_value(const struct prs_commit_health *health) { return health->mark_valid[0] ? health->mark[0] : health->mark[1]; }

void prs_mark_write(uint8_t *root, uint64_t value, const struct prs_media *media)
{
    for (unsigned copy = 0; copy < 2; ++copy) {
        struct prf_mark *mark = (struct prf_mark *)(root + PRF_MARK_AT(copy));
        PRS_WRITE(mark->value, value);
        PRS_ORDER();
        PRS_WRITE(mark->inverse, ~value);
        prs_media_flush(media, mark, sizeof *mark);
        prs_media_fence(media);
    }
}

void prs_reason_write(uint8_t *root, uint64_t value, const char *text, const struct prs_media *media)
{
    struct prf_reason reason;
    uint64_t length = __builtin_strlen(text);
    prs_fill(&reason, 0, sizeof reason);
    reason.value = value;
    reason.length = (uint32_t)(length < PRF_REASON_MAX ? length : PRF_REASON_MAX);
    prs_copy(reason.text, text, reason.length);
    reason.crc = reason_crc(&reason);
    for (unsigned copy = 0; copy < 2; ++copy) {
        prs_copy(root + PRF_REASON_AT(copy), &reason, sizeof reason);
        prs_media_flush(media, root + PRF_REASON_AT(copy), sizeof reason);
    }
    prs_media_fence(media);
}

bool prs_reason_fits(const uint8_t *root, unsigned copy, uint64_t value)
{
    uint64_t named;
    prs_copy(&named, root + PRF_REASON_AT(copy), sizeof named);
    return value == 0 || named != value || reason_whole(root, copy, value);
}

uint64_t prs_reason_read(const uint8_t *root, uint64_t value, char *out, uint64_t size)
{
    for (unsigned copy = 0; copy < 2; ++copy) {
        struct prf_reason reason;
        prs_copy(&reason, root + PRF_REASON_AT(copy), sizeof reason);
        if (reason.value == value && reason.length <= PRF_REASON_MAX && reason.crc == reason_crc(&reason)) {
            uint64_t length = reason.length < size ? reason.length : size - 1;
            prs_copy(out, reason.text, length);
            out[length] = '\0';
            return length;
        }
    }
    out[0] = '\0';
    return 0;
}
