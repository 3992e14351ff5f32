/* hooks.c - what instrumented code refers to.
 *
 * INVARIANTS
 *   1. The version symbol is defined by this ABI's runtime only; objects of another one do not link.
 *   2. The list of windows is per thread, newest node first, addresses ascending within a stack. Instrumented code puts the head right where unwinding
 *      and longjmp land, so that no node of a dead frame stays in front of a live one.
 *   3. A window leaves the list only after its range was marked.
 * Context: called from instrumented code at any place, in handlers of the program's own too; no libc, no lock, errno untouched. The
 * head is in the image (thread-local storage), as the nodes are (stacks).
 */
#include "hooks.h"
#include "coverage.h"
#include "dirtymap.h"
#include "error.h"
#include <prosper/abi.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT extern const char __prosper_abi_3;
EXPORT extern __thread struct prs_window *volatile __prosper_windows __attribute__((tls_model("initial-exec")));
EXPORT extern __thread volatile uint8_t __prosper_released __attribute__((tls_model("initial-exec")));
EXPORT void __prosper_mark_range(const void *address, uint64_t bytes);
EXPORT void __prosper_windows_leave(struct prs_window *until);

const char __prosper_abi_3 = PRS_ABI_VERSION;
__thread struct prs_window *volatile __prosper_windows;
__thread volatile uint8_t __prosper_released;
static __thread bool windows_lost;

bool prs_marks_released(void)
{
    bool released = __prosper_released != 0;
    __prosper_released = 0;
    return released;
}

int prs_hooks_start(void)
{
    int result = prs_dirtymap_reserve();
    if (result == 0 || !prs_coverage_any_marks()) {
        return 0;
    }
    return prs_fail(result, "the dirty maps, 4 TiB of address space without memory behind it, cannot be reserved (ulimit -v? vm.overcommit_memory=2?)");
}

void __prosper_mark_range(const void *address, uint64_t bytes)
{
    uint64_t start = (uint64_t)address;
    uint64_t end = start + bytes;
    prs_dirtymap_mark(start, end < start ? UINT64_MAX : end);
}

static bool window_is_valid(const struct prs_window *window) { return window->check == (PRS_WINDOW_CHECK ^ (uint64_t)window); }

void __prosper_windows_leave(struct prs_window *until)
{
    struct prs_window *window = __prosper_windows;
    while (window != until) {
        if (window == NULL || !window_is_valid(window)) { /* a signal frame overwrote it: what it said is gone */
            windows_lost = true;
            break;
        }
        if (window->size != PRS_WINDOW_REST) {
            __prosper_mark_range((const void *)window->address, window->size);
        } else {
            windows_lost = true;
        }
        window = window->next;
    }
    __prosper_windows = until;
}

int prs_windows_next(const struct prs_window **window, uint64_t *start, uint64_t *end)
{
    const struct prs_window *next = *window != NULL ? (*window)->next : __prosper_windows;
    if (next == NULL) {
        return 0;
    }
    if (!window_is_valid(next)) {
        return -1;
    }
    *window = next;
    *start = next->address;
    *end = next->size == PRS_WINDOW_REST || next->address + next->size < next->address ? UINT64_MAX : next->address + next->size;
    return 1;
}

bool prs_windows_were_lost(void)
{
    bool lost = windows_lost;
    windows_lost = false;
    return lost;
}
