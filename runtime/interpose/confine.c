/* confine.c - what changes which files, processes or calls the program may reach: another root directory, other namespaces, a filter of system calls.
 *
 * A new process does not have it, and a path of the image would mean another file there. So it ends persistence, and is named. Before a filter is set, because the
 * last checkpoint needs system calls that the filter may forbid. Context: normal.
 */
#include "interpose.h"
#include <sched.h>
#include <stdarg.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

static int ending(bool alone, long number, long a, long b, const char *what)
{
    struct prs_ending ending = prs_ending_begin(alone);
    long result = prs_sys(number, a, b);
    prs_ending_end(&ending, result == 0, what);
    return (int)prs_errno(result);
}

/* The root directory is every task's; most namespaces are refused to a process of several tasks. */
static int alone(long number, long a, long b, const char *what) { return ending(true, number, a, b, what); }

PRS_EXPORT int chroot(const char *path) { return alone(SYS_chroot, (long)path, 0, "a root directory of its own"); }
PRS_EXPORT int unshare(int flags) { return alone(SYS_unshare, flags, 0, "namespaces of its own"); }
PRS_EXPORT int setns(int fd, int type) { return alone(SYS_setns, fd, type, "namespaces of its own"); }

PRS_EXPORT int prctl(int option, ...)
{
    va_list list;
    va_start(list, option);
    long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long);
    va_end(list);
    if (option == PR_SET_SECCOMP) {
        prs_before_filter();
    }
    return (int)prs_errno(prs_sys(SYS_prctl, option, a, b, c, d));
}

/* Files are opened by these, where they differ from the effective ids. The result is the former id, of success and failure. */
PRS_EXPORT int setfsuid(uid_t id)
{
    struct prs_ending ending = prs_ending_begin(false);
    long before = prs_sys(SYS_setfsuid, id);
    prs_ending_end(&ending, prs_sys(SYS_setfsuid, -1) != before, "changed credentials");
    return (int)before;
}

PRS_EXPORT int setfsgid(gid_t id)
{
    struct prs_ending ending = prs_ending_begin(false);
    long before = prs_sys(SYS_setfsgid, id);
    prs_ending_end(&ending, prs_sys(SYS_setfsgid, -1) != before, "changed credentials");
    return (int)before;
}

int capset(void *header, const void *data);
PRS_EXPORT int capset(void *header, const void *data) { return ending(false, SYS_capset, (long)header, (long)data, "changed credentials"); }
