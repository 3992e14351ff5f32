/* profile.c - the profile of a process: its file, and the way from changes to whom they belong (profile.h).
 *
 *   begin      an epoch is written anew: what was noted of an attempt that failed is forgotten
 *   sample     a run of small memory, or the lines of a page, that the epoch holds: noted, no more
 *   committed  each is given to a frame, a site, a variable; only then, so that a checkpoint that was given up leaves no trace
 *
 * The program stands still between sample and committed, so its frames are those of the image.
 * Context: start; the rest in the handler: raw system calls, the file, memory of the runtime's range.
 */
#include "profile.h"
#include "error.h"
#include "image.h"
#include "prim.h"
#include "state.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mimalloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* ---- start ---- */

static int create(const char *path)
{
    struct prs_profile *file = prs_p.profile.file;
    int fd = prs_p.profile.fd;
    /* To nothing and up again: all of it reads as zeros. */
    long error = prs_sys(SYS_ftruncate, fd, 0);
    error = error < 0 ? error : prs_sys(SYS_ftruncate, fd, PRS_PROFILE_BYTES);
    error = error < 0 ? error : prs_sys(SYS_fallocate, fd, 0, 0, sizeof *file);
    if (error < 0) {
        return prs_fail((int)error, "%s, for the profile", path);
    }
    file->id.version = PRS_PROFILE_VERSION;
    file->id.size = sizeof *file;
    uint32_t nobody = prs_profile_take(&prs_p.profile, PRS_AREA_SITES); /* number 0 */
    file->id.magic = PRS_PROFILE_MAGIC;
    return nobody != 0 ? 0 : prs_fail(-ENOSPC, "%s, for the profile", path);
}

/* Of the checkpoint that is resumed, or of the one before it. */
static bool goes_on(const struct prs_profile_id *id)
{
    struct prs_store_use use;
    prs_store_usage(&prs_p.store, &use);
    return id->magic == PRS_PROFILE_MAGIC && id->version == PRS_PROFILE_VERSION && id->size == sizeof(struct prs_profile) &&
           ((id->epoch == use.epoch && id->commit_realtime_ns == use.commit_realtime_ns) || id->epoch + 1 == use.epoch);
}

static int open_file(const char *path, bool *resume)
{
    struct prs_profile_id id = {0};
    int fd = (int)prs_sys(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return prs_fail(fd, "%s cannot be opened for the profile", path);
    }
    prs_p.profile.fd = --prs_p.fd_floor;
    long error = prs_sys(SYS_dup3, fd, prs_p.profile.fd, O_CLOEXEC);
    prs_sys(SYS_close, fd);
    if (error < 0) {
        return prs_fail((int)error, "descriptor %d cannot be used", prs_p.profile.fd);
    }
    struct stat status;
    error = prs_sys(SYS_fstat, prs_p.profile.fd, &status);
    long length = error < 0 ? error : prs_sys(SYS_pread64, prs_p.profile.fd, &id, sizeof id, 0);
    bool begun = id.magic == 0 && status.st_size == (int64_t)PRS_PROFILE_BYTES; /* ours, killed before it had its magic */
    if (error < 0 || length < 0 || !S_ISREG(status.st_mode) || (length > 0 && id.magic != PRS_PROFILE_MAGIC && !begun)) {
        return prs_fail(PROSPER_E_OPTION, "profile=%s: it is there and is no profile", path); /* nobody's file is overwritten */
    }
    *resume = *resume && length == (long)sizeof id && (uint64_t)status.st_size == PRS_PROFILE_BYTES && goes_on(&id);
    return 0;
}

static long map_at(uint64_t start, uint64_t bytes, int flags, int fd)
{
    long at = prs_sys(SYS_mmap, start, bytes, PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0);
    return at >= 0 && (uint64_t)at != start ? -EEXIST : at < 0 ? at : 0;
}

static void code_of(const void *function, uint64_t *start, uint64_t *end)
{
    struct dl_find_object object;
    if (_dl_find_object((void *)(uintptr_t)function, &object) == 0) {
        *start = (uint64_t)object.dlfo_map_start;
        *end = (uint64_t)object.dlfo_map_end;
    }
}

