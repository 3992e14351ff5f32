/* fork, vfork, exec, posix_spawn, system, popen, clone: children run plainly, with no descriptor and no variable of the runtime's. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Descriptors above 2, variables of ours, blocked or ignored signals: 0 when a program finds itself as an ordinary child. */
static int inspect(void)
{
    int wrong = 0;
    DIR *directory = opendir("/proc/self/fd");
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(directory)) {
            wrong |= 1;
        }
    }
    closedir(directory);
    for (char **variable = environ; *variable != NULL; ++variable) {
        wrong |= strncmp(*variable, "PROSPER_", 8) == 0 ? 2 : 0;
    }
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    for (int signo = 1; signo <= SIGRTMAX; ++signo) {
        struct sigaction action;
        wrong |= sigismember(&now, signo) == 1 ? 4 : 0;
        wrong |= sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_DFL ? 8 : 0;
    }
    return wrong;
}

static int status_of(pid_t child)
{
    int status = -1;
    return waitpid(child, &status, 0) == child ? (WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status)) : -1;
}

static int cloned(void *argument) { return *(int *)argument; }

int main(int argc, char **argv)
{
    if (argc > 1) {
        return inspect();
    }
    closefrom(3);
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = '\0';
    char *const arguments[] = {argv[0], "inspect", NULL};
    for (int i = 0; i < 3; ++i) {
        (void)check_spin(0.02);
        pid_t child = fork();
        if (child == 0) {
            (void)check_spin(0.03); /* no timer of ours here */
            _exit(42);
        }
        CHECK_EQUAL(status_of(child), 42);

        child = fork();
        if (child == 0) { /* memory of its own, as any process */
            char *page = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0) {
                _exit(98);
            }
            page[0] = 1;
            free(memset(malloc(64 << 20), 1, 64 << 20));
            _exit(munmap(page, 8192) != 0);
        }
        CHECK_EQUAL(status_of(child), 0);

        child = fork();
        if (child == 0) {
            execv(self, arguments);
            _exit(99);
        }
        CHECK_EQUAL(status_of(child), 0);

        child = vfork();
        if (child == 0) {
            close(77);
            execve(self, arguments, environ);
            _exit(99);
        }
        CHECK_EQUAL(status_of(child), 0);
        child = vfork();
        if (child == 0) {
            execlp("/does/not/exist", "x", (char *)NULL);
            _exit(98);
        }
        CHECK_EQUAL(status_of(child), 98);

        CHECK_EQUAL(posix_spawn(&child, self, NULL, NULL, arguments, environ), 0);
        CHECK_EQUAL(status_of(child), 0);
        CHECK(posix_spawn(&child, "/does/not/exist", NULL, NULL, arguments, environ) == ENOENT);
        CHECK_EQUAL(system("exit 7") >> 8, 7);
        FILE *stream = popen("echo from the child; exit 3", "r");
        char line[64] = "";
        CHECK(fgets(line, sizeof line, stream) != NULL && strcmp(line, "from the child\n") == 0);
        CHECK_EQUAL(pclose(stream) >> 8, 3);

        static char stack[65536] __attribute__((aligned(16)));
        int value = 5;
        child = clone(cloned, stack + sizeof stack, SIGCHLD, &value);
        CHECK_EQUAL(status_of(child), 5);

        /* exit() in a child writes what it has buffered, and does not end the parent's persistence. */
        fflush(stdout);
        child = fork();
        if (child == 0) {
            exit(11);
        }
        CHECK_EQUAL(status_of(child), 11);
        child = fork();
        if (child == 0) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            abort();
        }
        CHECK_EQUAL(status_of(child), 1000 + SIGABRT);
        /* An exec that fails leaves the program as it was. */
        CHECK(execl("/does/not/exist", "x", (char *)NULL) == -1 && errno == ENOENT);
    }
    fflush(stdout);
    CHECK(check_failures == 0);
    if (check_failures == 0) {
        /* The program replaces itself at last: its successor finds itself as an ordinary program, and says PASS. */
        execlp("sh", "sh", "-c", "echo PASS children", (char *)NULL);
    }
    return check_end("children");
}
