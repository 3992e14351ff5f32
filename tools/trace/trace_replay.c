/* trace_replay.c - drives the unit by a trace: switches, the stack pointer, the ends of intervals.
 *
 * An interval ends with the first record whose time is in a later one; what was stored before belongs to it. In our own format time stands
 * still between TIME records, so its writer decides how exactly intervals end.
 *
 * The stack pointer is believed only while it is fresh: told by the owner, and no store of the owner's since. So no store is taken for one
 * below a stack pointer that was there long ago.
 */
#include "trace_replay.h"
#include "error.h"
#include "trace_areas.h"
#include <errno.h>
#include <stdlib.h>

struct replaying {
    const struct replay_options *options;
    struct replay_result *result;
    struct areas areas;
    struct prs_unit unit;
    struct area *now;                  /* whose registers the unit has; NULL: nobody's */
    uint64_t number;                   /* of the interval */
    uint64_t time_ns;
    struct prs_unit_counters begun_at; /* counters when it began */
    uint64_t other_begun_at;
};

static int add_interval(struct replay_result *result, const struct replay_interval *interval)
{
    if (result->interval_count == result->interval_room) {
        uint64_t room = result->interval_room == 0 ? 64 : result->interval_room * 2;
        struct replay_interval *list = realloc(result->intervals, room * sizeof *list);
        if (list == NULL) {
            return prs_fail(-ENOMEM, "for %lu intervals", room);
        }
        result->intervals = list;
        result->interval_room = room;
    }
    result->intervals[result->interval_count++] = *interval;
    return 0;
}

static void add_found(struct prs_unit_found *sum, const struct prs_unit_found *found)
{
    sum->granules += found->granules;
    sum->bytes += found->bytes;
    sum->runs += found->runs;
    sum->below += found->below;
}

/* A checkpoint, as far as the unit has a part in it. */
static int end_interval(struct replaying *replaying)
{
    struct replay_result *result = replaying->result;
    struct prs_unit *unit = &replaying->unit;
    struct replay_interval interval = {.number = replaying->number};
    prs_unit_flush(unit);
    for (uint32_t i = 0; i < replaying->areas.count; i++) {
        struct area *area = &replaying->areas.list[i];
        struct prs_unit_stack *stack = area == replaying->now ? &unit->now : &area->stack;
        if (!area->sp_fresh) {
            stack->sp = 0;
        }
        struct prs_unit_found found = prs_unit_collect(stack, replaying->options->below, NULL, NULL);
        add_found(&interval.found, &found);
    }
    const struct prs_unit_counters *counters = &unit->counters, *before = &replaying->begun_at;
    interval.stores = counters->stores - before->stores;
    interval.stores_other = result->stores_other - replaying->other_begun_at;
    interval.bitmap_loads = counters->bitmap_loads - before->bitmap_loads;
    interval.bitmap_stores = counters->bitmap_stores - before->bitmap_stores;
    interval.redundant_stores = counters->redundant_stores - before->redundant_stores;
    replaying->begun_at = *counters;
    replaying->other_begun_at = result->stores_other;
    add_found(&result->found, &interval.found);
    result->bytes_max = interval.found.bytes > result->bytes_max ? interval.found.bytes : result->bytes_max;
    /* Kept granules may be found without a store. */
    bool anything = interval.stores + interval.stores_other + interval.found.granules + interval.found.below > 0;
    return anything ? add_interval(result, &interval) : 0;
}

static int go_to(struct replaying *replaying, uint64_t time_ns)
{
    replaying->time_ns = time_ns;
    uint64_t interval_ns = replaying->options->interval_ns;
    uint64_t number = interval_ns == 0 ? 0 : time_ns / interval_ns;
    if (number == replaying->number) {
        return 0;
    }
    int error = end_interval(replaying);
    replaying->number = number;
    return error;
}

static void switch_to(struct replaying *replaying, struct area *area)
{
    if (area == replaying->now) {
        return;
    }
    if (replaying->now != NULL) {
        prs_unit_save(&replaying->unit, &replaying->now->stack);
    }
    prs_unit_restore(&replaying->unit, &area->stack);
    replaying->now = area;
}

