/* Pools that grow: whenever a process or a machine dies, the pool has the extensions that its commit record counts, and holds one epoch or the next. */
#include "store_cuts.h"

static void ignore(void *context, const char *sentence)
{
    (void)context;
    (void)sentence;
}

static int count_findings(const struct fixture *f) { return prs_store_verify(&f->store, ignore, NULL); }

static void commit(struct prs_store *store, const struct content *content)
{
    cr_assert_eq(write_all(store, content, false), 0);
    cr_assert_eq(prs_store_commit(store), 0);
}

static const struct content *all_pages(uint8_t value)
{
    static struct content content;
    memset(&content, value, sizeof content);
    return &content;
}

Test(store_growth, an_extension_counts_with_the_commit_and_not_before)
{
    struct fixture f;
    fixture_format_room(&f, 8192, 3, 0, 2 * fixture_extension_bytes(20));
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(write_all(&f.store, all_pages(1), false), -ENOSPC);
    prs_store_abort(&f.store);
    cr_assert_eq(fixture_extend(&f.store, 20), 0, "%s", prs_detail());
    struct prs_store_use use;
    prs_store_usage(&f.store, &use);
    cr_assert_eq(use.slots, 23);
    cr_assert_eq(use.extensions, 1);
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(f.store.v->geometry.extensions, 0, "nothing has committed");
    cr_assert_eq(fixture_extend(&f.store, 11), 0);
    cr_assert_eq(write_all(&f.store, all_pages(1), false), 0);
    prs_store_abort(&f.store);
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(f.store.v->geometry.extensions, 0, "the epoch was given up");
    cr_assert_eq(fixture_extend(&f.store, 12), 0);
    cr_assert_eq(write_all(&f.store, all_pages(1), false), 0);
    prs_store_abort(&f.store);
    commit(&f.store, all_pages(2)); /* added is added: the next epoch counts it */
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(f.store.v->geometry.extensions, 1);
    cr_assert_eq(f.store.v->geometry.slots, 15);
    cr_assert(equals(&f.store, all_pages(2)));
    cr_assert_eq(count_findings(&f), 0);
    cr_assert_eq(prs_store_reset(&f.store), 0);
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(f.store.v->geometry.extensions, 1, "an emptied pool keeps its files");
    fixture_close(&f);
}

Test(store_growth, a_slot_that_an_interrupted_epoch_took_belongs_to_nobody)
{
    struct fixture f;
    fixture_format_room(&f, 8192, 10, 0, fixture_extension_bytes(20));
    cr_assert_eq(fixture_restart(&f), 0);
    commit(&f.store, all_pages(1)); /* all slots are taken */
    cr_assert_eq(fixture_extend(&f.store, 20), 0);
    struct content next = *all_pages(1);
    for (unsigned i = 0; i < PAGES; ++i) {
        next.pages[i][5] = 9; /* a second slot for each, in the extension */
    }
    cr_assert_eq(write_all(&f.store, &next, false), 0);
    unsigned beyond = 0;
    cr_assert_eq(fixture_attach_bytes(&f.store, f.bytes, f.length, &prs_media_none), 0, "killed: %s", prs_detail());
    cr_assert_eq(count_findings(&f), 0, "what a kill leaves is no damage");
    for (unsigned number = 0; number < f.store.v->record.entries_high; ++number) {
        struct prs_entry_view view;
        cr_assert_null(prs_entry_read(&f.store, number, f.store.epoch, &view));
        beyond += view.beyond != 0;
    }
    cr_assert_eq(beyond, PAGES);
    cr_assert_eq(prs_store_recover(&f.store), 0);
    cr_assert_eq(fixture_restart(&f), 0);
    for (unsigned number = 0; number < f.store.v->record.entries_high; ++number) {
        struct prs_entry_view view;
        cr_assert_null(prs_entry_read(&f.store, number, f.store.epoch, &view));
        cr_assert_eq(view.beyond, 0, "recovery clears the names");
    }
    cr_assert_eq(fixture_extend(&f.store, 10), 0);
    commit(&f.store, &next);
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert(equals(&f.store, &next));
    cr_assert_eq(count_findings(&f), 0);
    fixture_close(&f);
}

