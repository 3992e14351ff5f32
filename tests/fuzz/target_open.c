/* target_open.c - fuzz target `open`: any bytes as a pool that a program is started with: attached, read, recovered, and an epoch or two written.
 *
 * What must hold, besides no crash: a pool that attach accepts can be recovered; after that nothing is found wrong with it (but for contents that do not fit their checksums, if they did not before); an epoch can be committed (or there is
 * no room), and is what the next attach finds.
 */
#include "store_internal.h"
#include "target.h"
#include <string.h>

static int sum_log(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    uint64_t *sum = context;
    (void)epoch, (void)address;
    *sum += prs_crc32c(0, data, length);
    return 0;
}

struct pages {
    const struct prs_store *store;
    uint64_t count, first, sum;
};

static int sum_page(void *context, uint64_t page)
{
    static uint8_t content[PRF_PAGE];
    struct pages *pages = context;
    target_must(prs_store_page_read(pages->store, page, content), "a page that has content cannot be read");
    pages->sum += prs_crc32c(0, content, sizeof content);
    pages->first = pages->count++ == 0 ? page : pages->first;
    return 0;
}

/* context: contents were damaged before, which attach does not look at. */
static void no_finding(void *context, const char *sentence)
{
    const bool *damaged = context;
    target_must(strncmp(sentence, "Reason", 6) == 0 || (*damaged && strstr(sentence, "the content of page") != NULL), sentence); /* words for people: without them a pool is as good */
}

static void read_all(const struct prs_store *store, struct pages *pages)
{
    char reason[64];
    uint64_t sum = 0;
    struct prs_store_use use;
    (void)prs_store_state(store);
    prs_store_reason(store, reason, sizeof reason);
    prs_store_usage(store, &use);
    target_must(prs_store_log_each(store, sum_log, &sum) == 0, "the log cannot be read after attach");
    target_must(prs_store_log_last(store, sum_log, &sum) == 0, "the last epoch cannot be read after attach");
    *pages = (struct pages){.store = store};
    target_must(prs_store_page_each(store, sum_page, pages) == 0, "the pages cannot be read after attach");
    target_must(pages->count == use.pages, "the number of pages");
}

static bool write_epoch(struct prs_store *store, const struct pages *pages)
{
    static uint8_t live[PRF_PAGE] __attribute__((aligned(64)));
    bool full;
    if (prs_store_begin(store, 4096, false, &full) != 0) {
        return false;
    }
    memset(live, 0, sizeof live);
    live[100]++;
    int error = prs_store_append(store, 0x7fff0000, live, 77);
    error = error < 0 ? error : prs_store_page(store, 0x12345000, live, false);
    if (error >= 0 && pages->count > 0) {
        error = prs_store_page(store, pages->first, live, false);
        error = error < 0 ? error : prs_store_page_drop(store, pages->first);
    }
    if (error < 0 || prs_store_commit(store) != 0) {
        prs_store_abort(store);
        return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct image_bytes image;
    struct prs_store store;
    struct pages pages;
    if (!sparse_decode(data, size, &image) || prs_store_attach(&store, image.bytes, image.length, &prs_media_none, target_arena()) != 0) {
        return 0;
    }
    read_all(&store, &pages);
    uint64_t wrong;
    bool damaged = prs_store_pages_check(&store, &wrong) != 0;
    target_must(prs_store_recover(&store) == 0, "a pool that can be read cannot be recovered");
    prs_store_verify(&store, no_finding, &damaged);
    uint64_t epoch = store.epoch;
    enum prs_pool_state state = prs_store_state(&store);
    for (unsigned i = 0; i < 2; i++) {
        epoch += write_epoch(&store, &pages);
        read_all(&store, &pages);
    }
    if (state == PRS_POOL_FINISHED) { /* as the next start would */
        target_must(prs_store_reset(&store) == 0, "a finished pool cannot be emptied");
        epoch = store.epoch;
    }
    target_must(prs_store_attach(&store, image.bytes, image.length, &prs_media_none, target_arena()) == 0, "a pool that was written cannot be read");
    target_must(store.epoch >= epoch, "an epoch is lost");
    prs_store_verify(&store, no_finding, &damaged);
    return 0;
}
