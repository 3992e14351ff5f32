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
 * A mark has a reason beside each copy. A reader takes copy 0 of the mark if it is sound, else copy 1; and the reason beside that copy, if it names the mark's
 * value, else the other one if that does. A mark with a reason is written in five steps, each fenced, so that it is the old one with the old reason, or the
 * new one with the new:
 *
 *   step               mark read    its reason
 *   1 reason 1         0, old       0
 *   2 mark 1           0, old       0
 *   3 mark 0 spoilt    0 or 1       0 or 1
 *   4 reason 0         1, new       1
 *   5 mark 0           1 or 0, new  both
 *
 * INVARIANT C4: outside of a call both copies of mark and reason are alike. Recovery sees to it (prs_commit_repair).
 * INVARIANT C5: what recovery has read is durable when it returns, also what the process before it had stored and not flushed.
 *
 * Context: read at start and in tools, on untrusted bytes; written in the handler. No libc.
 * Durable when: after the first fence of prs_commit_write; marks when the call returns.
 */
#include "planted.h"
#include "store_internal.h"

static uint32_t record_crc(const struct prf_record *record) { return prs_crc32c(0, record, offsetof(struct prf_record, crc)); }

void prs_commit_seal(struct prf_record *record)
{
    record->magic = PRF_RECORD_MAGIC;
    record->crc = record_crc(record);
}

