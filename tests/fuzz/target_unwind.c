/* target_unwind.c - fuzz target `unwind`: any bytes as a file that a pool says was mapped, with any registers and any stack: what `prosper info` does for its
 * backtrace, and every question that is asked of an ELF file.
 *
 * An input: 17 registers (rax rdx rcx rbx rsi rdi rbp rsp r8 ... r15 rip, 8 bytes each), 512 bytes of stack, the file. The file is mapped whole at FILE_AT; the stack
 * begins at STACK_AT.
 */
#include "../../tools/image_read.c"
#include "backtrace.h"
#include "elf_file.h"
#include "target.h"
#include <ucontext.h>

#define FILE_AT 0x555555554000ul
#define STACK_AT 0x7ffffffde000ul
#define REGISTERS 17u
#define STACK_BYTES 512u
#define HEAD (REGISTERS * 8 + STACK_BYTES)
#define FRAMES_MAX 100u

static void ask(const struct elf_file *elf, const uint64_t *questions)
{
    uint64_t a, b, c;
    for (unsigned i = 0; i < REGISTERS; i++) {
        (void)elf_code_address(elf, questions[i] & 0xffff, &a);
        const char *name = elf_function(elf, questions[i] - FILE_AT, &a);
        name = name != NULL ? name : elf_variable(elf, questions[i] - FILE_AT, &a, &b);
        target_must(name == NULL || strlen(name) < elf->size, "a name that does not end in the file");
    }
    (void)elf_unwind_header(elf, &a, &b, &c);
    (void)elf_extent(elf, &a, &b);
    (void)elf_has_section(elf, ".debug_line");
    (void)elf_needs(elf, "libprosper.so");
    (void)elf_defines(elf, "main");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int places[REGISTERS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
                                          REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
    static struct prs_meta meta; /* all but what is set here stays zero */
    static struct backtrace_frame frames[FRAMES_MAX];
    if (size <= HEAD) {
        return 0;
    }
    uint64_t registers[REGISTERS], file_bytes = size - HEAD;
    memcpy(registers, data, sizeof registers);
    uint8_t *file = malloc(file_bytes); /* of its own, so that its end is seen */
    target_must(file != NULL, "no memory");
    memcpy(file, data + HEAD, file_bytes);

    ucontext_t saved;
    memset(&saved, 0, sizeof saved);
    for (unsigned i = 0; i < REGISTERS; i++) {
        saved.uc_mcontext.gregs[places[i]] = (greg_t)registers[i];
    }
    memcpy(meta.ucontext, &saved, 304);
    meta.ucontext_size = 304;
    meta.file_count = 1;
    meta.files[0].size = file_bytes;
    meta.region_count = 2;
    meta.regions[0] = (struct prs_region){
        .start = FILE_AT, .end = FILE_AT + (file_bytes + PRS_PAGE - 1) / PRS_PAGE * PRS_PAGE, .kind = PRS_REGION_FILE, .protection = 5, .file = 1};
    meta.regions[1] = (struct prs_region){.start = STACK_AT, .end = STACK_AT + PRS_PAGE, .kind = PRS_REGION_STACK, .protection = 3};

    struct image_file mapped = {true, file, file_bytes};
    struct image image = {.meta = &meta, .files = &mapped};
    bool whole;
    target_must(prs_mirror_init(&image.mirror, target_arena()) == 0, "no memory");
    target_must(prs_mirror_apply(&image.mirror, STACK_AT, data + sizeof registers, STACK_BYTES) == 0, "no memory");
    unsigned count = backtrace_take(&image, frames, FRAMES_MAX, &whole);
    target_must(count <= FRAMES_MAX, "more frames than asked for");
    struct elf_file elf;
    if (elf_open(&elf, file, file_bytes)) {
        ask(&elf, registers);
    }
    free(file);
    return 0;
}
