/* digest.h - what a store holds, as one line of text: the explorer and the process that it starts say the same, or one of them is wrong. Everything that a restore reads counts: epoch,
 * state, reason, each entry of the log in order, each page. Compiled into both. */
#ifndef POWER_DIGEST_H
#define POWER_DIGEST_H

#include "store_internal.h"
#include <stdio.h>
#include <string.h>

#define DIGEST_BYTES 512

struct digest {
    const struct prs_store *store;
    uint64_t pages, entries;
    uint32_t page_sum, log_sum;
};

static inline int digest_log(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    struct digest *digest = context;
    const uint64_t head[3] = {epoch, address, length};
    digest->log_sum = prs_crc32c(prs_crc32c(digest->log_sum, head, sizeof head), data, length);
    ++digest->entries;
    return 0;
}

static inline int digest_page(void *context, uint64_t address)
{
    struct digest *digest = context;
    static uint8_t page[PRF_PAGE] __attribute__((aligned(64)));
    if (!prs_store_page_read(digest->store, address, page)) {
        return 1;
    }
    digest->page_sum += prs_crc32c(prs_crc32c(0, &address, sizeof address), page, sizeof page); /* in no order */
    ++digest->pages;
    return 0;
}

static inline void digest_of(const struct prs_store *store, char out[DIGEST_BYTES])
{
    struct digest digest = {.store = store};
    char reason[PRF_REASON_MAX + 1] = "";
    int log = prs_store_log_each(store, digest_log, &digest), pages = prs_store_page_each(store, digest_page, &digest);
    prs_store_reason(store, reason, sizeof reason);
    snprintf(out, DIGEST_BYTES, "epoch %lu, state %d, reason '%s', %lu entries of the log %08x, %lu pages %08x, read %d %d", store->epoch, (int)prs_store_state(store), reason,
             digest.entries, digest.log_sum, digest.pages, digest.page_sum, log, pages);
}

#endif
