/* victim_library.c - a library with state, built twice with another VICTIM_BUILD. */
#include "victim_library.h"

static uint64_t calls = VICTIM_BUILD;

uint64_t library_step(uint64_t value)
{
    calls += value >> 60;
    return ++calls;
}
