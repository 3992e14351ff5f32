/* restore.c - whole-image restore in place.
 *
 *   state       what happens                                                           if killed here
 *   CHECKED     META read and checked, identity compared, files opened and measured    nothing has changed
 *   RECOVERED   leftovers of the interrupted epoch cleared (idempotent)                the same checkpoint is found again
 *   CUT         files cut back to the checkpoint's length (idempotent)                 likewise
 *   MAPPED      mappings that the checkpoint has not are gone, its own are in place    likewise: only this process changes
 *   FILLED      small memory from the mirror, large memory from its slots
 *   RUNNING     kernel state, descriptors, timers; rt_sigreturn with the saved frame
 *
 * INVARIANTS
 *  X1  Up to CHECKED the checkpoint can be refused and the pool is untouched. From CUT on there is no way back for this
 *      process: when the system refuses something then, it ends as a refused start does (prs_restore_needs). The next one finds the checkpoint.
 *  X2  From MAPPED on only raw system calls, prs_p and the runtime range are used, on the runtime's own stack: libc's data, and libprosper's own
 *      ordinary variables, are being replaced.
 *  X3  Every byte of a STACK, SMALL or LARGE region is written: zeros where the pool has nothing.
 *  X4  From FILLED on large memory is tracked: its pages have the committed content and nothing has written there since, so the first checkpoint compares
 *      what was written after, and not the whole heap.
 */
#include "restore.h"
#include "arena.h"
#include "checkpoint.h"
#include "collect.h"
#include "dirtymap.h"
#include "error.h"
#include "fault.h"
#include "fdtable.h"
#include "growth.h"
#include "hold.h"
#include "identity.h"
#include "kernel_state.h"
#include "log.h"
#include "maps.h"
#include "meta_load.h"
#include "prim.h"
#include "region.h"
#include "stack_way.h"
#include "state.h"
#include "step.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define FILL_PAGES 64u /* made at once and then filled: they are still in the processor's cache, zeroed, when their content comes */

void prs_switch_stack(void *top, void (*function)(void)) __attribute__((noreturn));
void prs_resume(void *ucontext) __attribute__((noreturn));

void prs_restore_needs(long result, const char *what)
{
    if (result < 0 && result > -4096) {
        prs_say("PROSPER_E_RESTORE: the system refuses what the restore needs; the checkpoint is kept: %s (error %ld)", what, -result); /* X2: no tables of libc's */
        prs_sys(SYS_exit_group, PRS_REFUSED);
    }
}

static long read_maps(char *text)
{
    long length = prs_maps_read(prs_p.fd_maps, text, prs_p.maps_size);
    prs_restore_needs(length == 0 ? -EIO : length, "reading the mappings");
    return length;
}

/* ---- MAPPED ---- */

/* A kernel's or our own mapping stays whatever the checkpoint says. */
static bool stays(const struct prs_map *map)
{
    if (map->name_length >= 2 && map->name[0] == '[' && map->name[1] == 'v') {
        return true; /* [vdso], [vvar], [vvar_vclock], [vsyscall] */
    }
    return prs_map_is(map, "[stack]");
}

static void unmap_outside(uint64_t start, uint64_t end)
{
    struct prs_range own[8];
    unsigned count = prs_excluded(own, 8);
    while (start < end) {
        uint64_t stop = end, next = end;
        for (unsigned i = 0; i < count; ++i) {
            if (own[i].start <= start && start < own[i].end) {
                stop = start;
                next = own[i].end < end ? own[i].end : end;
                break;
            }
            if (own[i].start > start && own[i].start < stop) {
                stop = own[i].start;
                next = stop;
            }
        }
        if (stop > start) {
            prs_restore_needs(prs_sys(SYS_munmap, start, stop - start), "munmap");
        }
        start = next;
    }
}

static void unmap_foreign(const struct prs_meta *meta)
{
    long length = read_maps(prs_p.maps_text);
    const char *cursor = prs_p.maps_text;
    struct prs_map map;
    uint32_t at = 0;
    while (prs_maps_next(&cursor, prs_p.maps_text + length, &map)) {
        if (stays(&map)) {
            continue;
        }
        uint64_t start = map.start;
        while (at < meta->region_count && meta->regions[at].end <= start) {
            ++at;
        }
        for (uint32_t i = at; start < map.end; ++i) {
            const struct prs_region *region = i < meta->region_count && meta->regions[i].start < map.end ? &meta->regions[i] : NULL;
            uint64_t stop = region != NULL ? region->start : map.end;
            if (stop > start) {
                unmap_outside(start, stop);
            }
            if (region == NULL) {
                break;
            }
            start = region->end > start ? region->end : start;
        }
    }
}

