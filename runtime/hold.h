/* hold.h - what the wrappers (interpose/) may ask of the checkpoint machinery.
 *
 * A checkpoint is a signal (PRS_SIGNAL) that may come between any two instructions of the program; wrappers see it as follows.
 */
#ifndef PRS_HOLD_H
#define PRS_HOLD_H

#include "handlers.h"
#include <stdbool.h>
#include <stdint.h>

#define PRS_SIGNAL 62 /* the runtime's; no mask, sigwait or handler of the program's ever holds it */

/* State that wrapper frames on the program's stack rely on: in the image (it comes back with a restore). */
struct prs_wrapper_state {
    volatile uint64_t interruptions; /* times our handler ran; bumped before the image is taken, so a restore counts too */
    volatile uint64_t program_handlers; /* times a handler of the program's own was entered (interpose/signals.c counts) */
    volatile uint64_t restores;      /* generation: +1 at each restore */
    volatile int hold;               /* > 0: no checkpoint now (a signal that comes is taken at prs_release) */
    volatile int held_back;          /* one came meanwhile */
    volatile uint64_t executing, executing_returns; /* frame of a call of execve, for which checkpoints are held back and the pool says that the program has ended (0: none), and its return address */
    volatile unsigned changed;       /* PRS_CHANGED_*: kernel state to read again at the next checkpoint */
    volatile uint64_t cpu_before_ns; /* processor time of the program before this process: interpose/processor_time.c adds it */
    volatile int lock_calls;         /* > 0: a wrapper is taking a lock on a file; as descriptor_calls */
    volatile int descriptor_calls;   /* > 0: a wrapper is changing flags of descriptors just now (a handler may have left it that way: harmless) */
    volatile int losing;             /* > 0: a wrapper is changing content of the marked part without a store (interpose/memory.c, A4) */
    volatile uint64_t looked_up;     /* times that a function was looked up by name (interpose/lookup.c) */
    volatile uint64_t program_mask;  /* in a section of prs_apart: the program's mask of signals */
    const void *places[3];           /* where the first process has what S2 (state.h) is about */
    struct prs_handlers handlers;    /* which handlers of the program's own may be running: handlers.h */
};
extern struct prs_wrapper_state prs_w;

enum { PRS_CHANGED_SIGNALS = 1, PRS_CHANGED_TIMERS = 2, PRS_CHANGED_LIMITS = 4, PRS_CHANGED_CREDENTIALS = 8,
       PRS_CHANGED_DESCRIPTORS = 32, /* flags or names of open files */
       PRS_CHANGED_LOCKS = 64, /* of files */
       PRS_CHANGED_MAPPINGS = 16 /* a mapping was replaced: the text of /proc/self/maps may look the same */ };

/* True while this process takes checkpoints (a pool is named, and it is not a fork child). Cheap. */
bool prs_active(void);
/* True in the process that owns the checkpoints, by a getpid system call: false in vfork children, which share our memory. */
bool prs_owner(void);

/* Short critical sections in which no checkpoint may happen (hold.c). Never around a call that blocks. They nest. */
void prs_hold(void);
void prs_release(void);

/* A section that no handler of the program's interrupts: it could leave by longjmp, and what the section holds or has set would stay. Checkpoints may come, but where they are held back too.
 * They nest; not in a child of vfork. Normal context. */
struct prs_apart { uint64_t mask; };
void prs_apart_begin(struct prs_apart *apart);
void prs_apart_end(const struct prs_apart *apart);
/* What of `mask`, the one in force, the program has asked for. Handler. */
uint64_t prs_program_mask(uint64_t mask);

/* Takes a checkpoint now (synchronously: the image is taken inside this call). After a restore it returns too; the return value tells:
 * 0 taken or not active, 1 this return is a resumption. */
int prs_checkpoint_here(void);
/* The same; on return it is as durable as the option durability says. prs_checkpoint_here leaves that to a task where the disk takes long (durable.h). */
int prs_checkpoint_durably(void);
/* The same, before or after something that must not be done twice: where none can be taken (the pool is full), the last checkpoint is marked as
 * overtaken, and a resume will be refused until another one has committed. */
int prs_checkpoint_required(void);
/* Before a call that will block: a checkpoint if more than half an interval of time has passed since the last one. Some 30 ns otherwise. */
void prs_checkpoint_before_block(void);

/* The program does something that cannot be restored: persistence stops with one line on stderr that names `what`; the pool keeps the last checkpoint but is
 * marked, so that a resume is refused with the reason. Nothing else changes for the program. */
void prs_stop_persisting(const char *what);

/* Around a call after whose success persistence stops with that name. For a checkpoint the call and the stop are one: resumed from between them, the program would go on in a process that never
 * made the call, its credentials for one would not be what it was told. Nothing, when this process does not persist.
 * alone: the call concerns all tasks of the process, or is refused when there are several: those of the runtime are gone, and what they had begun is undone. */
struct prs_ending {
    bool begun;
    struct prs_apart apart;
};
struct prs_ending prs_ending_begin(bool alone);
void prs_ending_end(const struct prs_ending *ending, bool done, const char *what);

/* The program is about to set a filter of system calls, which may forbid those that a checkpoint and a trace need: the end of both. */
void prs_before_filter(void);

/* Names on_restore callbacks that are due; wrappers call it where the program may run arbitrary code of its own. */
void prs_run_restore_callbacks(void);

/* Was the interruption of a system call ours alone? Take a token before the call; after EINTR or a short count ask. */
struct prs_token { uint64_t interruptions, program_handlers, restores; };
static inline struct prs_token prs_token_take(void)
{
    struct prs_token token = {prs_w.interruptions, prs_w.program_handlers, prs_w.restores};
    return token;
}
static inline bool prs_only_us(struct prs_token token)
{
    return prs_w.interruptions != token.interruptions && prs_w.program_handlers == token.program_handlers;
}

/* A file is about to be renamed: the checkpoint names both paths of it, should it be open. interpose/names.c, read in the handler. */
struct prs_renaming {
    uint64_t device, inode;
    const char *to; /* absolute; NULL: nothing is being renamed */
};
extern struct prs_renaming prs_renaming;

/* A file is about to become shorter: a restore must not refuse it for that. interpose/files.c, read in the handler. */
struct prs_shortening {
    uint64_t device, inode; /* inode 0: nothing is being cut */
    uint64_t length;
};
extern struct prs_shortening prs_shortening;

/* The number at which the description that stands at fd now stood when the first process began, as far as the wrappers saw; -1: none of those. Handler-safe. interpose/descriptors.c. */
int prs_origin_of(int fd);

/* Was input read from descriptor 0 that cannot come again (pipe, socket)? Handler-safe. interpose/descriptors.c. */
bool prs_stdin_consumed(void);

/* Descriptors of ours: the program's close, dup2, close_range ... must see EBADF for them. There are some where the process is active, or traced. */
bool prs_descriptors_guarded(void);
bool prs_descriptor_is_ours(int fd);

/* raise() under the numbers that process and thread have when the call is made (raise_x86_64.S). 0 or -errno. Any context. */
long prs_raise(int signo);

/* A program is ending normally (exit, _exit, quick_exit): marks the pool finished (or keeps it), writes statistics, ends the trace. Idempotent. */
void prs_finish(void);
/* In a fork child, before any code of the program's: turns persistence off in this process and lets go of the pool. */
void prs_child(void);
/* The program replaces itself (execve in the owner). Marks the pool finished, and all of the trace is written; undo when the exec failed. */
void prs_before_exec(uint64_t frame); /* frame: of the caller, which calls execve */
void prs_exec_failed(void);

#endif
