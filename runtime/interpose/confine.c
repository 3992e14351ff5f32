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

static int stopping(long result, const char *what)
{
    if (result == 0 && prs_owning()) {
        prs_stop_persisting(what);
    }
    return (int)prs_errno(result);
}

/* The root directory is every task's; most namespaces are refused to a process of several tasks. */
static int alone(long number, long a, long b, const char *what)
{
    bool begun = prs_alone_begin();
    long result = prs_sys(number, a, b);
    prs_alone_end(begun, result == 0, what);
    return (int)prs_errno(result);
}

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
    long before = prs_sys(SYS_setfsuid, id);
    if (prs_owning() && prs_sys(SYS_setfsuid, -1) != before) {
        prs_stop_persisting("changed credentials");
    }
    return (int)before;
}

PRS_EXPORT int setfsgid(gid_t id)
{
    long before = prs_sys(SYS_setfsgid, id);
    if (prs_owning() && prs_sys(SYS_setfsgid, -1) != before) {
        prs_stop_persisting("changed credentials");
    }
    return (int)before;
}

int capset(void *header, const void *data);
PRS_EXPORT int capset(void *header, const void *data) { return stopping(prs_sys(SYS_capset, header, data), "changed credentials"); }
