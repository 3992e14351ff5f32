/* unit_report.c - what `prosper unit` found: some lines for people, or one JSON object on one line (docs/unit.md lists its fields). */
#include "unit_report.h"
#include "command.h"
#include "json.h"

const char *const unit_policies[2] = {[PRS_UNIT_ACCUMULATE] = "accumulate-and-apply", [PRS_UNIT_LOAD] = "load-and-update"};
const char *const unit_replacements[2] = {[PRS_UNIT_OLDEST] = "oldest", [PRS_UNIT_NEWEST] = "newest"};
const char *const unit_belows[2] = {[PRS_UNIT_DROP] = "drop", [PRS_UNIT_KEEP] = "keep"};
static const char *const causes[PRS_UNIT_CAUSES] = {
    [PRS_UNIT_BY_HIGH] = "high_watermark", [PRS_UNIT_BY_LOW] = "low_watermark", [PRS_UNIT_BY_REPLACE] = "replacement",
    [PRS_UNIT_BY_FLUSH] = "flush",         [PRS_UNIT_BY_SWITCH] = "switch",
};

static const char *ended_by(const struct replay_result *result)
{
    if (result->cut) {
        return "truncation";
    }
    if (result->foreign) {
        return "other data";
    }
    return result->format == TRACE_PROSPER ? "end record" : "end of file";
}

static void text_trace(const struct replay_options *options, const struct replay_result *result)
{
    printf("trace      ");
    print_text(stdout, options->path);
    printf(" (%s%s): %lu records, %s, %u stack%s\n", trace_format_name(result->format), result->compressed ? ", xz" : "", result->records,
        text_duration(result->duration_ns), result->stacks, result->stacks == 1 ? "" : "s");
    if (result->cut) {
        printf("           the file is truncated: this is as far as it goes\n");
    }
    if (result->foreign) {
        printf("           behind them is something that is no record (disk images have that)\n");
    }
    if (result->lost > 0) {
        printf("           its writer could not record %lu more: figures are too small\n", result->lost);
    }
}

void unit_report_text(const struct replay_options *options, const struct replay_result *result)
{
    const struct prs_unit_counters *counters = &result->counters;
    text_trace(options, result);
    printf("unit       %u-byte granules, %u entries, watermarks %u and %u, %s, replaces the %s\n", options->granularity, options->table.entries,
        options->table.high, options->table.low, unit_policies[options->table.policy], unit_replacements[options->table.replace]);
    printf("stores     %lu into the stack, %lu of them over several granules; %lu into others' stacks; %lu elsewhere\n", counters->stores,
        counters->straddling, result->stores_other, result->stores_outside);
    if (options->interval_ns > 0 && result->intervals_all > 0) {
        printf("intervals  %lu of %lu ms, %lu of them without a store; dirty on average %s, at most %s\n", result->intervals_all,
            options->interval_ns / 1000000, result->intervals_all - result->interval_count, text_bytes(result->found.bytes / result->intervals_all),
            text_bytes(result->bytes_max));
    }
    printf("dirty      %lu granules, %lu bytes (%s) in %lu runs; %lu granules below the stack pointer %s\n", result->found.granules, result->found.bytes,
        text_bytes(result->found.bytes), result->found.runs, result->found.below, options->below == PRS_UNIT_DROP ? "dropped" : "kept");
    printf("table      %lu hits, %lu entries made, %lu times full; left by high watermark %lu, low %lu, replacement %lu, flush %lu, switch %lu\n",
        counters->hits, counters->made, counters->full, counters->left[PRS_UNIT_BY_HIGH], counters->left[PRS_UNIT_BY_LOW],
        counters->left[PRS_UNIT_BY_REPLACE], counters->left[PRS_UNIT_BY_FLUSH], counters->left[PRS_UNIT_BY_SWITCH]);
    printf("bitmap     %lu loads, %lu stores; %lu stores saved because nothing was new\n", counters->bitmap_loads, counters->bitmap_stores,
        counters->redundant_stores);
}

static void json_found(struct json *json, const struct prs_unit_found *found)
{
    json_number(json, "dirty_granules", found->granules);
    json_number(json, "dirty_bytes", found->bytes);
    json_number(json, "dirty_runs", found->runs);
    json_number(json, "inactive_granules", found->below);
}

static void json_intervals(struct json *json, const struct replay_result *result)
{
    json_open(json, "intervals", '[');
    for (uint64_t i = 0; i < result->interval_count; i++) {
        const struct replay_interval *interval = &result->intervals[i];
        json_open(json, NULL, '{');
        json_number(json, "number", interval->number);
        json_number(json, "stores", interval->stores);
        json_number(json, "stores_other_stacks", interval->stores_other);
        json_found(json, &interval->found);
        json_number(json, "bitmap_loads", interval->bitmap_loads);
        json_number(json, "bitmap_stores", interval->bitmap_stores);
        json_number(json, "redundant_stores", interval->redundant_stores);
        json_close(json, '}');
    }
    json_close(json, ']');
}

void unit_report_json(const struct replay_options *options, const struct replay_result *result)
{
    const struct prs_unit_counters *counters = &result->counters;
    struct json object = {.out = stdout}, *json = &object;
    json_open(json, NULL, '{');
    json_open(json, "trace", '{');
    json_text(json, "path", options->path);
    json_text(json, "format", trace_format_name(result->format));
    json_flag(json, "xz", result->compressed);
    json_number(json, "records", result->records);
    json_number(json, "loads", result->loads);
    json_number(json, "lost", result->lost);
    json_number(json, "stacks", result->stacks);
    json_number(json, "duration_ns", result->duration_ns);
    json_text(json, "ended_by", ended_by(result));
    json_close(json, '}');
    json_open(json, "unit", '{');
    json_number(json, "granularity", options->granularity);
    json_number(json, "entries", options->table.entries);
    json_number(json, "hwm", options->table.high);
    json_number(json, "lwm", options->table.low);
    json_text(json, "policy", unit_policies[options->table.policy]);
    json_text(json, "replace", unit_replacements[options->table.replace]);
    json_text(json, "below", unit_belows[options->below]);
    json_close(json, '}');
    json_number(json, "interval_ms", options->interval_ns / 1000000);
    json_number(json, "interval_count", result->intervals_all);
    json_number(json, "stores", counters->stores);
    json_number(json, "straddling_stores", counters->straddling);
    json_number(json, "stores_other_stacks", result->stores_other);
    json_number(json, "stores_outside", result->stores_outside);
    json_found(json, &result->found);
    json_number(json, "dirty_bytes_max", result->bytes_max);
    json_number(json, "bitmap_loads", counters->bitmap_loads);
    json_number(json, "bitmap_stores", counters->bitmap_stores);
    json_number(json, "redundant_stores", counters->redundant_stores);
    json_number(json, "table_hits", counters->hits);
    json_number(json, "table_full", counters->full);
    json_number(json, "entries_made", counters->made);
    json_number(json, "switches", counters->switches);
    json_open(json, "entries_left", '{');
    for (unsigned cause = 0; cause < PRS_UNIT_CAUSES; cause++) {
        json_number(json, causes[cause], counters->left[cause]);
    }
    json_close(json, '}');
    if (options->interval_ns > 0) {
        json_intervals(json, result);
    }
    json_close(json, '}');
    putchar('\n');
}
