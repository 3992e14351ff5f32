/* An interval timer and an alarm of the program's own keep coming, restart or not; work and handler share a counter. */
#include "check.h"
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks, alarms;
static void tick(int signo) { signo == SIGALRM ? ++alarms : ++ticks; }

int main(void)
{
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    CHECK_EQUAL(sigaction(SIGVTALRM, &action, NULL), 0);
    CHECK_EQUAL(sigaction(SIGPROF, &action, NULL), 0);
    CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
    struct itimerval each = {{0, 20000}, {0, 20000}}, now;
    CHECK_EQUAL(setitimer(ITIMER_VIRTUAL, &each, NULL), 0);
    CHECK_EQUAL(setitimer(ITIMER_PROF, &each, NULL), 0);
    while (ticks < 40) {
        (void)check_spin(0.005);
    }
    CHECK(getitimer(ITIMER_VIRTUAL, &now) == 0 && now.it_interval.tv_usec == 20000);
    each = (struct itimerval){{0, 0}, {0, 0}};
    CHECK_EQUAL(setitimer(ITIMER_VIRTUAL, &each, NULL), 0);
    CHECK_EQUAL(setitimer(ITIMER_PROF, &each, NULL), 0);
    for (int i = 0; i < 25; ++i) {
        sigset_t block, old;
        sigemptyset(&block);
        sigaddset(&block, SIGALRM);
        sigprocmask(SIG_BLOCK, &block, &old);
        CHECK_EQUAL(ualarm(15000, 0), 0);
        (void)check_spin(i % 2 ? 0.02 : 0.001);
        while (alarms <= i) {
            CHECK(sigsuspend(&old) == -1 && errno == EINTR);
        }
        sigprocmask(SIG_SETMASK, &old, NULL);
    }
    CHECK_EQUAL(alarms, 25);
    CHECK_EQUAL(alarm(100), 0);
    (void)check_spin(0.05);
    unsigned left = alarm(0);
    CHECK(left >= 90 && left <= 100);
    return check_end("ticks");
}
