/* fdtable.c - descriptors of the program, into the image. fdtable_restore.c brings them back.
 *
 * INVARIANTS
 *  F1  The kernel is asked at every checkpoint (libc opens, seeks and closes without passing any wrapper), so the table is what it is, not what was seen.
 *  F2  A regular file comes back by path, with device and inode as recorded, flags, offset and sharing of the open file description; when it was
 *      open for writing it is cut back to its length at the checkpoint, so that what is written again is not doubled.
 *  F3  Pipes, terminals, sockets and devices with a state of their own come from the new process, and only those that the first process had inherited; each from the
 *      number at which it stood then, wherever the program has moved it. Anything else is named as not restorable.
 *  F4  Standard error is the new process's whatever it is: it is a log that others write to as well, so nothing is cut from it.
 * Context: handler; raw system calls.
 */
#include "fdtable.h"
#include "fdtable_internal.h"
#include "hold.h"
#include "locks.h"
#include "log.h"
#include "prim.h"
#include "region.h"
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define KCMP_FILE 0
#define STDERR 2

static int note_inherited(void *context, int fd)
{
    (void)context;
    struct stat status;
    long error = prs_sys(SYS_fstat, fd, &status);
    if (error < 0) {
        return (int)error;
    }
    if (prs_p.inherited_count < sizeof prs_p.inherited / sizeof prs_p.inherited[0] &&
        (fd == STDERR || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))) {
        prs_p.inherited[prs_p.inherited_count].number = fd;
        prs_p.inherited[prs_p.inherited_count].device = status.st_dev;
        prs_p.inherited[prs_p.inherited_count++].inode = status.st_ino;
    }
    return 0;
}

int prs_fdtable_startup(void)
{
    prs_p.inherited_count = 0;
    return prs_fd_each(note_inherited, NULL);
}

struct taking {
    struct prs_meta *meta;
    uint32_t *used;
    const char **why;
    bool changed; /* flags or names, by a wrapper */
    int64_t now_ns;
};

/* What stood in the same place of the table at the last checkpoint: most descriptors stay what they are, and system calls are what a checkpoint of a small
 * program costs. A rename by anyone changes a file's ctime, so an unchanged one has its old name, unless both changes fell into one tick of the clock that
 * file systems use: a ctime that was young when the name was read proves nothing. The program's own renames, and flags of inherited descriptors, are told by the
 * wrappers (PRS_CHANGED_DESCRIPTORS). */
#define YOUNG_NS 20000000 /* two ticks at CONFIG_HZ=100 */
struct seen {
    int number;
    uint32_t length;
    uint64_t device, inode;
    int64_t changed_s, changed_ns;
    char path[216];
};

static bool stateless_device(const struct stat *status)
{
    unsigned minor_number = minor(status->st_rdev);
    return S_ISCHR(status->st_mode) && major(status->st_rdev) == 1 &&
           (minor_number == 3 || minor_number == 5 || minor_number == 7 || minor_number == 8 || minor_number == 9);
}

static bool was_inherited(int number, const struct stat *status)
{
    for (uint32_t i = 0; i < prs_p.inherited_count; ++i) {
        if (prs_p.inherited[i].number == number) {
            return prs_p.inherited[i].device == status->st_dev && prs_p.inherited[i].inode == status->st_ino;
        }
    }
    return false;
}

/* F3: which of the descriptors that the process began with is this? -1: none. What reached its number unseen by a wrapper is told by the kernel, and a
 * terminal that was opened once more by name is as good as the one that was there. */
static int origin_of(const struct prs_meta *meta, int fd, const struct stat *status, bool plain)
{
    int origin = prs_origin_of(fd);
    if (origin >= 0 && was_inherited(origin, status)) {
        return !plain || origin == STDERR ? origin : -1;
    }
    if (plain) {
        return -1;
    }
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *other = &meta->descriptors[i];
        if (other->kind == PRS_DESCRIPTOR_INHERITED && prs_sys(SYS_kcmp, prs_p.pid, prs_p.pid, KCMP_FILE, other->number, fd) == 0) {
            return other->origin;
        }
    }
    for (uint32_t i = 0; i < prs_p.inherited_count && !stateless_device(status); ++i) {
        if (prs_p.inherited[i].device == status->st_dev && prs_p.inherited[i].inode == status->st_ino) {
            return prs_p.inherited[i].number;
        }
    }
    return -1;
}

