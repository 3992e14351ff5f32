/* launch.c - stage 0: with the pool in hand, execute the program again without address randomisation.
 *
 * INVARIANTS
 *  L1  Nothing of the pool is changed before every check that this stage can make has passed; a refusal leaves it as it was.
 *  L2  The lock on the pool (POSIX, so a fork child does not hold it) is taken before the pool is believed and kept across the execve.
 *  L3  libpmemobj runs in forked children only (prs_pool_prepare): none of its state is ever in a process that has an image.
 *  L4  On a restart the kernel's stack comes out as in the first run: same path, arguments, environment and stack limit as the checkpoint's.
 * Context: constructor of libprosper, normal context, before the program's own constructors.
 */
#include "launch.h"
#include "error.h"
#include "fault.h"
#include "log.h"
#include "media.h"
#include "meta_load.h"
#include "prim.h"
#include "resumable.h"
#include "stack_way.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES 100
#define LOCK_PAUSE_US 10000
#define LAUNCH_NAME "prosper-launch"
#define LAUNCH_TOP 983 /* under the usual soft limit of 1024, with room above for what a restore opens */

int prs_launch_number(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > LAUNCH_TOP) {
        return LAUNCH_TOP;
    }
    return (int)limit.rlim_cur - 1;
}

/* Whatever is in it: a launch block by the name that stage 0 gives it. */
static bool has_launch_name(int fd)
{
    static const char name[] = "/memfd:" LAUNCH_NAME " ";
    char link[32], target[sizeof name];
    prs_format(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, target, sizeof target) >= (ssize_t)sizeof name - 1 && memcmp(target, name, sizeof name - 1) == 0;
}

/* The library of stage 0 need not be this one: the environment that chooses it is the pool's on a restart, and files are replaced. */
static int other_launch(int fd)
{
    return has_launch_name(fd) ? prs_fail(PROSPER_E_OTHER_LIBRARY, "the start began with another build of libprosper, whose launch block this one does not know") : PRS_LAUNCH_NONE;
}

int prs_launch_receive(struct prs_launch *launch)
{
    int fd = prs_launch_number();
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return errno == EBADF ? PRS_LAUNCH_NONE : prs_fail(-errno, "descriptor %d, which may hold the launch block", fd);
    }
    if (!S_ISREG(status.st_mode) || status.st_size != (off_t)sizeof *launch) {
        return other_launch(fd);
    }
    ssize_t count;
    do {
        count = pread(fd, launch, sizeof *launch, 0);
    } while (count < 0 && errno == EINTR);
    if (count != (ssize_t)sizeof *launch) {
        return prs_fail(count < 0 ? -errno : -EIO, "the launch block cannot be read");
    }
    if (launch->magic != PRS_LAUNCH_MAGIC || launch->size != sizeof *launch) {
        return other_launch(fd);
    }
    close(fd);
    return 0;
}

/* ---- the pool ---- */

static int open_pool(const char *path, int *out)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        /* To its final number before it is locked: closing any descriptor of the file, at the execve too, would drop a POSIX lock. */
        *out = dup2(fd, prs_launch_number() - 1);
        close(fd);
        return *out < 0 ? prs_fail(-errno, "descriptor %d cannot be used", prs_launch_number() - 1) : 0;
    }
    int error = errno;
    struct stat status;
    if (error == ENOENT && lstat(path, &status) == 0) {
        return prs_fail(PROSPER_E_NOT_A_POOL, "%s is a symbolic link that leads nowhere", path);
    }
    if (error == EROFS || error == EACCES || error == EPERM) {
        return prs_fail(PROSPER_E_READ_ONLY, "%s (%s)", path, strerror(error));
    }
    return error == EISDIR ? prs_fail(PROSPER_E_NOT_A_POOL, "%s is a directory", path) : -error;
}

static int lock(const char *path, int fd)
{
    int error;
    for (int tries = 0;; ++tries) { /* a process that was killed a moment ago takes a while to give up its memory */
        struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_SETLK, &range) == 0) {
            return 0;
        }
        error = errno;
        if ((error != EACCES && error != EAGAIN) || tries == LOCK_TRIES) {
            break;
        }
        usleep(LOCK_PAUSE_US);
    }
    if (error != EACCES && error != EAGAIN) {
        return prs_fail(-error, "%s cannot be locked", path);
    }
    struct flock holder = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int pid = fcntl(fd, F_GETLK, &holder) == 0 && holder.l_type != F_UNLCK ? holder.l_pid : 0;
    return prs_fail(PROSPER_E_IN_USE, "%s: process %d", path, pid);
}

