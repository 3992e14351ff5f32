/* pool.c - the pool as a file: created and checked through libpmemobj.
 *
 * libpmemobj keeps its own structures (header, lanes, heap) and gives us a root object and a few large objects; from then on the runtime
 * addresses these by file offset and never calls it again. It is loaded by dlopen in a forked child, so that none of its volatile state
 * (threads' keys, locks, heap) is ever in a process that is checkpointed.
 *
 * INVARIANT L1: a file that has the pool's own name is whole: it is created under "<path>.new" and renamed when all of it is on the medium.
 * INVARIANT L2: a process that dies while creating leaves a "<path>.new", which the next creation takes over; two living ones are told
 *               apart by a lock on it (of the open file description: libpmemobj closes descriptors of its own on the same file).
 * INVARIANT L3: the file is not opened through libpmemobj before its identity, format version and size were checked by reading.
 * INVARIANT L4: no file of anybody's is overwritten: a "<path>.new" is taken over only if it is what an interrupted creation leaves.
 *
 * Context: normal; prs_pool_prepare at stage 0, in tools and tests. Durable when: prs_pool_create returns 0.
 */
#include "fault.h"
#include "pool_internal.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Crash points exist in a persistent process; tools and tests link without them. */
#pragma weak prs_fault_pass
#define CRASH_POINT(name) (prs_fault_pass != NULL ? PRS_FAULT_HERE(name) : (void)0)

#define POOL_BYTES_MIN (32ull << 20)
#define OBJECT_MAX 0x3FFDFFFC0ull /* PMEMOBJ_MAX_ALLOC_SIZE of libpmemobj 1: just under 16 GB */
#define OBJECT_MIN (1ull << 20)
#define PATH_BYTES 4096

struct pmem_oid { /* PMEMoid */
    uint64_t pool_uuid_lo, off;
};

static struct {
    void *(*create)(const char *path, const char *layout, size_t bytes, mode_t mode);
    int (*check)(const char *path, const char *layout); /* 1 consistent, 0 not, -1 error; maps the file privately, changes nothing */
    void (*close)(void *pool);
    struct pmem_oid (*root)(void *pool, size_t bytes);
    int (*alloc)(void *pool, struct pmem_oid *oid, size_t bytes, uint64_t type, void *constructor, void *argument);
    void (*persist)(void *pool, const void *at, size_t bytes);
    const char *(*error)(void);
} pmemobj;

static int load_pmemobj(void)
{
    if (pmemobj.error != NULL) {
        return 0;
    }
    void *library = dlopen("libpmemobj.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return prs_fail(PROSPER_E_UNSUPPORTED, "libpmemobj.so.1 cannot be loaded: %s", dlerror());
    }
    struct {
        void **place;
        const char *name;
    } symbols[] = {
        {(void **)&pmemobj.create, "pmemobj_create"},
        {(void **)&pmemobj.check, "pmemobj_check"},
        {(void **)&pmemobj.close, "pmemobj_close"},
        {(void **)&pmemobj.root, "pmemobj_root"},
        {(void **)&pmemobj.alloc, "pmemobj_alloc"},
        {(void **)&pmemobj.persist, "pmemobj_persist"},
        {(void **)&pmemobj.error, "pmemobj_errormsg"},
    };
    for (unsigned i = 0; i < sizeof symbols / sizeof *symbols; ++i) {
        *symbols[i].place = dlsym(library, symbols[i].name);
        if (*symbols[i].place == NULL) {
            pmemobj.error = NULL;
            return prs_fail(PROSPER_E_UNSUPPORTED, "libpmemobj.so.1 has no %s", symbols[i].name);
        }
    }
    return 0;
}

static int code_of(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return PROSPER_E_NO_SPACE;
    case EROFS:
    case EACCES:
    case EPERM: return PROSPER_E_READ_ONLY;
    case 0: return PROSPER_E_INTERNAL;
    default: return -error;
    }
}

int prs_pool_fail_errno(int error, const char *what, const char *path)
{
    return prs_fail(code_of(error), "%s %s: %s", what, path, strerrordesc_np(error) != NULL ? strerrordesc_np(error) : "?");
}

/* ---- creation ---- */

/* Takes objects until what is left is too small; fills the extent table. The largest first: libpmemobj has one free chunk in a fresh
 * pool for each 16 GB. */
