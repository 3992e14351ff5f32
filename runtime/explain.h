/* explain.h - explain=1. */
#ifndef PRS_EXPLAIN_H
#define PRS_EXPLAIN_H

/* After a commit. Handler. */
void prs_explain(void);

#endif
