/* window.h - a write window around a call that writes (hooks.c, abi.h): dirty at every checkpoint while the call runs, marked before and
 * after. Inline, so that the node is in the writer's frame and its stores are cheap. */
#ifndef PRS_WINDOW_H
#define PRS_WINDOW_H

#include "../planted.h"
#include <prosper/abi.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern __thread struct prs_window *volatile __prosper_windows __attribute__((tls_model("initial-exec")));
extern __thread volatile uint8_t __prosper_released __attribute__((tls_model("initial-exec")));
void __prosper_mark_range(const void *address, uint64_t bytes);
void __prosper_windows_leave(struct prs_window *until);

static inline void prs_window_open(struct prs_window *window, const void *address, uint64_t bytes)
{
    volatile struct prs_window *filled = window;
    __prosper_released = 1; /* a call is never inside a gap (abi.h) */
    filled->next = __prosper_windows;
    filled->address = (uint64_t)address;
    filled->size = address != NULL ? bytes : 0;
    filled->check = PRS_WINDOW_CHECK ^ (uint64_t)window;
    if (!PRS_PLANTED(window_unlisted)) {
        __prosper_windows = window;
    }
    if (window->size != PRS_WINDOW_REST && window->size != 0) {
        __prosper_mark_range(address, bytes);
    }
}

/* What was really written, when only the result tells. Then close. */
static inline void prs_window_shrink(struct prs_window *window, uint64_t bytes)
{
    ((volatile struct prs_window *)window)->size = window->address != 0 ? bytes : 0;
}

static inline void prs_window_close(struct prs_window *window)
{
    if (PRS_PLANTED(window_popped)) {
        __prosper_windows = window->next;
    }
    if (window->size != 0) {
        __prosper_mark_range((const void *)window->address, window->size);
    }
    __prosper_windows = window->next;
    ((volatile struct prs_window *)window)->check = 0;
    __prosper_released = 1; /* what was called is never inside a gap */
}

/* Programs give SIZE_MAX where they mean "no limit": what a conversion may write at most follows from its source, too. */
#define PRS_LIMITED(bytes, limit) ((bytes) < (limit) ? (bytes) : (limit))
#define PRS_TO_WIDE_BYTES(from, count) ((strnlen(from, count) + 1) * sizeof(wchar_t))
#define PRS_FROM_WIDE_BYTES(from, count) PRS_LIMITED((wcsnlen(from, count) + 1) * PRS_MB_LEN_MAX, count)

#define PRS_EXPORTED __attribute__((visibility("default")))

/* The common case: one or two places of known size (NULL is no place). The result is left alone, errno is libc's. */
#define PRS_WRITES(result, name, parameters, arguments, address, bytes)      \
    PRS_EXPORTED result __prosper_w_##name parameters;                       \
    result __prosper_w_##name parameters                                     \
    {                                                                        \
        struct prs_window window;                                            \
        prs_window_open(&window, address, bytes);                            \
        result value = name arguments;                                       \
        prs_window_close(&window);                                           \
        return value;                                                        \
    }

#define PRS_WRITES_NOTHING_BACK(name, parameters, arguments, address, bytes) \
    PRS_EXPORTED void __prosper_w_##name parameters;                         \
    void __prosper_w_##name parameters                                       \
    {                                                                        \
        struct prs_window window;                                            \
        prs_window_open(&window, address, bytes);                            \
        name arguments;                                                      \
        prs_window_close(&window);                                           \
    }

#define PRS_WRITES_TWO(result, name, parameters, arguments, address, bytes, address2, bytes2) \
    PRS_EXPORTED result __prosper_w_##name parameters;                                        \
    result __prosper_w_##name parameters                                                      \
    {                                                                                         \
        struct prs_window window, second;                                                     \
        prs_window_open(&window, address, bytes);                                             \
        prs_window_open(&second, address2, bytes2);                                           \
        result value = name arguments;                                                        \
        prs_window_close(&second);                                                            \
        prs_window_close(&window);                                                            \
        return value;                                                                         \
    }

/* With arguments that vary, behind `last`: hands them as `list` to the stand-in that takes a va_list. */
#define PRS_VARIES(name, parameters, last, call)     \
    PRS_EXPORTED int __prosper_w_##name parameters;  \
    int __prosper_w_##name parameters                \
    {                                                \
        va_list list;                                \
        va_start(list, last);                        \
        int result = call;                           \
        va_end(list);                                \
        return result;                               \
    }

#define PRS_MB_LEN_MAX 16                             /* MB_LEN_MAX of glibc's <limits.h> */
#define PRS_WIDE(count) ((count) * sizeof(wchar_t))   /* bytes */

#endif
