#include "stack_image.h"
#include "store_fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* All sizes, places and numbers of docs/format.md once more, as literals: a change here is a change of the format, and of its version. */
#define PLACE(type, field, at, bytes) \
    cr_assert(offsetof(struct type, field) == (at) && sizeof(((struct type *)NULL)->field) == (bytes), #type "." #field ": %zu", offsetof(struct type, field))

Test(format, sizes_and_places_are_those_of_version_1)
{
    cr_assert(PRF_VERSION_MAJOR == 1 && PRF_VERSION_MINOR == 2);
    cr_assert(PRF_PAGE == 4096 && PRF_LINE == 64);
    cr_assert_str_eq(PRF_PMEMOBJ_SIGNATURE, "PMEMOBJ");
    cr_assert_str_eq(PRF_LAYOUT, "prosper");
    cr_assert(PRF_PMEMOBJ_LAYOUT_AT == 4096 && PRF_PMEMOBJ_LAYOUT_SIZE == 1024 && PRF_PMEMOBJ_ROOT_AT == 6144 && PRF_PMEMOBJ_MIN == 8192);
    cr_assert(PRF_RECORD_AT(0, 0) == 4096 && PRF_RECORD_AT(1, 0) == 8192 && PRF_RECORD_AT(0, 1) == 12288 && PRF_RECORD_AT(1, 1) == 16384);
    cr_assert(PRF_MARK_AT(0) == 20480 && PRF_MARK_AT(1) == 22528 && PRF_REASON_AT(0) == 20544 && PRF_REASON_AT(1) == 22592);
    cr_assert(PRF_LIVE_AT == 20992 && PRF_ROOT_BYTES == 24576);

    cr_assert_eq(sizeof(struct prf_root), 4096);
    cr_assert_str_eq(PRF_ROOT_MAGIC, "PROSPER\n");
    PLACE(prf_root, magic, 0, 8);
    PLACE(prf_root, version_major, 8, 4);
    PLACE(prf_root, version_minor, 12, 4);
    PLACE(prf_root, features_incompatible, 16, 8);
    PLACE(prf_root, features_compatible, 24, 8);
    PLACE(prf_root, pool_id, 32, 16);
    PLACE(prf_root, created_realtime_ns, 48, 8);
    PLACE(prf_root, pool_bytes, 56, 8);
    PLACE(prf_root, root_at, 64, 8);
    PLACE(prf_root, extent_count, 72, 4);
    PLACE(prf_root, extents, 512, 96 * 32);
    PLACE(prf_root, crc, 4092, 4);
    cr_assert(PRF_EXTENTS_MAX == 96 && PRF_FEATURE_STACK == 1 && PRF_FEATURE_GROWS == 2 && PRF_FEATURE_SUMS == 4 && PRF_FEATURES_KNOWN == 7);

    cr_assert_eq(sizeof(struct prf_extent), 32);
    PLACE(prf_extent, offset, 0, 8);
    PLACE(prf_extent, length, 8, 8);
    PLACE(prf_extent, kind, 16, 4);
    cr_assert(PRF_EXTENT_LOG == 1 && PRF_EXTENT_ENTRIES == 2 && PRF_EXTENT_SLOTS == 3 && PRF_EXTENT_STACK == 4);

    cr_assert_eq(sizeof(struct prf_extension), 4096);
    cr_assert(PRF_EXTENSION_MAGIC == 0x31545845505350ull && PRF_EXTENSIONS_MAX == 128);
    PLACE(prf_extension, magic, 0, 8);
    PLACE(prf_extension, number, 8, 4);
    PLACE(prf_extension, pool_id, 16, 16);
    PLACE(prf_extension, created_realtime_ns, 32, 8);
    PLACE(prf_extension, bytes, 40, 8);
    PLACE(prf_extension, entries_at, 48, 8);
    PLACE(prf_extension, slots_at, 56, 8);
    PLACE(prf_extension, first, 64, 4);
    PLACE(prf_extension, count, 68, 4);
    PLACE(prf_extension, previous, 72, 4);
    PLACE(prf_extension, crc, 4092, 4);

    cr_assert_eq(sizeof(struct prf_record), 128);
    cr_assert(PRF_RECORD_MAGIC == 0x31434552505350ull && PRF_RECORD_BLANK == 1 && PRF_RECORD_CONTENT == 2 && PRF_EPOCH_MAX == 1ull << 55);
    PLACE(prf_record, magic, 0, 8);
    PLACE(prf_record, epoch, 8, 8);
    PLACE(prf_record, flags, 16, 4);
    PLACE(prf_record, log_area, 20, 4);
    PLACE(prf_record, log_end, 24, 8);
    PLACE(prf_record, log_full, 32, 8);
    PLACE(prf_record, log_last, 40, 8);
    PLACE(prf_record, log_last_crc, 48, 4);
    PLACE(prf_record, entries_high, 52, 4);
    PLACE(prf_record, pages_since, 56, 8);
    PLACE(prf_record, pages, 64, 8);
    PLACE(prf_record, realtime_ns, 72, 8);
    PLACE(prf_record, stack_sequence, 80, 8);
    PLACE(prf_record, extensions, 88, 4);
    PLACE(prf_record, extension_crc, 92, 4);
    PLACE(prf_record, crc, 124, 4);

    cr_assert_eq(sizeof(struct prf_mark), 16);
    PLACE(prf_mark, value, 0, 8);
    PLACE(prf_mark, inverse, 8, 8);
    cr_assert(PRS_POOL_EMPTY == 0 && PRS_POOL_RUNNING == 1 && PRS_POOL_FINISHED == 2 && PRS_POOL_OVERTAKEN == 3 && PRS_POOL_LEFT == 4);
    cr_assert_eq(sizeof(struct prf_reason), 256);
    PLACE(prf_reason, value, 0, 8);
    PLACE(prf_reason, length, 8, 4);
    PLACE(prf_reason, crc, 12, 4);
    PLACE(prf_reason, text, 16, 240);

    cr_assert_eq(sizeof(struct prf_live), 1152);
    cr_assert_eq(PRF_LIVE_MAGIC, 0x3156494c505350ull);
    PLACE(prf_live, magic, 0, 8);
    PLACE(prf_live, sequence, 8, 8);
    PLACE(prf_live, process, 16, 8);
    PLACE(prf_live, epoch, 24, 8);
    PLACE(prf_live, checkpoints, 32, 8);
    PLACE(prf_live, full_epochs, 40, 8);
    PLACE(prf_live, given_up, 48, 8);
    PLACE(prf_live, lines, 56, 8);
    PLACE(prf_live, bytes, 64, 8);
    PLACE(prf_live, stop_ns, 72, 8);
    PLACE(prf_live, cost_ns, 80, 8);
    PLACE(prf_live, running_ns, 88, 8);
    PLACE(prf_live, interval_ns, 96, 8);
    PLACE(prf_live, budget, 104, 8);
    PLACE(prf_live, realtime_ns, 112, 8);
    PLACE(prf_live, stops, 128, 1024);

    cr_assert_eq(sizeof(struct prf_segment), 32);
    cr_assert_eq(PRF_SEGMENT_MAGIC, 0x47455350u);
    PLACE(prf_segment, magic, 0, 4);
    PLACE(prf_segment, crc, 4, 4);
    PLACE(prf_segment, epoch, 8, 8);
    PLACE(prf_segment, length, 16, 8);
    PLACE(prf_segment, entries, 24, 4);
    PLACE(prf_segment, previous, 28, 4);
    cr_assert_eq(sizeof(struct prf_log_entry), 16);
    PLACE(prf_log_entry, address, 0, 8);
    PLACE(prf_log_entry, length, 8, 4);

    cr_assert_eq(sizeof(struct prf_entry), 64);
    PLACE(prf_entry, address, 0, 8);
    PLACE(prf_entry, slot, 8, 16);
    PLACE(prf_entry, word, 24, 32);
    PLACE(prf_entry, check, 56, 8);
    PLACE(prf_slot_name, slot, 0, 4);
    PLACE(prf_slot_name, check, 4, 4);
    PLACE(prf_page_word, epoch_state, 0, 8);
    PLACE(prf_page_word, bitmap, 8, 8);
    cr_assert(PRF_PAGE_DATA == 1 && PRF_PAGE_ZERO == 2);
    cr_assert_eq(sizeof(struct prf_page_sums), 8);
    PLACE(prf_page_sums, of, 0, 8);

    cr_assert_eq(sizeof(struct prf_stack_head), 64);
    PLACE(prf_stack_head, magic, 0, 8);
    PLACE(prf_stack_head, way, 8, 4);
    PLACE(prf_stack_head, low, 16, 8);
    PLACE(prf_stack_head, high, 24, 8);
    PLACE(prf_stack_head, sequence, 32, 8);
    PLACE(prf_stack_head, crc, 60, 4);
    cr_assert(PRS_STACK_FLUSH == 6 && PRS_STACK_UNDO == 7 && PRS_STACK_REDO == 8 && PRS_STACK_ROMULUS == 9);
    cr_assert_eq(prs_crc32c(0, "123456789", 9), 0xe3069283u);
}

/* Where the structures name each other, by bytes that are written out: not only the compiler's view of both sides. */
Test(format, checksums_cover_what_the_document_says)
{
    struct fixture f;
    fixture_sums = true;
    fixture_open(&f, 16384, 20, 20);
    bool full;
    static uint8_t page[4096] __attribute__((aligned(64)));
    memset(page, 7, sizeof page);
    cr_assert_eq(prs_store_begin(&f.store, 100, false, &full), 0);
    cr_assert_eq(prs_store_append(&f.store, 0x1000, "abc", 3), 0);
    cr_assert_eq(prs_store_page(&f.store, 0x7000, page, false), 64);
    cr_assert_eq(prs_store_commit(&f.store), 0);
    const uint8_t *root = f.bytes + FIXTURE_ROOT, *record = root + 8192, *log = f.bytes + *(const uint64_t *)(root + 512);
    const uint8_t *entry = f.bytes + *(const uint64_t *)(root + 512 + 2 * 32), *sums = entry + 20 * 64;
    cr_assert_eq(*(const uint64_t *)(root + 16), 6); /* it grows, and has sums */
    cr_assert_eq(*(const uint32_t *)(root + 4092), prs_crc32c(0, root, 4092));
    cr_assert_eq(*(const uint64_t *)(record + 8), 1);
    cr_assert_eq(*(const uint32_t *)(record + 124), prs_crc32c(0, record, 124));
    cr_assert_eq(memcmp(record, root + 16384, 128), 0);
    cr_assert_eq(*(const uint64_t *)(record + 24), 32 + 16 + 8); /* the end of the log */
    cr_assert_eq(memcmp(log, "PSEG", 4), 0);
    cr_assert_eq(*(const uint32_t *)(log + 4), prs_crc32c(prs_crc32c(0, log + 32, 24), log + 8, 24));
    cr_assert_eq(*(const uint32_t *)(record + 48), *(const uint32_t *)(log + 4));
    uint64_t address = 0x7001, word[3] = {0x7001, 1 << 8 | 1, 0}, slot[2] = {0x7001, 1};
    cr_assert_eq(*(const uint64_t *)entry, address);
    cr_assert_eq(*(const uint32_t *)(entry + 8), 1);
    cr_assert_eq(*(const uint32_t *)(entry + 12), prs_crc32c(0, slot, 16));
    cr_assert_eq(memcmp(entry + 24, word + 1, 16), 0);
    cr_assert_eq(*(const uint32_t *)(entry + 56), prs_crc32c(0, word, 24));
    cr_assert_eq(*(const uint32_t *)sums, prs_crc32c(0, page, 4096));
    fixture_close(&f);
}

#define BASE 0x200000000000ull
#define PAGES 12u

/* What a reader sees, as one number; 0 when it is refused. */
static int add_entry(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    uint32_t *sum = context;
    *sum = prs_crc32c(*sum, &epoch, 8);
    *sum = prs_crc32c(*sum, &address, 8);
    *sum = prs_crc32c(*sum, data, length);
    return 0;
}
struct pages_seen {
    const struct prs_store *store;
    uint32_t sum;
};
static int add_page(void *context, uint64_t address)
{
    struct pages_seen *seen = context;
    static uint8_t page[4096] __attribute__((aligned(64)));
    if (prs_store_page_read(seen->store, address, page)) {
        seen->sum += prs_crc32c((uint32_t)(address >> 12), page, sizeof page); /* in no order */
    }
    return 0;
}
static void ignore(void *context, const char *sentence)
{
    (void)context;
    (void)sentence;
}

static uint32_t digest(const struct prs_store *store)
{
    uint32_t sum = (uint32_t)store->epoch * 7 + 1;
    struct pages_seen seen = {store, 0};
    if (prs_store_log_each(store, add_entry, &sum) != 0) {
        return 0;
    }
    prs_store_page_each(store, add_page, &seen);
    return sum + seen.sum;
}

static void make_content(struct fixture *f)
{
    static uint8_t page[4096] __attribute__((aligned(64)));
    fixture_open(f, 16384, 20, 20);
    bool full;
    for (unsigned epoch = 0; epoch < 5; ++epoch) {
        cr_assert_eq(prs_store_begin(&f->store, 1000, false, &full), 0);
        for (unsigned i = 0; i < 4; ++i) {
            cr_assert_eq(prs_store_append(&f->store, 0x1000 + i * 100, "abcdefghijklmnop", 5 + i), 0);
        }
        for (unsigned p = 0; p < PAGES; ++p) {
            if (p % (epoch + 1) == 0) {
                memset(page, 0, sizeof page);
                page[epoch * 200] = (uint8_t)(p + 1);
                page[p * 300] = (uint8_t)(epoch + 1);
                cr_assert_geq(prs_store_page(&f->store, BASE + p * 4096 * (p % 3 == 0 ? 1 : 5000), page, false), 0);
            }
        }
        if (epoch == 3) {
            cr_assert_geq(prs_store_page_drop(&f->store, BASE), 0);
        }
        cr_assert_eq(prs_store_commit(&f->store), 0);
    }
    cr_assert_eq(prs_store_set_state(&f->store, PRS_POOL_FINISHED), 0);
}

/* Everything that a start, a restore and the tools do; whatever the bytes are, it must neither crash nor read outside. */
static uint32_t use_everything(uint8_t *bytes, uint64_t length, int *result)
{
    struct prs_store store;
    *result = fixture_attach_bytes(&store, bytes, length, &prs_media_none);
    if (*result != 0) {
        return 0;
    }
    (void)prs_store_state(&store);
    prs_store_verify(&store, ignore, NULL);
    uint32_t before = digest(&store);
    *result = prs_store_recover(&store);
    if (*result != 0) {
        return 0;
    }
    cr_assert_eq(before, digest(&store), "recovery changes nothing that is committed");
    return before;
}

struct span {
    uint64_t at, length;
};

static unsigned structures(const struct fixture *f, struct span *spans)
{
    const struct prs_geometry *g = &f->store.v->geometry;
    unsigned n = 0;
    spans[n++] = (struct span){0, 64};
    spans[n++] = (struct span){PRF_PMEMOBJ_LAYOUT_AT, 16};
    spans[n++] = (struct span){PRF_PMEMOBJ_ROOT_AT, 8};
    spans[n++] = (struct span){FIXTURE_ROOT, 4096};
    for (unsigned parity = 0; parity < 2; ++parity) {
        for (unsigned copy = 0; copy < 2; ++copy) {
            spans[n++] = (struct span){FIXTURE_ROOT + PRF_RECORD_AT(parity, copy), 128};
        }
    }
    spans[n++] = (struct span){FIXTURE_ROOT + PRF_MARK_AT(0), 16};
    spans[n++] = (struct span){FIXTURE_ROOT + PRF_MARK_AT(1), 16};
    spans[n++] = (struct span){g->log_at[f->store.v->record.log_area], f->store.v->record.log_end};
    spans[n++] = (struct span){g->page[0].entries_at, 20 * 64};
    spans[n++] = (struct span){g->page[1].entries_at, 20 * 64};
    return n;
}

Test(format, a_flipped_bit_anywhere_in_the_structures_is_refused_or_without_effect)
{
    struct fixture f;
    make_content(&f);
    struct span spans[20];
    unsigned n = structures(&f, spans), refused = 0, same = 0;
    uint32_t expected = digest(&f.store);
    uint8_t *copy = fixture_map(f.length);
    memcpy(copy, f.bytes, f.length);
    for (unsigned i = 0; i < n; ++i) {
        for (uint64_t byte = 0; byte < spans[i].length; ++byte) {
            /* Every bit of what is small, a quarter of the entries' bits, an eighth of the rest. */
            unsigned step = spans[i].length <= 256 ? 1 : spans[i].length <= 2048 ? 4 : 8;
            for (unsigned bit = step == 1 ? 0 : (unsigned)(byte * 5 % step); bit < 8; bit += step) {
                uint64_t at = spans[i].at + byte;
                copy[at] ^= (uint8_t)(1u << bit);
                int result;
                uint32_t got = use_everything(copy, f.length, &result);
                if (result != 0) {
                    cr_assert(result == PROSPER_E_DAMAGED || result == PROSPER_E_NOT_A_POOL || result == PROSPER_E_TRUNCATED,
                              "code %d", result);
                    ++refused;
                } else {
                    cr_assert_eq(got, expected, "byte %lu bit %u: other content, without a word", at, bit);
                    ++same;
                }
                /* Recovery may have repaired it, or something else. */
                uint64_t from = prs_round_down(FIXTURE_ROOT, 4096);
                memcpy(copy + from, f.bytes + from, PRF_ROOT_BYTES);
                memcpy(copy + spans[n - 2].at, f.bytes + spans[n - 2].at, spans[n - 2].length);
                memcpy(copy + spans[n - 1].at, f.bytes + spans[n - 1].at, spans[n - 1].length);
                copy[at] = f.bytes[at];
            }
        }
    }
    printf("%u flips refused, %u without effect\n", refused, same);
    cr_assert_gt(refused, 5000);
    fixture_close(&f);
}

Test(format, records_and_roots_with_wild_numbers_and_right_checksums_do_no_harm)
{
    struct fixture f;
    make_content(&f);
    srand(11);
    uint8_t *copy = fixture_map(f.length);
    /* The volatile part of f is replaced by each attach. */
    uint64_t epoch = f.store.epoch, log_at = f.store.v->geometry.log_at[f.store.v->record.log_area], log_end = f.store.v->record.log_end;
    uint64_t entries_at = f.store.v->geometry.page[0].entries_at;
    static const uint64_t wild[] = {0, 1, 2, 7, 4096, 0xffffffff, 0x100000000, ~0ull, ~0ull - 31, 1ull << 63, 1ull << 47};
    unsigned refused = 0;
    for (unsigned round = 0; round < 4000; ++round) {
        memcpy(copy, f.bytes, f.length);
        for (unsigned changes = 1 + (unsigned)rand() % 3; changes > 0; --changes) {
            uint64_t value = rand() % 2 ? wild[(unsigned)rand() % (sizeof wild / sizeof *wild)] : (uint64_t)rand() % 70000;
            unsigned what = (unsigned)rand() % 4;
            if (what == 0) {
                struct prf_root *root = (struct prf_root *)(copy + FIXTURE_ROOT);
                unsigned field = (unsigned)rand() % 3;
                if (field == 0) {
                    root->extent_count = (uint32_t)value;
                } else {
                    ((uint64_t *)(void *)root->extents)[(unsigned)rand() % 24] = value;
                }
                root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
            } else if (what == 1) {
                uint8_t *at = copy + FIXTURE_ROOT + PRF_RECORD_AT(epoch & 1, 0);
                struct prf_record *record = (struct prf_record *)at;
                ((uint64_t *)(void *)record)[2 + (unsigned)rand() % 8] = value;
                prs_commit_seal(record);
                memcpy(copy + FIXTURE_ROOT + PRF_RECORD_AT(epoch & 1, 1), record, sizeof *record);
            } else if (what == 2) {
                uint64_t *area = (uint64_t *)(void *)(copy + log_at);
                area[(uint64_t)rand() % (log_end / 8)] = value;
            } else {
                uint64_t *entries = (uint64_t *)(void *)(copy + entries_at);
                entries[(unsigned)rand() % (20 * 8)] = value;
            }
        }
        int result;
        use_everything(copy, f.length, &result);
        refused += result != 0;
    }
    printf("%u of 4000 refused\n", refused);
    cr_assert_gt(refused, 2000);
    fixture_close(&f);
}

Test(format, a_pool_cut_at_any_page_is_refused_as_truncated)
{
    struct fixture f;
    make_content(&f);
    for (uint64_t length = 0; length < f.length; length += length < 16384 ? 512 : 4096) {
        int result;
        use_everything(f.bytes, length, &result);
        cr_assert_eq(result, length < 8 ? PROSPER_E_NOT_A_POOL : PROSPER_E_TRUNCATED, "%lu bytes: %d", length, result);
    }
    fixture_close(&f);
}

Test(format, a_newer_version_or_an_unknown_feature_is_refused_as_such)
{
    struct fixture f;
    make_content(&f);
    struct prf_root *root = (struct prf_root *)(f.bytes + FIXTURE_ROOT);
    int result;
    root->version_major = 2;
    use_everything(f.bytes, f.length, &result);
    cr_assert_eq(result, PROSPER_E_DAMAGED, "a changed number without its checksum is damage");
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    use_everything(f.bytes, f.length, &result);
    cr_assert_eq(result, PROSPER_E_VERSION);
    root->version_major = 1;
    root->features_incompatible = 1ull << 40;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    use_everything(f.bytes, f.length, &result);
    cr_assert_eq(result, PROSPER_E_VERSION);
    root->features_incompatible = 0;
    root->features_compatible = 1ull << 40;
    root->version_minor = 77;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    use_everything(f.bytes, f.length, &result);
    cr_assert_eq(result, 0);
    fixture_close(&f);
}

Test(format, other_files_are_no_pools)
{
    uint8_t *bytes = fixture_map(65536);
    int result;
    use_everything(bytes, 65536, &result);
    cr_assert_eq(result, PROSPER_E_NOT_A_POOL);
    memset(bytes, 0xff, 65536);
    use_everything(bytes, 65536, &result);
    cr_assert_eq(result, PROSPER_E_NOT_A_POOL);
    memcpy(bytes, "PMEMOBJ", 8);
    memcpy(bytes + 4096, "somebody else's", 16);
    use_everything(bytes, 65536, &result);
    cr_assert_eq(result, PROSPER_E_NOT_A_POOL);
}

Test(format, verify_names_what_attach_tolerates)
{
    struct fixture f;
    make_content(&f);
    struct prs_store store;
    cr_assert_eq(fixture_attach_bytes(&store, f.bytes, f.length, &prs_media_none), 0);
    cr_assert_eq(prs_store_verify(&store, ignore, NULL), 0);
    f.bytes[FIXTURE_ROOT + PRF_RECORD_AT(0, 1) + 9] ^= 1;
    f.bytes[FIXTURE_ROOT + PRF_MARK_AT(1)] ^= 1;
    cr_assert_eq(fixture_attach_bytes(&store, f.bytes, f.length, &prs_media_none), 0);
    cr_assert_eq(prs_store_verify(&store, ignore, NULL), 2);
    f.bytes[store.v->geometry.log_at[store.v->record.log_area] + 50] ^= 1;
    cr_assert_eq(prs_store_verify(&store, ignore, NULL), 3);
    f.bytes[store.v->geometry.page[0].entries_at + 64 + 16] ^= 1;
    cr_assert_geq(prs_store_verify(&store, ignore, NULL), 4);
    f.bytes[FIXTURE_ROOT + 100] ^= 1;
    cr_assert_geq(prs_store_verify(&store, ignore, NULL), 5);
    cr_assert_eq(prs_store_recover(&store), PROSPER_E_DAMAGED);
    fixture_close(&f);
}

/* Whatever is in the statistics block, a pool reads the same, verify finds nothing, and recovery and the next epoch leave it alone. */
Test(format, the_statistics_block_does_not_count)
{
    struct fixture f;
    make_content(&f);
    int result;
    uint8_t *block = f.bytes + FIXTURE_ROOT + PRF_LIVE_AT;
    uint32_t before = use_everything(f.bytes, f.length, &result);
    cr_assert_eq(result, 0);
    for (unsigned i = 0; i < sizeof(struct prf_live); i++) {
        block[i] = (uint8_t)(i * 37 + 11);
    }
    cr_assert_eq(use_everything(f.bytes, f.length, &result), before);
    cr_assert_eq(result, 0);
    struct prs_store store;
    cr_assert_eq(fixture_attach_bytes(&store, f.bytes, f.length, &prs_media_none), 0);
    cr_assert_eq(prs_store_verify(&store, ignore, NULL), 0);
    cr_assert_eq(prs_store_recover(&store), 0);
    cr_assert_eq(prs_store_set_state(&store, PRS_POOL_FINISHED), 0);
    cr_assert_eq(prs_store_set_state_because(&store, PRS_POOL_LEFT, "a reason"), 0);
    for (unsigned i = 0; i < sizeof(struct prf_live); i++) {
        cr_assert_eq(block[i], (uint8_t)(i * 37 + 11));
    }
    fixture_close(&f);
}
