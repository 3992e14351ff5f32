/* live.c - live.h's bits and lists.
 *
 * Context: start, and the allocation wrappers; prs_live_has in the handler. Raw system calls; dl_iterate_phdr at start.
 */
#include "live.h"
#include "coverage.h"
#include "dirtymap.h"
#include "layout.h"
#include "log.h"
#include "prim.h"
#include <fcntl.h>
#include <link.h>
#include <prosper/abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRANULE 8u /* mimalloc has blocks of 8 bytes */
#define COVERED_BYTES (64ul << 30) /* of the program range: what lies beyond is not checked */
#define BITMAP_BYTES (COVERED_BYTES / GRANULE / 8)
#define RANGES_MAX 256u

bool prs_live_on, prs_live_long, prs_live_bound;
static uint8_t *bits;

struct ranges {
    uint32_t count;
    struct { uint64_t start, end; } at[RANGES_MAX];
};
static struct ranges code, data, foreign; /* of instrumented objects; foreign: exceptions */

static bool within(const struct ranges *ranges, uint64_t address)
{
    for (uint32_t i = 0; i < ranges->count; ++i) {
        if (ranges->at[i].start <= address && address < ranges->at[i].end) {
            return true;
        }
    }
    return false;
}

static bool add(struct ranges *ranges, uint64_t start, uint64_t end)
{
    if (ranges->count == RANGES_MAX) {
        return false;
    }
    ranges->at[ranges->count].start = start;
    ranges->at[ranges->count].end = end;
    ++ranges->count;
    return true;
}

/* ---- data of instrumented objects, without what ld.so and libc write in it ---- */

static void exempt_relocated(const ElfW(Dyn) *dynamic, uint64_t base)
{
    const ElfW(Rela) *relocations = NULL;
    const ElfW(Sym) *symbols = NULL;
    uint64_t bytes = 0, got = 0, lazy = 0;
    for (; dynamic->d_tag != DT_NULL; ++dynamic) {
        uint64_t value = dynamic->d_un.d_val; /* ld.so has added the base to the pointers */
        switch (dynamic->d_tag) {
        case DT_RELA: relocations = (const ElfW(Rela) *)value; break;
        case DT_RELASZ: bytes = value; break;
        case DT_SYMTAB: symbols = (const ElfW(Sym) *)value; break;
        case DT_PLTGOT: got = value; break;
        case DT_PLTRELSZ: lazy = value; break;
        default: break;
        }
    }
    if (got != 0) {
        add(&foreign, got, got + (3 + lazy / sizeof(ElfW(Rela))) * sizeof(uint64_t)); /* bound at the first call */
    }
    for (uint64_t i = 0; relocations != NULL && symbols != NULL && i < bytes / sizeof *relocations; ++i) {
        if (ELF64_R_TYPE(relocations[i].r_info) == R_X86_64_COPY) { /* environ, stdout, optarg ...: libc's variables */
            uint64_t at = base + relocations[i].r_offset;
            add(&foreign, prs_round_down(at, 8), prs_round_up(at + symbols[ELF64_R_SYM(relocations[i].r_info)].st_size, 8));
        }
    }
}

/* Variables that the compiler's own objects, linked into every program, write without marks: by name, so only where the symbol table was not stripped. */
static void exempt_compilers(const char *path, uint64_t base)
{
    static const char *const names[] = {"completed.0", "__cpu_model", "__cpu_features2"};
    int fd = open(path[0] != '\0' ? path : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    const uint8_t *file = fd >= 0 && fstat(fd, &status) == 0 ? mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (fd >= 0) {
        close(fd);
    }
    if (file == MAP_FAILED) {
        return;
    }
    const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)file;
    const ElfW(Shdr) *sections = (const ElfW(Shdr) *)(file + header->e_shoff); /* ld.so has loaded this file: it is what it says */
    for (unsigned i = 0; i < header->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB) {
            continue;
        }
        const ElfW(Sym) *symbols = (const ElfW(Sym) *)(file + sections[i].sh_offset);
        const char *strings = (const char *)file + sections[sections[i].sh_link].sh_offset;
        for (uint64_t j = 0; j < sections[i].sh_size / sizeof *symbols; ++j) {
            for (unsigned k = 0; k < sizeof names / sizeof names[0]; ++k) {
                if (symbols[j].st_shndx != SHN_UNDEF && strcmp(strings + symbols[j].st_name, names[k]) == 0) {
                    uint64_t at = base + symbols[j].st_value;
                    add(&foreign, prs_round_down(at, 8), prs_round_up(at + symbols[j].st_size, 8));
                }
            }
        }
    }
    munmap((void *)(uint64_t)file, (size_t)status.st_size);
}

