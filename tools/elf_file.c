/* elf_file.c - the little that is needed of an ELF file in memory. */
#include "elf_file.h"
#include <elf.h>
#include <stddef.h>
#include <string.h>

/* count items of `size` bytes at offset, or NULL when they are not all in the file. */
static const void *part(const struct elf_file *elf, uint64_t offset, uint64_t count, uint64_t size)
{
    uint64_t bytes, end;
    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(offset, bytes, &end) || end > elf->size) {
        return NULL;
    }
    return elf->bytes + offset;
}

static const Elf64_Ehdr *header(const struct elf_file *elf) { return (const Elf64_Ehdr *)(const void *)elf->bytes; }

static Elf64_Phdr segment(const struct elf_file *elf, unsigned index)
{
    Elf64_Phdr result;
    memcpy(&result, elf->bytes + header(elf)->e_phoff + index * sizeof result, sizeof result);
    return result;
}

bool elf_open(struct elf_file *elf, const uint8_t *bytes, uint64_t size)
{
    *elf = (struct elf_file){bytes, size};
    const Elf64_Ehdr *ehdr = part(elf, 0, 1, sizeof *ehdr);
    return ehdr != NULL && memcmp(ehdr->e_ident, ELFMAG, SELFMAG) == 0 && ehdr->e_ident[EI_CLASS] == ELFCLASS64 &&
           ehdr->e_machine == EM_X86_64 && ehdr->e_phentsize == sizeof(Elf64_Phdr) &&
           part(elf, ehdr->e_phoff, ehdr->e_phnum, sizeof(Elf64_Phdr)) != NULL;
}

bool elf_code_address(const struct elf_file *elf, uint64_t offset, uint64_t *address)
{
    for (unsigned i = 0; i < header(elf)->e_phnum; i++) {
        Elf64_Phdr at = segment(elf, i);
        uint64_t start = at.p_offset & ~4095ul;
        if (at.p_type == PT_LOAD && (at.p_flags & PF_X) != 0 && offset >= start && offset < at.p_offset + at.p_filesz) {
            *address = (at.p_vaddr & ~4095ul) + (offset - start);
            return true;
        }
    }
    return false;
}

bool elf_unwind_header(const struct elf_file *elf, uint64_t *address, uint64_t *offset, uint64_t *size)
{
    for (unsigned i = 0; i < header(elf)->e_phnum; i++) {
        Elf64_Phdr at = segment(elf, i);
        if (at.p_type == PT_GNU_EH_FRAME && part(elf, at.p_offset, at.p_filesz, 1) != NULL) {
            *address = at.p_vaddr;
            *offset = at.p_offset;
            *size = at.p_filesz;
            return true;
        }
    }
    return false;
}

struct table {
    const uint8_t *entries;
    uint64_t count;
    const char *strings;
    uint64_t strings_size;
};

static bool section(const struct elf_file *elf, uint64_t index, Elf64_Shdr *out)
{
    const Elf64_Ehdr *ehdr = header(elf);
    if (ehdr->e_shentsize != sizeof *out || index >= ehdr->e_shnum) {
        return false;
    }
    const void *table = part(elf, ehdr->e_shoff, ehdr->e_shnum, sizeof *out);
    if (table == NULL) {
        return false;
    }
    memcpy(out, (const uint8_t *)table + index * sizeof *out, sizeof *out);
    return true;
}

/* The entries of the first section of this type, with their strings. */
static bool find_table(const struct elf_file *elf, uint32_t type, uint64_t entry_size, struct table *out)
{
    Elf64_Shdr at, strings;
    for (uint64_t i = 0; section(elf, i, &at); i++) {
        if (at.sh_type != type || at.sh_entsize != entry_size || !section(elf, at.sh_link, &strings)) {
            continue;
        }
        out->entries = part(elf, at.sh_offset, at.sh_size, 1);
        out->count = at.sh_size / entry_size;
        out->strings = part(elf, strings.sh_offset, strings.sh_size, 1);
        out->strings_size = strings.sh_size;
        if (out->entries != NULL && out->strings != NULL && strings.sh_size > 0 && out->strings[strings.sh_size - 1] == '\0') {
            return true;
        }
    }
    return false;
}

static Elf64_Sym symbol_at(const struct table *table, uint64_t index)
{
    Elf64_Sym symbol;
    memcpy(&symbol, table->entries + index * sizeof symbol, sizeof symbol);
    if (symbol.st_name >= table->strings_size) {
        symbol.st_name = 0;
        symbol.st_shndx = SHN_UNDEF;
    }
    return symbol;
}

