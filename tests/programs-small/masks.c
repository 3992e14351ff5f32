/* Signal masks: every set round trip, and no set that the program gives blocks the runtime's signal. */
#include "check.h"
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t runs;
static void handler(int signo) { runs += signo == SIGUSR1 || signo == SIGALRM; }

static void round_trips(void)
{
    sigset_t all, old, now;
    sigfillset(&all);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &all, &old), 0);
    CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
    for (int signo = 1; signo < 32; ++signo) {
        CHECK_EQUAL(sigismember(&now, signo), signo != SIGKILL && signo != SIGSTOP);
        CHECK_EQUAL(sigismember(&old, signo), 0);
    }
    (void)check_spin(0.02);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &all) == 0 && memcmp(&all, &now, 8) == 0); /* as it was, checkpoints or not */
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    CHECK_EQUAL(pthread_sigmask(SIG_UNBLOCK, &one, NULL), 0);
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 0 && sigismember(&now, SIGUSR2) == 1);
    CHECK_EQUAL(sigprocmask(SIG_SETMASK, &old, NULL), 0);
    CHECK(sigprocmask(12345, &old, NULL) == -1 && errno == EINVAL);
    CHECK_EQUAL(sighold(SIGUSR1), 0);
    raise(SIGUSR1);
    sigset_t pending;
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1 && runs == 0);
    (void)check_spin(0.02);
    CHECK_EQUAL(runs, 0);
    CHECK_EQUAL(sigrelse(SIGUSR1), 0);
    CHECK_EQUAL(runs, 1);
}

static void suspending(void)
{
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, &old);
    runs = 0;
    raise(SIGUSR1);
    CHECK(sigsuspend(&old) == -1 && errno == EINTR && runs == 1); /* pending: let in at once */
    ualarm(20000, 0);
    CHECK(sigsuspend(&old) == -1 && errno == EINTR && runs == 2);
    ualarm(20000, 0);
    sigdelset(&block, SIGALRM);
    CHECK(sigpause(SIGALRM) == -1 && errno == EINTR && runs == 3);
    sigset_t now;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) == 1 && sigismember(&now, SIGALRM) == 1);
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK_EQUAL(alarm(10), 0);
    CHECK_EQUAL(alarm(0), 10);
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler}, old;
    sigfillset(&action.sa_mask);
    CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
    CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    /* Real-time signals are the program's, all of them, as far as it can tell by asking. */
    for (int signo = SIGRTMIN; signo <= SIGRTMAX; ++signo) {
        CHECK_EQUAL(sigaction(signo, &action, NULL), 0);
        CHECK(sigaction(signo, NULL, &old) == 0 && old.sa_handler == handler);
        CHECK(signal(signo, SIG_DFL) == handler);
    }
    for (int i = 0; i < 20; ++i) {
        runs = 0;
        round_trips();
        suspending();
    }
    return check_end("masks");
}
