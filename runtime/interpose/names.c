/* names.c - names in the file system: made, moved, removed (files.h, L1 and L2).
 *
 * Context: normal. A child of vfork is not the owner, and does the plain thing (W3).
 */
#include "files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool same_file(const struct stat *a, const struct stat *b) { return a->st_dev == b->st_dev && a->st_ino == b->st_ino; }
static struct prs_seen look(int directory, const char *path) { return prs_look(directory, path, AT_SYMLINK_NOFOLLOW); }

/* ---- removing ---- */

PRS_EXPORT int unlinkat(int directory, const char *path, int flags)
{
    bool again = prs_owning() && look(directory, path).exists && prs_checkpoint_first();
    long result = prs_sys(SYS_unlinkat, directory, path, flags);
    if (result == 0 && prs_active()) {
        prs_w.changed |= PRS_CHANGED_DESCRIPTORS; /* an open file may go on under another of its names */
    }
    return (int)prs_errno(result == -ENOENT && again ? 0 : result);
}

PRS_EXPORT int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
PRS_EXPORT int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

PRS_EXPORT int remove(const char *path)
{
    int saved = errno;
    if (unlink(path) == 0) {
        return 0;
    }
    if (errno != EISDIR) {
        return -1;
    }
    errno = saved;
    return rmdir(path);
}

/* ---- moving ---- */

/* An open file that was moved is found by its next name, which the checkpoint before has. (Of a moved directory, what is open below it has not: a kill
 * in the little time until the checkpoint after it makes a resume refuse.) */
struct prs_renaming prs_renaming;

static const char *absolute(int directory, const char *path, char *buffer, size_t size)
{
    if (path[0] == '/') {
        return path;
    }
    char link[32] = "/proc/self/cwd";
    if (directory != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    }
    long length = prs_sys(SYS_readlink, link, buffer, size);
    if (length <= 0 || (size_t)length + strlen(path) + 2 > size) {
        return NULL;
    }
    buffer[length] = '/';
    strcpy(buffer + length + 1, path);
    return buffer;
}

static bool checkpoint_before_rename(const struct stat *status, int to_directory, const char *to)
{
    char path[4096];
    prs_renaming = (struct prs_renaming){status->st_dev, status->st_ino, absolute(to_directory, to, path, sizeof path)};
    bool again = prs_checkpoint_first();
    prs_renaming.to = NULL;
    return again;
}

PRS_EXPORT int renameat2(int from_directory, const char *from, int to_directory, const char *to, unsigned flags)
{
    struct prs_seen before = {.exists = false};
    bool again = false;
    if (prs_owning()) {
        before = look(from_directory, from);
        again = before.exists && checkpoint_before_rename(&before.status, to_directory, to);
    }
    if (again) {
        /* Done when the file stands under its new name and the old name is free, or (RENAME_EXCHANGE) has another file. */
        struct prs_seen source = look(from_directory, from), target = look(to_directory, to);
        if (target.exists && same_file(&target.status, &before.status) && (!source.exists || !same_file(&source.status, &before.status))) {
            return 0;
        }
    }
    long result = prs_sys(SYS_renameat2, from_directory, from, to_directory, to, flags);
    if (result == 0 && before.exists) {
        prs_w.changed |= PRS_CHANGED_DESCRIPTORS;
        if (S_ISDIR(before.status.st_mode)) {
            prs_checkpoint_quietly(); /* what is open below it has another name */
        }
    }
    return (int)prs_errno(result);
}

PRS_EXPORT int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return renameat2(from_directory, from, to_directory, to, 0);
}
PRS_EXPORT int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* ---- making: EEXIST means done if the name was free before the checkpoint ---- */

#define CREATES(directory, path, call)                                               \
    bool again = prs_owning() && !look(directory, path).exists && prs_checkpoint_first(); \
    long result = call;                                                              \
    return (int)prs_errno(result == -EEXIST && again ? 0 : result)

PRS_EXPORT int mkdirat(int directory, const char *path, mode_t mode)
{
    CREATES(directory, path, prs_sys(SYS_mkdirat, directory, path, mode));
}
PRS_EXPORT int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

PRS_EXPORT int linkat(int from_directory, const char *from, int to_directory, const char *to, int flags)
{
    CREATES(to_directory, to, prs_sys(SYS_linkat, from_directory, from, to_directory, to, flags));
}
PRS_EXPORT int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

PRS_EXPORT int symlinkat(const char *target, int directory, const char *path)
{
    CREATES(directory, path, prs_sys(SYS_symlinkat, target, directory, path));
}
PRS_EXPORT int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

PRS_EXPORT int mknodat(int directory, const char *path, mode_t mode, dev_t device)
{
    CREATES(directory, path, prs_sys(SYS_mknodat, directory, path, mode, device));
}
PRS_EXPORT int mknod(const char *path, mode_t mode, dev_t device) { return mknodat(AT_FDCWD, path, mode, device); }
PRS_EXPORT int mkfifoat(int directory, const char *path, mode_t mode) { return mknodat(directory, path, (mode & 07777) | S_IFIFO, 0); }
PRS_EXPORT int mkfifo(const char *path, mode_t mode) { return mkfifoat(AT_FDCWD, path, mode); }

/* ---- temporary names: chosen before the checkpoint, so that a resumed program finds the file that it had made ---- */

static int temporary(char *template, int suffix, int flags, bool is_directory)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = strlen(template);
    if (suffix < 0 || length < 6 + (size_t)suffix || memcmp(template + length - (size_t)suffix - 6, "XXXXXX", 6) != 0) {
        return (int)prs_errno(-EINVAL);
    }
    int saved = errno;
    char *place = template + length - (size_t)suffix - 6;
    for (int tries = 0; tries < 62 * 62 * 62; ++tries) {
        unsigned char random[6];
        prs_sys(SYS_getrandom, random, sizeof random, 0); /* as many are always given at once */
        for (int i = 0; i < 6; ++i) {
            place[i] = letters[random[i] % (sizeof letters - 1)];
        }
        int result = is_directory ? mkdir(template, 0700) : open(template, (flags & ~O_ACCMODE) | O_RDWR | O_CREAT | O_EXCL, 0600);
        if (result >= 0 || errno != EEXIST) {
            errno = result >= 0 ? saved : errno;
            return result;
        }
    }
    return (int)prs_errno(-EEXIST);
}

PRS_EXPORT int mkostemps(char *template, int suffix, int flags)
{
    return prs_owning() ? temporary(template, suffix, flags, false) : NEXT(mkostemps)(template, suffix, flags);
}
PRS_ALIAS(mkostemps) int mkostemps64(char *template, int suffix, int flags);
PRS_EXPORT int mkstemps(char *template, int suffix) { return mkostemps(template, suffix, 0); }
PRS_ALIAS(mkstemps) int mkstemps64(char *template, int suffix);
PRS_EXPORT int mkostemp(char *template, int flags) { return mkostemps(template, 0, flags); }
PRS_ALIAS(mkostemp) int mkostemp64(char *template, int flags);
PRS_EXPORT int mkstemp(char *template) { return mkostemps(template, 0, 0); }
PRS_ALIAS(mkstemp) int mkstemp64(char *template);

PRS_EXPORT char *mkdtemp(char *template)
{
    if (!prs_owning()) {
        return NEXT(mkdtemp)(template);
    }
    return temporary(template, 0, 0, true) == 0 ? template : NULL;
}
