/* jumped_out.c - a handler leaves by siglongjmp from the middle of calls in which the runtime holds checkpoints back: they go on afterwards. */
#include "check.h"
#include <prosper/prosper.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static sigjmp_buf out;
static volatile sig_atomic_t inside, jumps;

static void on_alarm(int signo)
{
    (void)signo;
    if (inside) {
        inside = 0;
        ++jumps;
        siglongjmp(out, 1);
    }
}

static char path[1 << 17]; /* of directories that are not there: to look through it takes longer than the timer */
static char *arguments[] = {(char *)"nothing-of-that-name", NULL};

static void execute(void) { execvp(arguments[0], arguments); }

static void change(void)
{
    if (symlink("nothing", "jumped-out") == 0) {
        unlink("jumped-out");
    }
}

/* The call, again and again, until it was left a few times. */
static void leave(void (*call)(void), long us)
{
    volatile int tries = 0;
    jumps = 0;
    while (jumps < 4 && tries++ < 200) {
        struct itimerval timer = {{0, 0}, {0, us + tries % 7 * 90}}, none = {{0, 0}, {0, 0}};
        if (sigsetjmp(out, 1) == 0) {
            inside = 1;
            setitimer(ITIMER_REAL, &timer, NULL);
            for (int i = 0; i < 8; ++i) {
                call();
            }
        }
        inside = 0;
        setitimer(ITIMER_REAL, &none, NULL);
    }
    unlink("jumped-out");
}

/* One is taken within some running time, if this process takes any. */
static void goes_on(void)
{
    struct prosper_statistics before, now;
    prosper_stats(&before);
    clock_t began = clock();
    do {
        for (volatile int i = 0; i < 1000000; ++i) {
        }
        prosper_stats(&now);
    } while (now.checkpoints == before.checkpoints && now.restores == before.restores && before.checkpoints != 0 && clock() - began < 5 * CLOCKS_PER_SEC);
    CHECK(before.checkpoints == 0 || now.checkpoints != before.checkpoints || now.restores != before.restores);
}

int main(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    strcpy(path, "/");
    for (size_t length = 1; length + 32 < sizeof path; length = strlen(path)) {
        strcpy(path + length, ":/no/such");
        strcpy(path + length + 9, "/directory");
    }
    setenv("PATH", path, 1);
    leave(execute, 1000);
    goes_on();
    leave(change, 300);
    goes_on();
    return check_end("jumped_out");
}
