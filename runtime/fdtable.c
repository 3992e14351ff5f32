/* fdtable.c - descriptors of the program.
 *
 * INVARIANTS
 *  F1  The kernel is asked at every checkpoint (libc opens, seeks and closes without passing any wrapper), so the table is what it is, not what was seen.
 *  F2  A regular file comes back by path, with device and inode as recorded, flags, offset and sharing of the open file description; when it was
 *      open for writing it is cut back to its length at the checkpoint, so that what is written again is not doubled.
 *  F3  Pipes, terminals, sockets and devices with a state of their own come from the new process, and only those that the first process had inherited. Anything else is
 *      named as not restorable.
 * Context: take in the handler; open and cut at start; install in the restore (libc's data may be half replaced): raw system calls throughout.
 */
#include "fdtable.h"
#include "error.h"
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

struct directory_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* Calls each for every open descriptor that is not ours, in the kernel's (ascending) order. */
typedef int (*descriptor_visitor)(void *context, int fd);

static int each_descriptor(descriptor_visitor visit, void *context)
{
    char buffer[8192] __attribute__((aligned(8)));
    if (prs_sys(SYS_lseek, prs_p.fd_fds, 0, SEEK_SET) < 0) {
        return -EBADF;
    }
    for (;;) {
        long length = prs_sys(SYS_getdents64, prs_p.fd_fds, buffer, sizeof buffer);
        if (length <= 0) {
            return (int)length;
        }
        bool all = length + 64 < (long)sizeof buffer; /* there was room for another entry, and none came */
        for (long at = 0; at < length;) {
            const struct directory_entry *entry = (const struct directory_entry *)(buffer + at);
            at += entry->length;
            int fd = 0;
            if (entry->name[0] < '0' || entry->name[0] > '9') {
                continue;
            }
            for (const char *c = entry->name; *c != '\0'; ++c) {
                fd = fd * 10 + (*c - '0');
            }
            if (fd >= prs_p.fd_floor && fd <= prs_p.fd_top) {
                continue;
            }
            int result = visit(context, fd);
            if (result != 0) {
                return result;
            }
        }
        if (all) {
            return 0;
        }
    }
}

static int note_inherited(void *context, int fd)
{
    (void)context;
    struct stat status;
    if (prs_p.inherited_count < sizeof prs_p.inherited / sizeof prs_p.inherited[0] && prs_sys(SYS_fstat, fd, &status) == 0 &&
        !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
        prs_p.inherited[prs_p.inherited_count].number = fd;
        prs_p.inherited[prs_p.inherited_count].device = status.st_dev;
        prs_p.inherited[prs_p.inherited_count++].inode = status.st_ino;
    }
    return 0;
}

