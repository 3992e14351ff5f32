/* trace_reader.h - traces of stores, of either format, as a sequence of events. */
#ifndef PRS_TRACE_READER_H
#define PRS_TRACE_READER_H

#include "trace_input.h"

enum trace_format {
    TRACE_PROSPER, /* our own: docs/trace-format.md */
    TRACE_NEMOS    /* 20-byte records, as the Prosper artifact's predecessor NemOS replays them */
};
const char *trace_format_name(enum trace_format format);

enum trace_kind {
    TRACE_STORE, /* address, size */
    TRACE_LOAD,  /* NemOS only: the unit does not look at loads */
    TRACE_TIME,  /* sp, 0 if unknown; the time alone is in every event */
    TRACE_STACK  /* id, low, high: what follows is done by the owner of this stack */
};
struct trace_event {
    enum trace_kind kind;
    uint64_t time_ns;
    uint64_t address, size;
    uint64_t sp;
    uint64_t id, low, high;
};

/* Where the areas of a NemOS trace lie, which has offsets only: type 0 is the stack, 1 and 2 are heaps. */
#define TRACE_NEMOS_STACK 0x7f0000000000ul
#define TRACE_NEMOS_HEAP 0x100000000000ul /* times the type */

struct trace_reader {
    struct trace_input *input;
    char *path;
    enum trace_format format;
    bool partial;           /* a file without its end is read as far as it goes */
    bool cut;               /* and this was one */
    uint64_t records, lost; /* so far; lost: what the writer says it could not record, known at the end */
    bool foreign;           /* NemOS: something else came behind the records, not the end of the file */
    bool done;
    uint64_t time_ns;
    /* our own format */
    unsigned char *block;
    uint32_t block_at, block_length, block_records, sequence;
    uint64_t address, sp, stores;
    /* NemOS */
    bool stack_told;
};

/* The format is told from the first bytes. All functions: 0, or a code with its detail. */
int trace_open(struct trace_reader *reader, const char *path, bool partial);
/* 1 and the next event; 0 at the end; a code. */
int trace_next(struct trace_reader *reader, struct trace_event *event);
void trace_close(struct trace_reader *reader);

/* One file each: trace_own.c, trace_nemos.c. first, length: what was read of the file so far. */
#define TRACE_FIRST 32u
int trace_own_begin(struct trace_reader *reader, const unsigned char *first, long length);
int trace_own_next(struct trace_reader *reader, struct trace_event *event);
int trace_nemos_begin(struct trace_reader *reader, const unsigned char *first, long length);
int trace_nemos_next(struct trace_reader *reader, struct trace_event *event);

#endif
