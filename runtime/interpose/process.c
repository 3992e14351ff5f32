/* process.c - how a process ends, multiplies, or becomes another.
 *
 *   exit, _exit, _Exit, quick_exit   a normal end: the pool is marked finished (exit: by our destructor, when everything is flushed)
 *   fork                             the child runs plainly, before any code of the program's
 *   execve and kin                   the program replaces itself: finished, undone when it fails
 *   pthread_create, thrd_create      cannot be restored yet: said, and the program goes on without persistence
 *   set*id                           likewise, where an id really changes
 *
 * vfork cannot be wrapped (its child returns from the wrapper's frame). It needs nothing: the kernel holds the parent until the child has
 * executed or ended, the child's wrappers see that they are not the owner (W3), and our descriptors close at its exec. The same
 * holds for posix_spawn, system and popen, which use libc's own clone inside.
 * Context: normal; the fork handler in the child.
 */
#include "interpose.h"
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <threads.h>
#include <unistd.h>

/* ---- the end ---- */

PRS_EXPORT __attribute__((noreturn)) void _exit(int status)
{
    prs_finish();
    for (;;) {
        prs_sys(SYS_exit_group, status);
    }
}

PRS_EXPORT __attribute__((noreturn)) void _Exit(int status) { _exit(status); }

PRS_EXPORT __attribute__((noreturn)) void quick_exit(int status)
{
    /* libc's runs the at_quick_exit functions and then its own _exit, which nobody can stand in front of. Ours must come last: it is registered
     * here, so it would run first; what those functions write is repeated if a crash comes in between. */
    if (prs_descriptors_guarded()) { /* a pool or a trace is to be ended */
        at_quick_exit(prs_finish);
    }
    NEXT(quick_exit)(status);
    __builtin_unreachable();
}

/* ---- children ---- */

static void in_child(void) { prs_child(); }

__attribute__((constructor(102))) static void register_child(void) { pthread_atfork(NULL, NULL, in_child); }

PRS_EXPORT pid_t _Fork(void)
{
    pid_t pid = NEXT(_Fork)(); /* runs no atfork handlers */
    if (pid == 0) {
        prs_child();
    }
    return pid;
}

/* clone() with a function: a child of its own memory runs plainly, a thread ends persistence. One that shares the memory and lets us wait (as
 * vfork does) needs nothing. */
struct cloned {
    int (*run)(void *);
    void *argument;
};

static int run_cloned(void *context)
{
    struct cloned cloned = *(struct cloned *)context; /* on the parent's stack, of which the child has a copy */
    prs_child();
    return cloned.run(cloned.argument);
}

PRS_EXPORT int clone(int (*function)(void *), void *stack, int flags, void *argument, ...)
{
    va_list list;
    va_start(list, argument);
    pid_t *parent_tid = va_arg(list, pid_t *);
    void *tls = va_arg(list, void *);
    pid_t *child_tid = va_arg(list, pid_t *);
    va_end(list);
    if (!prs_owning() || (flags & (CLONE_VM | CLONE_VFORK)) == (CLONE_VM | CLONE_VFORK)) {
        return NEXT(clone)(function, stack, flags, argument, parent_tid, tls, child_tid);
    }
    if ((flags & CLONE_VM) != 0) {
        prs_stop_persisting((flags & CLONE_THREAD) != 0 ? "a second thread" : "a process that shares memory");
        return NEXT(clone)(function, stack, flags, argument, parent_tid, tls, child_tid);
    }
    struct cloned cloned = {function, argument};
    return NEXT(clone)(run_cloned, stack, flags, &cloned, parent_tid, tls, child_tid);
}

/* libc's ends the parent by an _exit of its own, which nobody can stand in front of. */
PRS_EXPORT int daemon(int keep_directory, int keep_descriptors)
{
    if (!prs_owning()) {
        return NEXT(daemon)(keep_directory, keep_descriptors);
    }
    pid_t pid = fork();
    if (pid != 0) {
        if (pid < 0) {
            return -1;
        }
        _exit(0);
    }
    if (setsid() < 0) {
        return -1;
    }
    if (!keep_directory && chdir("/") != 0) { /* libc does not look either */
        errno = 0;
    }
    if (!keep_descriptors) {
        int null = open("/dev/null", O_RDWR);
        if (null < 0) {
            return -1;
        }
        for (int fd = 0; fd <= 2; ++fd) {
            dup2(null, fd);
        }
        if (null > 2) {
            close(null);
        }
    }
    return 0;
}

/* ---- becoming another ---- */

static __attribute__((noinline)) int replaced(int (*run)(void *), void *arguments)
{
    bool owning = prs_owning();
    prs_before_exec((uint64_t)__builtin_frame_address(0));
    int result = run(arguments);
    if (owning) {
        int saved = errno;
        prs_exec_failed();
        errno = saved;
    }
    return result;
}

struct execution {
    int kind, fd, flags;
    const char *path;
    char *const *argv, *const *envp;
};
enum { EXEC_VE, EXEC_VP, EXEC_VPE, EXEC_FD, EXEC_AT };

static int run(void *context)
{
    const struct execution *e = context;
    switch (e->kind) {
    case EXEC_VP: return NEXT(execvp)(e->path, e->argv);
    case EXEC_VPE: return NEXT(execvpe)(e->path, e->argv, e->envp);
    case EXEC_FD: return NEXT(fexecve)(e->fd, e->argv, e->envp);
    case EXEC_AT: return (int)prs_errno(prs_sys(SYS_execveat, e->fd, e->path, e->argv, e->envp, e->flags));
    default: return NEXT(execve)(e->path, e->argv, e->envp);
    }
}

static int execute(struct execution execution) { return replaced(run, &execution); }

