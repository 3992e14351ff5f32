/* stack_mprotect.c - stack=mprotect: as stack=pages, with the pages that were written found by mprotect and SIGSEGV (stack_guard.h).
 *
 * INVARIANTS
 *   G1  A page is closed (read-only while the program runs) only when all of it is in the log, and the mirror: the page that the stack is cut in stays open.
 *   G2  A page that is not closed is copied at each checkpoint at which it is in use; whole, without a comparison. Only a page that stays open because it was written at
 *       two checkpoints in a row (pages.h, the hot list, where the kernel has userfaultfd) is compared, as stack=pages does.
 *   G3  While a checkpoint is taken all of the stack is open, so that it is one mapping, as the program has it.
 *   G4  When the log begins anew, pages that are not in use are opened: it has nothing of them.
 *   G5  The lowest page of the mapping stays open: the kernel makes the pages by which a stack grows like it.
 * Context: handler; the functions for the guard in its handlers. Nothing durable of its own.
 */
#include "error.h"
#include "log.h"
#include "pages_internal.h"
#include "prim.h"
#include "stack_guard.h"
#include "stack_way.h"
#include "state.h"
#include <errno.h>
#include <sys/mman.h>

struct prs_protection {
    uint64_t closed[PRS_GUARD_PAGES / 64]; /* by pages from the end of the stack down */
    uint64_t low;                          /* no closed page below */
    uint64_t whole, end;                   /* the pages that the open epoch has whole */
    int open_bits;                         /* PROT_* of the stack */
    bool applied, any;                     /* closed pages are protected now; there are some */
    bool tried, ended;
};

static uint64_t number_of(uint64_t page) { return (prs_p.stack_top - page) / PRS_PAGE - 1; }

static bool known(uint64_t page) { return page < prs_p.stack_top && number_of(page) < PRS_GUARD_PAGES; }

static bool is_closed(const struct prs_protection *p, uint64_t page)
{
    return known(page) && (p->closed[number_of(page) / 64] >> number_of(page) % 64 & 1) != 0;
}

static void set_closed(struct prs_protection *p, uint64_t page, bool closed)
{
    if (known(page)) {
        uint64_t bit = 1ul << number_of(page) % 64;
        p->closed[number_of(page) / 64] = closed ? p->closed[number_of(page) / 64] | bit : p->closed[number_of(page) / 64] & ~bit;
    }
}

/* ---- protection ---- */

static bool protect(uint64_t from, uint64_t to, int bits) { return from >= to || prs_sys(SYS_mprotect, from, to - from, bits) == 0; }

static void apply(struct prs_protection *p)
{
    p->any = false;
    for (uint64_t page = p->low, start; page < prs_p.stack_top; page = start) {
        for (start = page; start < prs_p.stack_top && is_closed(p, start) == is_closed(p, page);) {
            start += PRS_PAGE;
        }
        if (is_closed(p, page) && !protect(page, start, p->open_bits & ~PROT_WRITE)) {
            for (uint64_t left = page; left < start; left += PRS_PAGE) { /* more mappings than the kernel allows */
                set_closed(p, left, false);
            }
        }
        p->any |= is_closed(p, page);
    }
    p->applied = true;
}

static void open_up(struct prs_protection *p)
{
    if (p->applied) {
        PRS_ASSERT(protect(p->low, prs_p.stack_top, p->open_bits));
        p->applied = false;
    }
}

bool prs_protected_open(uint64_t address)
{
    struct prs_protection *p = prs_p.stack.protection;
    uint64_t page = prs_round_down(address, PRS_PAGE);
    if (p == NULL || !p->applied || !is_closed(p, page)) {
        return false;
    }
    set_closed(p, page, false);
    if (!protect(page, page + PRS_PAGE, p->open_bits)) {
        prs_protected_open_all(); /* which needs no mapping more */
    }
    return true;
}

void prs_protected_open_range(uint64_t address, uint64_t bytes)
{
    uint64_t end = address + bytes < address || address + bytes > prs_p.stack_top ? prs_p.stack_top : address + bytes;
    struct prs_protection *p = prs_p.stack.protection;
    for (uint64_t page = prs_round_down(address > p->low ? address : p->low, PRS_PAGE); page < end; page += PRS_PAGE) {
        (void)prs_protected_open(page);
    }
}