static const char *cannot(int fd, const char *what)
{
    prs_format(prs_p.reason, sizeof prs_p.reason, "%s (descriptor %d)", what, fd);
    return prs_p.reason;
}

static void find_share(const struct prs_meta *meta, struct prs_descriptor *descriptor)
{
    long pid = prs_p.pid;
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *other = &meta->descriptors[i];
        if (other->kind == descriptor->kind && other->inode == descriptor->inode && other->device == descriptor->device && other->shares < 0 &&
            prs_sys(SYS_kcmp, pid, pid, KCMP_FILE, other->number, descriptor->number) == 0) {
            descriptor->shares = other->number;
            return;
        }
    }
}

/* A file of /proc/<pid> (libc reads its maps, for one) is, in the next process, the same file of that one: /proc/self, another inode. */
static long of_this_process(char *path, uint64_t length, struct prs_descriptor *descriptor)
{
    char own[32];
    uint64_t prefix = prs_format(own, sizeof own, "/proc/%d/", prs_p.pid);
    if (length <= prefix || __builtin_memcmp(path, own, prefix) != 0) {
        return (long)length;
    }
    char rest[PRS_PATH_MAX];
    path[length] = '\0';
    prs_format(rest, sizeof rest, "/proc/self/%s", path + prefix);
    descriptor->device = 0;
    descriptor->inode = 0;
    return (long)prs_format(path, PRS_PATH_MAX, "%s", rest);
}

