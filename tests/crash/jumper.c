/* jumper.c - leaves prosper_checkpoint by siglongjmp, from the handler of a signal that has come while it waited for the disk, and then computes: jumper ROUNDS, in millions.
 * Status 0; 1 when no signal came in time. */
#include <prosper/prosper.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static sigjmp_buf back;
static volatile sig_atomic_t inside;

static void handler(int signo)
{
    (void)signo;
    if (inside)
        siglongjmp(back, 1);
}

int main(int argc, char **argv)
{
    volatile int tries = 0;
    struct sigaction action = {.sa_handler = handler};
    struct itimerval soon = {{0, 0}, {0, 2000}};
    sigaction(SIGALRM, &action, NULL);
    if (sigsetjmp(back, 1) == 0) {
        for (; tries < 1000; ++tries) {
            inside = 1;
            setitimer(ITIMER_REAL, &soon, NULL);
            prosper_checkpoint();
            inside = 0;
        }
    }
    inside = 0;
    for (volatile long i = 0; i < (argc > 1 ? atol(argv[1]) : 0) * 1000000; ++i) {
    }
    printf("left after %d\n", tries);
    return tries < 1000 ? 0 : 1;
}
