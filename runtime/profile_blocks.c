/* profile_blocks.c - which allocation site the program's memory belongs to (profile.h).
 *
 * Each granule of 16 bytes remembers who asked for it last. A block that is freed stays its site's until another takes the place: what changes in it meanwhile are the
 * allocator's lists. So freeing costs nothing, and no table of live blocks can be torn or outgrow the heap. A page that is all of one block has no granules.
 *
 * INVARIANT B1: an index slot is filled after what it names.
 * INVARIANT B2: numbers in the tables are checked before use: a second thread may have torn them, which costs a wrong line in the profile and nothing else.
 * Context: normal, from profile_caller.c, and the handler. Raw system calls only.
 */
#include "profile.h"
#include "prim.h"

#define GROW (1ul << 20)

/* ---- items ---- */

static const uint32_t area_max[PRS_AREAS] = {PRS_PROFILE_SITES, PRS_PROFILE_PAGES, PRS_PROFILE_GRANULES, PRS_PROFILE_WORDS};

static bool grow(struct prs_profiler *profiler, enum prs_profile_area area)
{
    struct prs_profile *file = profiler->file;
    uint64_t item = prs_profile_item(area), more = GROW / item;
    uint64_t room = file->room[area] + more < area_max[area] ? file->room[area] + more : area_max[area];
    if (room == file->room[area] ||
        prs_sys(SYS_fallocate, profiler->fd, 0, prs_profile_offset(area) + item * file->room[area], item * (room - file->room[area])) < 0) {
        return false;
    }
    file->room[area] = (uint32_t)room;
    return true;
}

uint32_t prs_profile_take(struct prs_profiler *profiler, enum prs_profile_area area)
{
    struct prs_profile *file = profiler->file;
    if (file->used[area] >= file->room[area] && !grow(profiler, area)) {
        return 0;
    }
    uint32_t number = __atomic_fetch_add(&file->used[area], 1, __ATOMIC_RELAXED);
    if (number >= file->room[area]) {
        __atomic_fetch_sub(&file->used[area], 1, __ATOMIC_RELAXED);
        return 0;
    }
    return number + 1;
}

/* ---- pages ---- */

static uint32_t page_slot(uint64_t page) { return (uint32_t)((page / PRS_PAGE * 0x9e3779b97f4a7c15ul) >> 41); }

struct prs_profile_page *prs_profile_page_of(const struct prs_profiler *profiler, uint64_t page)
{
    for (uint32_t slot = page_slot(page);; slot = (slot + 1) % PRS_PROFILE_PAGE_SLOTS) {
        uint32_t number = profiler->page_index[slot];
        if (number == 0 || number > PRS_PROFILE_PAGES) {
            return 0;
        }
        struct prs_profile_page *found = prs_profile_at(profiler, PRS_AREA_PAGES, number - 1);
        if (found->page == page) {
            return found;
        }
    }
}

static void page_put(struct prs_profiler *profiler, uint64_t page, uint32_t number)
{
    uint32_t slot = page_slot(page);
    while (profiler->page_index[slot] != 0) { /* never full: twice as many slots as pages */
        slot = (slot + 1) % PRS_PROFILE_PAGE_SLOTS;
    }
    __atomic_store_n(&profiler->page_index[slot], number, __ATOMIC_RELEASE); /* B1 */
}

struct prs_profile_page *prs_profile_page_make(struct prs_profiler *profiler, uint64_t page)
{
    struct prs_profile_page *found = prs_profile_page_of(profiler, page);
    if (found != 0) {
        return found;
    }
    uint32_t number = prs_profile_take(profiler, PRS_AREA_PAGES);
    if (number == 0) {
        return 0;
    }
    found = prs_profile_at(profiler, PRS_AREA_PAGES, number - 1);
    *found = (struct prs_profile_page){.page = page};
    page_put(profiler, page, number);
    return found;
}

static void own_part(struct prs_profiler *profiler, struct prs_profile_page *page, uint64_t first, uint64_t last, uint16_t site)
{
    if (page->detail == 0) {
        page->detail = prs_profile_take(profiler, PRS_AREA_GRANULES);
    }
    if (page->detail == 0 || page->detail > PRS_PROFILE_GRANULES) { /* no room: the last one has it all */
        page->site = site;
        page->whole = 1;
        return;
    }
    uint16_t *granules = prs_profile_at(profiler, PRS_AREA_GRANULES, page->detail - 1);
    if (page->whole) {
        for (unsigned i = 0; i < PRS_GRANULES_PER_PAGE; ++i) {
            granules[i] = page->site;
        }
        page->whole = 0;
    }
    for (uint64_t i = first; i <= last; ++i) {
        granules[i] = site;
    }
}

