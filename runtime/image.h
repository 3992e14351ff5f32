/* image.h - META: everything of a checkpoint that is not the program's memory.
 *
 * struct prs_meta lives at PRS_META_BASE and is compared and logged like any small memory, so one mechanism stores it, deltas and
 * all; a restore applies the log to META first and reads the region table from it. Tools read it the same way from a pool.
 * Fixed-width fields, no pointers; strings are offsets into text[]. Version: PRS_META_VERSION.
 */
#ifndef PRS_IMAGE_H
#define PRS_IMAGE_H

#include <stdint.h>

#define PRS_META_VERSION 2u
#define PRS_REGIONS_MAX 16384u
#define PRS_FILES_MAX 1024u      /* mapped files */
#define PRS_DESCRIPTORS_MAX 1024u
#define PRS_XSAVE_MAX 12288u
#define PRS_TEXT_MAX (1u << 20)
#define PRS_BUILD_ID_MAX 32u

enum prs_region_kind {
    PRS_REGION_STACK = 1, /* compared from SP-128 to the end, logged */
    PRS_REGION_SMALL = 2, /* compared with its mirror, logged */
    PRS_REGION_LARGE = 3, /* page entries */
    PRS_REGION_FILE = 4,  /* file content, unchanged: mapped again, nothing saved */
    PRS_REGION_EMPTY = 5, /* anonymous, PROT_NONE: mapped again, nothing saved */
};

struct prs_region { /* 64 bytes; ascending by start, never overlapping */
    uint64_t start, end;
    uint32_t kind;        /* enum prs_region_kind */
    uint32_t protection;  /* PROT_* */
    uint32_t flags;       /* PRS_REGION_* bits below */
    uint32_t file;        /* index + 1 into files[], 0: anonymous */
    uint64_t file_offset;
    uint64_t reserved[3];
};
enum { PRS_REGION_STARTUP = 1 /* mapped by the kernel or ld.so before the first checkpoint */, PRS_REGION_BRK = 2, PRS_REGION_GROWSDOWN = 4,
       PRS_REGION_EXCLUDED = 8 /* by prosper_exclude; kind EMPTY */, PRS_REGION_RELOCATED = 16 /* STARTUP, with pages that ld.so wrote */ };

struct prs_mapped_file { /* 96 bytes */
    uint64_t device, inode, size;
    int64_t mtime_ns;
    uint32_t path;        /* offset in text[] */
    uint32_t build_id_length;
    uint8_t build_id[PRS_BUILD_ID_MAX];
    uint64_t reserved[3];
};

enum prs_descriptor_kind {
    PRS_DESCRIPTOR_FILE = 1,      /* regular file, opened again by path */
    PRS_DESCRIPTOR_DIRECTORY = 2,
    PRS_DESCRIPTOR_DEVICE = 3,    /* /dev/null, zero, full, random, urandom */
    PRS_DESCRIPTOR_INHERITED = 4, /* what the new process has at number `origin`: pipes, terminals, sockets, and the standard error in every case */
};
struct prs_descriptor { /* 80 bytes, ascending by number */
    int32_t number;
    uint32_t kind;
    uint32_t flags;       /* F_GETFL */
    uint32_t fd_flags;    /* F_GETFD */
    uint64_t device, inode;
    uint64_t offset;
    uint64_t size;        /* at the checkpoint; files open for writing are cut back to it */
    uint64_t size_next;   /* length that it has if the shortening that follows this checkpoint was done, at most size */
    uint32_t path;
    int32_t shares;       /* lower number with the same open file description, or -1 */
    uint32_t path_next;   /* where it stands if the renaming that follows this checkpoint was done; 0: none */
    int32_t origin;       /* INHERITED: the number at which it stood when the process began; else -1 */
    uint32_t mode;        /* FILE: permissions */
    uint32_t reserved;
};

#define PRS_LOCKS_MAX 256u
enum prs_lock_kind { PRS_LOCK_POSIX = 1 /* of the process: fcntl, lockf */, PRS_LOCK_DESCRIPTION = 2 /* of the open file description */, PRS_LOCK_FLOCK = 3 };
struct prs_file_lock { /* 32 bytes */
    uint32_t descriptor;  /* index in descriptors[] */
    uint16_t kind, type;  /* enum prs_lock_kind; F_RDLCK, F_WRLCK */
    uint64_t start, length; /* length 0: to the end of the file */
    uint64_t reserved;
};

struct prs_signal_action { uint64_t handler, flags, restorer, mask; }; /* the kernel's own struct */

struct prs_interval_timer { int64_t interval_s, interval_us, value_s, value_us; };

enum { PRS_LEFT_OUT_HEAP = 1 /* heap=none: the checkpoint cannot be resumed */ };

struct prs_meta {
    uint32_t version, size;       /* PRS_META_VERSION, sizeof */
    uint64_t generation;          /* restores before this checkpoint */
    uint64_t checkpoint_realtime_ns, checkpoint_cpu_ns;

    /* identity */
    uint64_t vdso_start, vdso_size, vdso_hash;
    uint64_t stack_top, brk_start, brk_now;
    uint64_t cpu_features[8];     /* cpuid words, see cpu.c */
    uint64_t xfeatures;
    uint64_t stack_limit_soft, stack_limit_hard;
    uint32_t exec_path, cwd, argc, argv; /* argv: offset of argc NUL-terminated strings */
    uint32_t envc, envp;
    uint32_t executable;          /* index into files[] */
    uint32_t pid, tid;

    /* registers */
    uint64_t fs_base, gs_base;
    uint32_t ucontext_size, xsave_size;
    uint8_t ucontext[1024];       /* as on the signal frame; uc_mcontext, uc_sigmask, uc_stack */
    uint8_t xsave[PRS_XSAVE_MAX] __attribute__((aligned(64)));

    /* signals, timers, limits */
    struct prs_signal_action actions[65];
    uint64_t pending;             /* signals blocked and pending, to be raised again */
    struct prs_interval_timer timers[3];
    uint64_t limits[16][2];
    uint32_t umask;
    uint32_t stdin_consumed;      /* input was read from descriptor 0 that cannot come again */

    uint32_t stack_way;           /* enum prs_stack: where the stack's content is */
    uint32_t left_out;            /* PRS_LEFT_OUT_* */

    uint32_t text_fixed;          /* end of the strings that never change: arguments, environment, path */
    uint32_t lock_count;
    uint32_t region_count, file_count, descriptor_count, text_used;
    struct prs_region regions[PRS_REGIONS_MAX];
    struct prs_mapped_file files[PRS_FILES_MAX];
    struct prs_descriptor descriptors[PRS_DESCRIPTORS_MAX];
    struct prs_file_lock locks[PRS_LOCKS_MAX];
    char text[PRS_TEXT_MAX];      /* strings; offset 0 is "" */
};

#endif
