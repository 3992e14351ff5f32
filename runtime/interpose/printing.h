/* printing.h - stand-ins for functions that print somewhere else than into the program's memory: of that they write only what %n names (writers_stdio.c, writers_checked.c). */
#ifndef PRS_PRINTING_H
#define PRS_PRINTING_H

#include "window.h"
#include <stdbool.h>

#define PRS_COUNTS_MAX 4u

/* Windows over the places that the %n of a format name. A mark before the call would not do: printing may take long and allocates, so a checkpoint in it could drop the mark. More places than fit,
 * or more arguments than are looked at: it may write anywhere. */
struct prs_counts {
    struct prs_window windows[PRS_COUNTS_MAX];
    unsigned count;
    bool anywhere;
};
void prs_counts_open(struct prs_counts *counts, const char *format, va_list arguments);
void prs_counts_close(struct prs_counts *counts);

#define PRINT_ELSEWHERE(name, parameters, arguments)  \
    PRS_EXPORTED int __prosper_w_##name parameters;   \
    int __prosper_w_##name parameters                 \
    {                                                 \
        struct prs_counts counts;                     \
        prs_counts_open(&counts, format, list);       \
        int result = name arguments;                  \
        prs_counts_close(&counts);                    \
        return result;                                \
    }

#define PRINT_NOTHING_BACK(name, parameters, call)    \
    PRS_EXPORTED void __prosper_w_##name parameters;  \
    void __prosper_w_##name parameters                \
    {                                                 \
        va_list list;                                 \
        struct prs_counts counts;                     \
        va_start(list, format);                       \
        prs_counts_open(&counts, format, list);       \
        call;                                         \
        prs_counts_close(&counts);                    \
        va_end(list);                                 \
    }

#endif
