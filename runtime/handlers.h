/* handlers.h - which handlers of the program's own may be running: one that interrupts a gap (abi.h) is no evidence that the gap is over. */
#ifndef PRS_HANDLERS_H
#define PRS_HANDLERS_H

#include <stdbool.h>
#include <stdint.h>

#define PRS_HANDLERS_MAX 16u

struct prs_handlers { /* in the image */
    volatile uint32_t count;                /* more than the array has room for: not known any more */
    volatile uint64_t sp[PRS_HANDLERS_MAX]; /* stack pointer at the entry, oldest first */
};

/* A handler is being entered. Before any of its code. */
void prs_handlers_enter(struct prs_handlers *handlers, uint64_t sp);
/* The program stands at sp; [main_low, main_high) is the main stack. Takes off what has ended and is seen to have. True: none may be running. Checkpoint. */
bool prs_handlers_none(struct prs_handlers *handlers, uint64_t sp, uint64_t main_low, uint64_t main_high);

#endif
