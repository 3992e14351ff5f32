/* Calls with a time limit last as long as they should, however often a checkpoint interrupts them, and say that the time is up. */
#include "check.h"
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <threads.h>
#include <unistd.h>

#define MS 1000000L
static double begun;
static void begin(void) { (void)check_spin(0.002), begun = check_seconds(); }

/* Not shorter; longer only by what a busy machine takes. */
static void lasted(double seconds, int line)
{
    double time = check_seconds() - begun;
    check_that(time >= seconds - 1e-4, __FILE__, line, "long enough");
    check_that(time < seconds + 2.0, __FILE__, line, "not too long");
}
#define LASTED(seconds) lasted(seconds, __LINE__)

static struct timespec after(clockid_t clock, long ns)
{
    struct timespec when;
    clock_gettime(clock, &when);
    when.tv_nsec += ns;
    when.tv_sec += when.tv_nsec / 1000000000;
    when.tv_nsec %= 1000000000;
    return when;
}

static void all(void)
{
    struct timespec time = {0, 40 * MS}, when, left = {7, 7};
    begin(), CHECK_EQUAL(nanosleep(&time, &left), 0), LASTED(0.04);
    CHECK_EQUAL(left.tv_sec, 7); /* untouched when nothing is left */
    begin(), CHECK_EQUAL(usleep(40000), 0), LASTED(0.04);
    begin(), CHECK_EQUAL(clock_nanosleep(CLOCK_REALTIME, 0, &time, NULL), 0), LASTED(0.04);
    begin(), when = after(CLOCK_MONOTONIC, 40 * MS);
    CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL), 0), LASTED(0.04);
    begin(), CHECK_EQUAL(thrd_sleep(&time, NULL), 0), LASTED(0.04);

    struct pollfd nothing = {-1, POLLIN, 0};
    begin(), CHECK_EQUAL(poll(&nothing, 1, 40), 0), LASTED(0.04);
    begin(), CHECK_EQUAL(ppoll(NULL, 0, &time, NULL), 0), LASTED(0.04);
    CHECK_EQUAL(time.tv_nsec, 40 * MS);
    struct timeval timeout = {0, 40000};
    begin(), CHECK_EQUAL(select(0, NULL, NULL, NULL, &timeout), 0), LASTED(0.04);
    CHECK_EQUAL(timeout.tv_sec, 0);
    CHECK_EQUAL(timeout.tv_usec, 0); /* Linux counts it down */
    sigset_t mask;
    sigfillset(&mask);
    begin(), CHECK_EQUAL(pselect(0, NULL, NULL, NULL, &time, &mask), 0), LASTED(0.04);

    sem_t semaphore;
    CHECK_EQUAL(sem_init(&semaphore, 0, 0), 0);
    begin(), when = after(CLOCK_REALTIME, 40 * MS);
    errno = 0;
    CHECK_EQUAL(sem_timedwait(&semaphore, &when), -1);
    CHECK_EQUAL(errno, ETIMEDOUT), LASTED(0.04);
    begin(), when = after(CLOCK_MONOTONIC, 40 * MS);
    CHECK_EQUAL(sem_clockwait(&semaphore, CLOCK_MONOTONIC, &when), -1);
    CHECK_EQUAL(errno, ETIMEDOUT), LASTED(0.04);

    sigset_t none;
    sigemptyset(&none);
    sigaddset(&none, SIGUSR2);
    sigprocmask(SIG_BLOCK, &none, &mask);
    begin(), CHECK_EQUAL(sigtimedwait(&none, NULL, &time), -1);
    CHECK_EQUAL(errno, EAGAIN), LASTED(0.04);
    raise(SIGUSR2);
    CHECK_EQUAL(sigwaitinfo(&none, NULL), SIGUSR2);
    raise(SIGUSR2);
    int got = 0;
    CHECK_EQUAL(sigwait(&none, &got), 0);
    CHECK_EQUAL(got, SIGUSR2);
    sigprocmask(SIG_SETMASK, &mask, NULL);

    int set = semget(IPC_PRIVATE, 1, 0600);
    if (set >= 0) {
        struct sembuf down = {0, -1, 0};
        begin(), CHECK_EQUAL(semtimedop(set, &down, 1, &time), -1);
        CHECK_EQUAL(errno, EAGAIN), LASTED(0.04);
        CHECK_EQUAL(semctl(set, 0, IPC_RMID), 0);
    }
}

int main(void)
{
    for (int i = 0; i < 3; ++i) {
        all();
    }
    int epoll = epoll_create1(0);
    struct epoll_event event;
    struct timespec time = {0, 40 * MS};
    begin(), CHECK_EQUAL(epoll_wait(epoll, &event, 1, 40), 0), LASTED(0.04);
    begin(), CHECK_EQUAL(epoll_pwait(epoll, &event, 1, 40, NULL), 0), LASTED(0.04);
    begin();
    int result = epoll_pwait2(epoll, &event, 1, &time, NULL);
    if (result != -1 || errno != ENOSYS) {
        CHECK_EQUAL(result, 0), LASTED(0.04);
    }
    close(epoll);
    begin(), CHECK_EQUAL(sleep(1), 0), LASTED(1.0);

    /* Bad arguments fail as ever. */
    struct timespec bad = {0, 1000000000};
    CHECK(nanosleep(&bad, NULL) == -1 && errno == EINVAL);
    CHECK(ppoll(NULL, 0, &bad, NULL) == -1 && errno == EINVAL);
    CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL), EINVAL);
    CHECK_EQUAL(poll(NULL, 0, 0), 0);
    return check_end("sleeps");
}
