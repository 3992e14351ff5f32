/* flags: -O1 --prosper-track=all; plans: timed=1,die=5,rounds=20000
 *
 * A checkpoint between the moment when raise asks for the process's number and the one when it uses it: restored, it fails with ESRCH, and the signal is lost. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile long count;

static void handler(int number) { count += number; }

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? atol(argv[1]) : 1, lost = 0;
    signal(SIGUSR1, handler);
    for (long i = 0; i < rounds; ++i) {
        lost += raise(SIGUSR1) != 0;
    }
    printf("%ld %ld\n", count, lost);
    return 0;
}
