/* victim_library.h - the victim's own shared library, of which there are two builds. */
#ifndef VICTIM_LIBRARY_H
#define VICTIM_LIBRARY_H

#include <stdint.h>

uint64_t library_step(uint64_t value);

#endif
