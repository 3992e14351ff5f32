/* fdtable_restore.c - descriptors of the image, in the new process.
 *
 * INVARIANTS
 *  F5  Everything is opened, checked, or duplicated from what this process was given, at temporary numbers before the first descriptor moves to its place; so no
 *      order of moving matters, and a refusal has changed nothing.
 *  F6  Standard descriptors that are missing in this process are /dev/null, or the next file that the program opens would become one of them.
 *  F7  A file that was empty at the checkpoint and is gone is made again (a temporary file is often deleted as soon as it is open, and the last checkpoint may lie
 *      in between): without a name first, which it gets when the restore can no longer be given up. The image knows the old one, so the first thing behind such a restore is a
 *      checkpoint; a restore that was killed before it has left an empty file, which is as good.
 * Context: open and cut at start; install in the restore (libc's data may be half replaced): raw system calls throughout.
 */
#include "error.h"
#include "fdtable.h"
#include "fdtable_internal.h"
#include "locks.h"
#include "log.h"
#include "prim.h"
#include "restore.h"
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

/* ---- temporary numbers ---- */

static const struct prs_descriptor *find(const struct prs_meta *meta, int number)
{
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        if (meta->descriptors[i].number == number) {
            return &meta->descriptors[i];
        }
    }
    return NULL;
}

static int temporary(uint32_t index) { return prs_p.fd_temporary[index]; }

/* fd, or a copy of it, to the lowest number that is free now, is nobody's place, and is not in the block of ours. */
static int keep(const struct prs_meta *meta, uint32_t index, int fd)
{
    for (int number = 3;; ++number) {
        if ((number >= prs_p.fd_floor && number <= prs_p.fd_top) || find(meta, number) != NULL) {
            continue;
        }
        long taken = prs_sys(SYS_fcntl, number, F_GETFD, 0);
        if (taken >= 0) {
            continue;
        }
        long result = prs_sys(SYS_dup3, fd, number, O_CLOEXEC);
        if (result < 0) {
            return prs_fail((int)result, "no descriptor number is left to restore %u of them (ulimit -n)", meta->descriptor_count);
        }
        prs_p.fd_temporary[index] = number;
        return 0;
    }
}

static int opened(const char *path, int flags) { return (int)prs_sys(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, 0); }

static int reopening(const struct prs_descriptor *descriptor)
{
    int flags = (int)descriptor->flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY);
    return (flags & O_TMPFILE) == O_TMPFILE ? flags & ~O_TMPFILE : flags; /* made without a name, and has one now */
}

static bool writable(const struct prs_descriptor *descriptor) { return (descriptor->flags & O_ACCMODE) != O_RDONLY; }

