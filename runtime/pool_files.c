/* pool_files.c - all files of a pool, mapped one behind the other: the pool file, then the extensions that its commit record counts (extension.c).
 *
 * INVARIANT F1: what is mapped of a file is there: its header says how long it is, and it is at least that long.
 * INVARIANT F2: extensions are looked for beside the file itself, wherever the name that it was opened by leads to; never through a symbolic link.
 * INVARIANT F3: with own_only, every extension is owned by this user and writable by nobody else, as the pool file has to be.
 * INVARIANT F4: nothing is changed.
 * Context: normal; stage 0, stage 1, tools. The bytes are untrusted.
 */
#include "pool_internal.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is to be mapped. */
struct plan {
    char path[PRS_POOL_NAME_MAX];
    int flags; /* of open */
    bool own_only;
    struct prs_geometry geometry;
    struct prs_pool_map *map;
};
_Static_assert(PRS_POOL_FILES_MAX == PRF_EXTENSIONS_MAX + 1, "the pool file and its extensions");

int prs_pool_check_owner(const char *path, int fd, bool foreign)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    if (!S_ISREG(status.st_mode)) {
        return prs_fail(PROSPER_E_NOT_A_POOL, "%s is not a regular file", path);
    }
    if (!foreign && (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        return prs_fail(PROSPER_E_OTHER_OWNER, "%s: a pool holds registers and code pointers; it must be yours, and writable by you alone (--foreign trusts it)", path);
    }
    return 0;
}

void prs_pool_real_name(int fd, const char *path, char out[PRS_POOL_NAME_MAX])
{
    char link[32];
    struct stat status, named;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, out, PRS_POOL_NAME_MAX - 1);
    if (length > 0 && length < PRS_POOL_NAME_MAX - 1) {
        out[length] = '\0';
        if (fstat(fd, &status) == 0 && stat(out, &named) == 0 && status.st_ino == named.st_ino && status.st_dev == named.st_dev) {
            return;
        }
    }
    snprintf(out, PRS_POOL_NAME_MAX, "%s", path);
}

void prs_pool_extension_name(const char *path, unsigned number, char out[PRS_POOL_NAME_MAX])
{
    snprintf(out, PRS_POOL_NAME_MAX, "%.*s.%u", PRS_POOL_NAME_MAX - 12, path, number);
}

static int with_name(int result, const char *name)
{
    char why[PRS_DETAIL_MAX];
    prs_format(why, sizeof why, "%s", prs_detail());
    return prs_fail(result, "%s: %s", name, why);
}

static int open_extension(const struct plan *plan, unsigned number, char name[PRS_POOL_NAME_MAX], struct stat *status)
{
    prs_pool_extension_name(plan->path, number, name);
    if (lstat(name, status) != 0) {
        return errno == ENOENT ? prs_fail(PROSPER_E_EXTENSION, "%s is not there", name) : prs_pool_fail_errno(errno, "looking at", name);
    }
    if (!S_ISREG(status->st_mode)) { /* a device is not even opened */
        return prs_fail(PROSPER_E_EXTENSION, "%s is %s", name, S_ISLNK(status->st_mode) ? "a symbolic link" : "not a regular file");
    }
    int fd = open(name, plan->flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return prs_pool_fail_errno(errno, "opening", name);
    }
    int result = fstat(fd, status) != 0            ? prs_pool_fail_errno(errno, "looking at", name)
                 : !S_ISREG(status->st_mode)       ? prs_fail(PROSPER_E_EXTENSION, "%s is not a regular file", name)
                 : status->st_size < (off_t)PRF_PAGE ? prs_fail(PROSPER_E_TRUNCATED, "%s has %ld bytes", name, (long)status->st_size)
                                                   : prs_pool_check_owner(name, fd, !plan->own_only);
    if (result != 0) {
        close(fd);
        return result;
    }
    return fd;
}

/* Checks the headers of `count` extensions. A damaged one is the last that is mapped: who attaches finds and names it. */
static int plan_extensions(struct plan *plan, unsigned count, uint32_t crc)
{
    struct prf_extension header;
    char name[PRS_POOL_NAME_MAX];
    struct prs_pool_map *map = plan->map;
    while (map->extensions < count) {
        struct stat status;
        uint64_t at = plan->geometry.end;
        int fd = open_extension(plan, map->extensions + 1, name, &status);
        if (fd < 0) {
            return fd;
        }
        ssize_t got = pread(fd, &header, sizeof header, 0);
        int error = errno;
        close(fd);
        if (got != (ssize_t)sizeof header) {
            return got < 0 ? prs_pool_fail_errno(error, "reading", name) : prs_fail(PROSPER_E_TRUNCATED, "%s became shorter while it was read", name);
        }
        int result = prs_extension_add(&plan->geometry, &header, (uint64_t)status.st_size);
        if (result != 0 && result != PROSPER_E_DAMAGED) {
            return with_name(result, name);
        }
        map->file[++map->extensions].at = at;
        map->file[map->extensions].bytes = result == 0 ? header.bytes : prs_round_down((uint64_t)status.st_size, PRF_PAGE);
        if (result != 0) {
            return 0;
        }
    }
    if (count != 0 && crc != plan->geometry.extension_crc) {
        return prs_fail(PROSPER_E_EXTENSION, "%s: it is not the one that the commit record names", name);
    }
    return 0;
}

