/* symbolizer.h - source lines, by llvm-symbolizer (a program of LLVM's), where it is installed. */
#ifndef PRS_SYMBOLIZER_H
#define PRS_SYMBOLIZER_H

#include <stdbool.h>
#include <stdint.h>

#define SYMBOLIZER_INLINED 16

struct source_place {
    char *function, *file; /* file: "path:line", without a column; "" where it is not known */
};
struct source_query {
    const char *object;   /* path of the ELF file */
    uint64_t address;     /* as linked */
    bool data;            /* a variable: then place[0] says where it is declared */
    unsigned count;       /* answers: the innermost inlined function first, what it was inlined into after it; 0: nothing is known */
    struct source_place place[SYMBOLIZER_INLINED];
};

/* Asks for all at once and fills in the answers, which stay for good. False when there is no such program, or it failed. */
bool symbolizer_ask(struct source_query *queries, uint64_t count);
/* One answer of its text output at *text, which is changed and moved on (for tests). */
void symbolizer_parse(struct source_query *query, char **text);

#endif
