#include "store_fixture.h"
#include <criterion/criterion.h>
#include <stdio.h>

static uint64_t random_state = 88172645463325252ull;
static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}
static uint32_t below(uint32_t n) { return (uint32_t)(random_next() % n); }

/* ---- a plain model of what the store must give back ---- */

#define SMALL_BASE 0x7fff00000000ull
#define SMALL_BYTES 3000u
#define PAGES 96u
#define PAGE_ADDRESS(i) ((i) < 60 ? 0x100000000000ull + (i) * 4096ull : 0x2a0000400000ull + ((i) - 60) * 0x600000ull + (i) % 3 * 4096ull)

#define EXTENSION_SLOTS_MAX 40u

struct model {
    uint8_t small[SMALL_BYTES];
    uint8_t pages[PAGES][4096] __attribute__((aligned(64)));
    bool dirty_page[PAGES];
    bool dirty_small[SMALL_BYTES];
};

static struct model live, committed;

static int apply_entry(void *context, uint64_t epoch, uint64_t address, const void *data, uint32_t length)
{
    (void)epoch;
    cr_assert(address >= SMALL_BASE && address + length <= SMALL_BASE + SMALL_BYTES, "entry outside of small memory");
    memcpy((uint8_t *)context + (address - SMALL_BASE), data, length);
    return 0;
}

static int count_page(void *context, uint64_t address)
{
    (void)address;
    ++*(unsigned *)context;
    return 0;
}

static void expect_model(const struct prs_store *store, const struct model *model, const char *when)
{
    static uint8_t small[SMALL_BYTES];
    memset(small, 0, sizeof small);
    cr_assert_eq(prs_store_log_each(store, apply_entry, small), 0, "%s: log", when);
    cr_assert_eq(memcmp(small, model->small, SMALL_BYTES), 0, "%s: small memory differs", when);
    unsigned pages = 0, expected = 0;
    for (unsigned i = 0; i < PAGES; ++i) {
        static uint8_t page[4096] __attribute__((aligned(64)));
        memset(page, 0x5a, sizeof page);
        bool there = prs_store_page_read(store, PAGE_ADDRESS(i), page);
        bool zero = prs_lines_zero(model->pages[i]);
        cr_assert_eq(there, !zero, "%s: page %u is %s", when, i, there ? "there" : "missing");
        if (there) {
            cr_assert_eq(memcmp(page, model->pages[i], 4096), 0, "%s: page %u differs", when, i);
        } else {
            cr_assert_eq(page[77], 0x5a, "a page that reads as zero is left alone");
        }
        expected += !zero;
    }
    cr_assert_eq(prs_store_page_each(store, count_page, &pages), 0);
    uint64_t wrong;
    cr_assert_eq(prs_store_pages_check(store, &wrong), 0, "%s: %s", when, prs_detail());
    cr_assert_eq(pages, expected, "%s: %u pages visited, %u have content", when, pages, expected);
}

static void change_something(unsigned steps)
{
    for (unsigned step = 0; step < steps; ++step) {
        unsigned what = below(20);
        unsigned page = below(PAGES);
        if (what < 9) {
            unsigned at = below(SMALL_BYTES), length = 1 + below(40);
            for (unsigned i = at; i < at + length && i < SMALL_BYTES; ++i) {
                live.small[i] = (uint8_t)random_next();
                live.dirty_small[i] = true;
            }
        } else if (what < 16) {
            for (unsigned i = 0, n = 1 + below(6); i < n; ++i) {
                live.pages[page][below(4096)] = (uint8_t)random_next();
            }
            live.dirty_page[page] = true;
        } else if (what < 18) {
            memset(live.pages[page], 0, 4096);
            live.dirty_page[page] = true;
        } else {
            memset(live.pages[page], (int)(1 + below(255)), 4096);
            live.dirty_page[page] = true;
        }
    }
}

