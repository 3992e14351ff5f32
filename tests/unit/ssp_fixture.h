/* ssp_fixture.h - a store with 24 slots in memory, a page to be written into it, and the steps of an epoch. */
#ifndef SSP_FIXTURE_H
#define SSP_FIXTURE_H

#include "store_fixture.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define ADDRESS 0x123456789000ull

static struct fixture f;
static uint8_t page[4096] __attribute__((aligned(64)));
__attribute__((unused)) static uint8_t out[4096] __attribute__((aligned(64)));

static inline void setup(void)
{
    fixture_open(&f, 16384, 12, 12);
    memset(page, 0, sizeof page);
}
static inline void teardown(void) { fixture_close(&f); }

static inline void begin(void)
{
    bool full;
    cr_assert_eq(prs_store_begin(&f.store, 100, false, &full), 0);
}
static inline int put_at(uint64_t address) { return prs_store_page(&f.store, address, page, false); }
static inline void commit(void) { cr_assert_eq(prs_store_commit(&f.store), 0); }
static inline void expect_page(uint64_t address)
{
    cr_assert(prs_store_page_read(&f.store, address, out));
    cr_assert_eq(memcmp(out, page, 4096), 0);
}
static inline struct prs_store_use usage(void)
{
    struct prs_store_use use;
    prs_store_usage(&f.store, &use);
    return use;
}

#endif