/* Nothing that the program has inherited may stand where ours are going to be: it would be closed without a word. */
static int find_room(void)
{
    int top = prs_launch_number();
    for (int number = top - PRS_OWN_DESCRIPTORS + 1; number <= top; ++number) {
        if (fcntl(number, F_GETFD) >= 0) {
            return prs_fail(PROSPER_E_UNSUPPORTED, "descriptor %d (the runtime needs those from %d to %d)", number, top - PRS_OWN_DESCRIPTORS + 1, top);
        }
    }
    return 0;
}

static int take_pool(const char *path, const struct prs_options *options, bool *created, int *fd)
{
    *created = false;
    int error = find_room();
    error = error == 0 ? open_pool(path, fd) : error;
    if (error == -ENOENT && (error = prs_pool_check_directory(path, options->network != 0)) == 0) {
        struct rlimit limit;
        getrlimit(RLIMIT_STACK, &limit);
        error = prs_pool_prepare(path, options->pool_bytes, prs_stack_extent_bytes((enum prs_stack)options->stack, limit.rlim_cur), options->checksum == PRS_CHECKSUM_PAGES,
                                 created);
        if (error == 0 || error == PROSPER_E_IN_USE) { /* in use: another start has made it meanwhile; its lock says the rest */
            int opened = open_pool(path, fd);
            error = opened == -ENOENT ? error : opened;
        }
    }
    if (error == 0) {
        error = prs_pool_check_place(*fd, path, options->network != 0);
    }
    if (error == 0) {
        error = prs_pool_check_owner(path, *fd, options->foreign != 0);
    }
    if (error == 0) {
        error = lock(path, *fd);
    }
    return error;
}

/* ---- as it was at the first start ---- */

/* The path is the pool's: what is executed is this program, or nothing. One that is not there any more is refused at the execve. */
static int check_program(const struct prs_meta *meta, const char *own)
{
    struct stat was, now;
    const char *path = meta->text + meta->exec_path;
    if (stat(path, &was) == 0 && (stat(own, &now) != 0 || was.st_dev != now.st_dev || was.st_ino != now.st_ino)) {
        return prs_fail(PROSPER_E_OTHER_PROGRAM, "it runs %s, this is %s", path, own);
    }
    return 0;
}

static int pin_stack(const struct prs_meta *meta)
{
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    if (limit.rlim_cur == meta->stack_limit_soft) {
        return 0;
    }
    limit.rlim_cur = meta->stack_limit_soft;
    if (limit.rlim_max < limit.rlim_cur) {
        limit.rlim_max = limit.rlim_cur;
    }
    if (setrlimit(RLIMIT_STACK, &limit) != 0) {
        return prs_fail(PROSPER_E_STACK_LIMIT, "the checkpoint has %lu bytes, the hard limit is lower", meta->stack_limit_soft);
    }
    return 0;
}

/* ---- the execve ---- */

static int absolute_path(const char *path, char *out)
{
    if (path[0] == '/') {
        return strlen(path) < PRS_PATH_MAX ? (strcpy(out, path), 0) : -ENAMETOOLONG;
    }
    if (getcwd(out, PRS_PATH_MAX) == NULL) {
        return -errno;
    }
    size_t length = strlen(out);
    if (length + 1 + strlen(path) >= PRS_PATH_MAX) {
        return -ENAMETOOLONG;
    }
    out[length] = '/';
    strcpy(out + length + 1, path);
    return 0;
}

static int hand_over(const struct prs_launch *launch)
{
    int number = prs_launch_number();
    int fd = memfd_create(LAUNCH_NAME, 0);
    if (fd < 0) {
        return prs_fail(-errno, "the launch block cannot be made");
    }
    ssize_t count;
    do {
        count = write(fd, launch, sizeof *launch);
    } while (count < 0 && errno == EINTR);
    if (count != (ssize_t)sizeof *launch) {
        return prs_fail(count < 0 ? -errno : -ENOSPC, "the launch block cannot be written");
    }
    if (dup2(fd, number) < 0) {
        return prs_fail(-errno, "descriptor %d cannot be used", number);
    }
    close(fd);
    return 0;
}

static char **without_ours(char **envp)
{
    size_t count = 0;
    while (envp[count] != NULL) {
        ++count;
    }
    char **list = calloc(count + 1, sizeof *list);
    size_t kept = 0;
    for (size_t i = 0; list != NULL && i < count; ++i) {
        if (strncmp(envp[i], "PROSPER_POOL=", 13) != 0 && strncmp(envp[i], "PROSPER_OPTIONS=", 16) != 0) {
            list[kept++] = envp[i];
        }
    }
    return list;
}

