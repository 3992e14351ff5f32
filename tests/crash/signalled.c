/* signalled.c - counts the signals SIGRTMAX that its handler gets: signalled COUNT SPINS. Ends when it has COUNT, or after so many million rounds. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t handled;

static void handler(int signo)
{
    (void)signo;
    ++handled;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1;
    long rounds = argc > 2 ? atol(argv[2]) * 1000000 : 0;
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGRTMAX, &action, NULL);
    for (volatile long i = 0; i < rounds && handled < count; ++i) {
    }
    printf("%d\n", (int)handled);
    return 0;
}
