/* info.h - what `prosper info` found out about a pool, before it is shown as text (info_text.c) or JSON (info_json.c). */
#ifndef PRS_INFO_H
#define PRS_INFO_H

#include "backtrace.h"
#include "image_read.h"
#include "live.h"
#include <stdbool.h>
#include <stdint.h>

#define INFO_FRAMES_MAX 200u
#define INFO_KINDS (PRS_REGION_EMPTY + 1)

struct info {
    const char *path; /* of the pool, absolute */
    struct image image;
    enum prs_pool_state state;
    char why_not[256]; /* "", or why the program went on without checkpoints */
    bool power_possible; /* the pool is on a DAX file system */
    uint64_t now_realtime_ns;
    struct prs_store_use use;
    bool live_known;
    struct prf_live live; /* of the process that has the pool, or had it last; nothing that a restore would use */
    uint32_t region_count[INFO_KINDS];
    uint64_t region_bytes[INFO_KINDS];
    unsigned frame_count;
    bool frames_whole;
    bool frames_shaky; /* the program committed on while large memory was read */
    struct backtrace_frame frames[INFO_FRAMES_MAX];
};

const char *info_state(const struct info *info);
const char *info_kind(uint32_t kind);
const char *info_protection(uint32_t protection);
const char *info_descriptor(uint32_t kind);
const char *info_access(uint32_t flags); /* "read", "write", "read+write" ... */

void info_print_text(const struct info *info, bool regions);
void info_print_json(const struct info *info, bool regions);

#endif