static int without_randomisation(void)
{
    int old = personality(0xffffffff);
    if (old >= 0 && (old & ADDR_NO_RANDOMIZE) != 0) {
        return 0;
    }
    if (old < 0 || personality((unsigned long)old | ADDR_NO_RANDOMIZE) < 0) {
        return prs_fail(PROSPER_E_PERSONALITY, "personality(2) fails with %s (in Docker: --security-opt seccomp=unconfined, or a profile that allows it)",
                        strerror(errno));
    }
    return 0;
}

/* The pool as it is, mapped privately and only read. */
static int look(int fd, const char *path, const struct prs_options *options, struct prs_store *store, struct prs_arena *arena, uint64_t *length)
{
    struct prs_pool_map map;
    int error = prs_pool_map(&map, fd, path, NULL, PROT_READ, false, options->foreign == 0);
    *length = map.main_length;
    return error != 0 ? error : prs_store_attach(store, map.base, map.length, &prs_media_none, arena);
}

/* Which checksums a pool has is decided when it is made. */
static int check_sums(const struct prs_store *store, const struct prs_options *options)
{
    struct prs_store_use use;
    prs_store_usage(store, &use);
    return options->checksum != PRS_CHECKSUM_PAGES || use.page_sums
               ? 0
               : prs_fail(PROSPER_E_OPTION, "checksum=pages: the pool was made without page checksums (remove it, or name another; without the option it goes on as it is)");
}

int prs_launch_begin(const char *pool, const struct prs_options *options, int argc, char **argv, char **envp)
{
    static struct prs_launch launch;
    launch = (struct prs_launch){.magic = PRS_LAUNCH_MAGIC, .size = sizeof launch, .started_ns = prs_now_ns(), .options = *options};
    int error = prs_fault_select(options->fault);
    if (error != 0) {
        return error;
    }
    if ((error = absolute_path(pool, launch.pool_path)) != 0) {
        return error;
    }
    bool created;
    int fd;
    if ((error = take_pool(launch.pool_path, options, &created, &fd)) != 0) {
        return error;
    }
    struct prs_store store;
    struct prs_arena arena = {0, 0};
    if ((error = look(fd, launch.pool_path, options, &store, &arena, &launch.pool_bytes)) != 0) {
        return error;
    }
    if ((error = check_sums(&store, options)) != 0) {
        return error;
    }
    launch.created = created;
    enum prs_pool_state state = prs_store_state(&store);
    launch.resume = (state == PRS_POOL_RUNNING || (state == PRS_POOL_LEFT && options->stale)) && store.epoch > 0 && !options->fresh;
    char path[PRS_PATH_MAX];
    char **arguments = argv, **environment = without_ours(envp);
    if ((error = absolute_path((const char *)getauxval(AT_EXECFN), path)) != 0) {
        return error;
    }
    if ((state == PRS_POOL_OVERTAKEN || state == PRS_POOL_LEFT) && !launch.resume && !options->fresh) {
        char reason[256];
        prs_store_reason(&store, reason, sizeof reason);
        return state == PRS_POOL_LEFT ? prs_fail(PROSPER_E_UNSUPPORTED, "it went on without checkpoints because it had %s (--stale goes on from the last one all the same, "
                                                                        "--fresh starts over)", reason)
                                      : prs_fail(PROSPER_E_UNSUPPORTED, "%s (--fresh starts over)", reason);
    }
    if (launch.resume && options->trace[0] != '\0') {
        return prs_fail(PROSPER_E_OPTION, "trace=%s: a trace begins with its program, and the pool has a checkpoint to go on from (--fresh starts over; without trace it goes on)",
                        options->trace);
    }
    if (launch.resume) {
        struct prs_meta *meta;
        if ((error = prs_meta_load(&store, &arena, NULL, &meta)) != 0 || (error = prs_resumable_check(meta, options, argc, argv)) != 0 ||
            (error = check_program(meta, path)) != 0 || (error = pin_stack(meta)) != 0 || (error = prs_resumable_command(meta, path, &arguments, &environment)) != 0) {
            return error;
        }
    }
    if (arguments == NULL || environment == NULL) {
        return -ENOMEM;
    }
    if ((error = without_randomisation()) != 0 || (error = hand_over(&launch)) != 0) {
        return error;
    }
    PRS_FAULT_HERE(start_locked);
    execve(path, arguments, environment);
    error = errno;
    return launch.resume ? prs_fail(PROSPER_E_OTHER_PROGRAM, "%s cannot be executed (%s)", path, strerror(error))
                         : prs_fail(-error, "%s cannot be executed again", path);
}