void prs_fdtable_startup(void)
{
    prs_p.inherited_count = 0;
    each_descriptor(note_inherited, NULL);
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

static int inherited_as(const struct stat *status)
{
    for (uint32_t i = 0; i < prs_p.inherited_count; ++i) {
        if (prs_p.inherited[i].device == status->st_dev && prs_p.inherited[i].inode == status->st_ino) {
            return prs_p.inherited[i].number;
        }
    }
    return -1;
}

static bool stateless_device(const struct stat *status)
{
    unsigned minor_number = minor(status->st_rdev);
    return S_ISCHR(status->st_mode) && major(status->st_rdev) == 1 &&
           (minor_number == 3 || minor_number == 5 || minor_number == 7 || minor_number == 8 || minor_number == 9);
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
    if (prs_sys(SYS_fstat, fd, &status) < 0) {
        return 0;
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
    int first = inherited_as(&status);
    if (plain) {
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
        descriptor->size = (uint64_t)status.st_size;
        length = length > 0 ? of_this_process(path, (uint64_t)length, descriptor) : 0;
        descriptor->path = length > 0 ? prs_text_add(meta, taking->used, path, (uint64_t)length) : 0;
        if (prs_renaming.to != NULL && prs_renaming.device == descriptor->device && prs_renaming.inode == descriptor->inode) {
            descriptor->path_next = prs_text_add(meta, taking->used, prs_renaming.to, __builtin_strlen(prs_renaming.to));
        }
        if (status.st_nlink == 0) {
            *taking->why = cannot(fd, "an open file that was deleted");
        }
        find_share(meta, descriptor);
    } else if (first >= 0) {
        descriptor->kind = PRS_DESCRIPTOR_INHERITED;
        descriptor->shares = first != fd ? first : -1;
        descriptor->inode = 0; /* another one in every process */
        descriptor->device = 0;
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
        descriptor->kind = PRS_DESCRIPTOR_UNRESTORABLE;
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
    prs_w.changed &= ~(unsigned)PRS_CHANGED_DESCRIPTORS;
    meta->descriptor_count = 0;
    int result = each_descriptor(take_one, &taking);
    return result < 0 ? result : prs_locks_take(meta, why);
}

/* ---- restore ---- */

/* Temporary number of descriptors[i] during a restore: a block above everything that the program or we use. */
static int temporary(uint32_t index) { return prs_p.fd_top + 1 + (int)index; }

static bool writable(const struct prs_descriptor *descriptor) { return (descriptor->flags & O_ACCMODE) != O_RDONLY; }

static int check_size(const struct prs_descriptor *descriptor, const char *path, int fd)
{
    struct stat status;
    if (descriptor->kind != PRS_DESCRIPTOR_FILE || prs_sys(SYS_fstat, fd, &status) != 0 || (uint64_t)status.st_size >= descriptor->size) {
        return 0;
    }
    return prs_fail(PROSPER_E_FILE_SHORT, "%s has %lu bytes, the checkpoint counts on %lu (was it started with > instead of >>?)", path,
                    (uint64_t)status.st_size, descriptor->size);
}

/* Does this process have the same file at the same standard descriptor, opened in the same way? */
static bool given(const struct prs_descriptor *descriptor)
{
    struct stat status;
    return descriptor->kind == PRS_DESCRIPTOR_FILE && descriptor->number <= 2 && prs_sys(SYS_fstat, descriptor->number, &status) == 0 &&
           status.st_dev == descriptor->device && status.st_ino == descriptor->inode &&
           (uint32_t)prs_sys(SYS_fcntl, descriptor->number, F_GETFL, 0) == descriptor->flags;
}

static bool is_same(const struct prs_descriptor *descriptor, int fd)
{
    struct stat status;
    return prs_sys(SYS_fstat, fd, &status) == 0 && status.st_dev == descriptor->device && status.st_ino == descriptor->inode;
}

static int open_one(const struct prs_meta *meta, uint32_t index)
{
    const struct prs_descriptor *descriptor = &meta->descriptors[index];
    const char *path = meta->text + descriptor->path;
    int flags = (int)descriptor->flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY);
    if (given(descriptor)) {
        /* The shell's own description of the same file (>> out): the offset stays shared with whoever writes after us. */
        long result = prs_sys(SYS_dup3, descriptor->number, temporary(index), O_CLOEXEC);
        return result < 0 ? (int)result : check_size(descriptor, path, descriptor->number);
    }
    long fd = prs_sys(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, 0);
    if (descriptor->path_next != 0 && (fd < 0 || !is_same(descriptor, (int)fd))) {
        if (fd >= 0) {
            prs_sys(SYS_close, fd);
        }
        path = meta->text + descriptor->path_next;
        fd = prs_sys(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, 0);
    }
    if (fd < 0) {
        return prs_fail(PROSPER_E_FILE_MISSING, "%s cannot be opened (%s)", path, prs_error_name((int)fd));
    }
    int error = 0;
    if (descriptor->kind != PRS_DESCRIPTOR_DEVICE && descriptor->inode != 0 && !is_same(descriptor, (int)fd)) {
        error = prs_fail(PROSPER_E_FILE_MISSING, "%s is another file now", path);
    } else {
        error = check_size(descriptor, path, (int)fd);
    }
    long moved = error == 0 ? prs_sys(SYS_dup3, fd, temporary(index), O_CLOEXEC) : 0;
    prs_sys(SYS_close, fd);
    return error != 0 ? error : moved < 0 ? (int)moved : 0;
}

int prs_fdtable_open(const struct prs_meta *meta)
{
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        if (descriptor->kind == PRS_DESCRIPTOR_INHERITED || descriptor->shares >= 0) {
            continue;
        }
        int error = open_one(meta, i);
        if (error != 0) {
            return error;
        }
    }
    return prs_locks_claim(meta, temporary);
}

int prs_fdtable_cut(const struct prs_meta *meta, unsigned *count)
{
    *count = 0;
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        struct stat status;
        if (descriptor->kind != PRS_DESCRIPTOR_FILE || descriptor->shares >= 0) {
            continue;
        }
        if (writable(descriptor) && prs_sys(SYS_fstat, temporary(i), &status) == 0 && (uint64_t)status.st_size > descriptor->size) {
            long result = prs_sys(SYS_ftruncate, temporary(i), descriptor->size);
            if (result < 0) {
                return prs_fail((int)result, "%s cannot be cut back", meta->text + descriptor->path);
            }
            ++*count;
        }
        if ((int64_t)descriptor->offset >= 0) {
            prs_sys(SYS_lseek, temporary(i), descriptor->offset, SEEK_SET);
        }
    }
    return 0;
}

static const struct prs_descriptor *find(const struct prs_meta *meta, int number)
{
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        if (meta->descriptors[i].number == number) {
            return &meta->descriptors[i];
        }
    }
    return NULL;
}

static int close_unknown(void *context, int fd)
{
    const struct prs_meta *meta = context;
    if (fd < temporary(0) && find(meta, fd) == NULL) {
        prs_sys(SYS_close, fd);
    }
    return 0;
}

void prs_fdtable_install(const struct prs_meta *meta)
{
    each_descriptor(close_unknown, (void *)meta);
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        int close_on_exec = (descriptor->fd_flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0;
        if (descriptor->shares >= 0) {
            prs_sys(SYS_dup3, descriptor->shares, descriptor->number, close_on_exec); /* the lower number is in place already */
        } else if (descriptor->kind != PRS_DESCRIPTOR_INHERITED) {
            prs_sys(SYS_dup3, temporary(i), descriptor->number, close_on_exec);
            prs_sys(SYS_close, temporary(i));
        }
        if (descriptor->kind == PRS_DESCRIPTOR_INHERITED) {
            prs_sys(SYS_fcntl, descriptor->number, F_SETFL, descriptor->flags); /* O_NONBLOCK, if the program had set it */
            prs_sys(SYS_fcntl, descriptor->number, F_SETFD, descriptor->fd_flags);
        }
    }
    PRS_ASSERT(prs_locks_install(meta) == 0);
}