static void store(struct replaying *replaying, uint64_t address, uint64_t size)
{
    const struct areas *areas = &replaying->areas;
    uint64_t last = address + (size - 1);
    bool outside = true;
    for (uint32_t i = areas_from(areas, address); i < areas->count && areas->list[i].low <= last; i++) {
        struct area *area = &areas->list[i];
        uint64_t from = address > area->low ? address : area->low, to = last < area->high ? last : area->high - 1;
        outside = false;
        if (area == replaying->now) {
            area->sp_fresh = false;
            prs_unit_store(&replaying->unit, from, to - from + 1);
        } else {
            (void)prs_unit_store_other(&area->stack, from, to - from + 1);
            replaying->result->stores_other++;
        }
    }
    replaying->result->stores_outside += outside;
}

static void set_sp(struct replaying *replaying, uint64_t sp)
{
    struct area *area = replaying->now;
    if (area != NULL) {
        area->sp_fresh = sp >= area->low && sp <= area->high && sp > 0;
        prs_unit_set_sp(&replaying->unit, area->sp_fresh ? sp : 0);
    }
}

static int changed(const struct replaying *replaying)
{
    return prs_fail(PROSPER_E_TRACE_DAMAGED, "%s changes while it is read", replaying->options->path);
}

static int run(struct replaying *replaying, struct trace_reader *reader)
{
    struct trace_event event;
    int got;
    while ((got = trace_next(reader, &event)) == 1) {
        if (event.kind == TRACE_TIME) {
            set_sp(replaying, event.sp); /* the pointer at this time, so also at the end of the interval that it ends */
        }
        int error = go_to(replaying, event.time_ns);
        if (error != 0) {
            return error;
        }
        if (event.kind == TRACE_STORE) {
            store(replaying, event.address, event.size);
        } else if (event.kind == TRACE_STACK) {
            struct area *area = areas_of_stack(&replaying->areas, &event);
            if (area == NULL) {
                return changed(replaying);
            }
            switch_to(replaying, area);
        } else if (event.kind == TRACE_LOAD) {
            replaying->result->loads++;
        }
    }
    if (got < 0) {
        return got;
    }
    if (reader->records != replaying->areas.records) {
        return changed(replaying); /* what came after the first reading may lie outside of all ranges */
    }
    uint64_t interval_ns = replaying->options->interval_ns, listed = replaying->result->interval_count;
    int error = end_interval(replaying);
    /* The last one counts when it lasted any time or has something. */
    bool counts = interval_ns == 0 || replaying->time_ns > replaying->number * interval_ns || replaying->result->interval_count > listed;
    replaying->result->intervals_all = replaying->number + counts;
    return error;
}

int replay(const struct replay_options *options, struct replay_result *result)
{
    struct replaying replaying = {.options = options, .result = result};
    struct trace_reader reader;
    *result = (struct replay_result){0};
    if (prs_unit_init(&replaying.unit, &options->table) != 0) {
        return prs_fail(PROSPER_E_INTERNAL, "a table that cannot be");
    }
    int error = areas_find(&replaying.areas, options->path, options->partial);
    if (error != 0) {
        return error;
    }
    error = areas_prepare(&replaying.areas, options->granularity);
    if (error == 0 && (error = trace_open(&reader, options->path, options->partial)) == 0) {
        error = run(&replaying, &reader);
        result->format = reader.format;
        result->compressed = trace_input_compressed(reader.input);
        result->cut = reader.cut;
        result->foreign = reader.foreign;
        result->records = reader.records;
        result->lost = reader.lost;
        trace_close(&reader);
    }
    result->duration_ns = replaying.time_ns;
    result->stacks = replaying.areas.count;
    result->counters = replaying.unit.counters;
    areas_free(&replaying.areas);
    if (error != 0) {
        replay_free(result);
    }
    return error;
}

void replay_free(struct replay_result *result)
{
    free(result->intervals);
    result->intervals = NULL;
}
