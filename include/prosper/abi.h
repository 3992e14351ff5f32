/* abi.h - what the pass emits and the runtime reads: the one copy. Compiles as C11 and C++17; docs/abi.md explains it.
 *
 *   address p of a store           dirty map
 *   ...................            MAP_BASE + (p >> 6)      2, written before the store
 *   [ line | line | line ]   ->    MAP_BASE + (p >> 6) + 1  2 as well, when the store may straddle into the next line
 */
#ifndef PROSPER_ABI_H
#define PROSPER_ABI_H

#include <stdint.h>

#ifdef __cplusplus
#define PRS_ABI_ASSERT(condition, text) static_assert(condition, text)
#else
#define PRS_ABI_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* The numbers of abi.def, as macros: they must work in #if and in assembly. Held equal below. */
#define PRS_ABI_VERSION 3
#define PRS_MAP_BASE 0x70000000
#define PRS_MAP_SIZE 0x20000000000
#define PRS_LONG_MAP_BASE 0x21000000000
#define PRS_LINE_SHIFT 6
#define PRS_MARK_CLEAN 0
#define PRS_MARK_SUSPECT 1
#define PRS_MARK_DIRTY 2
#define PRS_GAP_MARKS 64
#define PRS_MARK_LINES 4
#define PRS_NOTE_TYPE 1
#define PRS_MODE_STACK 1
#define PRS_MODE_ALL 2
#define PRS_FLAG_OPAQUE_ASM 1
#define PRS_FLAG_UNCOVERED 2
#define PRS_FLAG_OPAQUE_STORE 4
#define PRS_FLAG_MARKS 8
#define PRS_FLAG_LONG 16
#define PRS_FLAG_STORES 32

#define PRS_ABI_NUMBER(id, value, text) PRS_ABI_ASSERT(PRS_##id == (value), "differs from abi.def");
#include "abi.def"

/* The names of abi.def, as strings: PRS_NAME_VERSION is "__prosper_abi_3". */
#define PRS_NAME_VERSION "__prosper_abi_3"
#define PRS_NAME_WINDOWS "__prosper_windows"
#define PRS_NAME_MARK_RANGE "__prosper_mark_range"
#define PRS_NAME_WINDOWS_LEAVE "__prosper_windows_leave"
#define PRS_NAME_RELEASED "__prosper_released"
#define PRS_NAME_STORE "__prosper_store"
#define PRS_NAME_WRITER "__prosper_w_"
#define PRS_NAME_NOTE_SECTION ".note.prosper"
#define PRS_NAME_NOTE_OWNER "Prosper"

#define PRS_ABI_SYMBOL(id, name, text) PRS_ABI_ASSERT(sizeof(PRS_NAME_##id) == sizeof(name), "differs from abi.def");
#include "abi.def"

/* Memory that is being written by something longer than one basic block. Node in the writer's frame, filled, then published by
 * one store; on leaving, the range is marked before the node is taken off. Open windows are dirty at every checkpoint.
 * size 0: nothing; PRS_WINDOW_REST: from address to the end of the mapping (the length is known only afterwards).
 * VALID IF check == PRS_WINDOW_CHECK ^ (address of the node); an invalid one means: anything may have been written. */
struct prs_window {
    struct prs_window *next;
    uint64_t address;
    uint64_t size;
    uint64_t check;
};
#define PRS_WINDOW_CHECK 0x50726f7370657202ul
#define PRS_WINDOW_REST UINT64_MAX

/* One ELF note of section .note.prosper. */
struct prs_note {
    uint32_t name_size;        /* 8 */
    uint32_t description_size; /* 16 */
    uint32_t type;             /* PRS_NOTE_TYPE */
    char name[8];              /* "Prosper" */
    uint32_t version;          /* PRS_ABI_VERSION */
    uint32_t mode;             /* PRS_MODE_* */
    uint32_t flags;            /* PRS_FLAG_* */
    uint32_t reserved;         /* 0 */
};

PRS_ABI_ASSERT(sizeof(struct prs_window) == 32, "part of the ABI");
PRS_ABI_ASSERT(sizeof(struct prs_note) == 36, "part of the ABI");

#endif
