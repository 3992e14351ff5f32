/* stats.c - stop-time quantiles and the JSON of a run. Counting in the handler; printing at exit or by prosper_stats (normal context, no libc state needed). */
#include "stats.h"
#include "error.h"
#include "live.h"
#include "log.h"
#include "prim.h"
#include "stack_consolidate.h"
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>

void prs_stats_stop(struct prs_stats *stats, uint64_t ns)
{
    stats->stop_ns_total += ns;
    stats->stop_ns_max = ns > stats->stop_ns_max ? ns : stats->stop_ns_max;
    ++stats->stop_histogram[prs_stop_bucket(ns)];
    uint64_t allowed = stats->last_dirty_lines * (uint64_t)PRS_LINE * PRS_STATS_NS_PER_DIRTY_MB >> 20;
    ++stats->net_histogram[prs_stop_bucket(ns > allowed ? ns - allowed : 0)];
}

static uint64_t quantile(const uint32_t *histogram, uint64_t most, double q)
{
    uint64_t total = 0, below = 0;
    for (unsigned i = 0; i < PRS_STATS_BUCKETS; ++i) {
        total += histogram[i];
    }
    for (unsigned i = 0; i < PRS_STATS_BUCKETS; ++i) {
        below += histogram[i];
        if (total != 0 && (double)below >= q * (double)total) {
            uint64_t end = prs_stop_bucket_end(i);
            return end < most ? end : most;
        }
    }
    return 0;
}

uint64_t prs_stats_quantile(const struct prs_stats *stats, double q) { return quantile(stats->stop_histogram, stats->stop_ns_max, q); }

uint64_t prs_stats_net_quantile(const struct prs_stats *stats, double q) { return quantile(stats->net_histogram, stats->stop_ns_max, q); }

void prs_stats_begin(struct prs_stats *stats)
{
    if (stats->began_ns == 0) {
        stats->began_ns = prs_now_ns();
        stats->began_ticks = prs_ticks();
    }
}

void prs_stats_stack(struct prs_stats *stats)
{
    uint64_t least = stats->stack_collect_ticks + stats->stack_commit_ticks, all = least + stats->stack_steps_ticks - stats->consolidation_wait_ticks;
    if (stats->checkpoints == 1) {
        stats->stack_first_ticks = all;
    } else {
        ++stats->stack_histogram[prs_stop_bucket(all - stats->stack_ticks_until)];
        ++stats->stack_least_histogram[prs_stop_bucket(least - stats->stack_least_until)];
    }
    stats->stack_least_until = least;
    stats->stack_ticks_until = all;
}

static uint64_t in_ns(const struct prs_stats *stats, uint64_t ticks)
{
    uint64_t since = prs_ticks() - stats->began_ticks;
    return stats->began_ns != 0 && since != 0 ? (uint64_t)((double)ticks * ((double)(prs_now_ns() - stats->began_ns) / (double)since)) : 0;
}

struct json {
    char *buffer;
    unsigned long size, length;
};

static void field(struct json *json, const char *name, uint64_t value)
{
    json->length += prs_format(json->buffer + json->length, json->size - json->length, "%s\n  \"%s\": %lu", json->length > 1 ? "," : "", name, value);
}