/* The mapping of this process that covers the region with the same backing, if there is one. */
static bool stands(const struct prs_region *region, long length, bool writable)
{
    const char *cursor = prs_p.maps_before;
    struct prs_map map;
    while (prs_maps_next(&cursor, prs_p.maps_before + length, &map)) {
        if (map.start <= region->start && region->end <= map.end) {
            return !map.shared && (map.inode != 0) == (region->file != 0) && ((map.protection & PROT_WRITE) != 0) == writable &&
                   (map.inode == 0 || map.offset + (region->start - map.start) == region->file_offset) &&
                   (writable || (uint32_t)map.protection == region->protection);
        }
    }
    return false;
}

static void map_region(const struct prs_meta *meta, const struct prs_region *region, long maps_length)
{
    uint64_t bytes = region->end - region->start;
    bool content = region->kind == PRS_REGION_SMALL || region->kind == PRS_REGION_LARGE;
    if (region->kind == PRS_REGION_STACK || (region->flags & PRS_REGION_BRK) != 0 || (region->file != 0 && stands(region, maps_length, content))) {
        return; /* the kernel's stack and brk heap grow by themselves; file mappings of the start are there */
    }
    int protection = content ? PROT_READ | PROT_WRITE : (int)region->protection;
    int flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
    long fd = -1;
    if (region->file != 0) {
        fd = prs_sys(SYS_openat, AT_FDCWD, meta->text + meta->files[region->file - 1].path, O_RDONLY | O_CLOEXEC, 0);
        prs_restore_needs(fd, "opening a mapped file");
    } else {
        flags |= MAP_ANONYMOUS;
    }
    long result = prs_sys(SYS_mmap, region->start, bytes, protection, flags, fd, region->file != 0 ? region->file_offset : 0);
    prs_restore_needs(result, "mmap");
    PRS_ASSERT((uint64_t)result == region->start);
    if (fd >= 0) {
        prs_sys(SYS_close, fd);
    }
}

/* ---- FILLED ---- */

struct filling {
    const struct prs_region *region;
    uint64_t *bitmap;  /* a bit for each page of the region that the pool has content of */
    uint64_t *summary; /* a bit for each word of the bitmap that is not zero: reservations of terabytes are looked through quickly */
};

static int note_page(void *context, uint64_t page)
{
    const struct filling *filling = context;
    const struct prs_meta *meta = PRS_META;
    uint32_t low = 0, high = meta->region_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (meta->regions[middle].end <= page) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < meta->region_count && meta->regions[low].start <= page && meta->regions[low].kind == PRS_REGION_LARGE) {
        const struct filling *own = &filling[low];
        uint64_t index = (page - own->region->start) / PRS_PAGE;
        own->bitmap[index / 64] |= 1ul << (index % 64);
        own->summary[index / 4096] |= 1ul << (index / 64 % 64);
    }
    return 0;
}

static bool has(const struct filling *filling, uint64_t index) { return (filling->bitmap[index / 64] >> (index % 64) & 1) != 0; }

/* The first page at or after `index` with content, or `pages`. */
static uint64_t next_kept(const struct filling *filling, uint64_t index, uint64_t pages)
{
    while (index < pages) {
        if (filling->summary[index / 4096] == 0) {
            index = (index / 4096 + 1) * 4096;
        } else if (filling->bitmap[index / 64] >> (index % 64) == 0) {
            index = (index / 64 + 1) * 64;
        } else {
            return index + (uint64_t)__builtin_ctzll(filling->bitmap[index / 64] >> (index % 64));
        }
    }
    return pages;
}

static void fill_large(const struct filling *filling)
{
    const struct prs_region *region = filling->region;
    uint64_t pages = (region->end - region->start) / PRS_PAGE;
    for (uint64_t first = 0; first < pages;) {
        uint64_t kept = next_kept(filling, first, pages);
        if (region->file != 0 && kept > first) {
            prs_fill((void *)(region->start + first * PRS_PAGE), 0, (kept - first) * PRS_PAGE); /* X3: the file has something else there */
        }
        first = kept;
        uint64_t last = first;
        while (last < pages && has(filling, last)) {
            ++last;
        }
        while (first < last) {
            uint64_t stop = last - first < FILL_PAGES ? last : first + FILL_PAGES;
            prs_sys(SYS_madvise, region->start + first * PRS_PAGE, (stop - first) * PRS_PAGE, MADV_POPULATE_WRITE); /* some ten times cheaper than a fault a page */
            for (; first < stop; ++first) {
                uint64_t page = region->start + first * PRS_PAGE;
                PRS_ASSERT(prs_store_page_read(&prs_p.store, page, (void *)page));
            }
        }
    }
}

