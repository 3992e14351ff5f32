/* stats.c - stop-time quantiles and the JSON of a run. Counting in the handler; printing at exit or by prosper_stats (normal context, no libc state needed). */
#include "stats.h"
#include "error.h"
#include "log.h"
#include "prim.h"
#include "state.h"
#include <fcntl.h>

/* Eight buckets to a doubling, from 256 ns: the quantile is right to 9 %. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < 256) {
        return 0;
    }
    unsigned log2 = 63u - (unsigned)__builtin_clzll(ns);
    unsigned bucket = (log2 - 8) * 8 + (unsigned)(ns >> (log2 - 3) & 7);
    return bucket < PRS_STATS_BUCKETS ? bucket : PRS_STATS_BUCKETS - 1;
}

static uint64_t bucket_end(unsigned bucket)
{
    unsigned log2 = bucket / 8 + 8;
    return (1ul << log2) + (bucket % 8 + 1) * (1ul << (log2 - 3));
}

void prs_stats_stop(struct prs_stats *stats, uint64_t ns)
{
    stats->stop_ns_total += ns;
    stats->stop_ns_max = ns > stats->stop_ns_max ? ns : stats->stop_ns_max;
    ++stats->stop_histogram[bucket_of(ns)];
}

uint64_t prs_stats_quantile(const struct prs_stats *stats, double q)
{
    uint64_t total = 0, below = 0;
    for (unsigned i = 0; i < PRS_STATS_BUCKETS; ++i) {
        total += stats->stop_histogram[i];
    }
    for (unsigned i = 0; i < PRS_STATS_BUCKETS; ++i) {
        below += stats->stop_histogram[i];
        if (total != 0 && (double)below >= q * (double)total) {
            uint64_t end = bucket_end(i);
            return end < stats->stop_ns_max ? end : stats->stop_ns_max;
        }
    }
    return 0;
}

struct json {
    char *buffer;
    unsigned long size, length;
};

static void field(struct json *json, const char *name, uint64_t value)
{
    json->length += prs_format(json->buffer + json->length, json->size - json->length, "%s\n  \"%s\": %lu", json->length > 1 ? "," : "", name, value);
}

unsigned long prs_stats_json(char *buffer, unsigned long size)
{
    const struct prs_stats *stats = &prs_p.stats;
    struct prs_store_use use;
    struct prs_pages_use pages;
    prs_store_usage(&prs_p.store, &use);
    prs_pages_usage(prs_p.pages, &pages);
    struct json json = {buffer, size, prs_format(buffer, size, "{")};
    field(&json, "checkpoints", stats->checkpoints);
    field(&json, "full_epochs", stats->full_epochs);
    field(&json, "given_up", stats->given_up);
    field(&json, "on_request", stats->on_request);
    field(&json, "interval_ns", prs_p.options.interval_ns);
    field(&json, "stop_ns_p50", prs_stats_quantile(stats, 0.50));
    field(&json, "stop_ns_p90", prs_stats_quantile(stats, 0.90));
    field(&json, "stop_ns_p99", prs_stats_quantile(stats, 0.99));
    field(&json, "stop_ns_max", stats->stop_ns_max);
    field(&json, "stop_ns_total", stats->stop_ns_total);
    field(&json, "fixed_ns_total", stats->fixed_ns_total);
    field(&json, "small_ns_total", stats->small_ns_total);
    field(&json, "large_ns_total", stats->large_ns_total);
    field(&json, "commit_ns_total", stats->commit_ns_total);
    field(&json, "bytes_seen_dirty", stats->seen_dirty_bytes);
    field(&json, "bytes_written_stack", stats->stack_bytes);
    field(&json, "bytes_written_heap", stats->heap_lines * PRS_LINE);
    field(&json, "bytes_written_other", stats->other_bytes);
    field(&json, "bytes_written_registers_and_tables", stats->meta_bytes);
    field(&json, "stack_bytes_at_page_granularity", stats->stack_page_bytes);
    field(&json, "stack_faults", stats->stack_faults);
    field(&json, "stack_calls_dispatched", stats->stack_calls);
    field(&json, "stack_pages_consolidated", stats->stack_pages_consolidated);
    field(&json, "stack_lines_consolidated", stats->stack_lines_consolidated);
    field(&json, "stack_slots_freed", stats->stack_slots_freed);
    field(&json, "consolidation_wait_ns", stats->consolidation_wait_ns);
    field(&json, "heap_bytes_at_page_granularity", stats->heap_pages * PRS_PAGE);
    field(&json, "log_bytes", use.bytes_log_total);
    field(&json, "line_bytes", use.bytes_lines_total);
    field(&json, "metadata_bytes", use.bytes_meta_total);
    field(&json, "lines_flushed", use.lines_flushed_total);
    field(&json, "slots", use.slots);
    field(&json, "slots_used", use.slots_used);
    field(&json, "pages", use.pages);
    field(&json, "hot_pages", pages.hot);
    field(&json, "epoch", use.epoch);
    field(&json, "granularity", prs_p.options.granularity);
    field(&json, "restore_ns", stats->restore_ns);
    field(&json, "resumed", prs_p.resumed);
    field(&json, "marks_relied_on", prs_p.marks.rely);
    field(&json, "checkpoints_by_marks", stats->checkpoints_by_marks);
    field(&json, "checkpoints_by_marks_in_full", stats->compared_in_full);
    field(&json, "lines_by_marks", stats->lines_by_marks);
    field(&json, "suspects_kept", stats->suspects_kept);
    if (prs_p.options.verify) {
        field(&json, "words_checked_for_marks", stats->words_checked);
        field(&json, "lines_unmarked", stats->lines_unmarked);
    }
    json.length += prs_format(buffer + json.length, size - json.length, "\n}\n");
    return json.length;
}

int prs_stats_write(void)
{
    if (prs_p.options.stats[0] == '\0') {
        return 0;
    }
    char buffer[8192];
    unsigned long length = prs_stats_json(buffer, sizeof buffer);
    long fd = prs_sys(SYS_openat, AT_FDCWD, prs_p.options.stats, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        prs_say("statistics cannot be written to %s (%s)", prs_p.options.stats, prs_error_name((int)fd));
        return (int)fd;
    }
    long written = prs_sys(SYS_write, fd, buffer, length);
    prs_sys(SYS_close, fd);
    return written < 0 ? (int)written : 0;
}