/* Names as in docs/unit.md, with a prefix. */
static void unit_fields(struct json *json)
{
    static const char *const causes[PRS_UNIT_CAUSES] = {"unit_left_by_high_watermark", "unit_left_by_low_watermark", "unit_left_by_replacement", "unit_left_by_flush",
                                                        "unit_left_by_switch"};
    const struct prs_stack_unit *own = &prs_p.unit;
    const struct prs_unit_counters *counters = &own->unit.counters;
    field(json, "unit_stores", counters->stores);
    field(json, "unit_straddling_stores", counters->straddling);
    field(json, "unit_stores_other_stacks", own->stores_other);
    field(json, "unit_dirty_granules", own->found.granules);
    field(json, "unit_dirty_bytes", own->found.bytes);
    field(json, "unit_dirty_runs", own->found.runs);
    field(json, "unit_inactive_granules", own->found.below);
    field(json, "unit_bitmap_loads", counters->bitmap_loads);
    field(json, "unit_bitmap_stores", counters->bitmap_stores);
    field(json, "unit_redundant_stores", counters->redundant_stores);
    field(json, "unit_table_hits", counters->hits);
    field(json, "unit_entries_made", counters->made);
    field(json, "unit_table_full", counters->full);
    field(json, "unit_switches", counters->switches);
    for (unsigned i = 0; i < PRS_UNIT_CAUSES; ++i) {
        field(json, causes[i], counters->left[i]);
    }
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
    field(&json, "interval_ns", prs_p.interval.now_ns);
    field(&json, "interval_auto", prs_interval_is_auto(&prs_p.interval));
    field(&json, "budget_millionths", prs_p.interval.budget);
    field(&json, "cost_ns_total", stats->cost_ns_total);
    field(&json, "stop_ns_p50", prs_stats_quantile(stats, 0.50));
    field(&json, "stop_ns_p90", prs_stats_quantile(stats, 0.90));
    field(&json, "stop_ns_p99", prs_stats_quantile(stats, 0.99));
    field(&json, "stop_ns_max", stats->stop_ns_max);
    field(&json, "stop_ns_total", stats->stop_ns_total);
    field(&json, "stop_net_ns_p50", prs_stats_net_quantile(stats, 0.50));
    field(&json, "stop_net_ns_p99", prs_stats_net_quantile(stats, 0.99));
    field(&json, "fixed_ns_total", stats->fixed_ns_total);
    field(&json, "small_ns_total", stats->small_ns_total);
    field(&json, "large_ns_total", stats->large_ns_total);
    field(&json, "commit_ns_total", stats->commit_ns_total);
    field(&json, "stack_collect_ns_total", in_ns(stats, stats->stack_collect_ticks));
    field(&json, "stack_steps_ns_total", in_ns(stats, stats->stack_steps_ticks));
    field(&json, "stack_commit_ns_total", in_ns(stats, stats->stack_commit_ticks));
    field(&json, "stack_ns_first", in_ns(stats, stats->stack_first_ticks));
    field(&json, "stack_ns_p50", in_ns(stats, quantile(stats->stack_histogram, UINT64_MAX, 0.50)));
    field(&json, "stack_ns_p90", in_ns(stats, quantile(stats->stack_histogram, UINT64_MAX, 0.90)));
    field(&json, "stack_least_ns_p50", in_ns(stats, quantile(stats->stack_least_histogram, UINT64_MAX, 0.50)));
    field(&json, "consolidation_ns_total", prs_consolidate_cpu_ns());
    field(&json, "dirty_line_bytes", stats->dirty_lines * PRS_LINE);
    field(&json, "bytes_seen_dirty", stats->seen_dirty_bytes);
    field(&json, "bytes_written_stack", stats->stack_bytes);
    field(&json, "bytes_written_heap", stats->heap_lines * PRS_LINE);
    field(&json, "bytes_written_other", stats->other_bytes);
    field(&json, "bytes_written_registers_and_tables", stats->meta_bytes);
    field(&json, "stack_bytes_at_page_granularity", stats->stack_page_bytes);
    field(&json, "stack_unseen_bytes", stats->stack_unseen_bytes);
    field(&json, "stack_image_bytes_written", prs_p.stack.area.bytes_written);
    field(&json, "stack_image_lines_flushed", prs_p.stack.area.lines_flushed);
    field(&json, "stack_faults", stats->stack_faults);
    field(&json, "stack_calls_dispatched", stats->stack_calls);
    field(&json, "stack_pages_consolidated", stats->stack_pages_consolidated);
    field(&json, "stack_lines_consolidated", stats->stack_lines_consolidated);
    field(&json, "stack_slots_freed", stats->stack_slots_freed);
    field(&json, "consolidation_wait_ns", in_ns(stats, stats->consolidation_wait_ticks));
    field(&json, "heap_bytes_at_page_granularity", stats->heap_pages * PRS_PAGE);
    field(&json, "log_bytes", use.bytes_log_total);
    field(&json, "line_bytes", use.bytes_lines_total);
    field(&json, "metadata_bytes", use.bytes_meta_total);
    field(&json, "lines_flushed", use.lines_flushed_total);
    field(&json, "slots", use.slots);
    field(&json, "slots_used", use.slots_used);
    field(&json, "pages", use.pages);
    field(&json, "heap_pages_consolidated", use.pages_gathered);
    field(&json, "heap_lines_consolidated", use.lines_gathered);
    field(&json, "heap_slots_freed", use.slots_released);
    field(&json, "pool_bytes", use.bytes);
    field(&json, "extensions", use.extensions);
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
    if (prs_p.store.media->by_pages) {
        field(&json, "made_durable", stats->made_durable);
        field(&json, "durable_ns_total", stats->durable_ns_total);
        field(&json, "durable_ns_max", stats->durable_ns_max);
        field(&json, "postponed", stats->postponed);
    }
    field(&json, "pages_by_marks", stats->pages_by_marks);
    field(&json, "marks_ns_total", stats->marks_ns_total);
    field(&json, "pages_reported", pages.reported);
    field(&json, "fault_ns", prs_p.fault_ns);
    field(&json, "tracker_changes", stats->tracker_changes);
    field(&json, "estimated_marks_ns_total", prs_p.marks.choice.marks_ns);
    field(&json, "estimated_pages_ns_total", prs_p.marks.choice.pages_ns);
    if (prs_p.stack.way == &prs_stack_unit) {
        unit_fields(&json);
    }
    if (prs_p.options.verify) {
        field(&json, "words_checked_for_marks", stats->words_checked);
        field(&json, "lines_unmarked", stats->lines_unmarked);
    }
    json.length += prs_format(buffer + json.length, size - json.length, "\n}\n");
    return json.length;
}

