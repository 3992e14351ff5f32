/* info.c - `prosper info`: which program a pool belongs to, in which state it is, and where it would go on.
 * Works beside a running program: see image_read.h.
 */
#include "info.h"
#include "command.h"
#include "media.h"
#include "prim.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES 20u

const char *info_state(const struct info *info)
{
    switch (info->state) {
    case PRS_POOL_RUNNING:
        if (info->image.owner != 0) {
            return "running";
        }
        return info->image.meta == NULL ? "empty" : "resumable";
    case PRS_POOL_FINISHED:
        return "finished";
    case PRS_POOL_OVERTAKEN:
    case PRS_POOL_LEFT:
        return info->image.owner != 0 ? "running without persistence" : "not resumable";
    case PRS_POOL_EMPTY:
    default:
        return "empty";
    }
}

const char *info_kind(uint32_t kind)
{
    static const char *const names[INFO_KINDS] = {
        [PRS_REGION_STACK] = "stack", [PRS_REGION_SMALL] = "small", [PRS_REGION_LARGE] = "large",
        [PRS_REGION_FILE] = "file",   [PRS_REGION_EMPTY] = "empty",
    };
    return kind < INFO_KINDS && names[kind] != NULL ? names[kind] : "unknown";
}

const char *info_protection(uint32_t protection)
{
    static const char *const names[8] = {"---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx"};
    return names[protection & 7];
}

const char *info_descriptor(uint32_t kind)
{
    static const char *const names[] = {
        [PRS_DESCRIPTOR_FILE] = "file",
        [PRS_DESCRIPTOR_DIRECTORY] = "directory",
        [PRS_DESCRIPTOR_DEVICE] = "device",
        [PRS_DESCRIPTOR_INHERITED] = "inherited",
    };
    return kind <= PRS_DESCRIPTOR_INHERITED && names[kind] != NULL ? names[kind] : "unknown";
}

const char *info_access(uint32_t flags)
{
    if ((flags & O_APPEND) != 0) {
        return "append";
    }
    return (flags & O_ACCMODE) == O_RDONLY ? "read" : (flags & O_ACCMODE) == O_WRONLY ? "write" : "read+write";
}

static void count_regions(struct info *info)
{
    const struct prs_meta *meta = info->image.meta;
    for (uint32_t i = 0; i < meta->region_count; i++) {
        info->region_count[meta->regions[i].kind]++;
        info->region_bytes[meta->regions[i].kind] += meta->regions[i].end - meta->regions[i].start;
    }
}

static int take_once(struct info *info)
{
    int error = image_load(&info->image, info->path);
    if (error != 0) {
        return error;
    }
    info->state = prs_store_state(&info->image.store);
    prs_store_reason(&info->image.store, info->why_not, sizeof info->why_not);
    info->now_realtime_ns = prs_realtime_ns();
    info->power_possible = prs_media_is_dax(info->image.fd);
    prs_store_usage(&info->image.store, &info->use);
    info->live_known = prs_live_read(&info->image.store, &info->live);
    info->frames_shaky = false;
    if (info->image.meta != NULL) {
        info->frame_count = backtrace_take(&info->image, info->frames, INFO_FRAMES_MAX, &info->frames_whole);
        info->frames_shaky = info->image.large_read && !image_current(&info->image);
    }
    return 0;
}

/* Only a stack in large memory can be overtaken by the running program (image_read.c, 3): then once more, and in the end it is said. */
static int take(struct info *info)
{
    int error = take_once(info);
    for (unsigned i = 1; i < TRIES && error == 0 && info->frames_shaky; i++) {
        image_close(&info->image);
        error = take_once(info);
    }
    if (error == 0 && info->image.meta != NULL) {
        count_regions(info);
    }
    return error;
}

int command_info(int argc, char **argv)
{
    enum { JSON, REGIONS, HELP, FLAGS };
    static const struct flag flags[FLAGS] = {
        [JSON] = {"--json", FLAG_PLAIN, NULL, "for programs"},
        [REGIONS] = {"--regions", FLAG_PLAIN, NULL, "with the table of memory regions"},
        [HELP] = {"--help", FLAG_PLAIN, NULL, "this text"},
    };
    bool chosen[FLAGS] = {false};
    const char *value, *path = NULL;
    for (int at = 1;;) {
        int flag = flags_next("prosper info", flags, FLAGS, argc, argv, &at, &value);
        if (flag == FLAGS_BAD) {
            return COMMAND_REFUSED;
        }
        if (flag >= 0) {
            chosen[flag] = true;
        } else if (at < argc && path == NULL) {
            path = argv[at++];
        } else if (at < argc) {
            return command_usage("prosper info takes one pool, and '%s' is a second one", argv[at]);
        } else {
            break;
        }
    }
    if (chosen[HELP]) {
        printf("prosper info pool [flags]\n\n"
               "What a pool holds: the program, the state of its last checkpoint, sizes, open files, and the calls it is in the\n"
               "middle of. "
               "The pool is only read; its program may be running.\n\n");
        flags_help(flags, FLAGS);
        return 0;
    }
    if (path == NULL) {
        return command_usage("prosper info needs a pool");
    }
    static struct info info; /* too large for a stack */
    char *absolute = realpath(path, NULL);
    info.path = absolute != NULL ? absolute : path;
    int error = take(&info);
    if (error != 0) {
        return command_refuse(error);
    }
    if (chosen[JSON]) {
        info_print_json(&info, chosen[REGIONS]);
    } else {
        info_print_text(&info, chosen[REGIONS]);
    }
    image_close(&info.image);
    free(absolute);
    return ferror(stdout) != 0 || fflush(stdout) != 0 ? COMMAND_REFUSED : 0;
}
