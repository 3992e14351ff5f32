/* keeper.c - a library of mode stack: it has notes, and its stores have no marks. It writes into what it allocated itself, as trust= says. */
#include <stdint.h>
#include <stdlib.h>

uint64_t keeper_next(uint64_t value);

uint64_t keeper_next(uint64_t value)
{
    enum { WORDS = 1 << 17 };
    static uint64_t *words;
    if (words == NULL && (words = calloc(WORDS, sizeof *words)) == NULL) {
        abort();
    }
    uint64_t *word = &words[value % WORDS];
    *word = *word * 31 + value;
    return *word;
}
