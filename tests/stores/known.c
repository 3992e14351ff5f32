/* known.c - programs whose stores are known by construction: the test `traced` has the figures. Nothing but what a mode is about is on the stack: counters are
 * static, so that they are the same stores, and elsewhere, at each level of optimisation. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct unaligned {
    volatile uint64_t value;
} __attribute__((packed));

static volatile int i, j;
static char *volatile self;

#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

/* 64 stores of a byte, 4 of eight, 1 over two granules, 1 of a hundred; 70 to the counter. */
static __attribute__((noinline)) void array(void)
{
    _Alignas(64) volatile unsigned char a[256];
    for (i = 0; i < 64; i++) {
        a[i] = (unsigned char)i;
    }
    for (i = 0; i < 4; i++) {
        ((volatile uint64_t *)(uintptr_t)(a + 64))[i] = 1;
    }
    ((struct unaligned *)(uintptr_t)(a + 100))->value = 2;
    memset((void *)(uintptr_t)(a + 128), 3, 100);
    KEEP(a);
}

/* Does so many rounds of four stores, to four granules. */
static __attribute__((noinline)) void spin(int rounds)
{
    _Alignas(64) volatile uint64_t a[4];
    for (i = 0; i < rounds; i++) {
        for (j = 0; j < 4; j++) {
            a[j] = 1;
        }
    }
    KEEP(a);
}

static __attribute__((noinline)) void deep(void)
{
    volatile uint64_t a[512];
    for (i = 0; i < 512; i++) {
        a[i] = 1;
    }
    KEEP(a);
}

static volatile uint64_t sum;
static void on_alarm(int number)
{
    (void)number;
    for (int k = 0; k < 3; k++) {
        sum++;
    }
}

static sigjmp_buf out;
static void leave(int number)
{
    (void)number;
    sum++;
    siglongjmp(out, 1);
}

static void *thread(void *nothing)
{
    (void)nothing;
    for (int k = 0; k < 1000; k++) {
        sum++;
    }
    return NULL;
}

static void alarms(void (*handler)(int), long us)
{
    struct itimerval often = {{0, us}, {0, us}};
    signal(SIGALRM, handler);
    setitimer(ITIMER_REAL, &often, NULL);
}

static void no_alarms(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
}

static __attribute__((noinline)) int run(const char *mode, int rounds)
{
    if (strcmp(mode, "array") == 0) {
        array();
    } else if (strcmp(mode, "spin") == 0) {
        spin(rounds);
    } else if (strcmp(mode, "deep") == 0) {
        deep();
        spin(rounds);
    } else if (strcmp(mode, "fork") == 0) {
        pid_t child = fork();
        if (child == 0) {
            spin(rounds);
            exit(0);
        }
        waitpid(child, NULL, 0);
        array();
    } else if (strcmp(mode, "vfork") == 0) {
        pid_t child = vfork();
        if (child == 0) {
            _exit(0);
        }
        waitpid(child, NULL, 0);
        array();
    } else if (strcmp(mode, "exec") == 0) {
        array();
        execl(self, self, "spin", "1000", (char *)NULL);
    } else if (strcmp(mode, "descriptors") == 0) {
        for (int fd = 3; fd < 1024; fd++) {
            if (close(fd) == 0 || dup2(2, fd) < 0) {
                sum++;
            }
            close(fd);
        }
        close_range(3, ~0u, 0);
        closefrom(3);
        array();
    } else if (strcmp(mode, "errno") == 0) {
        errno = ERANGE;
        spin(rounds);
        return errno == ERANGE ? 0 : 1;
    } else if (strcmp(mode, "alarms") == 0) {
        alarms(on_alarm, 200);
        spin(rounds);
        no_alarms();
    } else if (strcmp(mode, "jumps") == 0) {
        static volatile int jumps;
        if (sigsetjmp(out, 1) != 0) {
            jumps++;
        }
        if (jumps < 200) {
            alarms(leave, 300);
            spin(1000000000);
        }
        no_alarms();
        array();
    } else if (strcmp(mode, "thread") == 0) {
        pthread_t id;
        pthread_create(&id, NULL, thread, NULL);
        pthread_join(id, NULL);
        array();
    } else if (strcmp(mode, "quick_exit") == 0) {
        array();
        quick_exit(0);
    } else if (strcmp(mode, "_exit") == 0) {
        array();
        _exit(0);
    } else if (strcmp(mode, "exit_group") == 0) {
        array();
        syscall(SYS_exit_group, 0);
    } else if (strcmp(mode, "filter") == 0) {
        array();
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT); /* read, write, _exit */
        spin(rounds);
        write(1, "done\n", 5);
        syscall(SYS_exit, 0);
    } else if (strcmp(mode, "abort") == 0) {
        array();
        abort();
    } else {
        return 2;
    }
    return 0;
}

int main(int argc, char **argv)
{
    self = argv[0];
    int status = run(argv[1], argc > 2 ? atoi(argv[2]) : 0);
    puts("done");
    return status;
}
