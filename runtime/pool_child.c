/* pool_child.c - libpmemobj in a forked child: whatever state it has, and however it dies of a damaged file, the caller's process does not see it.
 *
 *   parent                         child
 *   fork, reads answers      ->    "libpmemobj dies of it" (what counts should it die), then checks or creates, then its result
 *
 * INVARIANT H1: the child is gone when the caller goes on, and dies with its parent.
 * INVARIANT H2: a check that does not come to an end is a finding: the child has CPU_SECONDS.
 * Context: normal; stage 0, restore (before anything is changed), tools.
 */
#include "pool_internal.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CPU_SECONDS 60 /* libpmemobj's check takes milliseconds, and some seconds for terabytes */

struct answer {
    int result;
    bool created;
    char detail[PRS_DETAIL_MAX];
};

struct task {
    const char *path;
    bool may_create, sums;
    uint64_t bytes, stack_bytes;
};

static void answer_in_child(int fd, const struct task *task)
{
    struct answer answer;
    memset(&answer, 0, sizeof answer);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error to report, not a death */
    struct stat status;
    if (stat(task->path, &status) == 0) {
        answer.result = PROSPER_E_DAMAGED; /* what our parent reports should libpmemobj die of the file, as some damage makes it */
        strcpy(answer.detail, "libpmemobj dies of it");
        if (write(fd, &answer, sizeof answer) != (ssize_t)sizeof answer) {
            prs_sys(SYS_exit_group, 1);
        }
        struct rlimit none = {0, 0}, time = {CPU_SECONDS, CPU_SECONDS + 1};
        setrlimit(RLIMIT_CORE, &none);
        setrlimit(RLIMIT_CPU, &time);
        answer.result = prs_pool_check(task->path);
    } else if (errno == ENOENT && task->may_create) {
        answer.result = prs_pool_create(task->path, task->bytes, task->stack_bytes, task->sums);
        answer.created = answer.result == 0;
    } else {
        answer.result = prs_pool_fail_errno(errno, "looking at", task->path);
    }
    strncpy(answer.detail, prs_detail(), sizeof answer.detail - 1);
    ssize_t written = write(fd, &answer, sizeof answer);
    prs_sys(SYS_exit_group, written != (ssize_t)sizeof answer);
}

static int in_child(const struct task *task, bool *created)
{
    *created = false;
    const char *path = task->path;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return prs_pool_fail_errno(errno, "pipe for", path);
    }
    pid_t parent = getpid();
    pid_t child = _Fork(); /* no atfork handlers: the child is never the program */
    if (child < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return prs_pool_fail_errno(error, "fork for", path);
    }
    if (child == 0) {
        close(ends[0]);
        /* Killed with its parent: an orphan would hold its locks against the next start. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
            prs_sys(SYS_exit_group, 1);
        }
        answer_in_child(ends[1], task);
        __builtin_unreachable();
    }
    close(ends[1]);
    if (fcntl(ends[1], F_GETFD) >= 0) { /* it failed, and is open: we would wait for ourselves */
        close(ends[1]);
    }
    struct answer answer, next;
    unsigned answers = 0;
    memset(&answer, 0, sizeof answer);
    for (;;) { /* the last answer counts; each is less than PIPE_BUF and comes whole */
        ssize_t count = read(ends[0], &next, sizeof next);
        if (count == (ssize_t)sizeof next) {
            answer = next;
            ++answers;
        } else if (count >= 0 || errno != EINTR) {
            break;
        }
    }
    close(ends[0]);
    int status = 0;
    long waited;
    do {
        waited = prs_sys(SYS_wait4, child, &status, 0, 0); /* ECHILD where SIGCHLD is ignored: the answer says enough */
    } while (waited == -EINTR);
    if (answers == 0 || (waited == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
        return prs_fail(PROSPER_E_INTERNAL, "the process that prepares %s died (status %d)", path, waited == child ? status : -1);
    }
    *created = answer.created;
    answer.detail[sizeof answer.detail - 1] = '\0';
    return answer.result == 0 ? 0 : prs_fail(answer.result, "%s", answer.detail);
}

int prs_pool_prepare(const char *path, uint64_t bytes, uint64_t stack_bytes, bool sums, bool *created)
{
    const struct task task = {path, true, sums, bytes, stack_bytes};
    return in_child(&task, created);
}

int prs_pool_check_apart(const char *path)
{
    const struct task task = {.path = path};
    bool created;
    return in_child(&task, &created);
}
