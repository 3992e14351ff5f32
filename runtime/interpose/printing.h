/* printing.h - stand-ins for functions that print somewhere else than into the program's memory: of that they write only what %n names (writers_stdio.c, writers_checked.c). */
#ifndef PRS_PRINTING_H
#define PRS_PRINTING_H

#include "window.h"

/* Marks the places that the %n of a format name. Before the call: nothing of the program's runs in it. */
void prs_mark_counts(const char *format, va_list arguments);

#define PRINT_ELSEWHERE(name, parameters, arguments)  \
    PRS_EXPORTED int __prosper_w_##name parameters;   \
    int __prosper_w_##name parameters                 \
    {                                                 \
        prs_mark_counts(format, list);                \
        return name arguments;                        \
    }

#define PRINT_NOTHING_BACK(name, parameters, call)    \
    PRS_EXPORTED void __prosper_w_##name parameters;  \
    void __prosper_w_##name parameters                \
    {                                                 \
        va_list list;                                 \
        va_start(list, format);                       \
        if (format != NULL) {                         \
            prs_mark_counts(format, list);            \
        }                                             \
        call;                                         \
        va_end(list);                                 \
    }

#endif
