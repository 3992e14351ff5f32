/* info_json.c - `prosper info --json`: one object on one line. Addresses and long numbers of theirs are strings ("0x..."). */
#include "info.h"
#include "json.h"
#include "layout.h"
#include <string.h>

static void put_strings(struct json *json, const char *key, const char *text, uint32_t count)
{
    json_open(json, key, '[');
    for (uint32_t i = 0; i < count; i++) {
        json_text(json, NULL, text);
        text += strlen(text) + 1;
    }
    json_close(json, ']');
}

static void put_pool(struct json *json, const struct info *info)
{
    json_open(json, "pool", '{');
    json_text(json, "path", info->path);
    json_number(json, "bytes", info->image.length);
    json_number(json, "extensions", info->use.extensions);
    json_number(json, "log_bytes", info->use.log_bytes);
    json_number(json, "log_used", info->use.log_used);
    json_number(json, "slot_bytes", info->use.slots * PRS_PAGE);
    json_number(json, "slot_used", info->use.slots_used * PRS_PAGE);
    json_number(json, "pages", info->use.pages);
    json_flag(json, "page_checksums", info->use.page_sums);
    json_text(json, "durability", info->use.swept ? "power" : "process"); /* with DAX the pool does not say which */
    json_flag(json, "power_possible", info->power_possible);
    json_flag(json, "power_by_pages", info->use.swept);
    json_close(json, '}');
}

static void put_interval(struct json *json, const struct info *info)
{
    json_open(json, "interval", '{');
    if (info->live_known) {
        json_number(json, "ns", info->live.interval_ns);
        json_flag(json, "auto", prs_live_is_auto(&info->live));
        json_number(json, "budget_millionths", info->live.budget);
    }
    json_close(json, '}');
}

static void put_regions(struct json *json, const struct info *info, bool table)
{
    json_open(json, "memory", '{');
    for (uint32_t kind = 1; kind < INFO_KINDS; kind++) {
        json_open(json, info_kind(kind), '{');
        json_number(json, "regions", info->region_count[kind]);
        json_number(json, "bytes", info->region_bytes[kind]);
        json_close(json, '}');
    }
    json_close(json, '}');
    if (!table) {
        return;
    }
    json_open(json, "regions", '[');
    for (uint32_t i = 0; i < info->image.meta->region_count; i++) {
        const struct prs_region *region = &info->image.meta->regions[i];
        json_open(json, NULL, '{');
        json_hex(json, "start", region->start);
        json_hex(json, "end", region->end);
        json_text(json, "kind", info_kind(region->kind));
        json_text(json, "protection", info_protection(region->protection));
        json_text(json, "path", image_path(&info->image, region));
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_files(struct json *json, const struct prs_meta *meta)
{
    json_open(json, "files", '[');
    for (uint32_t i = 0; i < meta->descriptor_count; i++) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        json_open(json, NULL, '{');
        json_number(json, "number", (uint64_t)descriptor->number);
        json_text(json, "kind", info_descriptor(descriptor->kind));
        json_text(json, "access", info_access(descriptor->flags));
        json_text(json, "path", meta->text + descriptor->path);
        json_number(json, "offset", descriptor->offset);
        json_number(json, "size", descriptor->size);
        if (descriptor->origin >= 0) {
            json_number(json, "origin", (uint64_t)descriptor->origin);
        }
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void put_frames(struct json *json, const struct info *info)
{
    json_open(json, "backtrace", '[');
    for (unsigned i = 0; i < info->frame_count; i++) {
        const struct backtrace_frame *frame = &info->frames[i];
        json_open(json, NULL, '{');
        json_hex(json, "address", frame->address);
        json_text(json, "function", frame->name[0] != '\0' ? frame->name : NULL);
        json_number(json, "offset", frame->offset);
        json_text(json, "file", frame->file);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_flag(json, "backtrace_whole", info->frames_whole && !info->frames_shaky);
}

void info_print_json(const struct info *info, bool regions)
{
    struct json json = {.out = stdout};
    const struct prs_meta *meta = info->image.meta;
    json_open(&json, NULL, '{');
    json_text(&json, "state", info_state(info));
    json_number(&json, "process", (uint64_t)info->image.owner);
    json_text(&json, "not_resumable", info->why_not[0] != '\0' ? info->why_not : NULL);
    json_number(&json, "epoch", info->image.store.epoch);
    json_number(&json, "commit_realtime_ns", info->use.commit_realtime_ns);
    put_pool(&json, info);
    put_interval(&json, info);
    if (meta != NULL) {
        json_text(&json, "program", meta->text + meta->exec_path);
        put_strings(&json, "arguments", meta->text + meta->argv, meta->argc);
        json_text(&json, "directory", meta->text + meta->cwd);
        json_number(&json, "restores", meta->generation);
        put_regions(&json, info, regions);
        put_files(&json, meta);
        put_frames(&json, info);
    }
    json_close(&json, '}');
    putchar('\n');
}