/* Writes what differs; returns 0 or -ENOSPC. */
static int write_epoch(struct prs_store *store, bool full)
{
    for (unsigned i = 0; i < SMALL_BYTES;) {
        if (!full && !live.dirty_small[i]) {
            ++i;
            continue;
        }
        unsigned end = i;
        while (end < SMALL_BYTES && (full || live.dirty_small[end]) && end - i < 700) {
            ++end;
        }
        int result = prs_store_append(store, SMALL_BASE + i, live.small + i, end - i);
        if (result != 0) {
            return result;
        }
        i = end;
    }
    for (unsigned i = 0; i < PAGES; ++i) {
        bool zero = prs_lines_zero(live.pages[i]);
        unsigned choice = below(10);
        if (!live.dirty_page[i] && choice != 0) {
            continue;
        }
        int result;
        if (zero && choice < 5) {
            result = prs_store_page_drop(store, PAGE_ADDRESS(i));
        } else {
            if (choice == 6) { /* something else first, in the same epoch */
                static uint8_t other[4096] __attribute__((aligned(64)));
                memset(other, (int)below(2), sizeof other);
                result = prs_store_page(store, PAGE_ADDRESS(i), other, below(2));
                if (result < 0) {
                    return result;
                }
            }
            if (choice == 7) {
                result = prs_store_range_drop(store, PAGE_ADDRESS(i), PAGE_ADDRESS(i) + 4096);
                cr_assert_eq(result, 0);
            }
            result = prs_store_page(store, PAGE_ADDRESS(i), live.pages[i], choice == 9);
        }
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static void committed_now(void)
{
    memset(live.dirty_page, 0, sizeof live.dirty_page);
    memset(live.dirty_small, 0, sizeof live.dirty_small);
    committed = live;
}

static void random_history(uint64_t seed, unsigned rounds, uint64_t log_bytes, uint32_t slots_first, uint32_t slots_second, unsigned extensions)
{
    struct fixture f;
    random_state = seed * 2654435761u + 1;
    memset(&live, 0, sizeof live);
    memset(&committed, 0, sizeof committed);
    fixture_format_room(&f, log_bytes, slots_first, slots_second, extensions * fixture_extension_bytes(EXTENSION_SLOTS_MAX));
    cr_assert_eq(fixture_restart(&f), 0);
    bool want_full = false;
    unsigned commits = 0, aborts = 0, restarts = 0, full_epochs = 0, no_space = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        change_something(1 + below(12));
        if (f.store.v->geometry.extensions < extensions && below(100) == 0) {
            cr_assert_eq(fixture_extend(&f.store, 1 + below(EXTENSION_SLOTS_MAX)), 0, "%s", prs_detail());
        }
        bool full;
        int result = prs_store_begin(&f.store, SMALL_BYTES + 1000, want_full, &full);
        uint64_t epoch = f.store.epoch; /* begin may commit an epoch that only moves lines */
        cr_assert_eq(result, 0, "begin: %d", result);
        cr_assert(full || !want_full);
        unsigned fate = below(12);
        if (fate == 0) { /* dies before writing */
            result = 1;
        } else {
            result = write_epoch(&f.store, full);
        }
        want_full = false;
        if (result == -ENOSPC) {
            ++no_space;
            prs_store_abort(&f.store);
            want_full = true;
            if (below(3) == 0) { /* make room */
                for (unsigned i = 0; i < PAGES; i += 2) {
                    memset(live.pages[i], 0, 4096);
                    live.dirty_page[i] = true;
                }
            }
        } else if (fate == 1) {
            ++aborts;
            prs_store_abort(&f.store);
        } else if (fate == 2 || fate == 0) {
            ++restarts;
            cr_assert_eq(fixture_restart(&f), 0, "restart: %s", prs_detail());
            if (below(2)) {
                live = committed; /* a real restart goes on from there */
            } else {
                for (unsigned i = 0; i < SMALL_BYTES; ++i) {
                    live.dirty_small[i] = true;
                }
                memset(live.dirty_page, 1, sizeof live.dirty_page);
            }
        } else {
            cr_assert_eq(prs_store_commit(&f.store), 0);
            cr_assert_eq(f.store.epoch, epoch + 1);
            epoch = epoch + 1;
            ++commits;
            full_epochs += full;
            committed_now();
            if (below(40) == 0) {
                cr_assert_eq(prs_store_reset(&f.store), 0);
                cr_assert_eq(prs_store_state(&f.store), PRS_POOL_EMPTY);
                memset(&committed, 0, sizeof committed);
                for (unsigned i = 0; i < SMALL_BYTES; ++i) {
                    live.dirty_small[i] = true;
                }
                memset(live.dirty_page, 1, sizeof live.dirty_page);
                epoch = epoch + 1;
            }
        }
        cr_assert_eq(f.store.epoch, epoch);
        if (round % 7 == 0 || result != 0) {
            expect_model(&f.store, &committed, "same process");
        }
        if (round % 50 == 0) {
            struct prs_store second;
            /* A reader in another process sees the same. */
            cr_assert_eq(fixture_restart(&f), 0, "reopen: %s", prs_detail());
            second = f.store;
            expect_model(&second, &committed, "reopened");
            cr_assert_eq(prs_store_verify(&f.store, (void (*)(void *, const char *))(void *)abort, NULL), 0);
        }
    }
    printf("%u commits (%u full), %u aborts, %u restarts, %u times out of space, %u extensions\n", commits, full_epochs, aborts, restarts, no_space,
           f.store.v->geometry.extensions);
    cr_assert_eq(f.store.v->geometry.extensions, extensions);
    fixture_close(&f);
}

Test(store, random_histories_with_room_equal_the_model)
{
    random_history(1, 4000, 64 << 10, 2 * PAGES + 3, 0, 0);
    random_history(2, 4000, 64 << 10, PAGES, PAGES + 3, 0);
}

Test(store, random_histories_with_scarce_slots_equal_the_model)
{
    random_history(3, 4000, 32 << 10, 60, 20, 0);
    random_history(4, 4000, 20 << 10, 30, 70, 0);
}

Test(store, random_histories_with_growth_equal_the_model)
{
    random_history(5, 4000, 32 << 10, 20, 0, 9);
    random_history(6, 4000, 20 << 10, 3, 5, 20);
    random_history(7, 2000, 20 << 10, 60, 20, 4);
}

Test(store, random_histories_with_page_checksums_equal_the_model)
{
    fixture_sums = true;
    random_history(8, 3000, 64 << 10, PAGES, PAGES + 3, 0);
    random_history(9, 3000, 20 << 10, 30, 70, 0);
    random_history(10, 3000, 20 << 10, 3, 5, 20);
}