static void fill(const struct prs_meta *meta, uint64_t sp)
{
    struct filling *filling = prs_arena_take(&prs_p.scratch, sizeof *filling * (meta->region_count + 1));
    PRS_ASSERT(filling != NULL);
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        const struct prs_region *region = &meta->regions[i];
        filling[i].region = region;
        if (region->kind == PRS_REGION_LARGE) {
            uint64_t words = (region->end - region->start) / PRS_PAGE / 64 + 1;
            filling[i].bitmap = prs_arena_take(&prs_p.scratch, words * 8);
            filling[i].summary = prs_arena_take(&prs_p.scratch, words / 64 * 8 + 8);
            PRS_ASSERT(filling[i].bitmap != NULL && filling[i].summary != NULL);
        }
    }
    PRS_ASSERT(prs_store_page_each(&prs_p.store, note_page, filling) == 0);
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        const struct prs_region *region = &meta->regions[i];
        if (region->kind == PRS_REGION_LARGE) {
            fill_large(&filling[i]);
        } else if (region->kind == PRS_REGION_SMALL) {
            prs_mirror_restore(&prs_p.mirror, region->start, region->end);
        } else if (region->kind == PRS_REGION_STACK) {
            struct prs_range range = prs_collect_in_use(region, sp);
            prs_stack_fill(range);
        }
        if (region->kind == PRS_REGION_LARGE || region->kind == PRS_REGION_SMALL) {
            if ((region->protection & (PROT_READ | PROT_WRITE | PROT_EXEC)) != (PROT_READ | PROT_WRITE)) {
                prs_restore_needs(prs_sys(SYS_mprotect, region->start, region->end - region->start, region->protection), "mprotect");
            }
        }
    }
}

/* ---- RUNNING ---- */

static void track(const struct prs_meta *meta)
{
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        const struct prs_region *region = &meta->regions[i];
        if (region->kind == PRS_REGION_LARGE && prs_pages_track(prs_p.pages, region->start, region->end) == 0) {
            prs_pages_restored(prs_p.pages, region->start, region->end);
        }
    }
}

static void prepare_checkpoints(void)
{
    prs_p.large_committed_count = prs_regions_large(prs_p.large_committed, PRS_REGIONS_MAX);
    prs_p.regions_fresh_since_commit = true;
    prs_p.maps_before_length = 0; /* the first checkpoint builds the table anew */
}

static void say_resumed(const struct prs_meta *meta, uint64_t started_ns)
{
    uint64_t now = prs_realtime_ns();
    uint64_t age = now > meta->checkpoint_realtime_ns ? now - meta->checkpoint_realtime_ns : 0;
    prs_p.stats.restore_ns = prs_now_ns() - started_ns;
    if (!prs_p.options.quiet) {
        bool repeated = false;
        for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
            repeated |= meta->descriptors[i].kind == PRS_DESCRIPTOR_INHERITED && meta->descriptors[i].number == 1;
        }
        char cut[64] = "", other[PRS_PATH_MAX + 128] = "";
        if (prs_p.files_cut != 0) {
            prs_format(cut, sizeof cut, "; %u file%s cut back to it", prs_p.files_cut, prs_p.files_cut == 1 ? "" : "s");
        }
        if (prs_p.output_path != NULL) {
            prs_format(other, sizeof other, "; standard output goes on in %s (--stdio=new: in what this run was given)", prs_p.output_path);
        }
        prs_say("resumed from checkpoint %lu, %lu.%03lu s old; restored in %lu.%lu ms%s%s%s", prs_p.store.epoch, age / 1000000000u,
                age / 1000000u % 1000, prs_p.stats.restore_ns / 1000000u, prs_p.stats.restore_ns / 100000u % 10, cut,
                repeated ? "; output to a pipe or terminal since then comes twice" : "", other);
    }
}

