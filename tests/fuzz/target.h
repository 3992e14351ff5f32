/* target.h - what all fuzz targets share. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include "arena.h"
#include "sparse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fresh memory for one attach; what the last one gave is gone. Arenas without addresses (of code that counts on the end of its process) take from it too. */
struct prs_arena *target_arena(void);
/* From here on standard output is this memory; text of the last input, and its length. */
void target_catch_output(void);
const char *target_output(size_t *length);
/* What a target asserts: said, and aborted. */
void target_must(bool holds, const char *what);

#endif
