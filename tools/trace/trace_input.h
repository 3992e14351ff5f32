/* trace_input.h - the bytes of a file, unpacked if it is compressed by xz. */
#ifndef PRS_TRACE_INPUT_H
#define PRS_TRACE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_input;

/* 0 and *input, or a code with its detail (prs_fail). */
int trace_input_open(struct trace_input **input, const char *path);
void trace_input_close(struct trace_input *input); /* NULL is allowed */
bool trace_input_compressed(const struct trace_input *input);

/* Up to `length` bytes; fewer only at the end of the file. The number, or a code: a file that ends within its compressed stream is
 * TRACE_TRUNCATED, a stream that does not fit its checksums TRACE_DAMAGED. Calls that could be answered before that are answered. */
long trace_input_read(struct trace_input *input, void *bytes, size_t length);

#endif
