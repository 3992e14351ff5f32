/* interrupted CALL - blocks in a call again and again, between two breakpoints, for every_signal.c. Each time a SIGALRM that comes after the call was
 * begun must end it with EINTR. Prints one line at the end. */
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

static void handler(int signo) { (void)signo; }

static int set, ends[2];
static sigset_t mask;

static int call(const char *name)
{
    struct timespec time = {100000, 0};
    struct sembuf down = {0, -1, 0};
    char byte;
    switch (name[0]) {
    case 'p': return pause();
    case 's': return sigsuspend(&mask);
    case 'n': return nanosleep(&time, NULL);
    case 'w': return poll(NULL, 0, -1);
    case 'd': return semop(set, &down, 1);
    default: return (int)read(ends[0], &byte, 1);
    }
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    set = semget(IPC_PRIVATE, 1, 0600);
    CHECK_EQUAL(pipe(ends), 0);
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    for (int i = 0; i < rounds; ++i) {
        errno = 0;
        __asm__ volatile("int3" ::: "memory");
        int result = call(argv[1]);
        __asm__ volatile("int3" ::: "memory");
        CHECK(result == -1 && errno == EINTR);
    }
    semctl(set, 0, IPC_RMID);
    return check_end("interrupted");
}
