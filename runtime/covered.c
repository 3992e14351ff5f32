/* covered.c - covered.h's lists, both in the image.
 *
 * INVARIANT: a range that was given away is in the list or `overflowed` is set, before its writer knows of it. Ranges only grow, and are published after they are
 *            filled, so a checkpoint at any instant reads a list that is right. It is not shortened when the memory is freed: to compare more is no fault.
 */
#include "covered.h"
#include "coverage.h"
#include "layout.h"
#include "planted.h"
#include "prim.h"

#define CODE_MAX 64u
#define GIVEN_MAX 256u

struct prs_code prs_covered_first;
static struct prs_code code[CODE_MAX];
static uint32_t code_count;

static struct { volatile uint64_t start, end; } given[GIVEN_MAX];
static volatile uint32_t given_count;
static volatile bool overflowed;

void prs_covered_start(void)
{
    uint64_t start, end;
    code_count = 0;
    for (uint32_t i = 0; prs_coverage_code(i, &start, &end); ++i) {
        if (start == end) {
            continue; /* no code, or none with marks */
        }
        if (prs_covered_first.bytes == 0) {
            prs_covered_first = (struct prs_code){start, end - start};
        } else if (code_count < CODE_MAX) { /* more: their memory is tracked by pages */
            code[code_count++] = (struct prs_code){start, end - start};
        }
    }
}

bool prs_covered_elsewhere(uint64_t address)
{
    for (uint32_t i = 0; i < code_count; ++i) {
        if (address - code[i].start < code[i].bytes) {
            return true;
        }
    }
    return false;
}

void prs_given_add(const void *place, uint64_t bytes)
{
    uint64_t start = (uint64_t)place, end = start + bytes;
    if (end <= PRS_MARKED_BASE || start >= PRS_MARKED_END || bytes == 0 || PRS_PLANTED(given_forgotten)) {
        return;
    }
    for (uint32_t i = 0; i < given_count; ++i) {
        if (given[i].start <= end && start <= given[i].end) {
            given[i].start = start < given[i].start ? start : given[i].start;
            given[i].end = end > given[i].end ? end : given[i].end;
            return;
        }
    }
    if (given_count == GIVEN_MAX) {
        overflowed = true;
        return;
    }
    given[given_count].start = start;
    given[given_count].end = end;
    given_count = given_count + 1;
}

bool prs_given_range(uint32_t i, uint64_t *start, uint64_t *end)
{
    *start = i < given_count ? given[i].start : 0;
    *end = i < given_count ? given[i].end : 0;
    return i < given_count;
}

bool prs_given_has(uint64_t address)
{
    uint64_t start, end;
    for (uint32_t i = 0; prs_given_range(i, &start, &end); ++i) {
        if (start <= address && address < end) {
            return true;
        }
    }
    return false;
}

bool prs_given_overflowed(void) { return overflowed; }
