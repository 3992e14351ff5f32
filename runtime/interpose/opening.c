/* opening.c - files opened for writing, by descriptor and by stdio (files.h, L1 to L4).
 *
 *   the file is                      checkpoint   why
 *   not there (created)              before       it is there when the call is made again: then emptied, and O_EXCL does not refuse it
 *   there, not empty, O_TRUNC        before       what the program has read of it is gone
 *   there, otherwise                 after        L3: what will be appended is cut off, what will be overwritten is files.c's
 *
 * stdio's own writes pass no wrapper, but C wants a positioning call between reading and writing a stream: a checkpoint there, in a stream that can do
 * both, keeps L4. (Bytes written since go to the same places again.) A stream that only writes cannot have read what it overwrites.
 * Context: normal.
 */
#include "files.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

static bool regular(const struct prs_seen *seen) { return seen->exists && S_ISREG(seen->status.st_mode); }

enum opening { PLAIN, DUE, CHANGING }; /* a checkpoint is due after it; prs_change_end is */

/* Before opening; *flags loses O_EXCL when the file is the one that this very call had made. */
static enum opening before_opening(struct prs_change *change, int directory, const char *path, int *flags)
{
    int follow = (*flags & (O_EXCL | O_NOFOLLOW)) != 0 ? AT_SYMLINK_NOFOLLOW : 0;
    struct prs_seen before = prs_look(directory, path, follow);
    if (before.exists || (*flags & O_CREAT) == 0) {
        if (!regular(&before)) {
            return PLAIN;
        }
        if ((*flags & O_TRUNC) == 0 || before.status.st_size == 0) {
            return DUE;
        }
        prs_change_begin_shortening(change, &before.status, 0);
        return CHANGING;
    }
    prs_change_begin(change);
    if (change->again) {
        struct prs_seen now = prs_look(directory, path, follow);
        if (regular(&now)) {
            /* L2. Emptied where that is allowed; a file that was made read-only is made once more. */
            long fd = prs_sys(SYS_openat, directory, path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
            if (fd >= 0) {
                prs_sys(SYS_close, fd);
                *flags &= ~O_EXCL;
            } else {
                prs_sys(SYS_unlinkat, directory, path, 0);
            }
        }
    }
    return CHANGING;
}

/* L3 */
static void after_opening(enum opening opening, const struct prs_change *change, int fd)
{
    struct stat status;
    if (opening == CHANGING) {
        prs_change_end(change);
    } else if (opening == DUE && fd >= 0 && prs_sys(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode)) {
        prs_checkpoint_quietly();
    }
}

static int opened(int fd)
{
    if (fd >= 0) {
        prs_descriptor_opened(fd);
    }
    return fd;
}

static int open_file(int directory, const char *path, int flags, mode_t mode)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_TRUNC | O_CREAT)) != 0;
    if (!writes || (flags & O_TMPFILE) == O_TMPFILE || (flags & O_PATH) != 0 || !prs_owning()) {
        return opened(NEXT(openat)(directory, path, flags, mode));
    }
    struct prs_change change;
    enum opening opening = before_opening(&change, directory, path, &flags);
    int fd = opened(NEXT(openat)(directory, path, flags, mode));
    after_opening(opening, &change, fd);
    return fd;
}

#define MODE(flags)                                                                                                     \
    va_list list;                                                                                                       \
    va_start(list, flags);                                                                                              \
    mode_t mode = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, mode_t) : 0;                \
    va_end(list)

PRS_EXPORT int openat(int directory, const char *path, int flags, ...)
{
    MODE(flags);
    return open_file(directory, path, flags, mode);
}
PRS_ALIAS(openat) int openat64(int directory, const char *path, int flags, ...);

PRS_EXPORT int open(const char *path, int flags, ...)
{
    MODE(flags);
    return open_file(AT_FDCWD, path, flags, mode);
}
PRS_ALIAS(open) int open64(const char *path, int flags, ...);

