/* lookup.c - dlsym is noted: a function of libc that is found by its name has no stand-in, so marks do not say what it writes (marks.h).
 *
 * dlsym looks at its return address (RTLD_NEXT), so libc's gets the call as it came: lookup_x86_64.S notes it here, then jumps on. Our own calls are noted too, which is why marks.c takes a count
 * when it decides.
 * Context: any in which dlsym may be called, other libraries' constructors included.
 */
#include "interpose.h"
#include "../log.h"
#include <dlfcn.h>

void *prs_lookup_target(void);

static void *next_dlsym(void)
{
    static void *found;
    if (PRS_UNLIKELY(found == NULL)) {
        found = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
        if (found == NULL) {
            found = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
        }
        if (found == NULL) {
            prs_say("the C library does not define dlsym");
            prs_sys(SYS_exit_group, 125);
        }
    }
    return found;
}

__attribute__((used)) void *prs_lookup_target(void)
{
    __atomic_fetch_add(&prs_w.looked_up, 1, __ATOMIC_SEQ_CST);
    return next_dlsym();
}
