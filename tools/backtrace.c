/* backtrace.c - unwinds a saved image with libunwind, as a debugger would unwind a stopped process.
 *
 * Registers come from the saved signal frame, memory from image_read (stack and data from the pool, code and tables from the files
 * on disk, which must be the ones that were mapped). Unwind tables are found per file: its .eh_frame_hdr holds a sorted table that
 * libunwind searches through our memory accessor.
 */
#define _GNU_SOURCE
#include "backtrace.h"
#include "demangle.h"
#include "elf_file.h"
#include <libunwind.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

/* In every libunwind for x86-64, but in no header of its own: finds the entry for ip in a table as found in .eh_frame_hdr. */
extern int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *table, unw_proc_info_t *out,
                                              int need_unwind_info, void *context);

/* DWARF exception header encodings, all that linkers write: pc-relative 4 bytes, plain 4 bytes, pairs relative to the header. */
#define ENCODED_PCREL_SDATA4 0x1b
#define ENCODED_UDATA4 0x03
#define ENCODED_DATAREL_SDATA4 0x3b

struct module {
    struct elf_file elf;
    uint64_t bias; /* address in memory - address as linked */
    const struct prs_region *region;
};

static bool find_module(struct image *image, uint64_t address, struct module *module)
{
    uint64_t size, linked;
    module->region = image_region(image, address);
    if (module->region == NULL || module->region->file == 0) {
        return false;
    }
    const uint8_t *content = image_file_content(image, module->region->file - 1, &size);
    if (content == NULL || !elf_open(&module->elf, content, size) ||
        !elf_code_address(&module->elf, module->region->file_offset, &linked)) {
        return false;
    }
    module->bias = module->region->start - linked;
    return true;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *out, int need_unwind_info, void *context)
{
    struct module module;
    uint64_t address, offset, size;
    uint32_t count;
    if (!find_module(context, ip, &module) || !elf_unwind_header(&module.elf, &address, &offset, &size) || size < 12) {
        return -UNW_ENOINFO;
    }
    const uint8_t *head = module.elf.bytes + offset; /* version, three encodings, pointer, count, table */
    memcpy(&count, head + 8, sizeof count);
    if (head[0] != 1 || head[1] != ENCODED_PCREL_SDATA4 || head[2] != ENCODED_UDATA4 || head[3] != ENCODED_DATAREL_SDATA4 ||
        count > (size - 12) / 8) {
        return -UNW_ENOINFO;
    }
    unw_dyn_info_t table = {
        .start_ip = module.region->start,
        .end_ip = module.region->end,
        .format = UNW_INFO_FORMAT_REMOTE_TABLE,
        .u.rti = {.segbase = address + module.bias, .table_data = address + module.bias + 12, .table_len = count},
    };
    return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &table, out, need_unwind_info, context);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *context)
{
    (void)space, (void)info, (void)context; /* libunwind keeps it in a pool of its own */
}

static int no_dynamic_code(unw_addr_space_t space, unw_word_t *address, void *context)
{
    (void)space, (void)address, (void)context;
    return -UNW_ENOINFO;
}

/* What is read may be the pool's, so unwind information that never ends is to be had: expressions that jump back, frames that lead to themselves. */
#define READS_MAX 200000u
static unsigned reads_left;

static int access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *context)
{
    (void)space;
    if (reads_left == 0) {
        return -UNW_EINVAL;
    }
    reads_left--;
    return !write && image_read(context, address, value, sizeof *value) ? 0 : -UNW_EINVAL;
}

