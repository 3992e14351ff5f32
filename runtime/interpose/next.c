/* next.c - the definitions that stand after ours in lookup order.
 *
 * All are looked up by a constructor, in normal context, because dlsym takes ld.so's lock: a wrapper may be called first in a signal handler or
 * in a child of a threaded process. What other libraries' constructors call before ours has run is looked up then, one by one.
 *
 * INVARIANT N1: an entry, once set, never changes: no libc is loaded twice, and a restore brings the same addresses back.
 */
#include "interpose.h"
#include "../log.h"
#include <dlfcn.h>

void *prs_next_table[PRS_NEXT_COUNT + 1];

static const char *const names[] = {
#define PRS_NEXT_FUNCTION(name) #name,
#include "next.def"
#undef PRS_NEXT_FUNCTION
    NULL,
};

void *prs_next_find(enum prs_next_number number)
{
    int saved = errno;
    void *found = dlsym(RTLD_NEXT, names[number]);
    errno = saved;
    if (found == NULL) {
        prs_say("the C library does not define %s", names[number]);
        prs_sys(SYS_exit_group, 125);
        __builtin_unreachable();
    }
    prs_next_table[number] = found;
    return found;
}

/* Functions that this C library lacks stay NULL: nobody can have linked against them. */
__attribute__((constructor(101))) static void find_all(void)
{
    for (unsigned i = 0; i < PRS_NEXT_COUNT; i++)
        if (prs_next_table[i] == NULL)
            prs_next_table[i] = dlsym(RTLD_NEXT, names[i]);
}