static bool record_valid(const struct prf_record *record, unsigned parity)
{
    if (record->magic != PRF_RECORD_MAGIC || (record->crc != record_crc(record) && !PRS_PLANTED(record_unchecked))) {
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
    if (copy == 1 ? !(media->by_pages && PRS_PLANTED(sweep_unfenced)) : !PRS_PLANTED(copies_at_once)) {
        prs_media_fence(media);
    }
}

void prs_commit_write_copy(uint8_t *root, const struct prf_record *record, unsigned copy, const struct prs_media *media)
{
    if (copy == 0 || !PRS_PLANTED(copy_left_out)) {
        write_copy(root, record, record->epoch & 1, copy, media);
    }
}

void prs_commit_write(uint8_t *root, const struct prf_record *record, const struct prs_media *media)
{
    prs_commit_write_copy(root, record, 0, media);
    prs_commit_write_copy(root, record, 1, media);
}

unsigned prs_mark_copy(const struct prs_commit_health *health) { return health->mark_valid[0] ? 0 : 1; }
uint64_t prs_mark_value(const struct prs_commit_health *health) { return health->mark[prs_mark_copy(health)]; }

static void write_mark(uint8_t *root, unsigned copy, uint64_t value, const struct prs_media *media)
{
    struct prf_mark *mark = (struct prf_mark *)(root + PRF_MARK_AT(copy));
    PRS_WRITE(mark->value, value);
    PRS_ORDER();
    PRS_WRITE(mark->inverse, ~value);
    prs_media_flush(media, mark, sizeof *mark);
    if (copy == 1 || !PRS_PLANTED(marks_at_once)) {
        prs_media_fence(media);
    }
}

void prs_mark_write(uint8_t *root, uint64_t value, const struct prs_media *media)
{
    write_mark(root, 0, value, media);
    write_mark(root, 1, value, media);
}

static uint32_t reason_crc(const struct prf_reason *reason)
{
    uint32_t crc = prs_crc32c(0, &reason->value, sizeof reason->value);
    crc = prs_crc32c(crc, &reason->length, sizeof reason->length);
    return prs_crc32c(crc, reason->text, reason->length);
}

static void write_reason(uint8_t *root, unsigned copy, const struct prf_reason *reason, const struct prs_media *media)
{
    prs_copy(root + PRF_REASON_AT(copy), reason, sizeof *reason);
    prs_media_flush(media, root + PRF_REASON_AT(copy), sizeof *reason);
    prs_media_fence(media);
}

void prs_mark_write_because(uint8_t *root, uint64_t value, const char *text, const struct prs_media *media)
{
    struct prf_reason reason;
    uint64_t length = __builtin_strlen(text);
    prs_fill(&reason, 0, sizeof reason);
    reason.value = value;
    reason.length = (uint32_t)(length < PRF_REASON_MAX ? length : PRF_REASON_MAX);
    prs_copy(reason.text, text, reason.length);
    reason.crc = reason_crc(&reason);
    write_reason(root, 1, &reason, media);
    if (PRS_PLANTED(reasons_at_once)) {
        write_reason(root, 0, &reason, media);
    }
    write_mark(root, 1, value, media);
    struct prf_mark *mark = (struct prf_mark *)(root + PRF_MARK_AT(0));
    PRS_WRITE(mark->inverse, PRS_READ(mark->value)); /* no value is its own inverse */
    prs_media_flush(media, mark, sizeof *mark);
    prs_media_fence(media);
    write_reason(root, 0, &reason, media);
    write_mark(root, 0, value, media);
}

static bool reason_fits(const struct prf_reason *reason, uint64_t value)
{
    return reason->value == value && reason->length <= PRF_REASON_MAX && reason->crc == reason_crc(reason);
}

/* The copy that a reader of this mark takes. */
static unsigned reason_copy(const struct prf_reason reason[2], unsigned mark_copy, uint64_t value)
{
    return !reason_fits(&reason[mark_copy], value) && reason_fits(&reason[1 - mark_copy], value) ? 1 - mark_copy : mark_copy;
}

static void read_reasons(const uint8_t *root, struct prf_reason reason[2])
{
    for (unsigned copy = 0; copy < 2; ++copy) {
        prs_copy(&reason[copy], root + PRF_REASON_AT(copy), sizeof reason[copy]);
    }
}

bool prs_reason_fits(const uint8_t *root, unsigned copy, uint64_t value)
{
    struct prf_reason reason[2];
    read_reasons(root, reason);
    return value == 0 || reason[copy].value != value || reason_fits(&reason[copy], value);
}

uint64_t prs_reason_read(const uint8_t *root, unsigned mark_copy, uint64_t value, char *out, uint64_t size)
{
    struct prf_reason reason[2];
    read_reasons(root, reason);
    const struct prf_reason *found = &reason[reason_copy(reason, mark_copy, value)];
    uint64_t length = 0;
    if (reason_fits(found, value)) {
        length = found->length < size ? found->length : size - 1;
        prs_copy(out, found->text, length);
    }
    out[length] = '\0';
    return length;
}

/* What the process before this one has stored and a kill kept it from flushing is read like anything else, but a power cut takes it back: a copy that looks
 * sound would be torn when it is needed. */
void prs_commit_make_durable(uint8_t *root, const struct prs_media *media)
{
    for (unsigned copy = 0; copy < 2; ++copy) {
        for (unsigned parity = 0; parity < 2; ++parity) {
            prs_media_flush(media, root + PRF_RECORD_AT(parity, copy), sizeof(struct prf_record));
        }
        prs_media_flush(media, root + PRF_MARK_AT(copy), sizeof(struct prf_mark));
        prs_media_flush(media, root + PRF_REASON_AT(copy), sizeof(struct prf_reason));
    }
    prs_media_fence(media);
}

static void repair_reason(uint8_t *root, unsigned mark_copy, uint64_t value, const struct prs_media *media)
{
    struct prf_reason reason[2];
    read_reasons(root, reason);
    bool alike = true;
    for (unsigned i = 0; i < sizeof reason[0] / 8; ++i) {
        alike = alike && ((const prs_any_u64 *)&reason[0])[i] == ((const prs_any_u64 *)&reason[1])[i];
    }
    if (!alike) {
        unsigned sound = reason_copy(reason, mark_copy, value);
        write_reason(root, 1 - sound, &reason[sound], media);
    }
}

void prs_commit_repair(uint8_t *root, const struct prf_record *newest, const struct prs_media *media)
{
    if (PRS_PLANTED(repair_left_out)) {
        return;
    }
    if (!PRS_PLANTED(root_unflushed)) {
        prs_commit_make_durable(root, media);
    }
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
    repair_reason(root, prs_mark_copy(&health), mark, media); /* first: the mark that is written next is read with the reason beside it */
    if (!health.mark_valid[0] || !health.mark_valid[1] || health.mark[0] != health.mark[1]) {
        prs_mark_write(root, mark, media);
    }
}
