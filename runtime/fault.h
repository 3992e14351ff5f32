/* fault.h - crash points for tests, listed in fault.def. One predicted branch when none is chosen. Any context. */
#ifndef PRS_FAULT_H
#define PRS_FAULT_H

enum prs_fault_point {
#define PRS_FAULT(name, where) PRS_FAULT_##name,
#include "fault.def"
#undef PRS_FAULT
    PRS_FAULT_COUNT
};

/* "name" or "name@n". PROSPER_E_OPTION for an unknown name. */
int prs_fault_select(const char *text);
void prs_fault_pass(enum prs_fault_point point);
#define PRS_FAULT_HERE(name) prs_fault_pass(PRS_FAULT_##name)

#endif