int prs_profile_start(bool resume)
{
    const char *path = prs_p.options.profile;
    struct prs_profiler *profiler = &prs_p.profile;
    if (path[0] == '\0') {
        return 0;
    }
    int error = open_file(path, &resume);
    if (error != 0) {
        return error;
    }
    const uint64_t tables = PRS_PROFILE_BASE + (4ul << 30), page_index = PRS_PROFILE_PAGE_SLOTS * 4ul, site_index = PRS_PROFILE_SITE_SLOTS * 4ul;
    long mapped = map_at(PRS_PROFILE_BASE, PRS_PROFILE_BYTES, MAP_SHARED, profiler->fd);
    if (mapped == 0) {
        mapped = map_at(tables, page_index + site_index + PRS_PROFILE_SAMPLES * sizeof(struct prs_sample), MAP_PRIVATE | MAP_ANONYMOUS, -1);
    }
    if (mapped < 0) {
        return prs_fail((int)mapped, "%s cannot be mapped for the profile", path);
    }
    profiler->file = (void *)PRS_PROFILE_BASE;
    profiler->page_index = (void *)tables;
    profiler->site_index = (void *)(tables + page_index);
    profiler->samples = (void *)(tables + page_index + site_index);
    if (!resume && (error = create(path)) != 0) {
        return error;
    }
    ++profiler->file->lives;
    code_of((const void *)(uintptr_t)prs_profile_start, &profiler->own_start, &profiler->own_end);
    code_of((const void *)(uintptr_t)mi_malloc, &profiler->file->allocator_start, &profiler->file->allocator_end);
    prs_profile_index(profiler);
    return 0;
}

void prs_profile_on(void) { prs_p.profile.on = prs_p.profile.file != NULL; }

void prs_profile_off(void) { prs_p.profile.on = false; }

/* ---- an epoch ---- */

void prs_profile_begin(void)
{
    prs_p.profile.sample_count = 0;
    prs_p.profile.unsampled = 0;
    prs_p.profile.full = 0;
}

void prs_profile_sample(enum prs_sample_kind kind, uint64_t address, uint64_t what)
{
    struct prs_profiler *profiler = &prs_p.profile;
    if (kind == PRS_SAMPLE_FULL) {
        profiler->full += what;
    } else if (profiler->sample_count == PRS_PROFILE_SAMPLES) {
        profiler->unsampled += kind == PRS_SAMPLE_LINES ? PRS_LINE * (uint64_t)__builtin_popcountll(what) : what;
    } else {
        profiler->samples[profiler->sample_count++] = (struct prs_sample){address, what, kind};
    }
}

static bool in_program_range(uint64_t address) { return address >= PRS_PROGRAM_BASE && address < PRS_PROGRAM_END; }

/* Data: by words, which `prosper` joins to variables. */
static void words(struct prs_profiler *profiler, uint64_t address, uint64_t bytes)
{
    for (uint64_t end = address + bytes; address < end;) {
        uint64_t word_end = (address / 8 + 1) * 8, stop = word_end < end ? word_end : end;
        struct prs_profile_page *page = prs_profile_page_make(profiler, prs_round_down(address, PRS_PAGE));
        if (page != 0 && page->detail == 0) {
            page->detail = prs_profile_take(profiler, PRS_AREA_WORDS);
        }
        if (page == 0 || page->detail == 0 || page->detail > PRS_PROFILE_WORDS) {
            profiler->file->rest[PRS_REST_NO_ROOM] += stop - address;
        } else {
            uint32_t *counts = prs_profile_at(profiler, PRS_AREA_WORDS, page->detail - 1);
            counts[address % PRS_PAGE / 8] += (uint32_t)(stop - address);
        }
        address = stop;
    }
}

