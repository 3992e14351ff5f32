/* info_text.c - `prosper info` for people. */
#include "command.h"
#include "info.h"
#include "layout.h"
#include <string.h>
#include <time.h>

static void label(const char *name) { printf("%-12s", name); }

static void print_arguments(const struct prs_meta *meta)
{
    const char *argument = meta->text + meta->argv;
    label("command");
    for (uint32_t i = 0; i < meta->argc; i++) {
        const char *quote = argument[0] == '\0' || strpbrk(argument, " \t\n'\"\\$*?<>|&;()") != NULL ? "'" : "";
        printf("%s%s", i > 0 ? " " : "", quote);
        print_text(stdout, argument);
        printf("%s", quote);
        argument += strlen(argument) + 1;
    }
    printf("\n");
    label("directory");
    print_text(stdout, meta->text + meta->cwd);
    printf("\n");
}

static void print_state(const struct info *info)
{
    label("state");
    switch (info->state) {
    case PRS_POOL_FINISHED:
        printf("finished: the program ended normally; a run starts afresh\n");
        return;
    case PRS_POOL_OVERTAKEN:
    case PRS_POOL_LEFT:
        if (info->image.owner != 0) {
            printf("running without persistence (process %d)\n", info->image.owner);
        } else {
            printf("not running, cannot be resumed (%s--fresh starts over)\n", info->state == PRS_POOL_LEFT ? "--stale goes on from the last checkpoint, " : "");
        }
        label("because");
        printf("%s", info->state == PRS_POOL_LEFT ? "the program has or had " : "");
        print_text(stdout, info->why_not);
        printf("\n");
        return;
    case PRS_POOL_RUNNING:
        break;
    case PRS_POOL_EMPTY:
    default:
        printf("empty: no checkpoint yet\n");
        return;
    }
    if (info->image.owner != 0) {
        printf("running (process %d)\n", info->image.owner);
    } else if (info->image.meta == NULL) {
        printf("empty: no checkpoint yet\n");
    } else {
        printf("not running, can be resumed: run the same command again\n");
    }
}

static void print_checkpoint(const struct info *info)
{
    const struct prs_meta *meta = info->image.meta;
    char when[64] = "";
    time_t seconds = (time_t)(info->use.commit_realtime_ns / 1000000000u);
    struct tm local;
    if (localtime_r(&seconds, &local) != NULL) {
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    }
    uint64_t age = info->now_realtime_ns > info->use.commit_realtime_ns ? info->now_realtime_ns - info->use.commit_realtime_ns : 0;
    label("checkpoint");
    printf("epoch %lu of %s, %s ago", info->image.store.epoch, when, text_duration(age));
    if (meta != NULL && meta->generation > 0) {
        printf("; resumed %lu time%s before", meta->generation, meta->generation == 1 ? "" : "s");
    }
    printf("\n");
}

static void print_interval(const struct info *info)
{
    if (info->live_known && prs_live_is_auto(&info->live)) {
        label("interval");
        printf("%s, for a budget of %s of the running time\n", text_duration(info->live.interval_ns), text_part(info->live.budget));
    }
}

static void print_size(const struct info *info)
{
    const struct prs_store_use *use = &info->use;
    label("pool");
    printf("%s", text_bytes(info->image.length));
    if (use->extensions > 0) {
        printf(" in %u files (it has grown: .1%s", use->extensions + 1, use->extensions > 1 ? " to " : "");
        if (use->extensions > 1) {
            printf(".%u", use->extensions);
        }
        printf(" beside it)");
    }
    printf("; log %s of %s, pages %s of %s (%lu pages kept)\n", text_bytes(use->log_used),
           text_bytes(use->log_bytes), text_bytes(use->slots_used * PRS_PAGE), text_bytes(use->slots * PRS_PAGE), use->pages);
    label("checksums");
    printf("%s\n", use->page_sums ? "of every structure, and of the contents of pages" : "of every structure; not of the contents of pages");
    label("durability");
    printf("%s\n", info->power_possible ? "process (kill -9, crashes); with durability=power also a power cut"
                                        : "process: survives kill -9 and crashes of the program, not a power cut");
}