static int take_extents(void *pool, uint64_t bytes, uint64_t stack_bytes, bool sums, struct prf_extent *extents, unsigned *count)
{
    struct prf_extent stack = {.kind = PRF_EXTENT_NONE};
    uint64_t log_bytes = prs_log_area_bytes(bytes);
    struct pmem_oid oid;
    *count = 0;
    for (unsigned area = 0; area < 2; ++area) {
        if (pmemobj.alloc(pool, &oid, log_bytes + PRF_PAGE, 1, NULL, NULL) != 0) {
            return prs_fail(PROSPER_E_NO_SPACE, "no room for the log: %s", pmemobj.error());
        }
        extents[(*count)++] =
            (struct prf_extent){.offset = prs_round_up(oid.off, PRF_PAGE), .length = log_bytes, .kind = PRF_EXTENT_LOG};
    }
    if (stack_bytes > 0) {
        if (pmemobj.alloc(pool, &oid, stack_bytes + PRF_PAGE, 3, NULL, NULL) != 0) {
            return prs_fail(PROSPER_E_NO_SPACE, "no room for an image of the stack of %lu bytes: %s", stack_bytes, pmemobj.error());
        }
        stack = (struct prf_extent){.offset = prs_round_up(oid.off, PRF_PAGE), .length = stack_bytes, .kind = PRF_EXTENT_STACK};
    }
    uint64_t size = bytes < OBJECT_MAX ? bytes : OBJECT_MAX;
    while (size >= OBJECT_MIN && *count + 3 <= PRF_EXTENTS_MAX) {
        if (pmemobj.alloc(pool, &oid, size, 2, NULL, NULL) != 0) {
            uint64_t less = size / 64 > 262144 ? size / 64 : 262144;
            size = size > less ? size - less : 0;
            continue;
        }
        uint64_t at = prs_round_up(oid.off, PRF_PAGE);
        uint64_t usable = prs_round_down(oid.off + size - at, PRF_PAGE);
        uint64_t slots = (usable - PRF_PAGE) / (PRF_PAGE + prs_entry_bytes(sums));
        uint64_t entry_bytes = prs_round_up(slots * prs_entry_bytes(sums), PRF_PAGE);
        extents[(*count)++] = (struct prf_extent){.offset = at, .length = entry_bytes, .kind = PRF_EXTENT_ENTRIES};
        extents[(*count)++] = (struct prf_extent){.offset = at + entry_bytes, .length = slots * PRF_PAGE, .kind = PRF_EXTENT_SLOTS};
    }
    if (*count < 4) {
        return prs_fail(PROSPER_E_NO_SPACE, "no room for pages: %s", pmemobj.error());
    }
    if (stack.kind != PRF_EXTENT_NONE) {
        extents[(*count)++] = stack;
    }
    return 0;
}

static int fill_pool(const char *path, uint64_t bytes, uint64_t stack_bytes, bool sums)
{
    void *pool = pmemobj.create(path, PRF_LAYOUT, 0, 0600);
    if (pool == NULL) {
        int error = errno;
        return prs_fail(code_of(error), "pmemobj_create: %s", pmemobj.error());
    }
    struct pmem_oid root = pmemobj.root(pool, PRF_ROOT_BYTES + PRF_PAGE);
    struct prf_extent extents[PRF_EXTENTS_MAX];
    memset(extents, 0, sizeof extents);
    unsigned count = 0;
    int result = root.off == 0 ? prs_fail(PROSPER_E_NO_SPACE, "no room for the root: %s", pmemobj.error())
                               : take_extents(pool, bytes, stack_bytes, sums, extents, &count);
    uint64_t root_at = prs_round_up(root.off, PRF_PAGE);
    if (result == 0) {
        /* A handle of libpmemobj's is the address that the file is mapped at; all offsets count from there. */
        uint8_t *base = pool;
        uint8_t pool_id[16];
        uint64_t found = 0;
        if (getrandom(pool_id, sizeof pool_id, 0) != (ssize_t)sizeof pool_id) {
            result = prs_pool_fail_errno(errno, "getrandom for", path);
        } else {
            prs_root_write(base, root_at, bytes, extents, count, pool_id, prs_realtime_ns(), sums);
            pmemobj.persist(pool, base + root_at, PRF_ROOT_BYTES);
            if (prs_root_place(base, bytes, bytes, &found) != 0 || found != root_at) {
                result = prs_fail(PROSPER_E_UNSUPPORTED, "this libpmemobj keeps its root elsewhere: %lu, not %lu", root_at, found);
            }
        }
    }
    pmemobj.close(pool);
    return result;
}

