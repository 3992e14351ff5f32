/* evidence.c - evidence.h's one rule.
 *
 * INVARIANT: suspects are dropped only if, after the commit that consumed the youngest of them, the thread has released its marks, or (dirty map only) has executed more than
 *            GAP_MARKS short marks. Every such mark marks at most MARK_LINES lines, so more than GAP_MARKS * MARK_LINES fresh lines prove it.
 *
 *   fresh lines since          proves the end of gaps before       so dropped can be
 *   the last commit            the last commit                     all suspects
 *   the last turn              the last turn                       those that were suspect at it; the others wait for the next one
 */
#include "evidence.h"
#include "planted.h"
#include <prosper/abi.h>

#define FRESH_ENOUGH (PRS_PLANTED(evidence_early) ? 0 : (uint64_t)PRS_GAP_MARKS * PRS_MARK_LINES)

void prs_evidence_weigh(struct prs_evidence evidence, uint64_t *since_turn, enum prs_aging *in_short, enum prs_aging *in_long)
{
    *in_short = *in_long = PRS_PLANTED(suspects_dropped) ? PRS_AGE_DROP : PRS_AGE_KEEP;
    if (evidence.handled) {
        return;
    }
    *since_turn += evidence.fresh;
    if (evidence.released || evidence.fresh > FRESH_ENOUGH) {
        *in_short = PRS_AGE_DROP;
        *since_turn = 0;
    } else if (*since_turn > FRESH_ENOUGH) {
        *in_short = PRS_AGE_TURN;
        *since_turn = 0;
    }
    *in_long = evidence.released ? PRS_AGE_DROP : PRS_AGE_KEEP;
}
