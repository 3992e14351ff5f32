/* handlers.c - handlers.h's list.
 *
 * A handler is entered through interpose/guarded_x86_64.S; how it is left nobody hears of (return, siglongjmp, setcontext), so its end is concluded:
 *
 *   on the main stack                      it has ended once the program stands above its frame on the main stack
 *   on another (alternate, coroutine)      once another handler is entered at the very same place
 *
 * INVARIANT: a handler that is running, or that waits on a stack while another stack runs, is in the list. (The other way round it may be late: then marks live
 *            longer than they need.)
 * Context: enter in the program's, at the entry of its handlers; none in the handler of the checkpoint, when nothing else runs. No libc.
 */
#include "handlers.h"

void prs_handlers_enter(struct prs_handlers *handlers, uint64_t sp)
{
    uint32_t count = handlers->count;
    for (uint32_t i = 0; i < count && i < PRS_HANDLERS_MAX; ++i) {
        if (handlers->sp[i] == sp) {
            return; /* the older one at this place has ended; this one stands for it */
        }
    }
    uint32_t at = __atomic_fetch_add(&handlers->count, 1, __ATOMIC_SEQ_CST); /* a second thread may enter one too */
    if (at < PRS_HANDLERS_MAX) {
        handlers->sp[at] = sp;
    }
}

bool prs_handlers_none(struct prs_handlers *handlers, uint64_t sp, uint64_t main_low, uint64_t main_high)
{
    if (handlers->count > PRS_HANDLERS_MAX) {
        return false;
    }
    bool on_main = main_low <= sp && sp < main_high;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < handlers->count; ++i) {
        uint64_t entered = handlers->sp[i];
        bool ended = on_main && main_low <= entered && entered < sp;
        if (!ended) {
            handlers->sp[kept++] = entered;
        }
    }
    handlers->count = kept;
    return kept == 0;
}