static void print_memory(const struct info *info, bool table)
{
    static const char *const says[INFO_KINDS] = {
        [PRS_REGION_STACK] = "compared and logged",   [PRS_REGION_SMALL] = "compared and logged", [PRS_REGION_LARGE] = "kept by pages",
        [PRS_REGION_FILE] = "mapped again from files", [PRS_REGION_EMPTY] = "address space only",
    };
    const char *name = "memory";
    for (uint32_t kind = 1; kind < INFO_KINDS; kind++) {
        if (info->region_count[kind] > 0) {
            label(name);
            printf("%-6s %4u region%s %10s  %s\n", info_kind(kind), info->region_count[kind], info->region_count[kind] == 1 ? " " : "s",
                   text_bytes(info->region_bytes[kind]), says[kind]);
            name = "";
        }
    }
    const struct prs_meta *meta = info->image.meta;
    for (uint32_t i = 0; table && i < meta->region_count; i++) {
        const struct prs_region *region = &meta->regions[i];
        printf("  %012lx-%012lx %s %-6s %10s  ", region->start, region->end, info_protection(region->protection), info_kind(region->kind),
               text_bytes(region->end - region->start));
        print_text(stdout, (region->flags & PRS_REGION_BRK) != 0 ? "[heap]" : image_path(&info->image, region));
        printf("\n");
    }
}

static void print_files(const struct info *info)
{
    const struct prs_meta *meta = info->image.meta;
    const char *name = "files";
    for (uint32_t i = 0; i < meta->descriptor_count; i++) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        label(name);
        name = "";
        printf("%3d %-10s ", descriptor->number, info_access(descriptor->flags));
        if (descriptor->kind == PRS_DESCRIPTOR_INHERITED) {
            printf(descriptor->origin == descriptor->number ? "what the next start is given there" : "what the next start is given at %d", descriptor->origin);
        } else {
            print_text(stdout, meta->text + descriptor->path);
        }
        if (descriptor->kind == PRS_DESCRIPTOR_FILE) {
            printf(", at %lu of %lu bytes", descriptor->offset, descriptor->size);
        }
        if (descriptor->shares >= 0) {
            printf(", shared with %d", descriptor->shares);
        }
        printf("\n");
    }
}

static void print_frames(const struct info *info)
{
    const char *when = info->image.owner != 0 ? "killed now, it would resume in" : "would resume in";
    printf("\n%s\n", info->state == PRS_POOL_FINISHED ? "last checkpoint taken in" : when);
    for (unsigned i = 0; i < info->frame_count; i++) {
        const struct backtrace_frame *frame = &info->frames[i];
        const char *slash = strrchr(frame->file, '/');
        printf("  #%-3u %012lx  ", i, frame->address);
        print_text(stdout, frame->name[0] != '\0' ? frame->name : "?");
        if (frame->offset > 0) {
            printf("+0x%lx", frame->offset);
        }
        if (frame->file[0] != '\0') {
            printf("  (");
            print_text(stdout, slash != NULL ? slash + 1 : frame->file);
            printf(")");
        }
        printf("\n");
    }
    if (info->frame_count == INFO_FRAMES_MAX) {
        printf("  ... and more calls\n");
    } else if (!info->frames_whole) {
        printf("  ... further calls cannot be told: no unwind information there, or its file was changed\n");
    }
    if (info->frames_shaky) {
        printf("  (the program ran on while this was read; lines may be wrong)\n");
    }
}

void info_print_text(const struct info *info, bool regions)
{
    const struct prs_meta *meta = info->image.meta;
    label("file");
    print_text(stdout, info->path);
    printf("\n");
    if (meta != NULL) {
        label("program");
        print_text(stdout, meta->text + meta->exec_path);
        printf("\n");
        print_arguments(meta);
    }
    print_state(info);
    if (info->image.store.epoch > 0) {
        print_checkpoint(info);
    }
    print_interval(info);
    print_size(info);
    if (meta != NULL) {
        print_memory(info, regions);
        print_files(info);
        print_frames(info);
    }
}
