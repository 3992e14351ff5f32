/* target.c - what all fuzz targets share: memory that is given back after each input, and assertions of the library that the fuzzer notices.
 *
 * The library's prs_bug ends the process by a signal that cannot be caught, and the fuzzer would not write down the input; arenas are never freed, because a
 * process has one. Both are replaced here by the linker (--wrap).
 */
#include "target.h"
#include "store_internal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BASE 0x300000000000ul /* below the runtime's range, above what the kernel hands out first */
#define ARENA_BYTES (1ul << 38)

void *__real_prs_arena_take(struct prs_arena *arena, uint64_t bytes);
void *__wrap_prs_arena_take(struct prs_arena *arena, uint64_t bytes);
void __wrap_prs_bug(const char *file, int line, const char *what) __attribute__((noreturn));
void __wrap_prs_populate(uint8_t *base, struct prs_territory *territory, uint64_t need_end);

static struct prs_arena shared = {ARENA_BASE, ARENA_BASE + ARENA_BYTES};

struct prs_arena *target_arena(void)
{
    if (shared.next > ARENA_BASE) {
        munmap((void *)ARENA_BASE, shared.next - ARENA_BASE);
    }
    shared.next = ARENA_BASE;
    return &shared;
}

void *__wrap_prs_arena_take(struct prs_arena *arena, uint64_t bytes)
{
    return __real_prs_arena_take(arena->next == 0 ? &shared : arena, bytes);
}

/* Megabytes of pages in advance: only a matter of speed, and here of the wrong one. */
void __wrap_prs_populate(uint8_t *base, struct prs_territory *territory, uint64_t need_end) 
{
    (void)base;
    uint64_t to = (need_end + PRS_POPULATE_STEP - 1) / PRS_POPULATE_STEP * PRS_POPULATE_STEP;
    if (need_end > territory->done) { /* all but the pages themselves */
        territory->done = to < territory->end ? to : territory->end;
    }
}

void __wrap_prs_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
    abort();
}

void target_must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz target: %s\n", what);
        abort();
    }
}

static char *output;
static size_t output_length;

void target_catch_output(void)
{
    static FILE *stream;
    if (stream == NULL) {
        stream = open_memstream(&output, &output_length);
        target_must(stream != NULL, "no memory for the output");
        stdout = stream;
    }
    fflush(stream);
    rewind(stream);
}

const char *target_output(size_t *length)
{
    fflush(stdout);
    *length = (size_t)ftell(stdout);
    return output;
}