void prs_protected_open_all(void)
{
    struct prs_protection *p = prs_p.stack.protection;
    open_up(p);
    prs_fill(p->closed, 0, sizeof p->closed);
    p->low = prs_p.stack_top;
}

void prs_protected_end(const char *because)
{
    prs_protected_open_all();
    prs_p.stack.protection->ended = true;
    if (because != NULL) {
        prs_say("stack=mprotect: %s; from here on all of its stack is copied at each checkpoint", because);
    }
}

bool prs_protected_overlaps(uint64_t address, uint64_t bytes)
{
    return address < prs_p.stack_top && address + bytes > prs_p.stack_mapped;
}

/* A dispatched call costs some 3 us, the copy of a page in log and mirror 1 us. */
uint32_t prs_protected_calls_max(void) { return 4 + (uint32_t)((prs_p.stack.protection->end - prs_p.stack.protection->whole) / PRS_PAGE / 3); }

/* ---- the checkpoint ---- */

static int copy(uint64_t from, uint64_t to, prs_diff_visitor put, void *context)
{
    uint8_t *chunk = prs_mirror_chunk(prs_stack_mirror(), from, true);
    int error = from >= to ? 0 : chunk == NULL ? -ENOMEM : put(context, from, (const void *)from, (uint32_t)(to - from));
    if (error == 0) {
        prs_copy(chunk + from % PRS_CHUNK, (const void *)from, to - from);
    }
    return error;
}

static int collect(struct prs_range range, bool full, uint32_t granularity, prs_diff_visitor put, void *context)
{
    (void)granularity;
    struct prs_protection *p = prs_p.stack.protection;
    uint64_t whole = prs_round_up(range.start, PRS_PAGE);
    if (full) {
        for (uint64_t page = p->low; page < whole; page += PRS_PAGE) { /* G4 */
            set_closed(p, page, false);
        }
    }
    p->whole = whole;
    p->end = range.end;
    if (full) {
        return prs_mirror_diff(prs_stack_mirror(), range.start, range.end, PRS_LINE, put, context);
    }
    int error = copy(range.start, whole, put, context);
    for (uint64_t page = whole; page < range.end && error == 0; page += PRS_PAGE) {
        if (!is_closed(p, page)) {
            bool written = p->ended || !prs_pages_unwatched(prs_p.pages, page) || prs_mirror_first_difference(prs_stack_mirror(), page, page + PRS_PAGE) < page + PRS_PAGE;
            error = written ? copy(page, page + PRS_PAGE, put, context) : 0;
            prs_pages_feedback(prs_p.pages, page, written);
        }
    }
    return error;
}

static void committed(void)
{
    struct prs_protection *p = prs_p.stack.protection;
    for (uint64_t page = p->whole - PRS_PAGE; page < p->end; page += PRS_PAGE) {
        if (page < p->whole || page == prs_p.stack_mapped) {
            set_closed(p, page, false); /* G1, G5 */
        } else if (!is_closed(p, page) && !p->ended) {
            set_closed(p, page, !prs_page_is_hot(prs_p.pages, page));
        }
    }
    p->low = p->whole < p->low ? p->whole : p->low;
}

static int stack_bits(void)
{
    for (uint32_t i = 0; i < PRS_META->region_count; ++i) {
        if (PRS_META->regions[i].kind == PRS_REGION_STACK) {
            return (int)PRS_META->regions[i].protection;
        }
    }
    return PROT_READ | PROT_WRITE;
}

static void around(bool begins)
{
    struct prs_protection *p = prs_p.stack.protection;
    if (p == NULL) {
        p = prs_arena_take(&prs_p.scratch, sizeof *p);
        PRS_ASSERT(p != NULL);
        p->low = prs_p.stack_top;
        prs_p.stack.protection = p;
    }
    if (begins) {
        open_up(p);
        return;
    }
    if (!prs_p.active || p->ended || prs_p.stats.checkpoints == 0) {
        return;
    }
    if (!p->tried) {
        p->tried = true;
        p->open_bits = stack_bits();
        if (!prs_guard_begin()) {
            prs_protected_end("no memory is left to protect it");
            return;
        }
    }
    apply(p);
    prs_guard_watch(p->any);
}

static int start(bool resumed) { return resumed ? 0 : prs_guard_probe(); }

const struct prs_stack_way prs_stack_mprotect = {.number = PRS_STACK_MPROTECT, .collect = collect, .start = start, .committed = committed, .around = around};
