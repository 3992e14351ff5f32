/* backtrace.h - the calls that a checkpoint is in the middle of. */
#ifndef PRS_BACKTRACE_H
#define PRS_BACKTRACE_H

#include "image_read.h"
#include <stdint.h>

#define BACKTRACE_NAME_MAX 256

struct backtrace_frame {
    uint64_t address, stack_pointer;
    uint64_t offset;               /* from the start of the function, when it has a name */
    char name[BACKTRACE_NAME_MAX]; /* "" when unknown; C++ names readable */
    const char *file;              /* mapped file that the code is in, "" when none */
};

/* From the innermost call outwards. Returns the number of frames (at most max); *whole is false when unwinding stopped before the
 * outermost one, for want of unwind information, of a file, or of room. */
unsigned backtrace_take(struct image *image, struct backtrace_frame *frames, unsigned max, bool *whole);

#endif
