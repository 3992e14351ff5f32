/* trace_reader.c - opens a trace, and tells its format from its first bytes: our magic, or a record as NemOS has them. */
#include "trace_reader.h"
#include "error.h"
#include "trace.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *trace_format_name(enum trace_format format) { return format == TRACE_PROSPER ? "prosper" : "nemos"; }

int trace_open(struct trace_reader *reader, const char *path, bool partial)
{
    unsigned char first[TRACE_FIRST];
    *reader = (struct trace_reader){.partial = partial};
    int error = trace_input_open(&reader->input, path);
    if (error != 0) {
        return error;
    }
    long length = trace_input_read(reader->input, first, sizeof first);
    reader->path = strdup(path);
    reader->block = malloc(PRS_TRACE_BLOCK);
    if (reader->path == NULL || reader->block == NULL) {
        error = prs_fail(-ENOMEM, "%s", path);
    } else if (length < 0) {
        error = (int)length;
    } else if (length >= 8 && memcmp(first, PRS_TRACE_MAGIC, 8) == 0) {
        reader->format = TRACE_PROSPER;
        error = trace_own_begin(reader, first, length);
    } else {
        reader->format = TRACE_NEMOS;
        error = trace_nemos_begin(reader, first, length);
    }
    if (error != 0) {
        trace_close(reader);
    }
    return error;
}

int trace_next(struct trace_reader *reader, struct trace_event *event)
{
    if (reader->done) {
        return 0;
    }
    int got = reader->format == TRACE_PROSPER ? trace_own_next(reader, event) : trace_nemos_next(reader, event);
    if (got == PROSPER_E_TRACE_TRUNCATED && reader->partial) {
        reader->cut = true;
        got = 0;
    }
    reader->done = got <= 0;
    return got;
}

void trace_close(struct trace_reader *reader)
{
    trace_input_close(reader->input);
    free(reader->path);
    free(reader->block);
    reader->input = NULL;
    reader->path = NULL;
    reader->block = NULL;
}
