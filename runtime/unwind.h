/* unwind.h - from a frame to its caller, by the unwind tables that every object carries (.eh_frame). For the profile (profile.h) alone.
 *
 * Not libunwind, nor libgcc's: both take locks and memory, and libprosper would need them in every program, profiled or not. What is needed is little: no
 * personality routines, no landing, integer registers only.
 * Context: any, the handler too: no allocation, no lock; tables are found by _dl_find_object, which is safe in signal handlers. Stack memory is asked of the kernel
 * before it is read, page by page, so wrong tables end the walk and nothing else. */
#ifndef PRS_UNWIND_H
#define PRS_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

/* DWARF's numbers for x86-64. */
enum { PRS_UNWIND_RBX = 3, PRS_UNWIND_RBP = 6, PRS_UNWIND_RSP = 7, PRS_UNWIND_R12 = 12, PRS_UNWIND_RIP = 16, PRS_UNWIND_REGISTERS = 17 };

struct prs_cursor {
    uint64_t at[PRS_UNWIND_REGISTERS];
    uint32_t known;      /* a bit for each register whose value is */
    bool exact;          /* RIP is the next instruction, not a return address: the innermost frame, and what a signal interrupted */
    uint64_t read_from, read_to; /* stack that is known to be readable */
};

/* The interrupted frame of a signal frame. */
void prs_unwind_from(struct prs_cursor *cursor, const void *ucontext);

/* The frame of the function that calls this. */
static inline __attribute__((always_inline)) void prs_unwind_here(struct prs_cursor *cursor)
{
    cursor->known = 1u << PRS_UNWIND_RBX | 1u << PRS_UNWIND_RBP | 1u << PRS_UNWIND_RSP | 0xfu << PRS_UNWIND_R12 | 1u << PRS_UNWIND_RIP;
    cursor->exact = true;
    cursor->read_from = cursor->read_to = 0;
    __asm__ volatile("movq %%rbx, 24(%0)\n\tmovq %%rbp, 48(%0)\n\tmovq %%rsp, 56(%0)\n\tmovq %%r12, 96(%0)\n\tmovq %%r13, 104(%0)\n\t"
                     "movq %%r14, 112(%0)\n\tmovq %%r15, 120(%0)\n\tleaq 0(%%rip), %%rax\n\tmovq %%rax, 128(%0)"
                     : : "r"(cursor->at) : "rax", "memory");
}

/* To the caller. *function: where the code of the frame that is left begins (of its unwind entry), 0 where none is found. 1, 0: this was the outermost frame, -1: it cannot
 * be told who called. */
int prs_unwind_step(struct prs_cursor *cursor, uint64_t *function);

#endif