/* ---- extensions that are not what the record names ---- */

static void seal(struct prf_extension *header) { header->crc = prs_crc32c(0, header, offsetof(struct prf_extension, crc)); }

Test(store_growth, extensions_that_do_not_belong_to_the_pool_are_refused)
{
    struct fixture f;
    fixture_format_room(&f, 8192, 3, 0, fixture_extension_bytes(6) + fixture_extension_bytes(8));
    cr_assert_eq(fixture_restart(&f), 0);
    uint64_t first = f.store.v->geometry.end;
    cr_assert_eq(fixture_extend(&f.store, 6), 0);
    uint64_t second = f.store.v->geometry.end;
    cr_assert_eq(fixture_extend(&f.store, 8), 0);
    uint64_t end = f.store.v->geometry.end;
    commit(&f.store, all_pages(1));
    cr_assert_eq(end, f.length);
    uint64_t lengths[] = {first, first + 4095, second, second + 4095, second + 4096, end - 1};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        int result = fixture_attach_bytes(&f.store, f.bytes, lengths[i], &prs_media_none);
        cr_assert_eq(result, i < 4 ? PROSPER_E_EXTENSION : PROSPER_E_TRUNCATED, "%lu bytes: %d %s", lengths[i], result, prs_detail());
    }
    struct prf_extension *header = (struct prf_extension *)(f.bytes + second);
    const struct prf_extension whole = *header;
    struct {
        const char *what;
        uint64_t *wide;
        uint32_t *narrow;
        uint64_t value;
        int expected;
    } cases[] = {
        {"magic", &header->magic, NULL, 0, PROSPER_E_EXTENSION},
        {"number", NULL, &header->number, 1, PROSPER_E_EXTENSION},
        {"pool", (uint64_t *)header->pool_id, NULL, 77, PROSPER_E_EXTENSION},
        {"first", NULL, &header->first, 3, PROSPER_E_EXTENSION},
        {"previous", NULL, &header->previous, 5, PROSPER_E_EXTENSION},
        {"created", &header->created_realtime_ns, NULL, 1, PROSPER_E_EXTENSION}, /* made like it, and not the one that the record names */
        {"bytes", &header->bytes, NULL, whole.bytes - 1, PROSPER_E_DAMAGED},
        {"bytes", &header->bytes, NULL, whole.bytes + 4096, PROSPER_E_TRUNCATED},
        {"bytes", &header->bytes, NULL, 1ull << 62, PROSPER_E_DAMAGED},
        {"entries", &header->entries_at, NULL, 0, PROSPER_E_DAMAGED},
        {"entries", &header->entries_at, NULL, whole.slots_at, PROSPER_E_DAMAGED},
        {"slots", &header->slots_at, NULL, whole.bytes, PROSPER_E_DAMAGED},
        {"slots", &header->slots_at, NULL, 0ull - 4096, PROSPER_E_DAMAGED},
        {"count", NULL, &header->count, 0, PROSPER_E_DAMAGED},
        {"count", NULL, &header->count, 9, PROSPER_E_DAMAGED},
        {"count", NULL, &header->count, UINT32_MAX - 9, PROSPER_E_DAMAGED},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; ++i) {
        if (cases[i].wide != NULL) {
            *cases[i].wide = cases[i].value;
        } else {
            *cases[i].narrow = (uint32_t)cases[i].value;
        }
        int unsealed = fixture_attach_bytes(&f.store, f.bytes, f.length, &prs_media_none);
        cr_assert_eq(unsealed, i == 0 ? PROSPER_E_EXTENSION : PROSPER_E_DAMAGED, "%s without its checksum: %d", cases[i].what, unsealed);
        seal(header);
        int result = fixture_attach_bytes(&f.store, f.bytes, f.length, &prs_media_none);
        cr_assert_eq(result, cases[i].expected, "%s %lx: %d %s", cases[i].what, cases[i].value, result, prs_detail());
        cr_assert_eq(count_findings(&f), 2, "named, and that nothing behind it was looked at");
        *header = whole;
    }
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert(equals(&f.store, all_pages(1)));
    fixture_close(&f);
}

