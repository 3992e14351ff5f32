/* elf_file.h - the little that is needed of an ELF file in memory: where unwind tables lie, what a function is called, what it is linked
 * with. Every offset is checked against the file's size: the file is whatever lies at that path now. */
#ifndef PRS_ELF_FILE_H
#define PRS_ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct elf_file {
    const uint8_t *bytes;
    uint64_t size;
};

/* False when it is not a 64-bit x86-64 ELF file with a sound program header table. */
bool elf_open(struct elf_file *elf, const uint8_t *bytes, uint64_t size);
/* Virtual address (as linked) of what lies at file offset in an executable segment. (Segments are mapped in whole pages, so a page of
 * the file may belong to two of them.) */
bool elf_code_address(const struct elf_file *elf, uint64_t offset, uint64_t *address);
/* Segment of unwind information (PT_GNU_EH_FRAME): as linked. */
bool elf_unwind_header(const struct elf_file *elf, uint64_t *address, uint64_t *offset, uint64_t *size);
/* Function that covers the address (as linked), from .symtab, else .dynsym. */
const char *elf_function(const struct elf_file *elf, uint64_t address, uint64_t *start);
/* Variable that covers the address (as linked), the same way. */
const char *elf_variable(const struct elf_file *elf, uint64_t address, uint64_t *start, uint64_t *size);
/* Addresses (as linked) that its loaded segments take, in whole pages. */
bool elf_extent(const struct elf_file *elf, uint64_t *start, uint64_t *end);
/* Is there a section of this name? */
bool elf_has_section(const struct elf_file *elf, const char *name);
/* Is a name in DT_NEEDED that begins like this? */
bool elf_needs(const struct elf_file *elf, const char *prefix);
/* Does a symbol table define this name? */
bool elf_defines(const struct elf_file *elf, const char *name);

#endif