static int take_one(void *context, int fd)
{
    struct taking *taking = context;
    struct prs_meta *meta = taking->meta;
    struct stat status;
    long error = prs_sys(SYS_fstat, fd, &status);
    if (error < 0) {
        return (int)error; /* it is open: an image without it would be a wrong one */
    }
    if (meta->descriptor_count == PRS_DESCRIPTORS_MAX) {
        *taking->why = "more open descriptors than the image has room for";
        return 1;
    }
    struct prs_descriptor *descriptor = &meta->descriptors[meta->descriptor_count];
    struct seen *seen = &((struct seen *)prs_p.fd_seen)[meta->descriptor_count];
    struct prs_descriptor before = *descriptor;
    bool same = !taking->changed && seen->number == fd && seen->device == status.st_dev && seen->inode == status.st_ino;
    bool plain = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
    prs_fill(descriptor, 0, sizeof *descriptor);
    descriptor->number = fd;
    descriptor->shares = -1;
    descriptor->origin = -1;
    descriptor->device = status.st_dev;
    descriptor->inode = status.st_ino;
    descriptor->flags = same && !plain ? before.flags : (uint32_t)prs_sys(SYS_fcntl, fd, F_GETFL, 0);
    descriptor->fd_flags = same && !plain ? before.fd_flags : (uint32_t)prs_sys(SYS_fcntl, fd, F_GETFD, 0);
    bool same_name = same && seen->length != 0 && seen->changed_s == status.st_ctim.tv_sec && seen->changed_ns == status.st_ctim.tv_nsec;
    seen->number = fd;
    seen->device = status.st_dev;
    seen->inode = status.st_ino;
    bool young = taking->now_ns - (status.st_ctim.tv_sec * 1000000000 + status.st_ctim.tv_nsec) < YOUNG_NS;
    seen->changed_s = young ? 0 : status.st_ctim.tv_sec;
    seen->changed_ns = status.st_ctim.tv_nsec;
    int origin = origin_of(meta, fd, &status, plain);
    if (origin >= 0) {
        descriptor->kind = PRS_DESCRIPTOR_INHERITED;
        descriptor->origin = origin;
        descriptor->inode = 0; /* another one in every process */
        descriptor->device = 0;
    } else if (plain) {
        char link[32], path[PRS_PATH_MAX];
        long length = (long)seen->length;
        if (same_name) {
            prs_copy(path, seen->path, seen->length);
        } else {
            prs_format(link, sizeof link, "/proc/self/fd/%d", fd);
            length = prs_sys(SYS_readlink, link, path, sizeof path - 1);
            seen->length = length > 0 && length < (long)sizeof seen->path ? (uint32_t)length : 0;
            prs_copy(seen->path, path, seen->length);
        }
        descriptor->kind = S_ISREG(status.st_mode) ? PRS_DESCRIPTOR_FILE : PRS_DESCRIPTOR_DIRECTORY;
        descriptor->offset = (uint64_t)prs_sys(SYS_lseek, fd, 0, SEEK_CUR);
        descriptor->size = descriptor->size_next = (uint64_t)status.st_size;
        descriptor->mode = status.st_mode & 07777;
        if (prs_shortening.inode == status.st_ino && prs_shortening.device == status.st_dev && prs_shortening.length < descriptor->size) {
            descriptor->size_next = prs_shortening.length;
        }
        length = length > 0 ? of_this_process(path, (uint64_t)length, descriptor) : 0;
        descriptor->path = length > 0 ? prs_text_add(meta, taking->used, path, (uint64_t)length) : 0;
        if (prs_renaming.to != NULL && prs_renaming.device == descriptor->device && prs_renaming.inode == descriptor->inode) {
            descriptor->path_next = prs_text_add(meta, taking->used, prs_renaming.to, __builtin_strlen(prs_renaming.to));
        }
        if (status.st_nlink == 0) {
            *taking->why = cannot(fd, "an open file that was deleted");
        }
        find_share(meta, descriptor);
    } else if (stateless_device(&status)) {
        static const char *const paths[] = {[3] = "/dev/null", [5] = "/dev/zero", [7] = "/dev/full", [8] = "/dev/random", [9] = "/dev/urandom"};
        const char *path = paths[minor(status.st_rdev)];
        descriptor->kind = PRS_DESCRIPTOR_DEVICE;
        descriptor->path = prs_text_add(meta, taking->used, path, __builtin_strlen(path));
    } else {
        char link[32], name[64];
        prs_format(link, sizeof link, "/proc/self/fd/%d", fd);
        long length = prs_sys(SYS_readlink, link, name, sizeof name - 1);
        name[length > 0 ? length : 0] = '\0';
        descriptor->kind = PRS_DESCRIPTOR_DEVICE; /* of an image that is not going to be */
        *taking->why = cannot(fd, S_ISSOCK(status.st_mode)   ? "a socket"
                                  : S_ISFIFO(status.st_mode) ? "a pipe of its own"
                                  : S_ISCHR(status.st_mode)  ? "a device or terminal"
                                                             : (name[0] != '\0' ? name : "a kernel object"));
    }
    ++meta->descriptor_count;
    return 0;
}

int prs_fdtable_take(struct prs_meta *meta, uint32_t *used, const char **why)
{
    if (prs_p.fd_seen == NULL) {
        prs_p.fd_seen = prs_arena_take(&prs_p.scratch, PRS_DESCRIPTORS_MAX * sizeof(struct seen));
        if (prs_p.fd_seen == NULL) {
            return -ENOMEM;
        }
    }
    struct taking taking = {meta, used, why, (prs_w.changed & PRS_CHANGED_DESCRIPTORS) != 0 || prs_w.descriptor_calls != 0, (int64_t)prs_realtime_ns()};
    prs_w.changed |= taking.changed ? PRS_CHANGED_DESCRIPTORS : 0; /* until all were looked at: an attempt that fails in the middle leaves it to the next */
    meta->descriptor_count = 0;
    int result = prs_fd_each(take_one, &taking);
    if (result < 0) {
        return result;
    }
    prs_w.changed &= ~(unsigned)PRS_CHANGED_DESCRIPTORS;
    return prs_locks_take(meta, why);
}