/* Somebody has the file. The child of a process that was killed dies with it, but not in the same instant, and a start right after the
 * kill must not be turned away by it: one that lives on still has it after three seconds. */
#define WAIT_TRIES 150
static bool wait_a_little(int attempt)
{
    struct timespec time = {0, 20000000};
    return attempt < WAIT_TRIES && (nanosleep(&time, NULL) == 0 || errno == EINTR);
}

static int read_at(int fd, void *buffer, uint64_t bytes, uint64_t offset)
{
    uint64_t done = 0;
    while (done < bytes) {
        ssize_t got = pread(fd, (char *)buffer + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : 1;
        }
        done += (uint64_t)got;
    }
    return 0;
}

/* L4: as create_locked makes it, and at most as far as libpmemobj had come: its header is zeros or its own, the layout's name zeros or ours. */
static bool is_leftover(int fd, const struct stat *status)
{
    static const char zeros[sizeof PRF_LAYOUT];
    char head[sizeof PRF_LAYOUT] = "", layout[sizeof PRF_LAYOUT] = "";
    if (!S_ISREG(status->st_mode) || status->st_uid != geteuid() || status->st_nlink != 1) {
        return false;
    }
    return status->st_size == 0 || ((status->st_mode & 07777) == 0600 && status->st_size >= (off_t)PRF_PMEMOBJ_MIN && read_at(fd, head, 8, 0) == 0 &&
           read_at(fd, layout, sizeof layout, PRF_PMEMOBJ_LAYOUT_AT) == 0 &&
           (memcmp(head, zeros, 8) == 0 || memcmp(head, PRF_PMEMOBJ_SIGNATURE, 8) == 0) &&
           (memcmp(layout, zeros, sizeof layout) == 0 || memcmp(layout, PRF_LAYOUT, sizeof layout) == 0));
}

/* Opens "<path>.new" with its lock held. */
static int open_temporary(const char *name)
{
    for (int attempt = 0; attempt < WAIT_TRIES + 100; ++attempt) {
        int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (fd < 0) {
            return prs_pool_fail_errno(errno, "creating", name);
        }
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        struct stat mine, named;
        if (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
            int error = errno;
            close(fd);
            if ((error == EAGAIN || error == EACCES) && wait_a_little(attempt)) {
                continue;
            }
            return error == EAGAIN || error == EACCES ? prs_fail(PROSPER_E_IN_USE, "another process is creating %s", name)
                                                      : prs_pool_fail_errno(error, "locking", name);
        }
        if (fstat(fd, &mine) == 0 && stat(name, &named) == 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev) {
            if (!is_leftover(fd, &mine)) {
                close(fd);
                return prs_fail(PROSPER_E_NOT_A_POOL, "%s, where a new pool is made, is there and is something else", name);
            }
            return fd;
        }
        close(fd); /* another process has just renamed it */
    }
    return prs_fail(PROSPER_E_IN_USE, "%s comes and goes", name);
}

static int sync_directory_of(const char *path)
{
    char directory[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    if (length >= sizeof directory) {
        return -ENAMETOOLONG;
    }
    memcpy(directory, path, length);
    memcpy(directory + length, ".", 2);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return 0; /* a directory that may be searched but not read: its name is safe from a kill, which is what we promise */
    }
    int result = fsync(fd) == 0 || errno == EINVAL ? 0 : prs_pool_fail_errno(errno, "writing the directory of", path);
    close(fd);
    return result;
}

static int create_locked(int fd, const char *temporary, const char *path, uint64_t bytes, uint64_t stack_bytes, bool sums)
{
    /* From nothing: what an interrupted creation left must read as zero. */
    if (ftruncate(fd, 0) != 0 || fchmod(fd, 0600) != 0) {
        return prs_pool_fail_errno(errno, "preparing", temporary);
    }
    int error = posix_fallocate(fd, 0, (off_t)bytes);
    if (error != 0) {
        return prs_pool_fail_errno(error, "reserving space for", temporary);
    }
    int result = fill_pool(temporary, bytes, stack_bytes, sums);
    if (result != 0) {
        return result;
    }
    if (fsync(fd) != 0) {
        return prs_pool_fail_errno(errno, "writing", temporary);
    }
    CRASH_POINT(create_named);
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
        if (errno == EINVAL || errno == ENOSYS) { /* a file system without it */
            if (link(temporary, path) == 0) {
                unlink(temporary);
                return sync_directory_of(path);
            }
        }
        return errno == EEXIST ? prs_fail(PROSPER_E_IN_USE, "%s has appeared meanwhile", path) : prs_pool_fail_errno(errno, "naming", path);
    }
    CRASH_POINT(create_done);
    return sync_directory_of(path);
}

