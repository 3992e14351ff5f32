/* profile_names.h - from the addresses of a profile to functions, variables, source lines. */
#ifndef PRS_PROFILE_NAMES_H
#define PRS_PROFILE_NAMES_H

#include "profile_read.h"
#include "profile_rows.h"
#include "symbolizer.h"
#include <stdbool.h>

struct names_result {
    bool symbolizer;     /* it could be asked */
    bool lines;          /* a line was found for something of the program's own */
    bool stripped;       /* the program itself has neither lines nor a symbol table */
};

/* Everything of the profile as rows, not yet ranked. 0 or a code. */
int profile_names(const struct profile *profile, struct rows *rows, struct names_result *result);

/* Code that programs are not asked about: C and C++ library, loader, allocator, the runtime. */
bool names_is_system(const char *path);
/* Functions and headers of the C++ library that were compiled into a program. */
bool names_is_library_code(const char *function, const char *file);
/* Which of an address's functions to name: the innermost that is the program's own; -1: none is. */
int names_choose(const struct source_query *query);

#endif