static int check_size(const struct prs_descriptor *descriptor, const char *path, int fd)
{
    struct stat status;
    if (descriptor->kind != PRS_DESCRIPTOR_FILE) {
        return 0;
    }
    long error = prs_sys(SYS_fstat, fd, &status);
    if (error < 0) {
        return prs_fail((int)error, "looking at %s", path);
    }
    if ((uint64_t)status.st_size >= descriptor->size_next) {
        return 0;
    }
    return prs_fail(PROSPER_E_FILE_SHORT, "%s has %lu bytes, the checkpoint counts on %lu %s", path, (uint64_t)status.st_size, descriptor->size,
                    descriptor->number <= 2 ? " (was it started with > instead of >>?)" : "");
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

/* A file that was made read-only and is still open for writing (mode 0444) is writable for its owner for the moment of the opening. */
static int open_file(const char *path, int flags)
{
    int fd = opened(path, flags);
    struct stat status;
    if (fd != -EACCES || prs_sys(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0 || !S_ISREG(status.st_mode) ||
        prs_sys(SYS_fchmodat, AT_FDCWD, path, (status.st_mode & 07777) | S_IRUSR | S_IWUSR) != 0) {
        return fd;
    }
    fd = opened(path, flags);
    prs_sys(SYS_fchmodat, AT_FDCWD, path, status.st_mode & 07777);
    return fd;
}

static bool without_name(int fd)
{
    struct stat status;
    return prs_sys(SYS_fstat, fd, &status) == 0 && status.st_nlink == 0;
}

/* F7. A descriptor, or -1. */
static int make_again(const struct prs_meta *meta, uint32_t index, const char *path)
{
    const struct prs_descriptor *descriptor = &meta->descriptors[index];
    char directory[PATH_MAX];
    uint64_t length = 0; /* with the last slash */
    if (descriptor->kind != PRS_DESCRIPTOR_FILE || descriptor->size != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < index; ++i) { /* one file, opened twice */
        const struct prs_descriptor *other = &meta->descriptors[i];
        if (other->device == descriptor->device && other->inode == descriptor->inode && temporary(i) >= 0 && without_name(temporary(i))) {
            return (int)prs_sys(SYS_fcntl, temporary(i), F_DUPFD_CLOEXEC, 0);
        }
    }
    for (uint64_t i = 0; path[i] != '\0'; ++i) {
        length = path[i] == '/' ? i + 1 : length;
    }
    if (length == 0 || length >= sizeof directory) {
        return -1;
    }
    prs_copy(directory, path, length);
    directory[length] = '\0';
    int fd = (int)prs_sys(SYS_openat, AT_FDCWD, directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd >= 0) {
        prs_sys(SYS_fchmod, fd, descriptor->mode);
    }
    return fd;
}

/* F7: made again by a restore that was killed before its first checkpoint. Any empty file in this place is what the checkpoint had there. */
static bool is_made(const struct prs_descriptor *descriptor, int fd)
{
    struct stat status;
    return descriptor->kind == PRS_DESCRIPTOR_FILE && descriptor->size == 0 && descriptor->path_next == 0 && prs_sys(SYS_fstat, fd, &status) == 0 &&
           S_ISREG(status.st_mode) && status.st_size == 0 && (status.st_mode & 07777) == descriptor->mode;
}

/* F7: the files that were made again get their names, and are opened by them, as the program had them. */
static int name_made(const struct prs_meta *meta, unsigned *made)
{
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        const char *path = meta->text + descriptor->path;
        if (descriptor->kind != PRS_DESCRIPTOR_FILE || descriptor->shares >= 0 || descriptor->inode == 0) {
            continue;
        }
        bool now = (prs_sys(SYS_fcntl, temporary(i), F_GETFL, 0) & O_TMPFILE) == O_TMPFILE; /* it may well have the old one's inode number */
        *made += now || !is_same(descriptor, temporary(i));
        if (!now) {
            continue;
        }
        char self[64];
        prs_format(self, sizeof self, "/proc/self/fd/%d", temporary(i));
        long result = without_name(temporary(i)) ? prs_sys(SYS_linkat, AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) : 0;
        int fd = result < 0 ? (int)result : open_file(path, reopening(descriptor));
        if (fd < 0) {
            return prs_fail(PROSPER_E_FILE_MISSING, "%s was empty, is gone and cannot be made again (%s)", path, prs_error_name(fd));
        }
        prs_restore_needs(prs_sys(SYS_dup3, fd, temporary(i), O_CLOEXEC), "dup3");
        prs_sys(SYS_close, fd);
    }
    return 0;
}

static int open_one(const struct prs_meta *meta, uint32_t index)
{
    const struct prs_descriptor *descriptor = &meta->descriptors[index];
    const char *path = meta->text + descriptor->path, *hint = descriptor->number <= 2 ? "; --stdio=new takes what this run was given" : "";
    int flags = reopening(descriptor);
    if (given(descriptor)) {
        /* The shell's own description of the same file (>> out): the offset stays shared with whoever writes after us. */
        int error = check_size(descriptor, path, descriptor->number);
        return error != 0 ? error : keep(meta, index, descriptor->number);
    }
    int fd = open_file(path, flags);
    if (descriptor->path_next != 0 && (fd < 0 || !is_same(descriptor, fd))) {
        if (fd >= 0) {
            prs_sys(SYS_close, fd);
        }
        path = meta->text + descriptor->path_next;
        fd = open_file(path, flags);
    }
    int made = fd == -ENOENT && descriptor->path_next == 0 ? make_again(meta, index, path) : -1;
    if (fd < 0 && made < 0) {
        return prs_fail(PROSPER_E_FILE_MISSING, "%s cannot be opened (%s)%s", path, prs_error_name(fd), hint);
    }
    fd = made >= 0 ? made : fd;
    int error = 0;
    if (made < 0 && descriptor->kind != PRS_DESCRIPTOR_DEVICE && descriptor->inode != 0 && !is_same(descriptor, fd) && !is_made(descriptor, fd)) {
        error = prs_fail(PROSPER_E_FILE_MISSING, "%s is another file now%s", path, hint);
    } else {
        error = check_size(descriptor, path, fd);
    }
    if (error == 0) {
        error = keep(meta, index, fd);
    }
    prs_sys(SYS_close, fd);
    return error;
}

/* What this process has at the number; the temporary number stays -1 when it has nothing there, and the descriptor is closed then (F6). */
static int keep_inherited(const struct prs_meta *meta, uint32_t index)
{
    int origin = meta->descriptors[index].origin;
    if (prs_sys(SYS_fcntl, origin, F_GETFD, 0) >= 0) {
        return keep(meta, index, origin);
    }
    if (origin > 2) {
        return 0;
    }
    int fd = opened("/dev/null", O_RDWR);
    int error = fd < 0 ? prs_fail(fd, "/dev/null cannot be opened") : keep(meta, index, fd);
    prs_sys(SYS_close, fd);
    return error;
}

/* stdio=new: what were files, or the program's own, at 0 to 2 is taken from this process too. */
static void take_new_standard(struct prs_meta *meta)
{
    for (uint32_t i = 0; i < meta->descriptor_count && meta->descriptors[i].number <= 2; ++i) {
        struct prs_descriptor *descriptor = &meta->descriptors[i];
        descriptor->kind = PRS_DESCRIPTOR_INHERITED;
        descriptor->origin = descriptor->number;
        descriptor->shares = -1;
        descriptor->flags &= ~(uint32_t)O_NONBLOCK;
    }
}

/* Our block goes down from the soft limit, so with another limit it is elsewhere. */
static bool is_ours(int number) { return number >= prs_p.fd_floor && number <= prs_p.fd_top; }

int prs_fdtable_open(struct prs_meta *meta)
{
    prs_p.fd_temporary = prs_arena_take(&prs_p.scratch, PRS_DESCRIPTORS_MAX * sizeof *prs_p.fd_temporary);
    if (prs_p.fd_temporary == NULL) {
        return -ENOMEM;
    }
    if (prs_p.options.stdio_policy == PRS_STDIO_NEW) {
        take_new_standard(meta);
    }
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        prs_p.fd_temporary[i] = -1;
        if (is_ours(descriptor->number) || (descriptor->kind == PRS_DESCRIPTOR_INHERITED && is_ours(descriptor->origin))) {
            return prs_fail(-EMFILE, "descriptor %d of the checkpoint is one that the runtime needs here (ulimit -n is another)", descriptor->number);
        }
        int error = descriptor->kind == PRS_DESCRIPTOR_INHERITED ? keep_inherited(meta, i) : descriptor->shares < 0 ? open_one(meta, i) : 0;
        if (error != 0) {
            return error;
        }
    }
    return prs_locks_claim(meta, temporary);
}