static int access_register(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write, void *context)
{
    static const int places[] = {
        [UNW_X86_64_RAX] = REG_RAX, [UNW_X86_64_RDX] = REG_RDX, [UNW_X86_64_RCX] = REG_RCX, [UNW_X86_64_RBX] = REG_RBX,
        [UNW_X86_64_RSI] = REG_RSI, [UNW_X86_64_RDI] = REG_RDI, [UNW_X86_64_RBP] = REG_RBP, [UNW_X86_64_RSP] = REG_RSP,
        [UNW_X86_64_R8] = REG_R8,   [UNW_X86_64_R9] = REG_R9,   [UNW_X86_64_R10] = REG_R10, [UNW_X86_64_R11] = REG_R11,
        [UNW_X86_64_R12] = REG_R12, [UNW_X86_64_R13] = REG_R13, [UNW_X86_64_R14] = REG_R14, [UNW_X86_64_R15] = REG_R15,
        [UNW_X86_64_RIP] = REG_RIP,
    };
    const struct image *image = context;
    ucontext_t saved;
    (void)space;
    if (write || number < 0 || number > UNW_X86_64_RIP) {
        return -UNW_EBADREG;
    }
    memset(&saved, 0, sizeof saved);
    size_t size = image->meta->ucontext_size;
    memcpy(&saved, image->meta->ucontext, size < sizeof saved ? size : sizeof saved);
    *value = (unw_word_t)saved.uc_mcontext.gregs[places[number]];
    return 0;
}

static int no_float_register(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write, void *context)
{
    (void)space, (void)number, (void)value, (void)write, (void)context;
    return -UNW_EBADREG;
}

static int no_resume(unw_addr_space_t space, unw_cursor_t *cursor, void *context)
{
    (void)space, (void)cursor, (void)context;
    return -UNW_EINVAL;
}

/* A return address may be the first byte behind its function (after a call that does not return), hence the byte before it. */
static void describe(struct image *image, struct backtrace_frame *frame, bool is_return_address)
{
    struct module module;
    uint64_t start, address = frame->address - is_return_address;
    const struct prs_region *region = image_region(image, address);
    frame->name[0] = '\0';
    frame->offset = 0;
    frame->file = region != NULL ? image_path(image, region) : "";
    if (!find_module(image, address, &module)) {
        return;
    }
    const char *name = elf_function(&module.elf, address - module.bias, &start);
    if (name != NULL) {
        strncpy(frame->name, name, BACKTRACE_NAME_MAX - 1);
        frame->name[BACKTRACE_NAME_MAX - 1] = '\0';
        frame->offset = frame->address - module.bias - start;
        demangle(frame->name, sizeof frame->name);
    }
}

unsigned backtrace_take(struct image *image, struct backtrace_frame *frames, unsigned max, bool *whole)
{
    unw_accessors_t accessors = {
        .find_proc_info = find_proc_info,
        .put_unwind_info = put_unwind_info,
        .get_dyn_info_list_addr = no_dynamic_code,
        .access_mem = access_memory,
        .access_reg = access_register,
        .access_fpreg = no_float_register,
        .resume = no_resume,
    };
    *whole = false;
    reads_left = READS_MAX;
    unw_addr_space_t space = unw_create_addr_space(&accessors, 0);
    unw_cursor_t cursor;
    unsigned count = 0;
    if (space == NULL) {
        return 0;
    }
    bool is_return_address = false;
    if (unw_init_remote(&cursor, space, image) == 0) {
        int step = 1;
        while (count < max && step > 0) {
            unw_word_t address = 0, stack_pointer = 0;
            if (unw_get_reg(&cursor, UNW_REG_IP, &address) != 0 || unw_get_reg(&cursor, UNW_REG_SP, &stack_pointer) != 0 || address == 0) {
                break;
            }
            frames[count] = (struct backtrace_frame){.address = address, .stack_pointer = stack_pointer};
            describe(image, &frames[count], is_return_address);
            is_return_address = unw_is_signal_frame(&cursor) <= 0; /* what a signal interrupted was not calling */
            if (!is_return_address) {
                strcpy(frames[count].name, "(signal handler called)");
                frames[count].offset = 0;
            }
            count++;
            step = unw_step(&cursor);
        }
        *whole = step == 0;
    }
    unw_destroy_addr_space(space);
    return count;
}