static int take_object(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size, (void)context;
    bool instrumented = false;
    for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            instrumented |= prs_coverage_noted(info->dlpi_addr + header->p_vaddr);
        }
    }
    if (!instrumented) {
        return 0;
    }
    for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            add(&code, start, end);
        } else if (header->p_type == PT_LOAD && (header->p_flags & PF_W) != 0) {
            add(&data, start, end);
        } else if (header->p_type == PT_DYNAMIC) {
            exempt_relocated((const ElfW(Dyn) *)start, info->dlpi_addr);
        }
    }
    exempt_compilers(info->dlpi_name, info->dlpi_addr);
    return 0;
}

void prs_live_start(void)
{
    const char *uncovered = prs_coverage_gap();
    if (uncovered != NULL) {
        if (prs_coverage_any_marks()) {
            prs_say("marks are not checked: %s", uncovered);
        }
        return;
    }
    long at = prs_sys(SYS_mmap, 0, BITMAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at < 0) {
        return;
    }
    bits = (uint8_t *)at;
    dl_iterate_phdr(take_object, NULL);
    prs_live_bound = getenv("LD_BIND_NOW") != NULL;
    prs_live_long = prs_coverage_has(PRS_FLAG_LONG);
    prs_live_on = true;
}

/* ---- blocks and mappings ---- */

static void fill(uint8_t *at, bool on, uint64_t bytes)
{
    uint64_t inside = prs_round_up((uint64_t)at, PRS_PAGE), end = prs_round_down((uint64_t)at + bytes, PRS_PAGE);
    if (!on && inside < end) { /* reservations of gigabytes, seldom with a bit in them */
        prs_fill(at, 0, inside - (uint64_t)at);
        prs_sys(SYS_madvise, inside, end - inside, MADV_DONTNEED);
        prs_fill((void *)end, 0, (uint64_t)at + bytes - end);
    } else {
        prs_fill(at, on ? 0xff : 0, bytes);
    }
}

/* Sets or clears the bits of the granules in [start, end), as far as they lie in the covered part. */
static void set(uint64_t start, uint64_t end, bool on)
{
    const uint64_t limit = PRS_PROGRAM_BASE + COVERED_BYTES;
    if (start < PRS_PROGRAM_BASE || start >= limit) {
        return;
    }
    uint64_t first = (start - PRS_PROGRAM_BASE) / GRANULE;
    uint64_t last = ((end < limit ? end : limit) - PRS_PROGRAM_BASE + GRANULE - 1) / GRANULE;
    while (first < last) {
        if (first % 8 == 0 && last - first >= 8) {
            uint64_t bytes = (last - first) / 8;
            fill(bits + first / 8, on, bytes);
            first += bytes * 8;
        } else {
            uint8_t bit = (uint8_t)(1u << first % 8);
            bits[first / 8] = on ? bits[first / 8] | bit : bits[first / 8] & (uint8_t)~bit;
            ++first;
        }
    }
}

void prs_live_born_zero(const void *start, uint64_t bytes, const void *caller)
{
    if (start != NULL && within(&code, (uint64_t)caller)) {
        set((uint64_t)start, (uint64_t)start + bytes, true);
    }
}

void prs_live_born(const void *start, uint64_t bytes, const void *caller)
{
    if (start != NULL && within(&code, (uint64_t)caller)) {
        prs_dirtymap_mark_stored((uint64_t)start, (uint64_t)start + bytes);
        prs_live_born_zero(start, bytes, caller);
    }
}

void prs_live_dies(const void *start, uint64_t bytes)
{
    if (start != NULL) {
        set((uint64_t)start, (uint64_t)start + bytes, false);
    }
}

void prs_live_foreign(const void *start, uint64_t bytes)
{
    if (!prs_live_on || start == NULL) {
        return;
    }
    prs_live_dies(start, bytes);
    if (within(&data, (uint64_t)start) && !add(&foreign, prs_round_down((uint64_t)start, 8), prs_round_up((uint64_t)start + bytes, 8))) {
        data.count = 0;
    }
}

bool prs_live_has(uint64_t address, bool *heap)
{
    *heap = false;
    if (address >= PRS_PROGRAM_BASE && address < PRS_PROGRAM_BASE + COVERED_BYTES) {
        uint64_t granule = (address - PRS_PROGRAM_BASE) / GRANULE;
        *heap = (bits[granule / 8] >> granule % 8 & 1) != 0;
        return *heap;
    }
    return false;
}