void prs_profile_own(struct prs_profiler *profiler, uint64_t start, uint64_t end, uint16_t site)
{
    for (uint64_t at = prs_round_down(start, PRS_PAGE); at < end; at += PRS_PAGE) {
        struct prs_profile_page *page = prs_profile_page_make(profiler, at);
        if (page == 0) {
            return;
        }
        if (start <= at && end >= at + PRS_PAGE) {
            page->site = site;
            page->whole = 1;
        } else {
            uint64_t first = start > at ? (start - at) / PRS_GRANULE : 0, last = end < at + PRS_PAGE ? (end - 1 - at) / PRS_GRANULE : PRS_GRANULES_PER_PAGE - 1;
            own_part(profiler, page, first, last, site);
        }
    }
}

void prs_profile_line(const struct prs_profiler *profiler, uint64_t address, uint16_t sites[PRS_LINE / PRS_GRANULE])
{
    const struct prs_profile_page *page = prs_profile_page_of(profiler, prs_round_down(address, PRS_PAGE));
    const uint16_t *granules = 0;
    if (page != 0 && !page->whole && page->detail != 0 && page->detail <= PRS_PROFILE_GRANULES) {
        granules = prs_profile_at(profiler, PRS_AREA_GRANULES, page->detail - 1);
        granules += address % PRS_PAGE / PRS_GRANULE;
    }
    for (unsigned i = 0; i < PRS_LINE / PRS_GRANULE; ++i) {
        sites[i] = granules != 0 ? granules[i] : page != 0 && page->whole ? page->site : 0;
        sites[i] = sites[i] < profiler->file->used[PRS_AREA_SITES] ? sites[i] : 0; /* B2 */
    }
}

/* ---- sites ---- */

static uint64_t chain_hash(const uint64_t *chain)
{
    uint64_t hash = 0x9e3779b97f4a7c15ul;
    for (unsigned i = 0; i < PRS_PROFILE_CHAIN && chain[i] != 0; ++i) {
        hash = (hash ^ chain[i]) * 0xff51afd7ed558ccdul;
        hash ^= hash >> 32;
    }
    return hash;
}

static bool same_chain(const uint64_t *a, const uint64_t *b)
{
    for (unsigned i = 0; i < PRS_PROFILE_CHAIN; ++i) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

uint16_t prs_profile_site_of(struct prs_profiler *profiler, const uint64_t *chain)
{
    uint64_t hash = chain_hash(chain);
    uint32_t slot = (uint32_t)hash % PRS_PROFILE_SITE_SLOTS;
    for (;; slot = (slot + 1) % PRS_PROFILE_SITE_SLOTS) {
        uint32_t number = profiler->site_index[slot];
        if (number == 0) {
            break;
        }
        struct prs_profile_site *site = prs_profile_at(profiler, PRS_AREA_SITES, number - 1);
        if (site->hash == hash && same_chain(site->chain, chain)) {
            ++site->blocks;
            return (uint16_t)(number - 1);
        }
    }
    uint32_t number = prs_profile_take(profiler, PRS_AREA_SITES);
    if (number == 0) {
        return 0;
    }
    struct prs_profile_site *site = prs_profile_at(profiler, PRS_AREA_SITES, number - 1);
    prs_copy(site->chain, chain, sizeof site->chain);
    site->bytes = 0;
    site->blocks = 1;
    site->hash = hash;
    __atomic_store_n(&profiler->site_index[slot], number, __ATOMIC_RELEASE);
    return (uint16_t)(number - 1);
}

void prs_profile_index(struct prs_profiler *profiler)
{
    for (uint32_t i = 1; i < profiler->file->used[PRS_AREA_SITES]; ++i) {
        struct prs_profile_site *site = prs_profile_at(profiler, PRS_AREA_SITES, i);
        uint32_t slot = (uint32_t)site->hash % PRS_PROFILE_SITE_SLOTS;
        while (profiler->site_index[slot] != 0) {
            slot = (slot + 1) % PRS_PROFILE_SITE_SLOTS;
        }
        profiler->site_index[slot] = i + 1;
    }
    for (uint32_t i = 0; i < profiler->file->used[PRS_AREA_PAGES]; ++i) {
        struct prs_profile_page *page = prs_profile_at(profiler, PRS_AREA_PAGES, i);
        if (page->page != 0) {
            page_put(profiler, page->page, i + 1);
        }
    }
}