/* What is written over: nothing, or statistics of an earlier run. The name comes from the environment, so nobody's file is to be lost by it. */
static int open_file(const char *path)
{
    /* For reading too: that is how its beginning is looked at, and how a pipe without a reader does not block. */
    static const char begins[] = "{\n  \"checkpoints\": ";
    char head[sizeof begins - 1];
    struct stat status;
    long fd = prs_sys(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_NOCTTY | O_CLOEXEC, 0666);
    if (fd < 0) {
        return (int)fd;
    }
    long error = prs_sys(SYS_fstat, fd, &status);
    if (error == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        bool ours = prs_sys(SYS_pread64, fd, head, sizeof head, 0) == (long)sizeof head && __builtin_memcmp(head, begins, sizeof head) == 0;
        error = ours ? 0 : -EEXIST;
    }
    if (error < 0) {
        prs_sys(SYS_close, fd);
        return (int)error;
    }
    return (int)fd;
}

int prs_stats_check(void)
{
    const char *path = prs_p.options.stats;
    struct stat status;
    if (path[0] == '\0' || prs_sys(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) {
        return 0;
    }
    int fd = open_file(path);
    if (fd >= 0) {
        prs_sys(SYS_close, fd);
    }
    return fd == -EEXIST ? prs_fail(PROSPER_E_OPTION, "stats=%s: it is there and holds no statistics", path) : 0;
}

int prs_stats_write(void)
{
    if (prs_p.options.stats[0] == '\0') {
        return 0;
    }
    char buffer[8192];
    unsigned long length = prs_stats_json(buffer, sizeof buffer);
    int fd = open_file(prs_p.options.stats);
    if (fd < 0) {
        prs_say("statistics cannot be written to %s (%s)", prs_p.options.stats, prs_error_name(fd));
        return fd;
    }
    prs_sys(SYS_ftruncate, fd, 0); /* fails where it means nothing */
    long written = prs_sys(SYS_write, fd, buffer, length);
    prs_sys(SYS_close, fd);
    return written < 0 ? (int)written : 0;
}