/* A global name is the better one where several cover the address; then the one that starts last. */
static const char *symbol_in(const struct table *table, bool function, uint64_t address, uint64_t *start, uint64_t *size)
{
    const char *best = NULL;
    bool best_global = false;
    for (uint64_t i = 0; i < table->count; i++) {
        Elf64_Sym symbol = symbol_at(table, i);
        unsigned type = ELF64_ST_TYPE(symbol.st_info);
        bool is_function = type == STT_FUNC || type == STT_GNU_IFUNC;
        if ((function ? !is_function : type != STT_OBJECT) || symbol.st_shndx == SHN_UNDEF || address < symbol.st_value ||
            address - symbol.st_value >= (symbol.st_size > 0 ? symbol.st_size : 1)) {
            continue;
        }
        bool global = ELF64_ST_BIND(symbol.st_info) != STB_LOCAL;
        if (best == NULL || symbol.st_value > *start || (symbol.st_value == *start && global && !best_global)) {
            best = table->strings + symbol.st_name;
            best_global = global;
            *start = symbol.st_value;
            *size = symbol.st_size;
        }
    }
    return best;
}

static const char *named(const struct elf_file *elf, bool function, uint64_t address, uint64_t *start, uint64_t *size)
{
    static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
    for (unsigned i = 0; i < 2; i++) {
        struct table table;
        *start = *size = 0;
        const char *name = find_table(elf, types[i], sizeof(Elf64_Sym), &table) ? symbol_in(&table, function, address, start, size) : NULL;
        if (name != NULL) {
            return name;
        }
    }
    return NULL;
}

const char *elf_function(const struct elf_file *elf, uint64_t address, uint64_t *start)
{
    uint64_t size;
    return named(elf, true, address, start, &size);
}

const char *elf_variable(const struct elf_file *elf, uint64_t address, uint64_t *start, uint64_t *size) { return named(elf, false, address, start, size); }

bool elf_extent(const struct elf_file *elf, uint64_t *start, uint64_t *end)
{
    *start = UINT64_MAX;
    *end = 0;
    for (unsigned i = 0; i < header(elf)->e_phnum; i++) {
        Elf64_Phdr at = segment(elf, i);
        if (at.p_type == PT_LOAD && at.p_vaddr + at.p_memsz >= at.p_vaddr) {
            *start = at.p_vaddr < *start ? at.p_vaddr : *start;
            *end = at.p_vaddr + at.p_memsz > *end ? at.p_vaddr + at.p_memsz : *end;
        }
    }
    *start &= ~4095ul;
    *end = (*end + 4095) & ~4095ul;
    return *start < *end;
}

bool elf_has_section(const struct elf_file *elf, const char *name)
{
    Elf64_Shdr at, strings;
    if (!section(elf, header(elf)->e_shstrndx, &strings)) {
        return false;
    }
    const char *text = part(elf, strings.sh_offset, strings.sh_size, 1);
    for (uint64_t i = 0; text != NULL && section(elf, i, &at); i++) {
        if (at.sh_name + strlen(name) < strings.sh_size && memcmp(text + at.sh_name, name, strlen(name) + 1) == 0) {
            return true;
        }
    }
    return false;
}

bool elf_needs(const struct elf_file *elf, const char *prefix)
{
    struct table table;
    if (!find_table(elf, SHT_DYNAMIC, sizeof(Elf64_Dyn), &table)) {
        return false;
    }
    for (uint64_t i = 0; i < table.count; i++) {
        Elf64_Dyn entry;
        memcpy(&entry, table.entries + i * sizeof entry, sizeof entry);
        if (entry.d_tag == DT_NULL) {
            break;
        }
        if (entry.d_tag == DT_NEEDED && entry.d_un.d_val < table.strings_size &&
            strncmp(table.strings + entry.d_un.d_val, prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

bool elf_defines(const struct elf_file *elf, const char *name)
{
    static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
    for (unsigned i = 0; i < 2; i++) {
        struct table table;
        if (!find_table(elf, types[i], sizeof(Elf64_Sym), &table)) {
            continue;
        }
        for (uint64_t j = 0; j < table.count; j++) {
            Elf64_Sym symbol = symbol_at(&table, j);
            if (symbol.st_shndx != SHN_UNDEF && strcmp(table.strings + symbol.st_name, name) == 0) {
                return true;
            }
        }
    }
    return false;
}