static void become(void)
{
    struct prs_meta *meta = PRS_META;
    uint64_t started_ns = prs_p.restore_started_ns;
    ucontext_t *saved = (ucontext_t *)(void *)meta->ucontext;
    uint64_t sp = (uint64_t)saved->uc_mcontext.gregs[REG_RSP];

    unmap_foreign(meta);
    prs_restore_needs((uint64_t)prs_sys(SYS_brk, meta->brk_now) == meta->brk_now ? 0 : -ENOMEM, "brk");
    long length = read_maps(prs_p.maps_before);
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        map_region(meta, &meta->regions[i], length);
    }
    PRS_FAULT_HERE(restore_mapped);
    fill(meta, sp);
    track(meta); /* X4 */
    PRS_FAULT_HERE(restore_filled);

    PRS_ASSERT(prs_w.places[0] == prs_p.startup && prs_w.places[1] == prs_p.growth_place && prs_w.places[2] == prs_p.durable); /* S2 */
    prs_w.restores += 1;
    prs_dirtymap_use_pagemap(prs_p.fd_pagemap);
    prs_marks_start(true);
    uint64_t cpu_ns = prs_process_cpu_ns(); /* what the start took is the program's too, as far as it fits */
    prs_w.cpu_before_ns = meta->checkpoint_cpu_ns > cpu_ns ? meta->checkpoint_cpu_ns - cpu_ns : 0;
    ++meta->generation;
    prs_kernel_state_restore(meta);
    prs_fdtable_install(meta);
    prepare_checkpoints();
    say_resumed(meta, started_ns);
    prs_p.resumed = true;
    prs_p.began_with_children = prs_has_children();
    prs_p.active = true;
    prs_profile_on();
    if (prs_p.options.verify) {
        prs_verify_rebuild();
    }

    /* The frame: a copy in the runtime's range; the kernel reads it there, wherever the stack pointer in it points. */
    ucontext_t *frame = prs_arena_take(&prs_p.scratch, PRS_PAGE + PRS_XSAVE_MAX);
    PRS_ASSERT(frame != NULL);
    prs_copy(frame, meta->ucontext, meta->ucontext_size);
    void *xsave = (uint8_t *)frame + PRS_PAGE;
    prs_copy(xsave, meta->xsave, meta->xsave_size);
    frame->uc_mcontext.fpregs = xsave;
    prs_step_mask(frame, prs_p.options.step != 0);
    PRS_FAULT_HERE(restore_done);
    prs_checkpoint_install();
    prs_restore_needs(prs_checkpoint_timers(), "timers");
    if (prs_p.files_made > 0) {
        prs_checkpoint_durably(); /* comes before the program's first instruction: the image is to name the new files while they are empty (fdtable_restore.c, F7) */
    }
    prs_resume(frame);
}

/* ---- CHECKED to CUT ---- */

static int check_directory(const struct prs_meta *meta)
{
    const char *path = meta->text + meta->cwd;
    long fd = prs_sys(SYS_openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 || prs_sys(SYS_chdir, path) < 0) {
        return prs_fail(PROSPER_E_FILE_MISSING, "%s, the program's current directory", path);
    }
    prs_sys(SYS_close, fd);
    return 0;
}

/* In a pool with page checksums. What it reads, fill() reads again. */
static int check_pages(const struct prs_meta *meta)
{
    uint64_t page;
    int error = prs_store_pages_check(&prs_p.store, &page);
    if (error != PROSPER_E_DAMAGED) {
        return error;
    }
    return prs_fail(error, "page %lx (%s): its content does not fit its checksum", page, prs_region_name(meta, prs_region_at(meta, page)));
}

static int check(const struct prs_launch *launch, struct prs_meta **meta)
{
    int error = prs_meta_load(&prs_p.store, &prs_p.scratch, &prs_p.mirror, meta);
    if (error == 0) {
        error = prs_stack_check(*meta);
    }
    if (error == 0) {
        error = prs_identity_check(*meta);
    }
    if (error == 0) {
        error = check_directory(*meta);
    }
    if (error == 0) {
        bool created;
        error = prs_pool_prepare(launch->pool_path, launch->pool_bytes, 0, false, &created);
    }
    if (error == 0) {
        error = check_pages(*meta);
    }
    if (error == 0) {
        /* Room for temporary descriptors above ours; the program's own limit comes back with its kernel state. */
        struct rlimit limit;
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        error = prs_fdtable_open(*meta);
    }
    return error;
}

int prs_restore(const struct prs_launch *launch)
{
    struct prs_meta *meta;
    int error = check(launch, &meta);
    if (error != 0) {
        return error;
    }
    PRS_FAULT_HERE(restore_checked);
    prs_p.restore_started_ns = launch->started_ns;
    if ((error = prs_store_recover(&prs_p.store)) != 0 || (error = prs_stack_recover()) != 0) {
        return error;
    }
    if ((error = prs_growth_start()) != 0) {
        return error;
    }
    PRS_FAULT_HERE(restore_recovered);
    prs_copy(PRS_META, meta, sizeof *meta);
    prs_p.text_fixed = PRS_META->text_fixed;
    if ((error = prs_fdtable_cut(PRS_META, &prs_p.files_cut, &prs_p.files_made)) != 0) {
        return error;
    }
    prs_p.output_path = prs_fdtable_output_path(PRS_META);
    PRS_FAULT_HERE(restore_files_cut);
    uint64_t all = ~0ul;
    prs_sys(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
    prs_switch_stack((void *)(PRS_STACK_BASE + PRS_STACK_SIZE - 64), become);
}