PRS_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
    return execute((struct execution){.kind = EXEC_VE, .path = path, .argv = argv, .envp = envp});
}

PRS_EXPORT int execv(const char *path, char *const argv[]) { return execve(path, argv, environ); }

PRS_EXPORT int execvp(const char *file, char *const argv[])
{
    return execute((struct execution){.kind = EXEC_VP, .path = file, .argv = argv});
}

PRS_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
    return execute((struct execution){.kind = EXEC_VPE, .path = file, .argv = argv, .envp = envp});
}

PRS_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
    return execute((struct execution){.kind = EXEC_FD, .fd = fd, .argv = argv, .envp = envp});
}

PRS_EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
    return execute((struct execution){.kind = EXEC_AT, .fd = fd, .path = path, .argv = argv, .envp = envp, .flags = flags});
}

/* execl and kin: count the arguments, copy them to the stack, and go on as the vector forms do. */
#define COLLECT(first, last)                                         \
    va_list list;                                                    \
    int count = first != NULL;                                       \
    va_start(list, first);                                           \
    while (count > 0 && va_arg(list, char *) != NULL) {              \
        ++count;                                                     \
    }                                                                \
    va_end(list);                                                    \
    char *argv[count + 1];                                           \
    va_start(list, first);                                           \
    argv[0] = (char *)(uintptr_t)first;                              \
    for (int i = 1; i <= count; ++i) {                               \
        argv[i] = va_arg(list, char *);                              \
    }                                                                \
    last;                                                            \
    va_end(list)

PRS_EXPORT int execl(const char *path, const char *arg, ...)
{
    COLLECT(arg, (void)0);
    return execve(path, argv, environ);
}

PRS_EXPORT int execlp(const char *file, const char *arg, ...)
{
    COLLECT(arg, (void)0);
    return execvp(file, argv);
}

PRS_EXPORT int execle(const char *path, const char *arg, ...)
{
    COLLECT(arg, char *const *envp = va_arg(list, char *const *));
    return execve(path, argv, envp);
}

/* ---- not yet restorable ---- */

PRS_EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    prs_stop_persisting("a second thread");
    return NEXT(pthread_create)(thread, attributes, start, argument);
}

PRS_EXPORT int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
    prs_stop_persisting("a second thread");
    return NEXT(thrd_create)(thread, start, argument);
}

#define CREDENTIALS_CHANGED "changed credentials"

/* Runs a call that may change the process's credentials and stops where it did. */
#define CREDENTIALS(call)                                                                       \
    uid_t ids[3], now[3];                                                                       \
    gid_t groups[3], groups_now[3];                                                             \
    struct prs_ending ending = prs_ending_begin(false);                                         \
    if (ending.begun) {                                                                         \
        getresuid(&ids[0], &ids[1], &ids[2]);                                                   \
        getresgid(&groups[0], &groups[1], &groups[2]);                                          \
    }                                                                                           \
    int result = call, saved = errno;                                                           \
    if (ending.begun) {                                                                         \
        getresuid(&now[0], &now[1], &now[2]);                                                   \
        getresgid(&groups_now[0], &groups_now[1], &groups_now[2]);                              \
        prs_ending_end(&ending, __builtin_memcmp(ids, now, sizeof ids) != 0 || __builtin_memcmp(groups, groups_now, sizeof groups) != 0, CREDENTIALS_CHANGED); \
        errno = saved;                                                                          \
    }                                                                                           \
    return result

PRS_EXPORT int setuid(uid_t id) { CREDENTIALS(NEXT(setuid)(id)); }
PRS_EXPORT int setgid(gid_t id) { CREDENTIALS(NEXT(setgid)(id)); }
PRS_EXPORT int seteuid(uid_t id) { CREDENTIALS(NEXT(seteuid)(id)); }
PRS_EXPORT int setegid(gid_t id) { CREDENTIALS(NEXT(setegid)(id)); }
PRS_EXPORT int setreuid(uid_t r, uid_t e) { CREDENTIALS(NEXT(setreuid)(r, e)); }
PRS_EXPORT int setregid(gid_t r, gid_t e) { CREDENTIALS(NEXT(setregid)(r, e)); }
PRS_EXPORT int setresuid(uid_t r, uid_t e, uid_t s) { CREDENTIALS(NEXT(setresuid)(r, e, s)); }
PRS_EXPORT int setresgid(gid_t r, gid_t e, gid_t s) { CREDENTIALS(NEXT(setresgid)(r, e, s)); }

#define REGROUPED(call)                                                        \
    struct prs_ending ending = prs_ending_begin(false);                        \
    int result = call, saved = errno;                                          \
    prs_ending_end(&ending, result == 0, CREDENTIALS_CHANGED);                 \
    errno = saved;                                                             \
    return result

PRS_EXPORT int setgroups(size_t count, const gid_t *groups) { REGROUPED(NEXT(setgroups)(count, groups)); }
PRS_EXPORT int initgroups(const char *user, gid_t group) { REGROUPED(NEXT(initgroups)(user, group)); }

/* ---- limits ---- */

PRS_EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    if (prs_owning()) {
        prs_w.changed |= PRS_CHANGED_LIMITS;
    }
    return (int)prs_errno(prs_sys(SYS_prlimit64, 0, resource, limit, NULL));
}
PRS_ALIAS(setrlimit) int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limit);

PRS_EXPORT int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *limit, struct rlimit *old)
{
    if (limit != NULL && prs_owning()) {
        prs_w.changed |= PRS_CHANGED_LIMITS;
    }
    return (int)prs_errno(prs_sys(SYS_prlimit64, pid, resource, limit, old));
}
PRS_ALIAS(prlimit) int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *limit, struct rlimit64 *old);
