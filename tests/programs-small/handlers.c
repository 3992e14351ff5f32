/* The program's own signals: a handler of its own ends a blocking call with EINTR (and none is ever lost), SA_RESTART restarts, every kind of handler
 * gets its arguments, and what sigaction gives back is what was set. */
#include "check.h"
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t plain_runs, info_runs, last_code, last_pid;
static sigjmp_buf out;

static void plain(int signo) { plain_runs += signo == SIGALRM || signo == SIGUSR1; }
static void other(int signo) { (void)signo; }
static void with_info(int signo, siginfo_t *info, void *context)
{
    info_runs += signo == info->si_signo && context != NULL;
    last_code = info->si_code;
    last_pid = info->si_pid;
}
static void jumps(int signo) { siglongjmp(out, signo); }

static void set(int signo, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigfillset(&action.sa_mask);
    CHECK_EQUAL(sigaction(signo, &action, NULL), 0);
}

static void timer(long us)
{
    struct itimerval value = {{0, 0}, {us / 1000000, us % 1000000}};
    CHECK_EQUAL(setitimer(ITIMER_REAL, &value, NULL), 0);
}

static void interrupts(void)
{
    set(SIGALRM, plain, 0);
    struct timespec time = {5, 0}, left = {0, 0};
    int runs = plain_runs;
    timer(20000), CHECK(nanosleep(&time, &left) == -1 && errno == EINTR);
    CHECK(left.tv_sec == 4 && left.tv_nsec > 0);
    timer(20000), CHECK(poll(NULL, 0, 5000) == -1 && errno == EINTR);
    timer(20000), CHECK(ppoll(NULL, 0, &time, NULL) == -1 && errno == EINTR);
    struct timeval value = {5, 0};
    timer(20000), CHECK(select(0, NULL, NULL, NULL, &value) == -1 && errno == EINTR);
    timer(20000), CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &left), EINTR);
    timer(20000), CHECK(pause() == -1 && errno == EINTR);
    timer(20000), CHECK_EQUAL(sleep(3), 2);
    sigset_t none, old, usr;
    sigemptyset(&none);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR2);
    timer(20000), CHECK(sigtimedwait(&usr, NULL, &time) == -1 && errno == EINTR);
    sigaddset(&none, SIGALRM);
    sigprocmask(SIG_BLOCK, &none, &old);
    timer(20000), CHECK(sigsuspend(&old) == -1 && errno == EINTR);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK_EQUAL(plain_runs - runs, 9);

    /* read() with a time limit: the handler has no SA_RESTART, so the read fails. */
    int ends[2];
    char byte;
    CHECK_EQUAL(pipe(ends), 0);
    for (int i = 0; i < 40; ++i) {
        timer(3000 + i * 37), CHECK(read(ends[0], &byte, 1) == -1 && errno == EINTR);
    }
    /* With SA_RESTART it goes on. */
    set(SIGALRM, plain, SA_RESTART);
    pid_t child = fork();
    if (child == 0) {
        usleep(60000);
        _exit(write(ends[1], "x", 1) != 1);
    }
    timer(20000), CHECK_EQUAL(read(ends[0], &byte, 1), 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(ends[0]);
    close(ends[1]);
}

/* No wake-up is lost: one pause for each signal, hundreds of times, with the signal near the moment of a checkpoint. */
static void none_lost(void)
{
    set(SIGALRM, plain, 0);
    for (int i = 0; i < 300; ++i) {
        sigset_t block, old;
        sigemptyset(&block);
        sigaddset(&block, SIGALRM);
        sigprocmask(SIG_BLOCK, &block, &old);
        int runs = plain_runs;
        timer(500 + i * 13 % 1700);
        while (plain_runs == runs) {
            CHECK(sigsuspend(&old) == -1 && errno == EINTR);
        }
        sigprocmask(SIG_SETMASK, &old, NULL);
        timer(1500 + i * 7 % 1100);
        CHECK(pause() == -1 && errno == EINTR);
    }
}

static void kinds(void)
{
    struct sigaction action = {.sa_sigaction = with_info, .sa_flags = SA_SIGINFO}, old;
    sigemptyset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
    CHECK_EQUAL(info_runs, 1);
    CHECK_EQUAL(last_code, SI_USER);
    CHECK_EQUAL(last_pid, getpid());
    CHECK(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 1}) == 0 && last_code == SI_QUEUE);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_sigaction == with_info && (old.sa_flags & SA_SIGINFO) != 0);

    CHECK((void *)signal(SIGUSR1, plain) == (void *)with_info);
    CHECK(signal(SIGUSR1, SIG_IGN) == plain);
    CHECK(signal(SIGUSR1, other) == SIG_IGN);
    CHECK(signal(SIGUSR1, SIG_DFL) == other);
    CHECK(signal(SIGUSR1, plain) == SIG_DFL);
    CHECK(signal(SIGKILL, plain) == SIG_ERR && errno == EINVAL);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && (old.sa_flags & SA_RESTART) != 0);
    CHECK_EQUAL(siginterrupt(SIGUSR1, 1), 0);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && (old.sa_flags & SA_RESTART) == 0 && old.sa_handler == plain);

    set(SIGUSR1, plain, (int)SA_RESETHAND);
    int runs = plain_runs;
    raise(SIGUSR1);
    CHECK_EQUAL(plain_runs - runs, 1);
    CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == SIG_DFL);

    /* A child sees and sets its handlers as before. */
    set(SIGUSR1, plain, 0);
    pid_t child = fork();
    if (child == 0) {
        int wrong = sigaction(SIGUSR1, NULL, &old) != 0 || old.sa_handler != plain;
        runs = plain_runs;
        raise(SIGUSR1);
        wrong += plain_runs - runs != 1;
        wrong += signal(SIGUSR1, other) != plain;
        wrong += signal(SIGUSR1, plain) != other;
        raise(SIGUSR1);
        wrong += plain_runs - runs != 2;
        _exit(wrong);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);

    set(SIGUSR1, jumps, 0);
    for (int i = 0; i < 100; ++i) {
        if (sigsetjmp(out, 1) == 0) {
            raise(SIGUSR1);
            CHECK(0);
        }
        (void)check_spin(0.0005);
    }
    sigset_t now;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 0);

    /* On a stack of its own. */
    static char room[65536];
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room}, was;
    CHECK_EQUAL(sigaltstack(&stack, NULL), 0);
    set(SIGUSR1, plain, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK(sigaltstack(NULL, &was) == 0 && was.ss_sp == room && was.ss_size == sizeof room);
    stack.ss_flags = SS_DISABLE;
    CHECK_EQUAL(sigaltstack(&stack, NULL), 0);
}

int main(void)
{
    interrupts();
    none_lost();
    kinds();
    return check_end("handlers");
}
