/* identity.c - fingerprints of what a restore does not bring back but relies on: the builds of program and libraries, the kernel's vdso,
 * the processor's features, the start of the brk heap.
 *
 * A file with a GNU build-id is the same file if and only if the build-id is; without one, size and modification time decide.
 * prs_identity_of_file runs in the handler (a library was just loaded); the rest at start.
 */
#include "identity.h"
#include "error.h"
#include "maps.h"
#include "prim.h"
#include "state.h"
#include <asm/prctl.h>
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void take_build_id(struct prs_mapped_file *file, const Elf64_Nhdr *note, uint64_t bytes)
{
    const uint8_t *at = (const uint8_t *)note;
    while (bytes >= sizeof *note) {
        note = (const Elf64_Nhdr *)at;
        uint64_t name = prs_round_up(note->n_namesz, 4), desc = prs_round_up(note->n_descsz, 4);
        if (sizeof *note + name + desc > bytes) {
            return;
        }
        const uint8_t *text = at + sizeof *note;
        if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && text[0] == 'G' && text[1] == 'N' && text[2] == 'U') {
            file->build_id_length = note->n_descsz < PRS_BUILD_ID_MAX ? note->n_descsz : PRS_BUILD_ID_MAX;
            prs_copy(file->build_id, text + name, file->build_id_length);
            return;
        }
        at += sizeof *note + name + desc;
        bytes -= sizeof *note + name + desc;
    }
}

void prs_identity_of_file(struct prs_mapped_file *file, const char *path, uint64_t mapped, uint64_t mapped_bytes)
{
    struct stat status;
    if (prs_sys(SYS_newfstatat, AT_FDCWD, path, &status, 0) == 0) {
        file->size = (uint64_t)status.st_size;
        file->mtime_ns = status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    }
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)mapped;
    if (mapped == 0 || mapped_bytes < PRS_PAGE || header->e_ident[0] != 0x7f || header->e_ident[1] != 'E' || header->e_ident[2] != 'L' ||
        header->e_ident[3] != 'F' || header->e_ident[4] != ELFCLASS64) {
        return;
    }
    /* The file may be shorter than its mapping; a page of it exists, and program headers and build-id of ordinary links lie in there. */
    uint64_t readable = file->size < mapped_bytes ? file->size : mapped_bytes;
    if (header->e_phoff > readable || (uint64_t)header->e_phnum * sizeof(Elf64_Phdr) > readable - header->e_phoff) {
        return;
    }
    const Elf64_Phdr *segment = (const Elf64_Phdr *)(mapped + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; ++i, ++segment) {
        if (segment->p_type == PT_NOTE && segment->p_offset <= readable && segment->p_filesz <= readable - segment->p_offset && file->build_id_length == 0) {
            take_build_id(file, (const Elf64_Nhdr *)(mapped + segment->p_offset), segment->p_filesz);
        }
    }
}

static uint64_t hash(const uint8_t *bytes, uint64_t length)
{
    uint64_t value = 0xcbf29ce484222325u; /* FNV-1a */
    for (uint64_t i = 0; i < length; ++i) {
        value = (value ^ bytes[i]) * 0x100000001b3u;
    }
    return value;
}

static void take_processor(struct prs_meta *meta)
{
    unsigned a, b, c, d;
    memset(meta->cpu_features, 0, sizeof meta->cpu_features);
    if (__get_cpuid(1, &a, &b, &c, &d)) {
        meta->cpu_features[0] = c & ~(1u << 27);
        meta->cpu_features[1] = d;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        meta->cpu_features[2] = b;
        meta->cpu_features[3] = c & ~(1u << 4); /* OSPKE is the kernel's choice */
        meta->cpu_features[4] = d;
    }
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) {
        meta->cpu_features[5] = a;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        meta->cpu_features[6] = c;
        meta->cpu_features[7] = d;
    }
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    meta->xfeatures = (uint64_t)high << 32 | low;
}

void prs_identity_take(struct prs_meta *meta)
{
    meta->vdso_start = prs_p.vdso.start;
    meta->vdso_size = prs_p.vdso.end - prs_p.vdso.start;
    meta->vdso_hash = meta->vdso_size != 0 ? hash((const uint8_t *)meta->vdso_start, meta->vdso_size) : 0;
    take_processor(meta);
    struct rlimit limit;
    if (prs_sys(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &limit) == 0) {
        meta->stack_limit_soft = limit.rlim_cur;
        meta->stack_limit_hard = limit.rlim_max;
    }
    prs_sys(SYS_arch_prctl, ARCH_GET_FS, &meta->fs_base);
    meta->brk_start = (uint64_t)prs_sys(SYS_brk, 0);
}

/* Then it is the program's own doing that it changes, and what it maps is as it left it. */
static bool has_open_for_writing(const struct prs_meta *meta, const struct prs_mapped_file *file)
{
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        if (descriptor->kind == PRS_DESCRIPTOR_FILE && (descriptor->flags & O_ACCMODE) != O_RDONLY && descriptor->inode == file->inode &&
            ((uint64_t)major(descriptor->device) << 32 | minor(descriptor->device)) == file->device) {
            return true;
        }
    }
    return false;
}

