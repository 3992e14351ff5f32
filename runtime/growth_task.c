/* growth_task.c - making an extension file: the task, and what is removed of those that did not come to anything.
 *
 *   "<pool>.k.new" created, mode 0600 ── space reserved ── header written, synced ── named "<pool>.k", directory synced ── mapped ── MADE
 *
 * INVARIANT G1: no file that was there before is written, replaced or removed, but for what growth itself leaves: a regular file of this user's alone, mode 0600, that
 *               begins with zeros (under the temporary name) or as an extension of this pool.
 * INVARIANT G2: what has the name is whole and on the medium; what is mapped is reserved on the disk.
 * INVARIANT G3: the program does not see any of it: the task has a table of descriptors of its own, every signal blocked, a stack in the runtime's range, no thread-local storage, and dies with
 *               the process. No page tables are copied for it.
 * INVARIANT G4: another pool may have an extension's name for its own ("job" and "job.1"), and be made under the same temporary name at the same time. Whoever writes or
 *               removes a file of that name has the lock of pool.c on it, and has looked that the name still leads there.
 * Context: the task; prs_growth_tidy at start and in restore. Raw system calls, no libc.
 */
#include "fault.h"
#include "growth_internal.h"
#include "state.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define STEP (16ull << 20) /* reserved at once: between two steps the task looks whether it is to go. A disk that has less is full */
#define RENAME_NOREPLACE_ 1u

/* "/proc/self/fd/<fd>" leads to the pool file, wherever it was moved to. */
static int find_pool(struct prs_growth *growth)
{
    char link[32];
    struct stat status;
    prs_format(link, sizeof link, "/proc/self/fd/%d", prs_p.fd_pool);
    long length = prs_sys(SYS_readlink, link, growth->pool, sizeof growth->pool - 16);
    if (length < 0 || length >= (long)sizeof growth->pool - 16) {
        return length < 0 ? (int)length : -ENAMETOOLONG;
    }
    growth->pool[length] = '\0';
    long error = prs_sys(SYS_newfstatat, AT_FDCWD, growth->pool, &status, 0);
    return error < 0 ? (int)error : status.st_dev == growth->device && status.st_ino == growth->inode ? 0 : -ENOENT; /* it was removed, or replaced */
}

static void make_names(struct prs_growth *growth, unsigned number)
{
    prs_format(growth->name, sizeof growth->name, "%s.%u", growth->pool, number);
    prs_format(growth->temporary, sizeof growth->temporary, "%s.new", growth->name);
}

/* G4. While it is held, the name leads to this file. */
static bool lock_temporary(long fd, const char *name)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat mine, named;
    return prs_sys(SYS_fcntl, fd, F_OFD_SETLK, &lock) == 0 && prs_sys(SYS_fstat, fd, &mine) == 0 &&
           prs_sys(SYS_newfstatat, AT_FDCWD, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && mine.st_dev == named.st_dev && mine.st_ino == named.st_ino;
}

static bool is_leftover(long fd, bool may_be_empty)
{
    struct prf_extension head;
    struct stat status;
    prs_fill(&head, 0, sizeof head);
    bool ours = prs_sys(SYS_fstat, fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 07777) == 0600 && status.st_nlink == 1 &&
                status.st_uid == (uid_t)prs_sys(SYS_geteuid) && prs_sys(SYS_pread64, fd, &head, sizeof head, 0) >= 0;
    unsigned differ = head.magic != PRF_EXTENSION_MAGIC, any = head.magic != 0;
    for (unsigned i = 0; i < sizeof head.pool_id; ++i) {
        differ |= head.pool_id[i] != prs_p.store.v->geometry.pool_id[i];
        any |= head.pool_id[i] != 0;
    }
    return ours && (!differ || (!any && may_be_empty));
}