Test(store_growth, a_pool_of_format_1_0_opens_and_does_not_grow)
{
    struct fixture f;
    fixture_format_room(&f, 8192, 12, 0, fixture_extension_bytes(6));
    struct prf_root *root = (struct prf_root *)(f.bytes + FIXTURE_ROOT);
    root->features_incompatible = 0;
    root->version_minor = 0;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    cr_assert_eq(fixture_restart(&f), 0, "%s", prs_detail());
    cr_assert_eq(prs_extension_bytes(&f.store.v->geometry, 1ull << 40), 0);
    cr_assert_eq(fixture_extend(&f.store, 6), -ENOSPC);
    commit(&f.store, all_pages(3));
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert(equals(&f.store, all_pages(3)));
    struct prf_record record = f.store.v->record; /* one that counts extensions all the same */
    record.extensions = 1;
    prs_commit_seal(&record);
    prs_commit_write(f.bytes + FIXTURE_ROOT, &record, &prs_media_none);
    cr_assert_eq(fixture_attach_bytes(&f.store, f.bytes, f.length, &prs_media_none), PROSPER_E_DAMAGED);
    fixture_close(&f);
}

Test(store_growth, sizes_double_up_to_four_gigabytes_or_an_eighth)
{
    const uint64_t MB = 1ull << 20, GB = 1ull << 30;
    struct prs_geometry g = {.grows = true, .end = 32 * MB};
    cr_assert_eq(prs_extension_bytes(&g, 64 * GB), 64 * MB);
    cr_assert_eq(prs_extension_bytes(&g, 40 * MB), 8 * MB, "what the limit leaves");
    cr_assert_eq(prs_extension_bytes(&g, 32 * MB), 0);
    cr_assert_eq(prs_extension_bytes(&g, 0), 0);
    g.end = GB;
    cr_assert_eq(prs_extension_bytes(&g, 64 * GB), GB);
    g.end = 16 * GB;
    cr_assert_eq(prs_extension_bytes(&g, 64 * GB), 4 * GB);
    g.end = 256 * GB;
    cr_assert_eq(prs_extension_bytes(&g, 4096 * GB), 32 * GB);
    unsigned files = 0; /* as many as a record may count are enough */
    for (g.end = 32 * MB; (g.end += prs_extension_bytes(&g, 4096 * GB)) < 4096 * GB - MB; ++files) {
    }
    cr_assert_lt(files, PRF_EXTENSIONS_MAX, "%u", files);
    g.extensions = PRF_EXTENSIONS_MAX;
    cr_assert_eq(prs_extension_bytes(&g, 1ull << 60), 0);
}

/* ---- every instruction ---- */

enum { EPOCHS = 5 };

static void child_part(struct fixture *f, const struct content *epochs)
{
    cr_assert_eq(fixture_restart(f), 0);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    for (unsigned i = 0; i < EPOCHS; ++i) {
        if (i == 1) {
            cr_assert_eq(fixture_extend(&f->store, 9), 0);
            (void)write_all(&f->store, &epochs[0], false); /* the epoch that would count it is given up */
            prs_store_abort(&f->store);
        } else if (i == 3) {
            cr_assert_eq(fixture_extend(&f->store, 4), 0);
        }
        if (write_all(&f->store, &epochs[i], i == 2) != 0) {
            _exit(1);
        }
        prs_store_commit(&f->store);
    }
    _exit(0);
}