PRS_EXPORT int creat(const char *path, mode_t mode) { return open_file(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
PRS_ALIAS(creat) int creat64(const char *path, mode_t mode);

int __open_2(const char *path, int flags); /* what -D_FORTIFY_SOURCE calls */
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);
PRS_EXPORT int __open_2(const char *path, int flags) { return open_file(AT_FDCWD, path, flags, 0); }
PRS_EXPORT int __open64_2(const char *path, int flags) { return open_file(AT_FDCWD, path, flags, 0); }
PRS_EXPORT int __openat_2(int directory, const char *path, int flags) { return open_file(directory, path, flags, 0); }
PRS_EXPORT int __openat64_2(int directory, const char *path, int flags) { return open_file(directory, path, flags, 0); }

/* ---- stdio: it opens inside libc ---- */

/* As open flags; "x" is O_EXCL. What follows a comma is not for us. */
static int flags_of(const char *mode)
{
    int flags = mode[0] == 'w' ? O_WRONLY | O_CREAT | O_TRUNC : mode[0] == 'a' ? O_WRONLY | O_CREAT | O_APPEND : O_RDONLY;
    for (const char *c = mode; *c != '\0' && *c != ','; ++c) {
        flags |= *c == 'x' ? O_EXCL : 0;
        flags = *c == '+' ? (flags & ~O_ACCMODE) | O_RDWR : flags;
    }
    return flags;
}

static FILE *open_stream(const char *path, const char *mode, FILE *stream)
{
    int flags = flags_of(mode), given = flags;
    char plain[128];
    if (stream != NULL && __fpending(stream) != 0) {
        fflush(stream); /* freopen would, where signals wait and checkpoints are held back, and it may block */
    }
    struct prs_change change;
    enum opening opening = before_opening(&change, AT_FDCWD, path, &flags);
    if (flags != given && strlen(mode) < sizeof plain) {
        char *to = plain;
        for (const char *c = mode; *c != '\0'; ++c) {
            if (*c != 'x') {
                *to++ = *c;
            }
        }
        *to = '\0';
        mode = plain;
    }
    FILE *result = stream != NULL ? NEXT(freopen)(path, mode, stream) : NEXT(fopen)(path, mode);
    int saved = errno;
    after_opening(opening, &change, result != NULL ? fileno(result) : -1);
    errno = saved;
    return result;
}

PRS_EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
    return prs_active() && flags_of(mode) != O_RDONLY && prs_owner() ? open_stream(path, mode, NULL) : NEXT(fopen)(path, mode);
}
PRS_ALIAS(fopen) FILE *fopen64(const char *restrict path, const char *restrict mode);

PRS_EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream)
{
    bool plain = !prs_active() || path == NULL || flags_of(mode) == O_RDONLY || !prs_owner();
    return plain ? NEXT(freopen)(path, mode, stream) : open_stream(path, mode, stream);
}
PRS_ALIAS(freopen) FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict stream);

/* A second stream on standard input reads unseen: its input counts as consumed. */
PRS_EXPORT FILE *fdopen(int fd, const char *mode)
{
    if (prs_active() && (flags_of(mode) & O_ACCMODE) != O_WRONLY) {
        prs_stdin_note_read(fd);
    }
    return NEXT(fdopen)(fd, mode);
}

/* ---- positioning (L4) ---- */

enum { STREAM_NO_READS = 4, STREAM_NO_WRITES = 8, STREAM_APPENDS = 0x1000 }; /* glibc's FILE._flags, part of its ABI for getc and putc */

static void positioned(FILE *stream)
{
    struct stat status;
    if (!prs_active() || (stream->_flags & (STREAM_NO_READS | STREAM_NO_WRITES | STREAM_APPENDS)) != 0) {
        return;
    }
    int saved = errno, fd = fileno(stream);
    if (fd >= 0 && prs_sys(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode) && ftello(stream) < status.st_size && prs_owner()) {
        prs_checkpoint_quietly();
    }
    errno = saved;
}

PRS_EXPORT int fseeko(FILE *stream, off_t offset, int whence)
{
    int result = NEXT(fseeko)(stream, offset, whence);
    positioned(stream);
    return result;
}
PRS_ALIAS(fseeko) int fseeko64(FILE *stream, off64_t offset, int whence);

PRS_EXPORT int fseek(FILE *stream, long offset, int whence) { return fseeko(stream, offset, whence); }

PRS_EXPORT void rewind(FILE *stream)
{
    NEXT(rewind)(stream);
    positioned(stream);
}

PRS_EXPORT int fsetpos(FILE *stream, const fpos_t *position)
{
    int result = NEXT(fsetpos)(stream, position);
    positioned(stream);
    return result;
}
PRS_ALIAS(fsetpos) int fsetpos64(FILE *stream, const fpos64_t *position);