static bool remove_leftover(const char *name, bool temporary)
{
    long fd = prs_sys(SYS_openat, AT_FDCWD, name, (temporary ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    bool removed = is_leftover(fd, temporary) && (!temporary || lock_temporary(fd, name)) && prs_sys(SYS_unlink, name) == 0;
    prs_sys(SYS_close, fd);
    return removed;
}

void prs_growth_tidy(struct prs_growth *growth, unsigned number)
{
    if (find_pool(growth) != 0) {
        return;
    }
    for (bool found = true; found; ++number) {
        make_names(growth, number);
        found = remove_leftover(growth->temporary, true);
        found |= remove_leftover(growth->name, false);
    }
}

/* ---- the task ---- */

/* For file systems that cannot reserve: zeros. */
static long write_zeros(struct prs_growth *growth, long fd, uint64_t from, uint64_t end)
{
    while (from < end) {
        uint64_t part = end - from < sizeof growth->zeros ? end - from : sizeof growth->zeros;
        long wrote = prs_sys(SYS_pwrite64, fd, growth->zeros, part, from);
        if (wrote < 0 && wrote != -EINTR) {
            return wrote;
        }
        from += wrote > 0 ? (uint64_t)wrote : 0;
    }
    return 0;
}

/* At most half of what the disk has left, in steps down to STEP: something stays for others, and nobody finds the disk full while this is tried. */
static int leave_half(struct prs_growth *growth, long fd)
{
    struct statfs space;
    if (prs_sys(SYS_fstatfs, fd, &space) != 0 || space.f_blocks == 0 || space.f_bsize <= 0) {
        return 0; /* it does not say: then reserving shows */
    }
    uint64_t free = (uint64_t)space.f_bavail * (uint64_t)space.f_bsize, least = growth->bytes < STEP ? growth->bytes : STEP;
    if (growth->bytes > free / 2) {
        growth->bytes = free / 2 > least ? prs_round_down(free / 2, PRF_PAGE) : least;
    }
    return growth->bytes <= free ? 0 : -ENOSPC;
}

static int reserve(struct prs_growth *growth, long fd)
{
    bool by_zeros = false;
    int full = leave_half(growth, fd);
    if (full != 0) {
        return full;
    }
    for (uint64_t done = 0; done < growth->bytes;) {
        uint64_t step = growth->bytes - done < STEP ? growth->bytes - done : STEP;
        if (growth->ended != 0) {
            return -ECANCELED;
        }
        long error = by_zeros ? write_zeros(growth, fd, done, done + step) : prs_sys(SYS_fallocate, fd, 0, done, step);
        if (error == -EOPNOTSUPP && !by_zeros) {
            by_zeros = true;
        } else if ((error == -ENOSPC || error == -EDQUOT || error == -EFBIG) && done >= STEP) {
            growth->bytes = done / 2 > STEP ? prs_round_down(done / 2, PRF_PAGE) : STEP; /* a quota, or a limit of file sizes */
            return (int)prs_sys(SYS_ftruncate, fd, growth->bytes);
        } else if (error < 0 && error != -EINTR) {
            return (int)error;
        } else if (error == 0) {
            done += step;
        }
    }
    return 0;
}

static int write_header(struct prs_growth *growth, long fd)
{
    /* Nothing of the geometry changes while the task is at work. */
    prs_extension_describe(&growth->header, &prs_p.store.v->geometry, growth->bytes, prs_realtime_ns());
    long wrote = prs_sys(SYS_pwrite64, fd, &growth->header, sizeof growth->header, 0);
    long error = wrote == (long)sizeof growth->header ? prs_sys(SYS_fsync, fd) : wrote < 0 ? wrote : -EIO;
    return (int)error;
}

static int give_name(struct prs_growth *growth, bool *named)
{
    long error = prs_sys(SYS_renameat2, AT_FDCWD, growth->temporary, AT_FDCWD, growth->name, RENAME_NOREPLACE_);
    if (error == -EINVAL || error == -ENOSYS) { /* a file system without it */
        error = prs_sys(SYS_link, growth->temporary, growth->name);
        if (error == 0) {
            prs_sys(SYS_unlink, growth->temporary);
        }
    }
    *named = error == 0;
    if (error != 0) {
        return (int)error;
    }
    PRS_FAULT_HERE(growth_named);
    char *slash = NULL;
    for (char *c = growth->pool; *c != '\0'; ++c) {
        slash = *c == '/' ? c : slash;
    }
    if (slash == NULL) {
        return -EINVAL; /* the kernel's names are absolute */
    }
    slash[slash == growth->pool] = '\0';
    long fd = prs_sys(SYS_openat, AT_FDCWD, growth->pool, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 && prs_p.options.durability == PRS_DURABILITY_POWER) {
        return (int)fd;
    }
    if (fd >= 0) { /* else a directory that may be searched but not read: its name is safe from a kill, which is what we promise */
        error = prs_sys(SYS_fsync, fd);
        prs_sys(SYS_close, fd);
    }
    return error == -EINVAL ? 0 : (int)error;
}

/* Out of reach first, so that no child of a fork that comes in between has it. */
static int map(const struct prs_growth *growth, long fd)
{
    uint64_t place = (uint64_t)prs_p.store.base + prs_p.store.v->geometry.end;
    long at = prs_sys(SYS_mmap, place, growth->bytes, PROT_NONE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    if ((uint64_t)at != place) {
        return at < 0 ? (int)at : -EEXIST;
    }
    prs_sys(SYS_madvise, place, growth->bytes, MADV_DONTFORK);
    long error = prs_sys(SYS_mprotect, place, growth->bytes, PROT_READ | PROT_WRITE);
    if (error != 0) {
        prs_sys(SYS_munmap, place, growth->bytes); /* or no other could ever have its place */
    }
    return (int)error;
}

void prs_growth_remove(const struct prs_growth *growth)
{
    prs_sys(SYS_munmap, (uint64_t)prs_p.store.base + prs_p.store.v->geometry.end, growth->bytes);
    prs_sys(SYS_unlink, growth->name);
}

static int make(struct prs_growth *growth)
{
    int error = find_pool(growth);
    if (error != 0) {
        return error;
    }
    make_names(growth, prs_p.store.v->geometry.extensions + 1);
    long fd = prs_sys(SYS_openat, AT_FDCWD, growth->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return (int)fd;
    }
    if (!lock_temporary(fd, growth->temporary)) {
        prs_sys(SYS_close, fd); /* a pool of that name is being made in it: not ours any more */
        return -EEXIST;
    }
    PRS_FAULT_HERE(growth_created);
    prs_sys(SYS_fchmod, fd, 0600); /* whatever the umask is */
    error = reserve(growth, fd);
    PRS_FAULT_HERE(growth_reserved);
    error = error == 0 ? write_header(growth, fd) : error;
    PRS_FAULT_HERE(growth_written);
    bool named = false;
    error = error == 0 ? give_name(growth, &named) : error;
    error = error == 0 ? map(growth, fd) : error;
    if (error != 0) {
        prs_sys(SYS_unlink, named ? growth->name : growth->temporary);
    }
    struct flock unlock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
    prs_sys(SYS_fcntl, fd, F_OFD_SETLK, &unlock); /* the mapping would keep it */
    prs_sys(SYS_close, fd);
    return error;
}

/* The task's table of descriptors becomes its own, and empty: a descriptor that the program closes is closed, and none of the task's turns up among the program's. */
static int leave_descriptors(const struct prs_growth *growth)
{
    if (!growth->own_table) {
        return (int)prs_sys(SYS_close_range, 0, ~0u, PRS_CLOSE_RANGE_UNSHARE);
    }
    for (int fd = 0; fd <= prs_p.fd_top; ++fd) {
        prs_sys(SYS_close, fd);
    }
    return 0;
}

void prs_growth_run(void)
{
    struct prs_growth *growth = prs_p.growth;
    growth->error = leave_descriptors(growth);
    if (growth->error == 0) {
        growth->error = make(growth);
    }
    __atomic_store_n(&growth->state, growth->error == 0 ? PRS_GROWTH_MADE : PRS_GROWTH_FAILED, __ATOMIC_SEQ_CST); /* pairs with the loads in growth.c */
    prs_sys(SYS_futex, &growth->state, FUTEX_WAKE, 1, NULL, NULL, 0);
    for (;;) {
        prs_sys(SYS_exit, 0);
    }
}