int prs_fdtable_cut(const struct prs_meta *meta, unsigned *count, unsigned *made)
{
    *count = *made = 0;
    int error = name_made(meta, made);
    if (error != 0) {
        return error;
    }
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        struct stat status;
        if ((descriptor->kind != PRS_DESCRIPTOR_FILE && descriptor->kind != PRS_DESCRIPTOR_DIRECTORY) || descriptor->shares >= 0) {
            continue;
        }
        long result = 0;
        if (descriptor->kind == PRS_DESCRIPTOR_FILE && writable(descriptor)) {
            result = prs_sys(SYS_fstat, temporary(i), &status);
            if (result == 0 && (uint64_t)status.st_size > descriptor->size) {
                result = prs_sys(SYS_ftruncate, temporary(i), descriptor->size);
                ++*count;
            }
        }
        if (result < 0) {
            return prs_fail((int)result, "%s cannot be cut back", meta->text + descriptor->path);
        }
        if ((int64_t)descriptor->offset >= 0 && (result = prs_sys(SYS_lseek, temporary(i), descriptor->offset, SEEK_SET)) < 0) {
            return prs_fail((int)result, "the offset of %s cannot be set", meta->text + descriptor->path);
        }
    }
    return 0;
}

static bool is_temporary(const struct prs_meta *meta, int fd)
{
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        if (prs_p.fd_temporary[i] == fd) {
            return true;
        }
    }
    return false;
}

static int close_unknown(void *context, int fd)
{
    const struct prs_meta *meta = context;
    if (find(meta, fd) == NULL && !is_temporary(meta, fd)) {
        prs_sys(SYS_close, fd);
    }
    return 0;
}

void prs_fdtable_install(const struct prs_meta *meta)
{
    prs_restore_needs(prs_fd_each(close_unknown, (void *)(uint64_t)(const void *)meta), "reading the directory of descriptors");
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        int close_on_exec = (descriptor->fd_flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0;
        if (descriptor->shares >= 0) {
            prs_restore_needs(prs_sys(SYS_dup3, descriptor->shares, descriptor->number, close_on_exec), "dup3"); /* the lower number is in place already */
            continue;
        }
        if (temporary(i) < 0) {
            prs_sys(SYS_close, descriptor->number);
            continue;
        }
        prs_restore_needs(prs_sys(SYS_dup3, temporary(i), descriptor->number, close_on_exec), "dup3");
        prs_sys(SYS_close, temporary(i));
        if (descriptor->kind == PRS_DESCRIPTOR_INHERITED) {
            /* O_NONBLOCK, if the program had set it. The rest is the new process's: >> is to stay >>. */
            long flags = prs_sys(SYS_fcntl, descriptor->number, F_GETFL, 0);
            long wanted = (flags & ~(long)O_NONBLOCK) | (descriptor->flags & O_NONBLOCK);
            if (flags >= 0 && flags != wanted) {
                prs_restore_needs(prs_sys(SYS_fcntl, descriptor->number, F_SETFL, wanted), "the flags of a descriptor");
            }
        }
    }
    prs_restore_needs(prs_locks_install(meta), "locks of files");
}

const char *prs_fdtable_output_path(const struct prs_meta *meta)
{
    const struct prs_descriptor *output = find(meta, 1);
    return output != NULL && output->kind == PRS_DESCRIPTOR_FILE && !given(output) ? meta->text + output->path : NULL;
}
