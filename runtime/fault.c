/* fault.c - crash points: SIGKILL at the n-th passing of the chosen one. Any context. */
#include "fault.h"
#include "error.h"
#include "prim.h"
#include "state.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
#define PRS_FAULT(name, where) #name,
#include "fault.def"
#undef PRS_FAULT
};

int prs_fault_select(const char *text)
{
    size_t length = strcspn(text, "@");
    for (unsigned i = 0; i < PRS_FAULT_COUNT; ++i) {
        if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0) {
            prs_p.fault_point = (int)i + 1;
            prs_p.fault_left = text[length] == '@' ? strtoul(text + length + 1, NULL, 10) : 1;
            return 0;
        }
    }
    return *text == '\0' ? 0 : prs_fail(PROSPER_E_OPTION, "there is no crash point '%s'", text);
}

void prs_fault_pass(enum prs_fault_point point)
{
    if (__builtin_expect(prs_p.fault_point == (int)point + 1, 0) && --prs_p.fault_left == 0) {
        prs_sys(SYS_kill, prs_sys(SYS_getpid), SIGKILL);
    }
}
