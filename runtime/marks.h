/* marks.h - when checkpoints of the marked part of memory rely on marks, and how long a mark lives. */
#ifndef PRS_MARKS_H
#define PRS_MARKS_H

#include "choice.h"
#include "dirtymap.h"
#include <stdbool.h>
#include <stdint.h>

struct prs_marks { /* in prs_p: a restored process begins anew */
    bool possible;   /* the option allows it, and the program is covered */
    bool evidence;   /* no mark from before this process waits for its store */
    bool rely;       /* this process's checkpoints go by marks */
    bool resting;    /* they could, and pages cost less now */
    struct prs_choice choice;
    uint64_t turns;  /* tracker=turns */
    bool checks;     /* markcheck.c ages its own way */
    const char *ended; /* why marks are not relied on any more; NULL */
    /* since the last commit */
    bool everything; /* something may have been written anywhere */
    bool left;       /* marks were relied on before */
    bool released, handled;
    uint64_t handlers; /* prs_w.program_handlers at the last commit */
    uint64_t fresh;  /* lines newly marked since the last turn of the dirty map */
    int found;       /* of prs_spans_find, in this checkpoint */
    struct prs_spans spans;
    /* markcheck.c */
    bool check_now;
    unsigned reports;
    uint64_t checkpoints, dropped_at;
    int explained;   /* explain.c: what was said last */
    bool said;       /* prs_marks_say_gap, in this process */
};

/* First start of a program: decides, from the notes and the imports of what is loaded, whether the marked heap is used, and says in one line why not if mode all was asked
 * for. Normal context, before the program's constructors. */
void prs_marks_decide(void);
/* Why marks are not relied on from the start; "": they are, or could be. */
const char *prs_marks_gap(void);
/* ... although something was compiled in mode all. */
bool prs_marks_gap_matters(void);
/* The same as a line on stderr, with what it costs and how to change it. Any context. */
void prs_marks_say_gap(void);
/* A process begins; resumed: by a restore. */
void prs_marks_start(bool resumed);
/* Before the collecting of a checkpoint of a program that stands at stack pointer sp. Handler, as the rest. */
void prs_marks_begin(uint64_t sp);
/* Everything in the marked part must be compared in this checkpoint. */
bool prs_marks_everything(void);
/* The epoch has committed. */
void prs_marks_committed(void);

#endif
