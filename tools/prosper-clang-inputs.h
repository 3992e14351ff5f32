/* prosper-clang-inputs.h - does a link take in code that the pass has not seen? */
#ifndef PROSPER_CLANG_INPUTS_H
#define PROSPER_CLANG_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

struct link_inputs {
    bool marked;  /* some input has a note of the pass */
    bool foreign; /* some input, or member of an archive, has none */
};
/* words: the command's arguments, response files expanded. */
struct link_inputs link_inputs_look(char *const *words, size_t count);

#endif