/* The heap: by granules. Bytes of a line that several blocks share are split among them, changed or not. */
static void blocks(struct prs_profiler *profiler, uint64_t address, uint64_t bytes)
{
    for (uint64_t end = address + bytes; address < end;) {
        uint64_t line_end = (address / PRS_LINE + 1) * PRS_LINE, stop = line_end < end ? line_end : end;
        uint16_t sites[PRS_LINE / PRS_GRANULE];
        prs_profile_line(profiler, prs_round_down(address, PRS_LINE), sites);
        while (address < stop) {
            uint64_t granule_end = (address / PRS_GRANULE + 1) * PRS_GRANULE, part = granule_end < stop ? granule_end : stop;
            uint16_t site = sites[address % PRS_LINE / PRS_GRANULE];
            if (site == 0) {
                profiler->file->rest[PRS_REST_NO_BLOCK] += part - address;
            } else {
                ((struct prs_profile_site *)prs_profile_at(profiler, PRS_AREA_SITES, site))->bytes += part - address;
            }
            address = part;
        }
    }
}

static void memory(struct prs_profiler *profiler, uint64_t address, uint64_t bytes)
{
    if (in_program_range(address)) {
        blocks(profiler, address, bytes);
    } else {
        words(profiler, address, bytes);
    }
}

static void lines(struct prs_profiler *profiler, uint64_t page, uint64_t mask)
{
    while (mask != 0) {
        unsigned first = (unsigned)__builtin_ctzll(mask);
        mask &= mask - 1;
        memory(profiler, page + first * PRS_LINE, PRS_LINE);
    }
}

/* Files that are mapped from their beginning: objects, mostly. Each is kept once, so one that is unloaded can still be named. */
static void note_module(struct prs_profile *file, uint64_t start, const char *path)
{
    for (uint32_t i = 0; i < file->module_count; ++i) {
        if (file->modules[i].start == start && strcmp(file->text + file->modules[i].path, path) == 0) {
            return;
        }
    }
    uint64_t length = strlen(path) + 1;
    if (file->module_count == PRS_PROFILE_MODULES || file->text_used + length > PRS_PROFILE_TEXT) {
        return;
    }
    prs_copy(file->text + file->text_used, path, length);
    file->modules[file->module_count] = (struct prs_profile_module){start, file->text_used, 0};
    file->text_used += (uint32_t)length;
    ++file->module_count;
}

static void note_modules(struct prs_profiler *profiler)
{
    const struct prs_meta *meta = PRS_META;
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        const struct prs_region *region = &meta->regions[i];
        if (region->file != 0 && region->file_offset == 0) {
            note_module(profiler->file, region->start, meta->text + meta->files[region->file - 1].path);
        }
    }
    profiler->modules_known = true;
}

static void stack(struct prs_profiler *profiler, const void *ucontext)
{
    const struct prs_meta *meta = PRS_META;
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        if (meta->regions[i].kind == PRS_REGION_STACK) {
            prs_profile_stack(profiler, ucontext, meta->regions[i].start, meta->regions[i].end);
        }
    }
}

void prs_profile_committed(const void *ucontext)
{
    struct prs_profiler *profiler = &prs_p.profile;
    struct prs_profile *file = profiler->file;
    struct prs_store_use use;
    if (!profiler->on) {
        return;
    }
    if (prs_p.regions_fresh || !profiler->modules_known) {
        note_modules(profiler);
    }
    for (uint64_t i = 0; i < profiler->sample_count; ++i) {
        const struct prs_sample *sample = &profiler->samples[i];
        switch ((enum prs_sample_kind)sample->kind) {
        case PRS_SAMPLE_TABLES: file->rest[PRS_REST_TABLES] += sample->what; break;
        case PRS_SAMPLE_DATA: memory(profiler, sample->address, sample->what); break;
        case PRS_SAMPLE_LINES: lines(profiler, sample->address, sample->what); break;
        case PRS_SAMPLE_STACK:
        case PRS_SAMPLE_FULL: break;
        }
    }
    stack(profiler, ucontext);
    prs_store_usage(&prs_p.store, &use);
    file->rest[PRS_REST_NO_ROOM] += profiler->unsampled;
    file->full_bytes += profiler->full;
    file->full_epochs += prs_p.last_full;
    ++file->checkpoints;
    file->id.epoch = use.epoch;
    file->id.commit_realtime_ns = use.commit_realtime_ns;
}
