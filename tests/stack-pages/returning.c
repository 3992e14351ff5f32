/* returning.c - a handler without SA_ONSTACK and one with it, in turn; the second must run on the alternate stack, and the first not. A checkpoint at the return from the first
 * (tests/stack-pages/returning makes it come there) must leave that so for the process that goes on from it. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

static char stack[65536];
volatile int count; /* of the plain handler; the debugger looks at it */
static volatile int wrong;
static volatile uint64_t sink;

static uint64_t stack_pointer(void)
{
    uint64_t result;
    __asm__ volatile("mov %%rsp, %0" : "=r"(result));
    return result;
}

void plain(int signo)
{
    (void)signo;
    ++count;
    wrong |= stack_pointer() - (uint64_t)stack < sizeof stack;
}

static void apart(int signo)
{
    (void)signo;
    wrong |= 2 * (stack_pointer() - (uint64_t)stack >= sizeof stack);
}

static void spin(void)
{
    for (unsigned i = 0; i < 12000000; i++)
        sink = sink * 3 + i;
}

int main(void)
{
    volatile char deep[200000]; /* so that many calls are dispatched before they go straight (stack_guard.h): the return among them */
    for (unsigned i = 0; i < sizeof deep; i++)
        deep[i] = 1;
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = apart, .sa_flags = SA_ONSTACK};
    sigaltstack(&alternate, NULL);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGUSR2, plain);
    for (int i = 0; i < 20 && wrong == 0; i++) {
        spin(); /* checkpoints */
        raise(SIGUSR2);
        spin();
        raise(SIGUSR1);
    }
    printf("%d handlers, wrong: %d\n", count, wrong);
    return wrong + deep[count] - 1;
}