int prs_pool_create(const char *path, uint64_t bytes, uint64_t stack_bytes, bool sums)
{
    char temporary[PATH_BYTES];
    if (bytes < POOL_BYTES_MIN || bytes > PRS_POOL_BYTES_MAX) {
        return prs_fail(PROSPER_E_OPTION, "size=%lu: a pool has between 32M and 4T", bytes);
    }
    bytes = prs_round_up(bytes, 1ull << 20);
    if (strlen(path) + 5 > sizeof temporary) { /* with ".new" */
        return prs_fail(-ENAMETOOLONG, "%s", path);
    }
    strcpy(temporary, path);
    strcat(temporary, ".new");
    struct stat status;
    if (stat(path, &status) == 0) {
        return prs_fail(PROSPER_E_IN_USE, "%s exists", path);
    }
    int result = load_pmemobj();
    if (result != 0) {
        return result;
    }
    int fd = open_temporary(temporary);
    if (fd < 0) {
        return fd;
    }
    result = create_locked(fd, temporary, path, bytes, stack_bytes, sums);
    if (result != 0) {
        unlink(temporary);
    }
    close(fd);
    return result;
}

/* ---- checking ---- */

/* L3: what libpmemobj's messages would not tell apart. */
static int check_by_reading(int fd, const char *path)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return prs_pool_fail_errno(errno, "looking at", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return prs_fail(PROSPER_E_NOT_A_POOL, "%s is not a regular file", path);
    }
    uint64_t file_bytes = (uint64_t)status.st_size;
    static uint8_t head[PRF_PMEMOBJ_MIN];
    static struct prf_root root;
    uint64_t have = file_bytes < sizeof head ? file_bytes : sizeof head;
    uint64_t root_at;
    memset(head, 0, sizeof head);
    int result = read_at(fd, head, have, 0);
    if (result == 0) {
        result = prs_root_place(head, have, file_bytes, &root_at);
        if (result != 0) {
            return result;
        }
        result = read_at(fd, &root, sizeof root, root_at);
    }
    if (result != 0) {
        return result > 0 ? prs_fail(PROSPER_E_TRUNCATED, "%s became shorter while it was read", path)
                          : prs_pool_fail_errno(-result, "reading", path);
    }
    struct prs_geometry geometry;
    return prs_root_check(&root, root_at, file_bytes, &geometry);
}

int prs_pool_check(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return errno == EISDIR ? prs_fail(PROSPER_E_NOT_A_POOL, "%s is a directory", path) : prs_pool_fail_errno(errno, "opening", path);
    }
    int result = check_by_reading(fd, path);
    close(fd);
    if (result == 0) {
        result = load_pmemobj();
    }
    if (result != 0) {
        return result;
    }
    /* Its structures never change after creation, so there is nothing to recover and opening it (which writes a run number) is not
     * needed. */
    int consistent, error;
    int attempt = 0;
    do {
        errno = 0;
        consistent = pmemobj.check(path, PRF_LAYOUT);
        if (consistent == 1) {
            return 0;
        }
        error = consistent == 0 ? EINVAL : errno;
    } while ((error == EAGAIN || error == EWOULDBLOCK) && wait_a_little(attempt++));
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return prs_fail(PROSPER_E_IN_USE, "libpmemobj: %s", pmemobj.error());
    }
    int code = code_of(error);
    /* What it calls invalid, in a file that was ours a moment ago, is damage; what the system refused stays what it is. */
    bool system = code == PROSPER_E_READ_ONLY || code == PROSPER_E_NO_SPACE || error == ENOMEM || error == EMFILE || error == ENFILE;
    return prs_fail(system ? code : PROSPER_E_DAMAGED, "libpmemobj: %s", pmemobj.error());
}