/* What the pool file says. One that is not sound has no extensions: who attaches says why. */
static int make_plan(struct plan *plan, int fd, uint64_t length)
{
    struct prf_record record;
    struct prs_commit_health health;
    uint64_t root_at;
    uint8_t *map = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        return prs_fail(-errno, "%s cannot be mapped", plan->path);
    }
    bool sound = prs_root_place(map, length, length, &root_at) == 0 && prs_root_check((const struct prf_root *)(map + root_at), root_at, length, &plan->geometry) == 0 &&
                 prs_commit_read(map + root_at, &record, &health) == 0 && plan->geometry.grows && record.extensions <= PRF_EXTENSIONS_MAX;
    munmap(map, length);
    if (!sound) {
        return 0;
    }
    /* A file that is longer than it was made is mapped as far as it counts. */
    plan->map->file[0].bytes = plan->geometry.end < length ? plan->geometry.end : length;
    return plan_extensions(plan, record.extensions, record.extension_crc);
}

static int map_file(const struct plan *plan, int fd, unsigned number, int protection, int flags)
{
    struct prs_pool_map *map = plan->map;
    uint64_t at = map->file[number].at, bytes = map->file[number].bytes;
    char name[PRS_POOL_NAME_MAX];
    struct stat status;
    int own = number == 0 ? fd : open_extension(plan, number, name, &status);
    if (own < 0) {
        return own;
    }
    void *place = mmap(map->base + at, bytes, protection, flags, own, 0);
    int error = errno;
    if (number > 0) {
        close(own);
    }
    if (number > 0 && (uint64_t)status.st_size < bytes) {
        return prs_fail(PROSPER_E_TRUNCATED, "%s became shorter while it was read", name);
    }
    if (place == MAP_FAILED || place != map->base + at) {
        return prs_fail(place == MAP_FAILED ? -error : PROSPER_E_OTHER_LAYOUT, "%s cannot be mapped", number > 0 ? name : plan->path);
    }
    /* A fork child would keep the pool's pages alive and could write into them. */
    madvise(place, bytes, MADV_DONTFORK);
    map->length = at + bytes;
    return 0;
}

int prs_pool_map(struct prs_pool_map *map, int fd, const char *path, void *at, int protection, bool shared, bool own_only)
{
    struct plan plan; /* 10 KB; a static one would be part of every image */
    struct stat status;
    memset(map, 0, sizeof *map);
    if (fstat(fd, &status) != 0) {
        return prs_fail(-errno, "%s", path);
    }
    if (!S_ISREG(status.st_mode) || status.st_size < (off_t)PRF_PAGE) {
        return prs_fail(PROSPER_E_NOT_A_POOL, "%s is %s", path, S_ISREG(status.st_mode) ? "too short" : "not a regular file");
    }
    plan.map = map;
    plan.flags = (protection & PROT_WRITE) != 0 && shared ? O_RDWR : O_RDONLY;
    plan.own_only = own_only;
    prs_pool_real_name(fd, path, plan.path);
    map->main_length = map->file[0].bytes = (uint64_t)status.st_size;
    int result = make_plan(&plan, fd, map->main_length);
    if (result != 0) {
        return result;
    }
    uint64_t total = map->file[map->extensions].at + map->file[map->extensions].bytes;
    int flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (at == NULL ? MAP_FIXED : MAP_FIXED_NOREPLACE);
    if (at == NULL) {
        at = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) {
            return prs_fail(-errno, "%s cannot be mapped", path);
        }
    }
    map->base = at;
    for (unsigned i = 0; i <= map->extensions && result == 0; ++i) {
        result = map_file(&plan, fd, i, protection, flags);
    }
    if (result != 0) {
        map->length = total;
        prs_pool_unmap(map);
    }
    return result;
}

void prs_pool_unmap(struct prs_pool_map *map)
{
    if (map->base != NULL) {
        munmap(map->base, map->length);
        map->base = NULL;
    }
}