static int check_files(const struct prs_meta *meta)
{
    for (uint32_t i = 0; i < meta->file_count; ++i) {
        const struct prs_mapped_file *old = &meta->files[i];
        const char *path = meta->text + old->path;
        int code = i + 1 == meta->executable ? PROSPER_E_OTHER_PROGRAM : PROSPER_E_OTHER_LIBRARY;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) {
            return prs_fail(old->build_id_length != 0 ? code : PROSPER_E_FILE_CHANGED, "%s cannot be opened", path);
        }
        struct stat status;
        bool found = fstat(fd, &status) == 0;
        uint64_t bytes = found ? (uint64_t)status.st_size : 0;
        long map = bytes != 0 ? prs_sys(SYS_mmap, NULL, bytes, 1 /* PROT_READ */, 2 /* MAP_PRIVATE */, fd, 0) : 0;
        struct prs_mapped_file now = {0};
        prs_identity_of_file(&now, path, map > 0 ? (uint64_t)map : 0, prs_round_up(bytes, PRS_PAGE));
        if (map > 0) {
            prs_sys(SYS_munmap, map, bytes);
        }
        close(fd);
        bool same = old->build_id_length != 0
                        ? now.build_id_length == old->build_id_length && memcmp(now.build_id, old->build_id, old->build_id_length) == 0
                        : found && now.size == old->size && now.mtime_ns == old->mtime_ns;
        if (!same && old->build_id_length != 0) {
            return prs_fail(code, "%s is not the file of the checkpoint (its build-id differs)", path);
        }
        if (!same && !has_open_for_writing(meta, old)) {
            return prs_fail(PROSPER_E_FILE_CHANGED, "%s (size or time differs)", path);
        }
    }
    return 0;
}

/* Restored, it would stand where this process has the runtime's own data, or the kernel's. */
static bool is_taken(const struct prs_region *region)
{
    struct prs_range own[9];
    unsigned count = prs_excluded(own, 8);
    own[count++] = prs_p.vdso;
    for (unsigned i = 0; i < count; ++i) {
        if (region->start < own[i].end && own[i].start < region->end) {
            return true;
        }
    }
    return false;
}

/* Every start-up region of the checkpoint must stand in this process too, at the same place; the others must leave alone what is never restored. */
static int check_layout(const struct prs_meta *meta)
{
    for (uint32_t i = 0; i < meta->region_count; ++i) {
        const struct prs_region *region = &meta->regions[i];
        if (is_taken(region)) {
            return prs_fail(PROSPER_E_OTHER_LAYOUT, "%lx-%lx is the runtime's or the kernel's in this process", region->start, region->end);
        }
        if ((region->flags & PRS_REGION_STARTUP) == 0) {
            continue;
        }
        const char *cursor = prs_p.maps_text;
        struct prs_map map;
        bool found = false;
        while (!found && prs_maps_next(&cursor, prs_p.maps_text + prs_p.maps_startup_length, &map)) {
            found = map.start <= region->start && region->end <= map.end && (uint32_t)map.protection == region->protection &&
                    map.offset + (region->start - map.start) == region->file_offset;
        }
        if (!found) {
            return prs_fail(PROSPER_E_OTHER_LAYOUT, "%lx-%lx (%s) is not mapped there in this process", region->start, region->end,
                            region->file != 0 ? meta->text + meta->files[region->file - 1].path : "anonymous");
        }
    }
    return 0;
}

int prs_identity_check(const struct prs_meta *meta)
{
    /* As large as META: too much for a stack, and untouched parts of an arena cost nothing. */
    struct prs_meta *current = prs_arena_take(&prs_p.scratch, sizeof *current);
    if (current == NULL) {
        return -ENOMEM;
    }
    prs_identity_take(current);
    int error = check_files(meta);
    if (error != 0) {
        return error;
    }
    if (current->vdso_start != meta->vdso_start || current->vdso_size != meta->vdso_size || current->vdso_hash != meta->vdso_hash) {
        return prs_fail(PROSPER_E_OTHER_VDSO, "%lu bytes at %lx, now %lu bytes at %lx%s", meta->vdso_size, meta->vdso_start, current->vdso_size,
                        current->vdso_start, current->vdso_hash != meta->vdso_hash ? ", other content" : "");
    }
    for (unsigned i = 0; i < 8; ++i) {
        uint64_t missing = meta->cpu_features[i] & ~current->cpu_features[i];
        if (missing != 0) {
            return prs_fail(PROSPER_E_OTHER_CPU, "feature word %u lacks bits %lx", i, missing);
        }
    }
    if (meta->xfeatures != current->xfeatures) {
        return prs_fail(PROSPER_E_OTHER_CPU, "saved register state %lx, this processor has %lx", meta->xfeatures, current->xfeatures);
    }
    if (meta->fs_base != current->fs_base || meta->brk_start != current->brk_start) {
        return prs_fail(PROSPER_E_OTHER_LAYOUT, "thread control block at %lx, now %lx; brk at %lx, now %lx", meta->fs_base, current->fs_base,
                        meta->brk_start, current->brk_start);
    }
    if (meta->stack_top != prs_p.stack_top) {
        return prs_fail(PROSPER_E_OTHER_LAYOUT, "stack ends at %lx, now %lx", meta->stack_top, prs_p.stack_top);
    }
    return check_layout(meta);
}
