/* restarted.c - a call that was interrupted by a handler and is made again when it returns, while a checkpoint in the handler has protected the page that the kernel is to write. Which
 * of the calls since a checkpoint goes straight (stack_guard.h) is not known, so each of the first few is the one in turn, for an x from standard input that comes late.
 * Prints how many handlers there were. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define CHECK(what) do { if (!(what)) { printf("line %d: %s\n", __LINE__, #what); exit(1); } } while (0)

static volatile int handled;
static volatile uint64_t sink;

static void spin(void)
{
    for (unsigned i = 0; i < 12000000; i++)
        sink = sink * 3 + i;
}

/* Not by a wrapper, which may make other calls. */
static long call(long number, long first, long second, long third)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "0"(number), "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return result;
}

static void handler(int signo)
{
    (void)signo;
    spin(), spin(); /* a checkpoint */
    ++handled;
}

static __attribute__((noinline)) void wait_for_it(volatile char *place, int calls)
{
    struct itimerval soon = {{0, 0}, {0, 2000}};
    volatile char frame[30000];
    frame[0] = 1;
    spin();
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    for (int i = 0; i < calls; i++)
        sink += (uint64_t)call(SYS_getppid, 0, 0, 0);
    CHECK(call(SYS_read, STDIN_FILENO, (long)place, 1) == 1);
    CHECK(*place == 'x' && frame[0] == 1);
}

int main(int argc, char **argv)
{
    char old[6 * 4096 + 2048]; /* few pages, so that few calls are dispatched before they go straight; each in turn, so that none stays open because it is written often */
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    memset(old, 0, sizeof old);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    for (int round = 0; round < rounds; round++) {
        wait_for_it(old + round / 3 % 6 * 4096 + 2048, 1 + round % 3);
    }
    printf("%d handlers\n", handled);
    return 0;
}