Test(store_growth, a_kill_between_any_two_instructions_leaves_a_whole_epoch, .timeout = 300)
{
    static struct content epochs[EPOCHS];
    struct fixture f;
    fixture_sums = true; /* test_store_cuts.c does it without */
    fixture_format_room(&f, 8192, 9, 4, fixture_extension_bytes(9) + fixture_extension_bytes(4));
    cr_assert_eq(fixture_restart(&f), 0);
    random_state = 20261126;
    static struct content start;
    change(&start);
    memset(start.pages[8], 0, 8192);
    commit(&f.store, &start);
    for (unsigned i = 0; i < EPOCHS; ++i) {
        epochs[i] = i == 0 ? start : epochs[i - 1];
        change(&epochs[i]);
        for (unsigned page = 0; page < PAGES && i >= 1; ++page) { /* so that slots of the extensions are needed */
            epochs[i].pages[page][64 * i] = (uint8_t)(i + 1);
        }
    }
    pid_t child = fork();
    if (child == 0) {
        child_part(&f, epochs);
    }
    step_through(&f, child, &start, epochs, EPOCHS);
    cr_assert_eq(fixture_restart(&f), 0);
    cr_assert_eq(f.store.v->geometry.extensions, 2);
    printf("%u slots used of %u\n", f.store.v->ssp.slots.used, f.store.v->ssp.slots.count);
    cr_assert_gt(f.store.v->ssp.slots.used, 13, "slots of the extensions are in use");
    fixture_close(&f);
}

/* ---- power cuts ---- */

Test(store_growth, a_power_cut_with_any_lines_lost_leaves_a_whole_epoch, .timeout = 300)
{
    uint64_t checks = 0;
    unsigned extended = 0, forgotten = 0, counted = 0;
    for (unsigned life = 0; life < 12; ++life) {
        struct fixture f;
        fixture_sums = life % 2 != 0;
        fixture_format_room(&f, 8192, 5, 3, 4 * fixture_extension_bytes(8));
        random_state = 1000 + life;
        medium.memory = cut_medium_over(f.bytes, f.length);
        medium.image = fixture_map(f.length);
        medium.one_in = 12;
        medium.before = NULL;
        static struct content now, committed;
        memset(&committed, 0, sizeof committed);
        struct prs_store store;
        cr_assert_eq(attach_apart(&store, f.bytes, f.length), 0);
        cr_assert_eq(prs_store_recover(&store), 0);
        bool want_full = false;
        for (unsigned round = 0; round < 80; ++round) {
            now = committed;
            change(&now);
            medium.before = NULL;
            bool made = below(8) == 0 && store.v->geometry.extensions < 4;
            if (made) {
                cr_assert_eq(prs_store_extend(&store, fixture_make_extension(&store, medium.memory.durable, 1 + below(8))), 0, "%s", prs_detail());
                ++extended;
            }
            bool full;
            cr_assert_eq(prs_store_begin(&store, 1000, want_full, &full), 0);
            prs_store_abort(&store);
            medium.epoch = store.epoch;
            medium.before = &committed;
            medium.after = &now;
            int result = write_all(&store, &now, want_full);
            want_full = false;
            if (result != 0 || below(made ? 2 : 4) == 0) {
                cr_assert(result == 0 || result == -ENOSPC);
                prs_store_abort(&store);
                want_full = result != 0;
            } else {
                cr_assert_eq(prs_store_commit(&store), 0);
                committed = now;
                medium.before = medium.after = &committed;
                medium.epoch = store.epoch;
                maybe_cut("committed");
            }
            if (below(made ? 2 : 5) == 0) { /* the machine dies for real, with or without an extension that is not counted */
                unsigned had = store.v->geometry.extensions;
                cut_medium_leave(&medium.memory, medium.memory.bytes);
                memcpy(medium.memory.durable, medium.memory.bytes, f.length);
                memset(medium.memory.flushed, 0, f.length / 64);
                medium.before = NULL;
                cr_assert_eq(attach_apart(&store, f.bytes, f.length), 0, "%s", prs_detail());
                cr_assert_eq(prs_store_recover(&store), 0, "%s", prs_detail());
                cr_assert(equals(&store, &committed));
                forgotten += store.v->geometry.extensions < had;
                cr_assert_eq(store.epoch, medium.epoch);
            }
        }
        counted += store.v->record.extensions;
        checks += medium.checks;
        medium.checks = 0;
        fixture_close(&f);
    }
    printf("%lu cuts, %u extensions made, %u times not counted when the machine died, %u counted in the end\n", checks, extended, forgotten, counted);
    cr_assert(checks > 300 && extended > 30 && forgotten > 3 && counted > 20);
}
