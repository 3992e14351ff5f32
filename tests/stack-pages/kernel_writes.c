/* kernel_writes.c - the kernel writes into frames that were not touched for long: system calls with buffers there, masks, children of every kind. Each round checks what
 * arrived. Deterministic; argument: rounds. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* Each on pages of its own. */
struct old_frame {
    char bytes[20000], more[20000];
    char before[8192];
    struct stat status;
    char between[8192];
    sigset_t mask;
    char between_more[8192];
    int child;
    char last[8192];
    struct pollfd poll;
    struct timespec left;
    struct utsname name;
    char tail[8192];
    struct timeval now;
    struct rusage usage;
};

#define CHECK(what) do { if (!(what)) { printf("line %d: %s\n", __LINE__, #what); exit(1); } } while (0)

static volatile uint64_t sink;

static __attribute__((noinline)) void spin(unsigned count)
{
    volatile uint64_t x = 1;
    for (unsigned i = 0; i < count; i++)
        x = x * 3 + i;
    sink += x;
}

static uint64_t sum(const void *bytes, size_t count)
{
    uint64_t result = 1;
    for (size_t i = 0; i < count; i++)
        result = result * 31 + ((const unsigned char *)bytes)[i];
    return result;
}

static __attribute__((noinline)) void calls(struct old_frame *old, int fd, int round)
{
    static char content[20000];
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (char)(i * 7 + (size_t)round);
    CHECK(pwrite(fd, content, sizeof content, 0) == sizeof content);
    spin(300000);
    CHECK(pread(fd, old->bytes, sizeof old->bytes, 0) == sizeof old->bytes && memcmp(old->bytes, content, sizeof content) == 0);
    spin(300000);
    struct iovec *parts = malloc(2 * sizeof *parts); /* on the heap, pointing into the stack */
    parts[0] = (struct iovec){old->more + 5000, 6000};
    parts[1] = (struct iovec){old->more + 13000, 7000};
    CHECK(preadv(fd, parts, 2, 100) == 13000 && memcmp(old->more + 5000, content + 100, 6000) == 0 && memcmp(old->more + 13000, content + 6100, 7000) == 0);
    free(parts);
    spin(300000);
    CHECK(fstat(fd, &old->status) == 0 && old->status.st_size == sizeof content);
    spin(300000);
    sigset_t usual;
    sigemptyset(&usual);
    sigaddset(&usual, SIGUSR1);
    sigaddset(&usual, SIGSEGV);
    CHECK(sigprocmask(SIG_BLOCK, &usual, &old->mask) == 0 && sigismember(&old->mask, SIGUSR1) == 0);
    old->before[round % 8192]++; /* with SIGSEGV blocked, as the program thinks */
    raise(SIGUSR1);
    CHECK(sigpending(&old->mask) == 0 && sigismember(&old->mask, SIGUSR1) == 1);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR1, SIG_DFL);
    CHECK(sigprocmask(SIG_UNBLOCK, &usual, NULL) == 0);
    spin(300000);
    old->poll = (struct pollfd){.fd = fd, .events = POLLIN};
    spin(300000);
    CHECK(poll(&old->poll, 1, 0) == 1 && (old->poll.revents & POLLIN) != 0);
    spin(300000);
    CHECK(uname(&old->name) == 0 && strcmp(old->name.sysname, "Linux") == 0);
    CHECK(syscall(SYS_gettimeofday, &old->now, NULL) == 0 && old->now.tv_sec > 1000000);
    CHECK(getrusage(RUSAGE_SELF, &old->usage) == 0 && old->usage.ru_maxrss > 0);
    CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &old->left) == 0 && old->left.tv_sec >= 0);
    spin(300000);
}

static __attribute__((noinline)) void children(struct old_frame *old, int round)
{
    pid_t pid = fork();
    if (pid == 0) {
        old->last[7]++;
        _exit(sum(old->bytes, sizeof old->bytes) % 200 == 300 ? 1 : round % 100);
    }
    spin(300000);
    CHECK(waitpid(pid, &old->child, 0) == pid && WIFEXITED(old->child) && WEXITSTATUS(old->child) == round % 100);
    spin(300000);
    CHECK(system("exit 3") == 3 << 8);
    char *arguments[] = {(char *)"sh", (char *)"-c", (char *)"exit 5", NULL};
    spin(300000);
    CHECK(posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) == 0 && waitpid(pid, &old->child, 0) == pid && WEXITSTATUS(old->child) == 5);
    pid = vfork();
    if (pid == 0)
        _exit(9);
    CHECK(waitpid(pid, &old->child, 0) == pid && WEXITSTATUS(old->child) == 9);
}

static __attribute__((noinline)) uint64_t deeper(int depth, struct old_frame *old, int fd, int round)
{
    volatile char frame[1500];
    frame[depth % 1500] = (char)round;
    if (depth > 0)
        return deeper(depth - 1, old, fd, round) + (uint64_t)frame[depth % 1500];
    calls(old, fd, round);
    if (round % 10 == 4)
        children(old, round);
    return sum(old->bytes, sizeof old->bytes) ^ sum(old->more, sizeof old->more) ^ sum(old->before, sizeof old->before);
}

int main(int argc, char **argv)
{
    struct old_frame old;
    memset(&old, 0, sizeof old);
    int rounds = argc > 1 ? atoi(argv[1]) : 50;
    int fd = open("kernel_writes.data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK(fd >= 0);
    for (int round = 0; round < rounds; round++)
        printf("%d: %016lx\n", round, (unsigned long)deeper(20 + round % 20, &old, fd, round));
    CHECK(close(fd) == 0);
    return 0;
}
