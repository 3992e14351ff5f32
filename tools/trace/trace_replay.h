/* trace_replay.h - a trace through the unit: what it finds, interval by interval. */
#ifndef PRS_TRACE_REPLAY_H
#define PRS_TRACE_REPLAY_H

#include "trace_reader.h"
#include "unit.h"

struct replay_options {
    const char *path;
    bool partial;
    uint32_t granularity;
    uint64_t interval_ns; /* 0: the whole trace is one */
    struct prs_unit_table table;
    enum prs_unit_below below;
};

struct replay_interval {
    uint64_t number;          /* it lasts from number * interval_ns to (number + 1) * interval_ns */
    uint64_t stores, stores_other;
    uint64_t bitmap_loads, bitmap_stores, redundant_stores;
    struct prs_unit_found found;
};

struct replay_result {
    /* the trace */
    enum trace_format format;
    bool compressed, cut, foreign; /* as in struct trace_reader */
    uint64_t records, loads, lost, duration_ns;
    uint32_t stacks; /* areas: bounds that overlap are one */
    /* the unit */
    struct prs_unit_counters counters;
    uint64_t stores_other;   /* into another's stack: by the system, not by the unit */
    uint64_t stores_outside; /* into no stack */
    struct prs_unit_found found; /* the sum of all intervals */
    uint64_t bytes_max;    /* of an interval */
    /* intervals in which anything was stored; all others, of which there may be very many, are only counted */
    struct replay_interval *intervals;
    uint64_t interval_count, interval_room, intervals_all;
};

/* 0, or a code with its detail; result is to be freed only after 0. */
int replay(const struct replay_options *options, struct replay_result *result);
void replay_free(struct replay_result *result);

#endif
